"""Directions of generators whose axes are known, and their names."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gannet.core.types import Spec
from gannet.inference.editing.attributes import Attribute, measured
from gannet.inference.editing.direction_names import (
    UNNAMED,
    describe_direction,
    distinct,
    name_directions,
)
from gannet.inference.editing.directions import (
    ganspace,
    regression_direction,
    sefa,
    separating_direction,
    unit,
    without,
)
from gannet.inference.editing.interpolation import (
    gif,
    interpolate,
    interpolate_through,
    labeled,
    ping_pong,
    slerp,
    to_frames,
)
from gannet.inference.editing.latent_generator import LatentGenerator

SIDE, WIDTH = 24, 5


class Lamp(nn.Module):
    """A square on black: noise 0 is its brightness, 1 its place across, 2 its size; 3, 4 nothing.

    A first layer mixes the axes of the noise by a known rotation.
    """

    def __init__(self):
        super().__init__()
        chance = torch.Generator().manual_seed(3)
        self.first = nn.Linear(WIDTH, WIDTH, bias=False)
        turn, _ = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=chance))
        self.first.weight.data = torch.diag(torch.tensor([5.0, 4, 3, 2, 1])) @ turn
        self.last = nn.Linear(WIDTH, WIDTH, bias=False)
        self.last.weight.data = torch.diag(1 / torch.tensor([5.0, 4, 3, 2, 1]))
        self.turn = turn

    def forward(self, noise, condition):
        told = self.last(self.first(noise)) / 3
        place = torch.arange(SIDE, dtype=torch.float32)
        light = (told[:, 0].tanh() * 0.4 + 0.6).view(-1, 1, 1)
        x = (SIDE / 2 + 5 * told[:, 1].tanh()).view(-1, 1)
        half = (5 + 0.8 * told[:, 2].tanh()).view(-1, 1)
        across = (half - (place - x).abs() + 0.5).clamp(0, 1)
        down = (half - (place - SIDE / 2).abs() + 0.5).clamp(0, 1)
        return (2 * light * down[:, :, None] * across[:, None, :] - 1)[:, None]


@pytest.fixture(scope="module")
def lamp():
    return LatentGenerator(Lamp().requires_grad_(False), Spec((1, SIDE, SIDE)), WIDTH)


def test_the_closed_form_reads_the_axes_off_the_first_layer(lamp):
    found = sefa(lamp, 5)
    likeness = (found @ lamp.network.turn.T).abs()
    torch.testing.assert_close(likeness, torch.eye(5), atol=1e-3, rtol=0)


def test_principal_components_of_activations_find_the_same_axes(lamp):
    found = ganspace(lamp, 3, samples=4_000)
    likeness = (found @ lamp.network.turn.T).abs().diagonal()
    assert (likeness > 0.98).all(), likeness


def test_each_axis_gets_the_name_of_what_it_changes_and_rises_along_it(lamp):
    axes = torch.cat([-lamp.network.turn[:2], lamp.network.turn[2:4]])
    found = name_directions(lamp, axes, measured(1))
    # A larger square is brighter on the whole, wider, taller and thicker as well.
    assert [each.name for each in found[:2]] == ["brightness", "x"]
    assert found[2].name in {"size", "width", "height", "thickness", "brightness", "contrast"}
    assert found[3].name == UNNAMED, found[3].evidence
    for each in found[:3]:
        assert each.effects[0].attribute == each.name
        assert each.effects[0].change > 0
        assert each.effects[0].reliable > 0.9
        assert each.name in each.evidence
    assert [float(each.axis @ axis) < 0 for each, axis in zip(found, axes, strict=True)] == [
        True, True, False, False,
    ]  # fmt: skip


def test_an_attribute_that_changes_to_either_side_by_chance_names_nothing(lamp):
    """The broken specimen: noise in the measure is no name."""
    chance = torch.Generator().manual_seed(0)

    def dice(pictures):
        return torch.rand(len(pictures), generator=chance)

    found = name_directions(lamp, lamp.network.turn[:1], [Attribute("dice", "luckier", dice)])
    assert found[0].name == UNNAMED


def test_the_direction_of_an_attribute_is_learnt_from_samples(lamp):
    noise, vector = lamp.sample_latents(2_000, seed=1)
    attribute = next(each for each in measured(1) if each.name == "x")
    axis = regression_direction(noise, attribute.measure(lamp.generate(noise, vector)), vector)
    assert float(axis @ lamp.network.turn[1]) > 0.97
    told = describe_direction(lamp, axis, measured(1), "x")
    assert (told.name, told.effects[0].attribute) == ("x", "x")
    assert describe_direction(lamp, -axis, measured(1), "x").name == UNNAMED, "it falls"


def test_values_that_a_class_explains_do_not_count():
    noise = torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
    kinds = (noise[:, 0] > 0).long()
    values = 100.0 * kinds + noise[:, 1]
    axis = regression_direction(noise, values, torch.eye(2)[kinds])
    assert float(axis[1]) > 0.95


def test_two_handfuls_give_a_direction():
    chance = torch.Generator().manual_seed(2)
    noise = torch.randn(24, 16, generator=chance)
    noise[:12, 3] += 2.5
    axis = separating_direction(noise, torch.arange(24) < 12)
    assert float(axis[3]) > 0.7
    assert int(axis.abs().argmax()) == 3


def test_what_is_held_does_not_move():
    axes = unit(torch.randn(3, 8, generator=torch.Generator().manual_seed(0)))
    left = without(axes[0], list(axes[1:]))
    assert (axes[1:] @ left).abs().max() < 1e-5
    assert float(left @ axes[0]) > 0
    assert torch.equal(without(axes[0], []), axes[0])


def test_directions_that_nearly_repeat_are_left_out():
    axes = unit(torch.tensor([[1.0, 0, 0], [-1, 0.01, 0], [0, 1, 0]]))
    assert torch.equal(distinct(axes), axes[[0, 2]])


def test_an_arc_keeps_the_length_of_noise_and_meets_both_ends():
    one, two = torch.randn(2, 64, generator=torch.Generator().manual_seed(0))
    two = two * (one.norm() / two.norm())
    torch.testing.assert_close(slerp(one, two, 0.0), one)
    torch.testing.assert_close(slerp(one, two, 1.0), two, atol=1e-5, rtol=1e-5)
    assert float(slerp(one, two, 0.5).norm()) == pytest.approx(float(one.norm()), rel=1e-4)
    torch.testing.assert_close(slerp(one, one, 0.3), one)
    torch.testing.assert_close(slerp(torch.zeros(2), torch.ones(2), 0.5), torch.full((2,), 0.5))


def test_blends_meet_their_ends_also_where_networks_were_tuned(lamp):
    from gannet.inference.editing.inversion import InvertedImage

    noise, vector = lamp.sample_latents(2, seed=0)
    other = lamp.copy()
    other.network.last.weight.data *= 1.3
    one, two = InvertedImage(lamp, noise[0], vector[0]), InvertedImage(other, noise[1], vector[1])
    torch.testing.assert_close(interpolate(one, two, 0.0).image(), one.image())
    torch.testing.assert_close(interpolate(one, two, 1.0).image(), two.image())
    frames = interpolate_through([one, two, one], 7)
    torch.testing.assert_close(frames[3], two.image())
    torch.testing.assert_close(frames[6], one.image())


def test_films_and_sheets_are_written_from_gray_and_alpha():
    from io import BytesIO

    from PIL import Image

    for channels in (1, 2, 3, 4):
        steps = torch.linspace(-1, 1, 5).view(5, 1, 1, 1)
        frames = ping_pong(steps.expand(5, channels, 8, 6).clone())
        assert len(frames) == 8
        film = Image.open(BytesIO(gif(frames)))
        assert (film.n_frames, film.info["loop"]) == (8, 0)
        assert film.size == (96, 128)
    shown = to_frames(torch.ones(1, 1, 300, 200))
    assert shown[0].shape == (300, 200, 3), "large pictures stay as they are"
    row = ("1 brightness\nmore", torch.zeros(6, 1, 8, 8))
    sheet = Image.open(BytesIO(labeled([row, row], ["a"] * 6, 3)))
    assert sheet.width > 6 * 64
    assert sheet.height > 2 * 64
    assert len(sheet.getcolors(100_000)) > 2, "there are letters"
