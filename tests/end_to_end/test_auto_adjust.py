"""Planted faults, with auto-adjust and without, on the same seeds: it never makes a run worse.

The benchmark ``auto_adjust`` measures all of them with three seeds each; here are a few of one.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.auto_adjust import FAULTS, _one, distance
from gannet.api.train import prepare
from gannet.training.loop import run_training
from gannet.training.run import Run

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def strong():
    return {arm: _one(("strong discriminator", arm, 0)) for arm in ("off", "on", "advised")}


def test_a_discriminator_that_is_too_strong_is_cured(strong):
    assert strong["on"]["distance"] < 0.5 * strong["off"]["distance"]
    assert any("kept" in action for action in strong["on"]["actions"])


def test_what_the_advice_says_helps(strong):
    assert "too strong" in strong["off"]["advice"]
    assert strong["advised"]["distance"] < 0.5 * strong["off"]["distance"]


@pytest.mark.parametrize("name", ["half constant", "batch of 4", "pictures, half grey"])
def test_a_run_with_a_planted_fault_is_not_made_worse(name):
    off, on = (_one((name, arm, 0))["distance"] for arm in ("off", "on"))
    assert on <= off + max(0.1 * off, 0.005)


def test_the_distance_of_the_benchmark_is_zero_for_equals_and_grows_with_a_shift():
    draw = FAULTS["nothing"].draw
    real, other = (draw(np.random.default_rng(seed), 1_000) for seed in (1, 2))
    assert abs(distance(real, other)) < 0.01
    assert distance(real, other + 1.0) > 0.05


def steps(session, *, at_most=None):
    """Train, and drop the run after so many steps, as if it had been killed."""
    moments = run_training(
        session.plan, session.dataset, session.out, save_seconds=0, clock=lambda: 0.0
    )
    for moment in moments:
        if moment.result.step == at_most:
            break
    moments.close()


def test_a_run_that_is_killed_in_the_midst_of_a_trial_ends_with_the_same_bits(tmp_path):
    fault = FAULTS["strong discriminator"]
    path = tmp_path / "data.npy"
    np.save(path, fault.draw(np.random.default_rng(0), 1_000))
    settings = {"steps": 300, "batch": 32, "threads": 1, **fault.settings}
    for name in ("whole", "broken"):
        session = prepare(path, tmp_path / name, device="cpu", **settings)
        if name == "broken":
            lines = (tmp_path / "whole" / "training_log.jsonl").read_text().splitlines()
            tried = [each for each in map(json.loads, lines) if (each["action"] or {}).get("trial")]
            steps(session, at_most=tried[0]["step"] + 5)
            run = Run(session.plan, session.dataset, session.out)
            run.load_checkpoint()
            assert run.controller.trial is not None, "nothing is on trial at that step"
            assert run.before_trial
            session = prepare(path, tmp_path / name, device="cpu", **settings)
        steps(session)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert (whole / "model.safetensors").read_bytes() == (broken / "model.safetensors").read_bytes()
    logs = [
        [json.loads(line) for line in (each / "training_log.jsonl").read_text().splitlines()]
        for each in (whole, broken)
    ]
    assert [each["action"] for each in logs[0]] == [each["action"] for each in logs[1]]
    assert sum(each["action"] is not None for each in logs[0]) >= 2
