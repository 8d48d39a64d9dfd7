"""Which states are kept: the nearest, the least wrong, and never one that is worse by chance."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest

from gannet.training.monitor import Measurements
from gannet.training.monitor.keeping import clearly_nearer, held_out_unlike, noise, worth_keeping


def look(**known):
    usual = {"int": 100, "bool": True}
    values = {each.name: usual.get(str(each.type), 0.5) for each in fields(Measurements)}
    return Measurements(**(values | {"energy_distance_se": 0.3, "reference": 0.0} | known))


BEST = {"energy_distance": 2.0, "error": 0.4, "validation_loss": 1.0}


def test_noise_is_that_of_both():
    assert noise(look(), BEST) == pytest.approx(0.5)
    assert noise(look(energy_distance_se=math.nan), BEST) == pytest.approx(0.4)


@pytest.mark.parametrize(("distance", "nearer"), [(0.9, True), (1.1, False), (3.0, False)])
def test_nearer_is_nearer_beyond_noise(distance, nearer):
    assert clearly_nearer(look(energy_distance=distance), BEST) is nearer
    assert not clearly_nearer(look(energy_distance=distance), {})


def test_a_loss_that_rises_is_not_worth_keeping_but_of_answers_that_are_nearer():
    worse = look(loss_validation=1.1, energy_distance=0.1)
    assert not worth_keeping(worse, BEST, conditional=False)
    assert worth_keeping(worse, BEST, conditional=True)
    assert worth_keeping(look(loss_validation=1.005), BEST, conditional=False)
    assert worth_keeping(look(loss_validation=math.nan), {}, conditional=False)


@pytest.mark.parametrize(
    ("reference", "baseline", "unlike"),
    [(2.0, 1.0, True), (2.0, 20.0, False), (0.5, 0.0, False), (0.0, 3.0, False)],
)
def test_held_out_data_are_unlike_if_training_data_lie_far_from_them(reference, baseline, unlike):
    now = look(reference=reference, gaussian_baseline=baseline)
    assert held_out_unlike(now) is unlike
    assert (noise(now, BEST) == math.inf) is unlike
    assert not held_out_unlike(look(reference=9.0, energy_distance_se=math.nan))
