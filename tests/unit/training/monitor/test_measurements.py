"""The measures of health are the numbers that they are said to be."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
import torch

from gannet.training.monitor import (
    Measurements,
    auc,
    energy_distance_with_se,
    gaussian,
    linear_probe_auc,
)


def rows(count, width=4, seed=0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [
        ([1.0, 2.0], [0.0, 0.5], 1.0),
        ([0.0, 0.5], [1.0, 2.0], 0.0),
        ([1.0, 1.0], [1.0, 1.0], 0.5),
        ([0.0, 2.0], [1.0], 0.5),
        ([1.0, 2.0, 3.0], [2.0], 0.5),
    ],
)
def test_auc_of_few_is_counted_by_hand(real, fake, expected):
    assert auc(torch.tensor(real), torch.tensor(fake)) == expected


def test_auc_of_two_normals_is_the_closed_form():
    real, fake = rows(40_000, 1).flatten() + 1, rows(40_000, 1, seed=1).flatten()
    expected = 0.5 * (1 + math.erf(0.5))  # of N(1, 2) being above zero
    # Four standard errors, each about sqrt(1 / 6n).
    assert auc(real, fake) == pytest.approx(expected, abs=4 * math.sqrt(1 / 240_000))


def test_auc_knows_neither_scale_nor_offset():
    real, fake = rows(50, 1).flatten(), rows(60, 1, seed=1).flatten()
    assert auc(real, fake) == auc(4 * real + 16, 4 * fake + 16) == 1 - auc(fake, real)


def test_a_linear_critic_is_a_coin_where_there_is_nothing_to_see():
    found = linear_probe_auc(rows(4_000), rows(4_000, seed=1))
    assert found == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12_000))


def test_a_linear_critic_sees_a_shift_as_well_as_theory_allows():
    real, fake = rows(8_000), rows(8_000, seed=1)
    real[:, 2] += 2
    expected = 0.5 * (1 + math.erf(1))
    assert linear_probe_auc(real, fake) == pytest.approx(expected, abs=0.02)


def test_a_linear_critic_is_judged_on_rows_it_was_not_fitted_on():
    # As many features as rows: on its own rows any line would be perfect.
    found = [
        linear_probe_auc(rows(60, 60, seed=2 * at), rows(60, 60, seed=2 * at + 1))
        for at in range(8)
    ]
    assert sum(found) / len(found) == pytest.approx(0.5, abs=0.1)


def test_a_linear_critic_survives_equal_rows():
    assert linear_probe_auc(torch.ones(20, 3), torch.ones(20, 3)) == 0.5


def test_the_error_of_a_distance_is_how_far_it_scatters():
    found = [
        energy_distance_with_se(rows(400, seed=2 * at), rows(400, seed=2 * at + 1) + 0.5)
        for at in range(40)
    ]
    values, errors = torch.tensor(found).double().T
    # The mean of ten blocks scatters a little more than the whole, never much less.
    assert 0.7 < float(errors.mean() / values.std()) < 2


def test_too_few_rows_give_a_distance_without_an_error():
    value, error = energy_distance_with_se(rows(12), rows(12, seed=1))
    assert math.isfinite(value)
    assert math.isnan(error)


def test_a_gaussian_has_the_moments_of_the_samples():
    mixing = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    samples = rows(2_000, 2) @ mixing.T + torch.tensor([3.0, -1.0])
    made = gaussian(samples, 20_000, seed=0)
    assert made.shape == (20_000, 2)
    assert torch.allclose(made.mean(0), samples.mean(0), atol=0.05)
    assert torch.allclose(made.T.cov(), samples.T.cov(), atol=0.05)


def test_a_gaussian_keeps_shape_range_and_seed():
    pictures = rows(30, 2 * 3 * 3).tanh().view(30, 2, 3, 3)
    made = gaussian(pictures, 7, seed=0)
    assert made.shape == (7, 2, 3, 3)
    assert made.min() >= pictures.min()
    assert made.max() <= pictures.max()
    assert torch.equal(made, gaussian(pictures, 7, seed=0))
    assert not torch.equal(made, gaussian(pictures, 7, seed=1))


def test_measures_become_json_with_six_digits():
    known = {each.name: 0.5 for each in fields(Measurements)}
    record = Measurements(
        **(known | {"step": 100, "diversity": 1 / 3, "grad_cosine": math.nan})
    ).record()
    assert record["diversity"] == 0.333333
    assert math.isnan(record["grad_cosine"])
    assert record["step"] == 100
    assert record.keys() == set(Measurements.__slots__)


def test_the_measures_of_a_lost_duel_hold_no_number_of_it():
    lost = Measurements.diverged(7, reference=0.1, gaussian_baseline=4.0)
    assert not lost.finite
    assert (lost.step, lost.reference, lost.gaussian_baseline) == (7, 0.1, 4.0)
    rest = {each.name for each in fields(Measurements)} - {
        "step",
        "reference",
        "gaussian_baseline",
        "finite",
    }
    assert len(rest) == 16
    assert all(math.isnan(getattr(lost, name)) for name in rest)
