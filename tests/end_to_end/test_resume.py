"""A run that was killed, stopped or asked again ends like an unbroken one."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gannet.core.errors import ConfigError, GannetError
from gannet.inference.artifact import Artifact
from gannet.inference.model_card import model_card, training_log_of
from gannet.training.loop import run_training
from gannet.training.resume import check_same_run, extended, may_replace, read_plan
from gannet.training.run import Run

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(1_200)]


def lines(run):
    """What the run wrote down, but for the time that it took."""
    found = [json.loads(line) for line in (run / "training_log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in each.items() if name != "elapsed"} for each in found]


def assert_same(run, whole):
    one, two = (load_file(each / "model.safetensors") for each in (run, whole))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert lines(run) == lines(whole)
    assert (run / "card.json").read_bytes() == (whole / "card.json").read_bytes()
    assert (run / "grid.png").read_bytes() == (whole / "grid.png").read_bytes()
    names = [sorted(path.name for path in (each / "samples").iterdir()) for each in (run, whole)]
    assert names[0] == names[1]
    assert_tidy(run)


def assert_tidy(run):
    assert [path.name for path in run.rglob(".new-*")] == []


def train(plan, loaded, out, *, steps=None, **options):
    """Train in this process; after ``steps`` steps it is dropped, as if it had been killed."""
    moments = run_training(plan, loaded, out, save_seconds=0, clock=lambda: 0.0, **options)
    taken = list(islice(moments, steps))
    moments.close()
    return taken


@pytest.fixture(scope="module")
def unbroken(planned, loaded, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken") / "run"
    train(planned(), loaded, out)
    return out


@pytest.mark.parametrize("kills", [[1], [4], [5, 3], [12], [1, 1, 1, 4, 2]])
def test_a_run_dropped_after_any_step_ends_with_the_same_bits(
    planned, loaded, tmp_path, unbroken, kills
):
    for steps in kills:
        train(planned(), loaded, tmp_path / "run", steps=steps)
    train(planned(), loaded, tmp_path / "run")
    assert_same(tmp_path / "run", unbroken)


def test_a_run_killed_before_its_first_save_begins_anew(planned, loaded, tmp_path, unbroken):
    run = tmp_path / "run"
    moments = run_training(planned(), loaded, run, save_seconds=1e9)
    list(islice(moments, 9))
    moments.close()
    assert len(lines(run)) == 2
    assert not (run / "checkpoint.pt").exists()
    train(planned(), loaded, run)
    assert_same(run, unbroken)


def test_a_line_that_was_cut_off_is_written_again(planned, loaded, tmp_path, unbroken):
    run = tmp_path / "run"
    train(planned(), loaded, run, steps=6)
    with (run / "training_log.jsonl").open("a") as file:
        file.write('{"step": 4, "elap')
    train(planned(), loaded, run)
    assert_same(run, unbroken)


def is_temporary(number, name):
    """Whether an open file will have a name once it is complete."""
    path, stem = Path(f"/proc/self/fd/{number}").readlink(), Path(name).stem
    return path.name.startswith(f".new-{stem}.") and path.suffix == Path(name).suffix


class KilledError(Exception):
    """The process is no more."""


@pytest.mark.parametrize("moment", ["while writing", "before the change of names", "after it"])
@pytest.mark.parametrize("name", ["checkpoint.pt", "model.safetensors", "card.json", "README.md"])
def test_a_kill_during_any_save_does_no_harm(
    planned, loaded, tmp_path, unbroken, monkeypatch, name, moment
):
    run = tmp_path / "run"
    replace, fsync = Path.replace, os.fsync
    left = 2 if name == "checkpoint.pt" else 1

    def dying_replace(path, target):
        nonlocal left
        hit = target.name == name
        left -= hit
        if hit and not left and moment == "before the change of names":
            raise KilledError
        done = replace(path, target)
        if hit and not left and moment == "after it":
            raise KilledError
        return done

    def dying_fsync(number):
        nonlocal left
        hit = is_temporary(number, name)
        if hit and left == 1 and moment == "while writing":
            os.ftruncate(number, os.fstat(number).st_size // 2)
            raise KilledError
        fsync(number)

    monkeypatch.setattr(Path, "replace", dying_replace)
    monkeypatch.setattr(os, "fsync", dying_fsync)
    with pytest.raises(KilledError):
        train(planned(), loaded, run)
    monkeypatch.undo()
    train(planned(), loaded, run)
    assert_same(run, unbroken)


def test_what_was_planned_is_written_before_the_first_step(planned, loaded, tmp_path):
    moments = run_training(planned(), loaded, tmp_path / "run")
    assert next(moments).result.step == 1
    assert read_plan(tmp_path / "run") == planned()
    moments.close()


def test_a_folder_without_a_plan_was_not_begun(tmp_path):
    assert read_plan(tmp_path) is None


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff\xfe", b'{"recipe": "generate", "format": 2}']
)
def test_a_damaged_plan_is_refused(tmp_path, content):
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(GannetError, match=r"plan\.json: the plan is damaged"):
        read_plan(tmp_path)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 and no more"])
def test_a_damaged_save_is_refused_with_a_remedy(planned, loaded, tmp_path, content):
    run = tmp_path / "run"
    train(planned(), loaded, run, steps=3)
    (run / "checkpoint.pt").write_bytes(content)
    with pytest.raises(GannetError, match=r"checkpoint\.pt: the checkpoint is damaged") as caught:
        train(planned(), loaded, run)
    assert "Delete the file" in caught.value.remedy
    assert (run / "checkpoint.pt").read_bytes() == content


@pytest.mark.parametrize("name", ["checkpoint.pt", "training_log.jsonl"])
def test_a_save_that_may_not_be_read_is_not_called_damaged(
    planned, loaded, tmp_path, forbidden, name
):
    run = tmp_path / "run"
    train(planned(), loaded, run, steps=5)
    forbidden(name)
    with pytest.raises(GannetError, match="no permission to read it") as caught:
        train(planned(), loaded, run)
    assert caught.value.where == str(run / name)
    assert caught.value.remedy == "Check its access rights."


def test_a_plan_that_may_not_be_read_is_not_called_damaged(tmp_path, forbidden):
    (tmp_path / "plan.json").write_text("{}")
    forbidden("plan.json")
    with pytest.raises(GannetError, match=r"plan\.json: no permission to read it"):
        read_plan(tmp_path)


def test_other_settings_are_refused_with_every_difference(planned):
    plan = planned(steps=12, width=4)
    asked = {
        "recipe": "generate",
        "seed": 3,
        "user_settings": {"steps": 12, "width": 8, "gradient_penalty": 1.0},
        "auto_adjust": False,
        "budget_seconds": 60.0,
        "digest": "other",
    }
    with pytest.raises(ConfigError) as caught:
        check_same_run(plan, asked)
    assert caught.value.problem.splitlines()[1:] == [
        "  --seed: started with 0, now 3",
        "  --gradient-penalty: started with not given, now 1.0",
        "  --width: started with 4, now 8",
        "  --auto-adjust: started with True, now False",
        "  --minutes: started with not given, now 1",
        "  the data, or how they are read: changed since the run was started",
    ]


def test_the_same_settings_are_no_difference(planned):
    plan = planned(steps=12)
    check_same_run(
        plan,
        {"seed": 0, "user_settings": {"steps": 12}, "digest": plan.digest, "budget_seconds": 0.0},
    )


@pytest.mark.parametrize("found", [1, 3, None])
def test_a_plan_of_another_format_is_refused_with_what_to_do(tmp_path, found):
    content = {"recipe": "generate"} | ({} if found is None else {"format": found})
    (tmp_path / "plan.json").write_text(json.dumps(content))
    with pytest.raises(GannetError, match=f"has format {found or 1}, .* format 2") as caught:
        read_plan(tmp_path)
    assert "Train again" in str(caught.value)


def test_stopping_by_hand_leaves_an_artifact_and_does_not_disturb_the_run(
    planned, loaded, tmp_path, unbroken
):
    run = tmp_path / "run"
    for steps in (2, 7, 10):  # before the first look, between looks, late
        asked = iter(range(100))
        train(planned(), loaded, run, stop=lambda asked=asked, n=steps: next(asked) >= n // 2)
        found = Artifact.load(run)
        assert found.card.diagnosis["stopped"] == "stopped by hand"
        assert found.sample(2).isfinite().all()
        assert "stopped by hand" in (run / "README.md").read_text()
    train(planned(), loaded, run)
    assert_same(run, unbroken)


@pytest.mark.parametrize(("stop", "words"), [(1, "no evaluations"), (6, "2 evaluations")])
def test_a_run_that_was_hardly_looked_at_is_not_called_healthy(
    planned, loaded, tmp_path, stop, words
):
    asked = iter(range(100))
    train(planned(), loaded, tmp_path / "run", stop=lambda: next(asked) == stop - 1 + (stop > 4))
    card = Artifact.load(tmp_path / "run").card
    assert card.diagnosis["name"] == "not judged"
    assert card.diagnosis["evidence"].startswith(words)


def test_the_last_state_is_looked_at_though_nothing_of_it_is_saved(planned, loaded, tmp_path):
    plan, asked = planned(), iter(range(100))
    train(plan, loaded, tmp_path / "run", stop=lambda: next(asked) == 6)  # step 7, looked at at 4
    card = Artifact.load(tmp_path / "run").card
    assert card.steps in (4, 7)
    assert len(lines(tmp_path / "run")) == 1
    run = Run(plan, loaded, tmp_path / "run")
    run.load_checkpoint()
    assert [each.step for each in run.history] == [4]
    run.evaluate_last()
    assert [each.step for each in run.history] == [4, 7]
    assert run.best["latest_distance"] == card.energy_distance["value"]


def test_a_run_stopped_at_its_very_last_step_is_finished(planned, loaded, tmp_path, unbroken):
    run = tmp_path / "run"
    asked = iter(range(100))
    train(planned(), loaded, run, stop=lambda: next(asked) == 11)
    train(planned(), loaded, run)
    assert_same(run, unbroken)


def test_a_finished_run_asked_again_changes_nothing(planned, loaded, tmp_path):
    run = tmp_path / "run"
    train(planned(), loaded, run)
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    assert train(planned(), loaded, run) == []
    after = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} <= {"checkpoint.pt"}


def test_a_finished_run_asked_again_mends_its_artifact(planned, loaded, tmp_path, unbroken):
    run = tmp_path / "run"
    train(planned(), loaded, run)
    (run / "model.safetensors").write_bytes(b"broken")
    train(planned(), loaded, run)
    assert_same(run, unbroken)


def test_a_run_out_of_time_is_not_begun_again(planned, loaded, tmp_path):
    clock = iter(range(10**6))
    plan = planned(seconds=30.0, steps=500)
    options = {"save_seconds": 1e9, "clock": lambda: float(next(clock))}
    first = list(run_training(plan, loaded, tmp_path / "run", **options))
    assert first[-1].elapsed >= 30
    again = list(run_training(plan, loaded, tmp_path / "run", **options))
    assert again == []
    stopped = Artifact.load(tmp_path / "run").card.diagnosis["stopped"]
    assert stopped in ("out of time", "all steps are done")


def test_a_finished_run_that_is_given_more_time_trains_on_from_where_it_ended(
    planned, loaded, tmp_path
):
    run, ticks = tmp_path / "run", iter(range(10**6))
    options = {"save_seconds": 1e9, "clock": lambda: float(next(ticks))}
    plan = planned(seconds=30.0, steps=500)
    first = list(run_training(plan, loaded, run, **options))
    longer = extended(plan, 1.5)
    assert longer.budget_seconds == 90
    on = list(run_training(longer, loaded, run, **options))
    assert on[0].result.step == first[-1].result.step + 1
    assert on[-1].elapsed >= 85
    assert on[-1].steps > 2 * first[-1].steps
    assert read_plan(run) == longer
    assert [each["step"] for each in lines(run)] == sorted({e["step"] for e in lines(run)})
    assert list(run_training(longer, loaded, run, **options)) == []
    with pytest.raises(GannetError, match="another run"):  # never back to less time
        list(run_training(plan, loaded, run, **options))


def test_only_more_minutes_extend_a_plan(planned):
    plan = planned(seconds=30.0, steps=500)
    assert extended(plan, None) == extended(plan, 0.5) == extended(plan, 0.2) == plan
    assert extended(planned(steps=8), 10) == planned(steps=8), "a run of steps"
    assert extended(plan, None, 1_000) == plan, "a run of minutes"
    assert may_replace(plan, extended(plan, 2))
    assert not may_replace(plan, extended(plan, 2).model_copy(update={"seed": 5}))
    with pytest.raises(ConfigError, match=r"started with 0\.5, now 0\.2") as refused:
        check_same_run(plan, {"budget_seconds": 12.0})
    assert "more --minutes to train on" in refused.value.remedy


def test_a_finished_run_that_is_given_more_steps_trains_on_from_where_it_ended(
    planned, loaded, tmp_path
):
    run, plan = tmp_path / "run", planned(steps=8)
    train(plan, loaded, run)
    longer = extended(plan, None, 14)
    assert (longer.config["steps"], longer.user_settings["steps"]) == (14, 14)
    assert [each.result.step for each in train(longer, loaded, run)] == [9, 10, 11, 12, 13, 14]
    assert read_plan(run) == longer
    assert [each["step"] for each in lines(run)] == [4, 8, 12, 14]
    assert Artifact.load(run).card.config["steps"] == 14
    assert train(longer, loaded, run) == []
    with pytest.raises(GannetError, match="another run"):  # never back to fewer steps
        train(plan, loaded, run)


def test_a_killed_run_that_is_given_more_steps_trains_on_too(planned, loaded, tmp_path):
    run, plan = tmp_path / "run", planned(steps=8)
    train(plan, loaded, run, steps=5)
    found = train(extended(plan, None, 12), loaded, run)
    assert found[-1].result.step == 12
    assert {each.steps for each in found} == {12}


def test_only_more_steps_extend_a_plan_of_steps(planned):
    plan = planned(steps=8)
    assert extended(plan, None, None) == extended(plan, None, 8) == extended(plan, 3, 5) == plan
    assert may_replace(plan, extended(plan, None, 9))
    assert not may_replace(plan, extended(plan, None, 9).model_copy(update={"seed": 5}))
    with pytest.raises(ConfigError, match="--steps: started with 8, now 5") as refused:
        check_same_run(plan, {"user_settings": {"steps": 5}})
    assert "more --steps to train on" in refused.value.remedy


def test_all_that_is_said_of_a_run_counts_the_same_steps(planned, loaded, tmp_path):
    run, asked = tmp_path / "run", iter(range(100))
    train(planned(steps=40), loaded, run, stop=lambda: next(asked) == 10)
    assert lines(run)[-1]["step"] == 8, "the log ends before the run does"
    artifact = Artifact.load(run)
    assert artifact.card.trained_steps == 11
    assert training_log_of(artifact, run).steps == 11
    readme = (run / "README.md").read_text(encoding="utf-8")
    assert "`generate`, 11 steps" in readme
    assert re.findall(r"([\d,]+) steps\b", readme).count("11") == len(
        re.findall(r"([\d,]+) steps\b", readme)
    )


def test_a_model_of_an_earlier_step_is_said_to_be(planned, loaded, tmp_path):
    train(planned(), loaded, tmp_path)
    artifact = Artifact.load(tmp_path)
    earlier = artifact.card.model_copy(update={"steps": 8, "trained_steps": 1_200})
    card = model_card(replace(artifact, card=earlier), "run")
    assert "1,200 steps (the best model, after 8, is kept)" in card


def test_saves_take_a_small_share_of_the_time(planned, loaded, tmp_path, monkeypatch):
    now = [0.0]
    saves = []
    save = Run.save_checkpoint

    def slow_save(run):
        save(run)
        now[0] += 1.0
        saves.append(now[0])

    def clock():
        now[0] += 0.25
        return now[0]

    monkeypatch.setattr(Run, "save_checkpoint", slow_save)
    plan = planned(steps=60, look_every=1_000)
    list(run_training(plan, loaded, tmp_path / "run", save_seconds=0, clock=clock))
    assert len(saves) <= 2 + 0.05 * now[0]


# -- as processes ------------------------------------------------------------------------------


def command(squares, run, tiny, steps):
    return ["train", squares, "--out", run, *tiny, "--steps", steps, "--save-seconds", 0]


def taken(run):
    """When the last save was made."""
    path = run / "checkpoint.pt"
    return path.stat().st_mtime_ns if path.exists() else 0


@pytest.fixture(scope="module")
def whole(gannet, squares, tiny, tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    gannet.works(*command(squares, run, tiny, 60))
    return run


def test_a_run_killed_at_random_moments_ends_with_the_same_bits(
    gannet, squares, tiny, tmp_path, whole
):
    run = tmp_path / "run"
    rng = random.Random(0)
    for _ in range(3):
        running = gannet.start(*command(squares, run, tiny, 60))
        before = taken(run)
        running.wait_for(lambda before=before: taken(run) != before, "a save")
        time.sleep(rng.uniform(0, 0.5))
        running.send(signal.SIGKILL)
        assert running.end().returncode in (-signal.SIGKILL, 0)
    gannet.works(*command(squares, run, tiny, 60))
    assert_same(run, whole)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_a_run_killed_twenty_times_ends_with_the_same_bits(squares, tiny, tmp_path):
    """Here each start is a process from the very beginning, and may die before its first step."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def start(run):
        words = [sys.executable, "-m", "gannet", *map(str, command(squares, run, tiny, 300))]
        return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)

    began = time.monotonic()
    assert start(tmp_path / "whole").wait(900) == 0
    taking = time.monotonic() - began
    rng = random.Random(1)
    killed = 0
    while killed < 20:
        process = start(tmp_path / "run")
        # Some die while importing, most while training, and the last few near the end.
        time.sleep(rng.uniform(0.05, 0.35) * taking)
        killed += process.poll() is None
        process.kill()
        process.wait(60)
    assert start(tmp_path / "run").wait(900) == 0
    assert_same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_tidily_and_the_same_command_goes_on(
    gannet, squares, tiny, tmp_path, whole, number
):
    run = tmp_path / "run"
    running = gannet.start(*command(squares, run, tiny, 60))
    running.wait_for(lambda: taken(run), "a save")
    running.send(number)
    done = running.end()
    # What was asked for has happened: a scheduler that sends SIGTERM must see no failure.
    assert done.returncode == 0, done.stderr
    assert Artifact.load(run).card.diagnosis["stopped"] == "stopped by hand"
    printed = gannet.works(*command(squares, run, tiny, 60))
    assert "\nresuming generate" in printed
    assert_same(run, whole)


def test_a_finished_run_asked_again_says_so(gannet, squares, tiny, whole):
    before = (whole / "model.safetensors").read_bytes()
    assert "already finished" in gannet.works(*command(squares, whole, tiny, 60))
    assert (whole / "model.safetensors").read_bytes() == before


def test_the_command_refuses_other_settings_for_a_run_that_was_begun(gannet, squares, tiny, whole):
    words = command(squares, whole, tiny, 200)
    error = gannet.refuses(*words, "--seed", 3, "--gradient-penalty", 2, "--resolution", 16)
    assert "--seed: started with 0, now 3" in error
    assert "--resolution: started with not given, now 16" in error
    assert "--gradient-penalty: started with not given, now 2.0" in error
    assert "another --out" in error
