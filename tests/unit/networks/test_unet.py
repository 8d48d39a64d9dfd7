"""The network from picture to picture where it takes pixels from other places of what is given."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from gannet.core.types import Batch
from gannet.modalities.image.augment import moved
from gannet.modalities.image.tiling import in_tiles
from gannet.networks.unet import UNetGenerator, warp
from gannet.recipes import translate
from gannet.recipes.common.image_to_image import grid_condition


@pytest.fixture
def pictures():
    return torch.rand(4, 3, 16, 20, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_no_way_is_the_picture_itself(pictures):
    assert torch.allclose(warp(pictures, torch.zeros(4, 2, 16, 20)), pictures, atol=1e-5)


def test_a_way_goes_to_the_right_and_down_and_stops_at_the_edge(pictures):
    way = torch.zeros(4, 2, 16, 20)
    way[:, 0], way[:, 1] = 3, -2
    found = warp(pictures, way)
    assert torch.allclose(found[:, :, 2:, :-3], pictures[:, :, :-2, 3:], atol=1e-5)
    assert torch.allclose(found[:, :, 2:, -1], pictures[:, :, :-2, -1], atol=1e-5)


def test_between_two_pixels_is_their_mean(pictures):
    way = torch.zeros(4, 2, 16, 20)
    way[:, 0] = 0.5
    middle = (pictures[..., :-1] + pictures[..., 1:]) / 2
    assert torch.allclose(warp(pictures, way)[..., :-1], middle, atol=1e-5)


@pytest.mark.parametrize("copies", [True, False])
def test_it_begins_with_the_given_picture_or_with_gray(pictures, copies):
    torch.manual_seed(0)
    made = UNetGenerator(3, 3, 8, 2, 4, flow_copy=copies)(
        torch.randn(4, 4), grid_condition(pictures)
    )
    assert (made - copies * pictures).abs().mean() < 0.05


def test_it_finds_out_where_pixels_come_from(pictures):
    torch.manual_seed(0)
    network = UNetGenerator(3, 3, 8, 2, 0, flow_copy=True)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    smooth = torch.nn.functional.interpolate(pictures, (32, 32), mode="bicubic")
    target = moved(smooth, torch.tensor([[0, 2]] * 4))
    before = (smooth - target).abs().mean()
    for _ in range(60):
        lost = (network(torch.zeros(4, 0), grid_condition(smooth)) - target).abs().mean()
        optimizer.zero_grad()
        lost.backward()
        optimizer.step()
    assert lost < before / 2


def test_tiles_give_what_the_whole_gives():
    torch.manual_seed(0)
    network = UNetGenerator(3, 3, 4, 2, 2, flow_copy=True, blocks=1).eval()
    with torch.no_grad():
        network.last.weight.mul_(100)  # ways and shares that matter
    seen = torch.rand(1, 3, 120, 90) * 2 - 1
    noise = torch.randn(1, 2)

    def answer(part, row):
        return network(row, grid_condition(part))

    with torch.no_grad():
        whole = (network(noise, grid_condition(seen)) + 1) / 2
        parts = in_tiles(
            partial(answer, row=noise), [seen], network.receptive_radius, unit=network.unit, tile=64
        )[0]
    assert (whole - seen / 2 - 0.5).abs().mean() > 0.05
    assert torch.allclose(parts, whole, atol=1e-4)


def test_both_pictures_of_a_pair_are_mirrored_and_moved_alike(pictures):
    large = pictures.repeat_interleave(2, 2).repeat_interleave(2, 3)
    batch = Batch(pictures, grid_condition(large))
    config = translate.TranslateConfig(random_shift=0.2)
    chance = torch.Generator().manual_seed(1)
    changed = translate.corrupt(batch, chance, config)
    assert (changed.real != pictures).flatten(1).any(1).sum() >= 3
    assert torch.equal(changed.condition.grid[:, :, ::2, ::2], changed.real)


def test_pairs_stay_as_they_are_on_request(pictures):
    batch = Batch(pictures, grid_condition(pictures))
    config = translate.TranslateConfig(random_shift=0, horizontal_flip=False)
    assert translate.corrupt(batch, torch.Generator(), config).real is pictures


def test_sharp_answers_a_little_aside_are_less_wrong_than_blurred_ones():
    chance = torch.Generator().manual_seed(0)
    real = torch.rand(4, 3, 32, 32, generator=chance).sub(0.5).sign()
    batch = Batch(real, grid_condition(real))
    aside = moved(real, torch.tensor([[0, 1]] * 4))
    blurred = torch.nn.functional.avg_pool2d(real, 5, 1, 2)

    def wrong(made, **settings):
        return float(
            translate.validation_loss(lambda *_: made, batch, translate.TranslateConfig(**settings))
        )

    assert wrong(aside) < wrong(blurred) / 2
    assert wrong(aside, adversarial_weight=0) > wrong(blurred, adversarial_weight=0)
    assert wrong(real) == 0


@pytest.mark.parametrize("alike", [True, False])
def test_pixels_are_taken_where_the_given_picture_is_like_the_target(pictures, alike):
    given = pictures * 0.9 if alike else -pictures
    found = [
        settings
        for _, settings in translate.suggest_config(Batch(pictures, grid_condition(given)), 100)
    ]
    assert ({"flow_copy": False} in found) == (not alike)
