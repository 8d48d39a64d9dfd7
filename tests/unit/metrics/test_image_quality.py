"""Scores of an answer beside what it should be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gannet.metrics import image_quality
from gannet.modalities.image.degradation import blurred, degraded, flipped
from gannet.networks.super_resolution import enlarged, shrunk


def pictures(count=3, channels=3, side=48):
    return (
        torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    )


def test_psnr_of_a_known_error():
    one = torch.zeros(1, 3, 8, 8)
    # An error of 0.2 in a range of 2: 20 log10(2 / 0.2).
    assert image_quality.psnr(one, one + 0.2).item() == pytest.approx(20.0, abs=1e-3)
    assert image_quality.psnr(one, one).item() == pytest.approx(image_quality.MAX_PSNR)


def test_ssim_is_that_of_torchmetrics():
    image = pytest.importorskip("torchmetrics.functional.image")
    one, other = pictures(2)[:1], (pictures(2)[:1] + pictures(2)[1:]) / 2
    bright = ((other + 1) / 2, (one + 1) / 2)  # brightness counts from black
    wanted = image.structural_similarity_index_measure(*bright, data_range=1.0)
    # It fills the rim by reflection, which is part of its mean: only the middle is compared.
    assert image_quality.ssim(other, one).item() == pytest.approx(float(wanted), abs=0.005)
    assert image_quality.ssim(one, one).item() == pytest.approx(1.0, abs=1e-5)


def test_blur_lowers_every_score_and_loses_fine_detail():
    sharp = pictures()
    slight, strong = blurred(sharp, 0.6), blurred(sharp, 2.0)
    for score in (image_quality.psnr, image_quality.ssim, image_quality.edge_correlation):
        assert (score(slight, sharp) > score(strong, sharp)).all()
    assert (
        image_quality.high_frequency_error(slight, sharp)
        < image_quality.high_frequency_error(strong, sharp)
    ).all()
    assert (image_quality.high_frequency_error(sharp, sharp) == 0).all()


def test_structure_does_not_see_a_change_of_color():
    smooth = blurred(pictures(), 2.0)
    assert (image_quality.edge_correlation(smooth * 0.5 + 0.2, smooth) > 0.999).all()
    assert (image_quality.edge_correlation(smooth.roll(11, 3), smooth) < 0.5).all()


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_sizes_are_those_of_pillow(scale):
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (48, 36, 3), np.uint8)
    small = image.fromarray(pixels).resize((36 // scale, 48 // scale), image.Resampling.BICUBIC)
    given = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    got = (shrunk(given, scale) + 1) * 127.5
    wanted = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float()
    assert (got - wanted).abs().max() <= 1.01  # Pillow rounds between the two axes
    assert enlarged(shrunk(given, scale), scale).shape == given.shape


def test_pieces_lie_in_eight_ways_and_nothing_is_lost():
    one = torch.arange(16.0).view(1, 1, 4, 4).expand(200, -1, -1, -1)
    turned = flipped(one, torch.Generator().manual_seed(0))
    assert len({tuple(each.flatten().tolist()) for each in turned}) == 8
    assert (turned.flatten(1).sort(1).values == one.flatten(1)).all()


def test_realistic_pictures_differ_from_plain_ones_and_repeat_by_seed():
    sharp = pictures(6)
    one, again = (degraded(sharp, 4, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(one, again)
    assert one.shape == (6, 3, 12, 12)
    assert (one - shrunk(sharp, 4)).abs().max() > 0.02
    assert one.abs().max() <= 1
