"""Robust features: heavy tails neither set the scale nor make up the distance."""

from __future__ import annotations

import pytest
import torch

from gannet.metrics.distribution import energy_distance
from gannet.networks.robust_features import RobustFeatures, RobustScale
from gannet.training.monitor.measurements import gaussian


def heavy(count, seed, sigma=2.0):
    """Four correlated columns with lognormal tails."""
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, 4, generator=draw)
    rows = rows + rows[:, :1]
    return (sigma * rows / 2).exp() * rows[:, 1:2].sign()


def test_near_the_median_the_scale_is_linear_and_far_from_it_logarithmic():
    scale = RobustScale(torch.randn(5_000, 1, generator=torch.Generator().manual_seed(0)))
    near, far, farther = scale(torch.tensor([[0.1], [1e4], [1e6]])).flatten().tolist()
    assert near == pytest.approx(0.1, abs=0.05)
    assert farther - far == pytest.approx(4.605, abs=0.01)


@pytest.mark.parametrize("count", [1.0, 0.6])
def test_columns_that_hardly_vary_get_no_scale_of_their_own(count):
    rows = torch.randn(1_000, 3, generator=torch.Generator().manual_seed(0))
    rows[: int(1_000 * count), 1] = 5.0
    scaled = RobustScale(rows)(rows + 1e-3)
    assert scaled.isfinite().all()
    assert scaled.abs().max() < 10


def test_a_column_half_of_which_is_one_value_keeps_the_scale_of_the_rest():
    """By its quartiles all but that value would be far: untrained samples then looked nearest."""
    rows = torch.randn(2_000, 1, generator=torch.Generator().manual_seed(0))
    whole = float(RobustScale(rows).scale)
    rows[::2] = 0.3
    assert 0.3 * whole < float(RobustScale(rows).scale) < whole


def test_no_column_at_all_varies():
    assert RobustScale(torch.ones(10, 2))(torch.ones(3, 2)).tolist() == [[0.0, 0.0]] * 3


def test_a_far_value_does_not_move_others():
    rows = heavy(1_000, 0)
    spoilt = rows.clone()
    spoilt[0] *= 1e6
    usual, other = RobustScale(rows)(rows[1:50]), RobustScale(spoilt)(rows[1:50])
    assert (usual - other).abs().max() < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_on_heavy_tails_a_good_generator_is_nearer_than_one_gaussian(seed):
    """A generator with tails a little too light, which beats the baseline under any critic."""
    train, held_out = heavy(2_000, seed), heavy(500, 100 + seed)
    good, plain = heavy(500, 200 + seed, sigma=1.8), gaussian(train, 500, seed=seed)
    features = RobustFeatures(train)
    real = features(held_out)
    assert energy_distance(real, features(good)) < 0.2 * energy_distance(real, features(plain))
    assert energy_distance(real, features(good)) < 0.3


def test_rows_are_seen_one_by_one():
    rows = heavy(100, 0)
    features = RobustFeatures(rows)
    assert torch.allclose(features(rows)[:10], features(rows[:10]), atol=1e-5)
    assert features(rows).shape == (100, features.width)
