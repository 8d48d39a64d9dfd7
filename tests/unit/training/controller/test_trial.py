"""Trials: what counts as better, and how much of a change is chance."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
import torch

from gannet.training.controller.trial import RemedyTrial, compared, standing
from gannet.training.monitor import Measurements


def look(**known):
    usual = {"int": 100, "bool": True}
    values = {each.name: usual.get(str(each.type), 0.5) for each in fields(Measurements)}
    return Measurements(**(values | {"energy_distance_se": 0.05, "auc_error": 0.02} | known))


def of(*distances, **known):
    return standing([look(energy_distance=each, **known) for each in distances])


def test_a_mean_has_the_larger_of_the_errors_claimed_and_seen():
    mean, error = of(1.0, 1.0, 1.0, 1.0)["energy distance"]
    assert (mean, error) == (1.0, pytest.approx(0.05 / 2))
    _, error = of(0.0, 2.0)["energy distance"]
    assert error == pytest.approx(math.sqrt(2) / math.sqrt(2))


def test_what_is_not_known_of_every_look_is_left_out():
    known = of(1.0, 1.0, loss_validation=math.nan)
    assert "validation loss" not in known
    assert standing([look(finite=False)]) == {}


@pytest.mark.parametrize(
    ("after", "outcome"), [(0.5, "better"), (0.97, "same"), (1.03, "same"), (1.5, "worse")]
)
def test_only_a_change_beyond_chance_counts(after, outcome):
    assert compared(of(1.0, 1.0, 1.0), of(after, after))[0] == outcome


def test_the_distance_outranks_a_linear_probe():
    """As measured: a probe tells broad samples more easily than a clump in the midst of reals."""
    clump = of(4.0, 4.0, linear_probe_auc=0.89)
    broad = of(1.6, 1.6, linear_probe_auc=0.99)
    assert compared(clump, broad)[0] == "better"
    assert compared(broad, clump)[0] == "worse"


def test_where_the_distance_is_at_its_floor_the_probe_decides():
    near = {"energy_distance_se": 0.05}
    before = standing([look(energy_distance=0.01, linear_probe_auc=0.96, **near)] * 3)
    after = standing([look(energy_distance=0.01, linear_probe_auc=0.6, **near)] * 3)
    outcome, numbers = compared(before, after)
    assert outcome == "better"
    assert numbers.startswith("linear probe 0.96")


def test_samples_that_became_alike_are_worse():
    assert compared(of(1.0, diversity=1.0), of(1.0, diversity=0.2))[0] == "worse"


def test_more_diversity_than_reals_have_is_no_shortfall():
    assert compared(of(1.0, diversity=1.0), of(1.0, diversity=1.4))[0] == "same"


def test_what_can_no_longer_be_measured_is_worse():
    assert compared(of(1.0), standing([look(finite=False)]))[0] == "worse"


def test_chance_alone_is_seldom_called_better_or_worse():
    chance = torch.Generator().manual_seed(0)
    outcomes = []
    for _ in range(400):
        values = (1 + 0.05 * torch.randn(5, generator=chance)).tolist()
        probes = (0.7 + 0.028 * torch.randn(5, generator=chance)).tolist()
        looks = [
            look(energy_distance=value, linear_probe_auc=probe)
            for value, probe in zip(values, probes, strict=True)
        ]
        outcomes.append(compared(standing(looks[:3]), standing(looks[3:]))[0])
    assert outcomes.count("same") > 340


def test_a_trial_survives_a_save():
    trial = RemedyTrial("fewer", "mode_collapse", {"n_critic": 2}, dict(of(1.0, 1.0)), waits=3)
    trial.evaluations += [look(energy_distance=0.2), look(energy_distance=0.2)]
    assert not trial.over
    again = RemedyTrial.of(trial.state())
    assert again == trial
    again.evaluations.append(look(energy_distance=0.2))
    assert again.over
    assert again.outcome()[0] == "better"


def test_what_seems_worse_may_be_chance_and_still_counts_against_a_remedy():
    trial = RemedyTrial("fewer", "mode_collapse", {}, dict(of(1.0, 1.0, 1.0)), waits=3)
    trial.evaluations += [look(energy_distance=1.08)] * 3
    assert trial.outcome()[0] == "same"
    assert trial.seems_worse()
    trial.evaluations[:] = [look(energy_distance=1.0)] * 3
    assert not trial.seems_worse()
