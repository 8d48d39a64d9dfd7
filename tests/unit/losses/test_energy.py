"""The energy distance as a loss: closed forms, and a gradient within clusters."""

from __future__ import annotations

import math

import pytest
import torch

from gannet.losses.energy import energy_distance_loss
from gannet.metrics.distribution import energy_distance


def normal(count, seed, *shape):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def test_it_is_the_metric_without_the_part_of_reals():
    real, fake = normal(300, 0, 4), 1.5 * normal(200, 1, 4)
    within = torch.pdist(real).mean()
    loss = energy_distance_loss(real, fake)
    assert float(loss - within) == pytest.approx(energy_distance(real, fake), abs=1e-4)


def test_shapes_do_not_matter():
    real, fake = normal(20, 0, 2, 3), normal(20, 1, 2, 3)
    assert energy_distance_loss(real, fake) == energy_distance_loss(
        real.flatten(1), fake.flatten(1)
    )


def test_it_is_least_where_the_spread_within_a_cluster_is_right():
    """In one dimension: 2 E|x - s y| - E|s y - s y'| is least at s = 1."""
    real, fake = 0.01 * normal(4_000, 0, 1), 0.01 * normal(4_000, 1, 1)
    losses = {scale: float(energy_distance_loss(real, scale * fake)) for scale in (0.5, 1.0, 1.5)}
    assert min(losses, key=losses.__getitem__) == 1.0


def test_its_gradient_widens_what_is_too_narrow_however_small_the_cluster():
    for size in (1.0, 1e-3):
        real, fake = size * normal(2_000, 0, 2), 0.5 * size * normal(2_000, 1, 2)
        scale = torch.ones(1, requires_grad=True)
        energy_distance_loss(real, scale * fake).backward()
        assert float(scale.grad) < 0
        assert float(scale.grad) / size == pytest.approx(-0.36, abs=0.08)


def test_equal_samples_give_a_finite_gradient():
    fake = torch.zeros(8, 3, requires_grad=True)
    energy_distance_loss(normal(8, 0, 3), fake).backward()
    assert all(map(math.isfinite, fake.grad.flatten().tolist()))
