"""Augmentation: nothing at share zero, gradients at any, chance from one generator."""

from __future__ import annotations

import pytest
import torch

from gannet.modalities.image.augment import augment


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(*shape):
    return torch.rand(*shape, generator=seeded(9)) * 2 - 1


SHAPES = [(6, 1, 8, 8), (5, 3, 8, 13), (4, 2, 4, 4), (1, 1, 8, 8)]


@pytest.mark.parametrize("shape", SHAPES)
def test_share_zero_returns_the_samples_themselves(shape):
    samples = pictures(*shape)
    assert augment(samples, 0) is samples


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.2, 1.0])
def test_shape_and_kind_of_number_stay(shape, share):
    changed = augment(pictures(*shape), share, seeded())
    assert changed.shape == shape
    assert changed.dtype == torch.float32
    # Brightness adds up to a half, contrast half as much again around the mean.
    assert changed.abs().max() <= 4.5


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_reach_the_samples(shape):
    samples = pictures(*shape).requires_grad_()
    augment(samples, 0.5, seeded()).square().sum().backward()
    assert samples.grad.isfinite().all()
    assert samples.grad.abs().sum() > 0


def test_the_same_generator_gives_the_same_changes():
    samples = pictures(6, 3, 8, 8)
    assert torch.equal(augment(samples, 0.7, seeded(3)), augment(samples, 0.7, seeded(3)))
    assert not torch.equal(augment(samples, 0.7, seeded(3)), augment(samples, 0.7, seeded(4)))


def test_without_a_generator_the_global_one_decides():
    samples = pictures(6, 1, 8, 8)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = augment(samples, 0.7)
        torch.manual_seed(1)
        again = augment(samples, 0.7)
    assert torch.equal(first, again)


def test_samples_are_left_as_they_were():
    samples = pictures(6, 1, 8, 8)
    before = samples.clone()
    augment(samples, 1.0, seeded())
    assert torch.equal(samples, before)


def test_a_small_share_leaves_most_samples_alone():
    samples = pictures(1_000, 1, 4, 4)
    apart = (augment(samples, 0.1, seeded()) - samples).abs().flatten(1).amax(1)
    changed = (apart > 1e-6).float().mean()  # all go through the same sums, which round
    # Three kinds of change at .1 each, some of which happen to change nothing: below 1 - .9 ** 3.
    assert 0.15 < changed < 0.3
