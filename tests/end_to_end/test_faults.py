"""Faults of data, disks, settings, losses: one clear error, nothing lost or half-written."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gannet.api.train import prepare
from gannet.core.errors import ConfigError, DivergedError, GannetError
from gannet.core.io import files
from gannet.inference.artifact import Artifact
from gannet.recipes.registry import find_recipe
from gannet.testing import changed
from gannet.training import run as runs
from gannet.training.loop import run_training

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]


def train(plan, loaded, out):
    return list(run_training(plan, loaded, out, save_seconds=0, clock=lambda: 0.0))


def lines(run):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    text = (run / "training_log.jsonl").read_text()
    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


# -- losses that are no numbers ----------------------------------------------------------------


def poisoned(monkeypatch, *steps):
    """Make the discriminator's loss of some steps not a number."""
    recipe = find_recipe("generate")
    calls = 0  # looks ask for the generator's terms too, for the discriminator's only steps do

    def terms(networks, batch, noise, config):
        nonlocal calls
        calls += 1
        found = recipe.training.discriminator_losses(networks, batch, noise, config)
        if calls in steps:
            return {name: term * float("nan") for name, term in found.items()}
        return found

    broken = changed(recipe, discriminator_losses=terms)
    monkeypatch.setattr(runs, "find_recipe", lambda name: broken)


def finite(network):
    return all(bool(each.isfinite().all()) for each in network.state_dict().values())


@pytest.mark.parametrize("auto_adjust", [True, False])
@pytest.mark.parametrize("step", [2, 6], ids=["before the first look", "later"])
def test_a_loss_that_is_no_number_is_rolled_back_and_reported(
    planned, loaded, tmp_path, monkeypatch, auto_adjust, step
):
    poisoned(monkeypatch, step)
    run = tmp_path / "run"
    moments = train(planned(auto_adjust=auto_adjust, steps=16), loaded, run)
    assert len(moments) == 16
    found = lines(run)
    bad = [each for each in found if each["diagnosis"] == "diverged"]
    assert len(bad) == 1
    assert bad[0]["step"] == -(-step // 4) * 4
    assert bad[0]["action"]["rollback"]
    assert "no longer finite" in bad[0]["action"]["reason"]
    assert bad[0]["monitor"]["energy_distance"] is None
    assert found[-1]["diagnosis"] == "healthy"
    assert finite(Artifact.load(run).model)


def test_the_rate_is_halved_after_going_back(planned, loaded, tmp_path, monkeypatch):
    poisoned(monkeypatch, 6)
    train(planned(steps=16, learning_rate=0.002), loaded, tmp_path / "run")
    assert Artifact.load(tmp_path / "run").config.learning_rate == 0.001


def test_a_rolled_back_run_resumes_to_the_same_bits(planned, loaded, tmp_path, monkeypatch):
    plan = planned(steps=16)
    poisoned(monkeypatch, 6)
    train(plan, loaded, tmp_path / "whole")
    poisoned(monkeypatch, 6)
    moments = run_training(plan, loaded, tmp_path / "killed", save_seconds=0, clock=lambda: 0.0)
    list(islice(moments, 9))  # beyond the look that finds out, at step 8
    moments.close()
    poisoned(monkeypatch)
    train(plan, loaded, tmp_path / "killed")
    one, two = (Artifact.load(tmp_path / name) for name in ("whole", "killed"))
    assert one.card == two.card
    assert lines(tmp_path / "whole") == lines(tmp_path / "killed")
    assert lines(tmp_path / "whole")[1]["diagnosis"] == "diverged"


def test_a_hopeless_run_says_so(planned, loaded, tmp_path, monkeypatch):
    poisoned(monkeypatch, *range(1, 1_000))
    run = tmp_path / "run"
    with pytest.raises(DivergedError, match="training diverged and was never healthy") as caught:
        train(planned(steps=100), loaded, run)
    assert "--learning-rate" in caught.value.remedy
    assert caught.value.where.startswith("step ")
    assert lines(run)[-1]["action"]["stop"]
    assert len(lines(run)) == 5, "four ways back, then the end"
    assert not (run / "card.json").exists()


def test_a_hopeless_run_stopped_before_its_first_look_says_so(
    planned, loaded, tmp_path, monkeypatch
):
    poisoned(monkeypatch, 1)
    with pytest.raises(DivergedError, match="was never healthy"):
        list(run_training(planned(), loaded, tmp_path / "run", stop=lambda: True))


def test_a_judge_of_no_finite_numbers_is_no_artifact(planned, loaded, tmp_path):
    moments = run_training(planned(), loaded, tmp_path / "run", stop=lambda: True)
    next(moments)
    run = moments.gi_frame.f_locals["run"]
    with torch.no_grad():
        next(run.trainer.networks.discriminator.parameters()).fill_(math.nan)
    with pytest.raises(DivergedError, match="was never healthy"):
        list(moments)
    assert not (tmp_path / "run" / "card.json").exists()


def test_a_run_that_was_healthy_once_keeps_its_best(planned, loaded, tmp_path, monkeypatch):
    poisoned(monkeypatch, *range(10, 1_000))
    run = tmp_path / "run"
    train(planned(steps=100), loaded, run)
    assert finite(Artifact.load(run).model)
    assert Artifact.load(run).card.diagnosis["name"] == "diverged"
    assert "giving up" in (run / "README.md").read_text()


# -- the disk ----------------------------------------------------------------------------------


def full_disk(monkeypatch, name):
    """Let writing of files of that name fail as on a full disk, from the second time on."""
    fsync, seen = os.fsync, []

    def fail(number):
        path = Path(f"/proc/self/fd/{number}").readlink()
        if path.name.startswith(f".new-{Path(name).stem}.") and path.suffix == Path(name).suffix:
            seen.append(name)
            if len(seen) > 1 or name != "checkpoint.pt":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(number)

    monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.parametrize("name", ["checkpoint.pt", "model.safetensors", "card.json", "plan.json"])
def test_a_disk_that_is_full_while_saving_loses_nothing(
    planned, loaded, tmp_path, monkeypatch, name
):
    run, whole = tmp_path / "run", tmp_path / "whole"
    full_disk(monkeypatch, name)
    with pytest.raises(GannetError, match=rf"{name}: the disk is full") as caught:
        train(planned(), loaded, run)
    assert "the same command again" in caught.value.remedy
    assert not list(run.rglob(".new-*"))
    assert not (run / "card.json").exists()
    if name == "checkpoint.pt":
        assert torch.load(run / "checkpoint.pt", weights_only=True)["trainer"]["step"] == 1
    monkeypatch.undo()
    train(planned(), loaded, run)
    train(planned(), loaded, whole)
    for file in ("model.safetensors", "card.json", "training_log.jsonl"):
        assert (run / file).read_bytes() == (whole / file).read_bytes()


def test_a_disk_that_is_full_while_reporting_is_one_clear_error(
    planned, loaded, tmp_path, monkeypatch
):
    run = tmp_path / "run"

    def fail(path, line):
        with files.writing(path), path.open("a") as file:
            file.write(line[:20])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(runs, "append_line", fail)
    with pytest.raises(GannetError, match=r"training_log\.jsonl: the disk is full"):
        train(planned(), loaded, run)
    monkeypatch.undo()
    train(planned(), loaded, run)
    assert [each["step"] for each in lines(run)] == [4, 8, 12]


def test_a_disk_that_is_full_while_drawing_is_one_clear_error(planned, loaded, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "samples").write_text("in the way")
    with pytest.raises(GannetError, match="cannot be written"):
        train(planned(), loaded, tmp_path / "run")


def test_a_command_on_a_full_disk_ends_with_one_clear_error(gannet, squares, tiny, tmp_path):
    """A bound on the size of a file fails in the child as a full disk does: in ``write``."""
    run = tmp_path / "run"
    words = ["train", squares, "--out", run, *tiny, "--steps", 25, "--save-seconds", 0]
    error = gannet.refuses(*words, largest=20_000)
    assert "checkpoint.pt: the disk is full" in error
    assert not list(run.rglob(".new-*"))
    assert (run / "plan.json").exists()
    gannet.works(*words)


def test_a_second_process_is_refused_while_a_run_goes_on(gannet, squares, tiny, tmp_path):
    run = tmp_path / "run"
    words = ["train", squares, "--out", run, *tiny, "--steps", 5_000, "--save-seconds", 0]
    first = gannet.start(*words)
    first.wait_for((run / "checkpoint.pt").exists, "a save")
    error = gannet.refuses(*words)
    assert f"{run}: another process is training into this folder\n" in error
    assert "another folder" in error
    first.send(signal.SIGTERM)
    assert first.end().returncode == 0
    assert Artifact.load(run).card.diagnosis["stopped"] == "stopped by hand"


def test_a_run_that_was_begun_meanwhile_is_not_overwritten(planned, loaded, tmp_path):
    train(planned(), loaded, tmp_path / "run")
    before = (tmp_path / "run" / "plan.json").read_bytes()
    with pytest.raises(GannetError, match="another run was started in this folder meanwhile"):
        train(planned(seed=1), loaded, tmp_path / "run")
    assert (tmp_path / "run" / "plan.json").read_bytes() == before


# -- settings ----------------------------------------------------------------------------------


def test_time_and_steps_together_are_refused(squares, tmp_path):
    with pytest.raises(ConfigError, match="--minutes and --steps: both were given"):
        prepare(squares, tmp_path / "run", minutes=1, steps=10)
    assert not (tmp_path / "run").exists()


def test_all_faults_of_a_command_are_told_at_once(squares, tmp_path):
    with pytest.raises(ConfigError) as caught:
        prepare(
            squares, tmp_path / "run", minutes=-1, seed=-2, widht=3, gradient_penalty=-1, batch="x"
        )
    assert len(caught.value.problem.splitlines()) == 5
    assert "did you mean --width?" in caught.value.problem
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_an_impossible_budget_is_refused(squares, tmp_path, minutes):
    with pytest.raises(ConfigError, match="--minutes: must be above 0"):
        prepare(squares, tmp_path / "run", minutes=minutes)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"recipe": "generat"}, "Did you mean generate"),
        ({"resolution": 4}, "--resolution: Input should be greater than or equal to 8, got 4"),
        ({"device": "abacus"}, "--device: no 'abacus' here"),
    ],
)
def test_other_faults_of_a_command_are_named(squares, tmp_path, given, fault):
    with pytest.raises(ConfigError, match=fault):
        prepare(squares, tmp_path / "run", steps=5, **given)


def test_resolution_is_for_pictures(points, tmp_path):
    with pytest.raises(ConfigError, match="--resolution is for images"):
        prepare(points, tmp_path / "run", steps=5, resolution=16)


def test_a_file_in_place_of_the_run_is_refused(squares, tmp_path):
    (tmp_path / "run").write_text("in the way")
    with pytest.raises(ConfigError, match=r"--out .*run: not a folder"):
        prepare(squares, tmp_path / "run", steps=5)


@pytest.mark.parametrize("inside", ["", "run", "a/b"])
def test_a_run_inside_its_own_data_is_refused(tmp_path, inside):
    for number in range(20):
        pixels = np.full((8, 8), number * 9, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    with pytest.raises(ConfigError, match="lies inside the data"):
        prepare(tmp_path, tmp_path / inside, steps=5)
    assert len(list(tmp_path.iterdir())) == 20


def test_balance_that_is_off_changes_no_setting(planned, loaded, tmp_path):
    run = tmp_path / "run"
    plan = planned(auto_adjust=False, steps=24, learning_rate=0.05, gradient_penalty=0.0)
    train(plan, loaded, run)
    found = [each for each in lines(run) if each["diagnosis"] not in ("diverged", "converged")]
    assert found
    assert all(each["action"] is None for each in found)
