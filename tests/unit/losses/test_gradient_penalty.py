"""Closed forms of every penalty."""

from __future__ import annotations

import pytest
import torch

from gannet.losses import gradient_penalty


def plane(samples, *slopes):
    return samples.flatten(1) @ torch.tensor(slopes)


def test_slope_penalty_of_a_plane_is_its_slope_squared():
    samples = torch.randn(5, 3, requires_grad=True)
    found = gradient_penalty.gradient_norm_squared(plane(samples, 1.0, 2.0, 2.0), samples)
    assert found.tolist() == pytest.approx([9.0] * 5)


def test_r1_is_of_the_reals_and_r2_of_the_fakes():
    reals, fakes = torch.randn(2, 4, 3)
    samples = torch.cat([reals, fakes]).requires_grad_()
    steepness = torch.tensor([1.0] * 4 + [3.0] * 4)
    found = gradient_penalty.r1_and_r2(plane(samples, 1.0, 2.0, 2.0) * steepness, samples, 0.5)
    assert found["r1"].item() == pytest.approx(0.5 / 2 * 9)
    assert found["r2"].item() == pytest.approx(0.5 / 2 * 81)


def test_slope_of_a_bowl_is_the_distance_from_its_middle():
    samples = torch.tensor([[3.0, 4.0], [0.0, 1.0]], requires_grad=True)
    assert gradient_penalty.gradient_norm_squared(
        samples.square().sum(1) / 2, samples
    ).tolist() == [25, 1]


def test_slope_penalty_of_patches_is_that_of_their_sum():
    samples = torch.randn(4, 1, 2, 2, requires_grad=True)
    found = gradient_penalty.gradient_norm_squared(samples * 3, samples)  # (B, *patches)
    assert found.tolist() == pytest.approx([4 * 9] * 4)


def test_slope_penalty_can_be_differentiated_again():
    weight = torch.tensor(3.0, requires_grad=True)
    samples = torch.randn(6, 1, requires_grad=True)
    penalties = gradient_penalty.r1_and_r2((samples * weight).squeeze(1), samples, 1.0)
    sum(penalties.values()).backward()
    assert weight.grad.item() == pytest.approx(6)


def test_slope_of_samples_that_took_no_part_is_an_error():
    samples, other = torch.randn(2, 3, requires_grad=True), torch.randn(2, requires_grad=True)
    with pytest.raises(RuntimeError):
        gradient_penalty.gradient_norm_squared(other * 2, samples)


@pytest.mark.parametrize(("slope", "expected"), [(0.6, 0.0), (3.0, 16.0), (0.0, 1.0)])
def test_unit_slope_penalty_of_a_plane_is_its_distance_from_one(slope, expected):
    samples = torch.randn(5, 2, requires_grad=True)
    found = gradient_penalty.wgan_gp(plane(samples, slope, slope * 4 / 3), samples)
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_unit_slope_penalty_of_a_flat_critic_can_be_differentiated():
    weight = torch.zeros(2, requires_grad=True)
    samples = torch.randn(5, 2, requires_grad=True)
    gradient_penalty.wgan_gp(samples @ weight, samples).backward()
    assert weight.grad.isfinite().all()


def test_points_between_lie_on_the_line():
    real, fake = torch.ones(3, 1, 2, 2), torch.zeros(3, 1, 2, 2)
    middle = gradient_penalty.interpolate(real, fake, torch.tensor([0.0, 0.25, 1.0]))
    assert middle[:, 0, 0, 0].tolist() == [0, 0.25, 1]
    assert middle.shape == real.shape
