"""Attributes are measured on pictures that were drawn to have them."""

from __future__ import annotations

import math

import pytest
import torch

from gannet.inference.editing import attributes as at

SIDE = 32


def bar(angle=0.0, x=15.5, y=15.5, long=11.0, thick=2.0, color=(1.0,), ground=-1.0):
    """A soft bar on a plain ground, ``(1, C, 32, 32)``; degrees against the clock."""
    down, right = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    turn = math.radians(angle)
    across, up = right - x, y - down
    along = across * math.cos(turn) + up * math.sin(turn)
    aside = -across * math.sin(turn) + up * math.cos(turn)
    inside = (long - along.abs()).clamp(0, 1) * (thick - aside.abs() + 0.5).clamp(0, 1)
    paint = torch.tensor(color).view(1, -1, 1, 1)
    return ground + (paint - ground) * inside.view(1, 1, SIDE, SIDE)


def flat(*color):
    return torch.tensor(color).view(1, -1, 1, 1).expand(1, -1, 8, 8) * 2 - 1


@pytest.mark.parametrize("angle", [0, 20, 45, 90, 130, 170])
def test_rotation_is_the_angle_of_a_bar(angle):
    assert float(at.rotation(bar(angle))) == pytest.approx(angle, abs=1.5)


def test_a_disc_and_an_empty_picture_have_no_rotation():
    down, right = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    disc = ((down - 15.5).square() + (right - 15.5).square() < 64).float() * 2 - 1
    assert at.rotation(disc[None, None]).isnan().all()
    empty = torch.full((1, 1, SIDE, SIDE), -1.0)
    for measure in (at.rotation, at.center_x, at.slant):
        assert measure(empty).isnan().all()


@pytest.mark.parametrize("ground", [-1.0, 1.0])
def test_ink_is_what_differs_from_the_border_on_any_ground(ground):
    thin, thick = (bar(thick=each, color=(-ground,), ground=ground) for each in (1.5, 3.0))
    assert float(at.size(thick)) > 1.6 * float(at.size(thin))
    assert float(at.thickness(thick)) > 1.5 * float(at.thickness(thin))
    assert float(at.center_x(bar(x=20, color=(-ground,), ground=ground))) == pytest.approx(
        20.5 / SIDE, abs=0.01
    )


def test_place_width_height_and_slant():
    assert float(at.center_y(bar(y=10))) == pytest.approx(10.5 / SIDE, abs=0.01)
    lying, standing = bar(0), bar(90)
    assert float(at.width(lying)) > 2 * float(at.width(standing))
    assert float(at.height(standing)) > 2 * float(at.height(lying))
    assert float(at.slant(bar(60))) > 0.2 > abs(float(at.slant(standing)))
    assert float(at.slant(bar(120))) < -0.2


def test_thickness_does_not_rise_with_length():
    short, long = (float(at.thickness(bar(long=each, thick=2.0))) for each in (7, 14))
    assert long == pytest.approx(short, rel=0.15)


@pytest.mark.parametrize(
    ("color", "angle"),
    [((1.0, 0, 0), 0), ((1.0, 1, 0), 60), ((0, 1.0, 0), 120), ((0, 0, 1.0), 240)],
)
def test_hue_goes_round_the_circle(color, angle):
    found = float(at.hue(flat(*color)))
    assert min(abs(found - angle), 360 - abs(found - angle)) < 0.5


def test_gray_has_no_hue_and_no_saturation():
    gray = flat(0.4, 0.4, 0.4)
    assert at.hue(gray).isnan().all()
    assert float(at.saturation(gray)) == pytest.approx(0, abs=1e-6)
    assert float(at.brightness(gray)) == pytest.approx(0.4, abs=1e-6)
    assert float(at.saturation(flat(0.9, 0.1, 0.1))) == pytest.approx(0.8, abs=1e-5)
    assert float(at.warmth(flat(0.9, 0.1, 0.1))) == pytest.approx(0.8, abs=1e-5)


def test_alpha_is_ink_where_there_is_some():
    opaque = torch.cat([flat(0.2, 0.5, 0.9), torch.ones(1, 1, 8, 8)], 1)
    half = opaque.clone()
    half[:, 3, :, :4] = -1
    assert float(at.size(half)) == pytest.approx(0.5)
    assert float(at.brightness(half)) > float(at.brightness(opaque)), "it is laid on white"


def test_changes_of_turns_go_the_short_way():
    turn = at.Attribute("hue", "", at.hue, period=360)
    assert turn.change(torch.tensor(350.0), torch.tensor(10.0)).item() == pytest.approx(20)
    assert turn.change(torch.tensor(10.0), torch.tensor(350.0)).item() == pytest.approx(-20)
    near = torch.tensor([358.0, 2.0, 0.0, math.nan])
    assert turn.std(near) < 3


def test_of_classes_only_color_has_color_attributes():
    assert {each.name for each in at.measured(3)} - {each.name for each in at.measured(1)} == {
        "hue",
        "saturation",
        "warmth",
    }


def test_a_class_is_ahead_of_all_others_together():
    calls = []

    def logits(pictures):
        calls.append(len(pictures))
        return pictures.flatten(1)[:, :3]

    found = at.of_classes(("a", "b", "c"), at.CachedMeasure(logits), "label")
    pictures = torch.tensor([[3.0, 0, 0], [0, 0, 0]]).view(2, 1, 1, 3)
    values = at.values_of(found, pictures)
    assert list(values) == ["label a", "label b", "label c"]
    assert values["label a"].tolist() == pytest.approx([3 - math.log(2), -math.log(2)])
    assert values["label b"][0] < values["label b"][1]
    assert calls == [2], "one pass for all classes"
    assert at.of_classes(("only",), logits) == ()
