"""The last word on a run: no more than its evaluations allow."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gannet.training.monitor import Diagnosis, Measurements
from gannet.training.monitor.final import final_diagnosis


def look(**known):
    usual = {"int": 100, "bool": True}
    values = {each.name: usual.get(str(each.type), 0.5) for each in fields(Measurements)}
    return Measurements(**(values | {"reference": 0.0} | known))


def name_of(diagnosis, count, *, conditional=False, **known):
    history = [look(**known)] * count
    return final_diagnosis(Diagnosis(diagnosis, "numbers"), history, conditional=conditional)


@pytest.mark.parametrize("name", ["healthy", "converged"])
def test_a_few_evaluations_make_no_run_healthy(name):
    found = name_of(name, 2)
    assert found["name"] == "not judged"
    assert found["evidence"] == "2 evaluations, a diagnosis takes 3"
    assert found["advice"].startswith("too few steps")
    assert name_of(name, 3)["name"] == name


def test_bad_news_needs_no_minimum():
    assert name_of("mode_collapse", 1)["name"] == "mode_collapse"


@pytest.mark.parametrize(
    ("distance", "conditional", "name"),
    [(9.0, False, "not judged"), (3.9, False, "healthy"), (9.0, True, "healthy")],
)
def test_what_a_simple_baseline_beats_beyond_noise_is_not_judged(distance, conditional, name):
    known = {"energy_distance": distance, "gaussian_baseline": 3.0}
    found = name_of("healthy", 5, conditional=conditional, **known, energy_distance_se=0.5)
    assert found["name"] == name


def test_nothing_is_said_where_held_out_data_are_unlike():
    known = {"reference": 0.8, "gaussian_baseline": 0.3, "energy_distance_se": 0.02}
    found = name_of("discriminator_underfitting", 9, **known)
    assert found["name"] == "not judged"
    assert "energy distance of 0.8 from held-out data" in found["evidence"]
    assert "not like the training data" in found["advice"]
