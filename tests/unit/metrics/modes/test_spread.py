"""Modes that are there and have the wrong width must cost, to both sides."""

from __future__ import annotations

import math

import pytest
import torch

from gannet.core.scores.diagnosis import effect
from gannet.metrics.modes.spread import find_modes, mode_std_scores


def ring(count: int, seed: int, spread: float = 0.2) -> torch.Tensor:
    chance = torch.Generator().manual_seed(seed)
    angle = torch.randint(0, 8, (count,), generator=chance) * math.pi / 4
    return 2 * torch.stack([angle.cos(), angle.sin()], 1) + spread * torch.randn(
        count, 2, generator=chance
    )


def blob(count: int, width: int, seed: int, spread: float = 1.0) -> torch.Tensor:
    chance = torch.Generator().manual_seed(seed)
    return spread * torch.randn(count, width, generator=chance)


@pytest.mark.parametrize(
    ("spread", "words", "grades"),
    [
        (0.096, ("modes shrunken", "too crowded"), ("poor", "poor")),
        (0.15, ("modes shrunken", "too crowded"), ("fair", "fair")),
        (0.2, ("", ""), ("good", "good")),
        (0.3, ("modes too wide", "too scattered"), ("fair", "fair")),
        (0.5, ("modes too wide", "too scattered"), ("poor", "poor")),
    ],
)
def test_a_ring_of_another_width_departs_to_its_side(spread, words, grades):
    found = mode_std_scores(
        ring(1_000, 0), ring(1_000, 1, spread), ring(1_000, 2), blob(1_000, 2, 3, 2), "x", seed=0
    )
    verdicts = [f"differs: {word}" if word else "like reals" for word in words]
    assert [each.departure_text for each in found] == verdicts
    assert [effect(each) for each in found] == list(grades)
    for each in found:
        assert each.low <= each.value <= each.high
        assert not each.beyond_reference, "neither side of a ratio is good"
    assert found[0].value == pytest.approx(spread / 0.2, rel=0.15)


def test_one_mode_of_another_width_is_listed_first():
    fake = ring(1_600, 1)
    center = torch.tensor([2.0, 0.0])
    narrow = (fake - center).norm(dim=1) < 0.75
    fake[narrow] = center + 0.3 * (fake[narrow] - center)
    found = mode_std_scores(ring(1_600, 0), fake, ring(1_600, 2), blob(1_600, 2, 3), "x", seed=0)[0]
    worst, *others = found.components
    assert worst.value < 0.45
    assert all(0.8 < each.value < 1.25 for each in others)


@pytest.mark.parametrize(("count", "width"), [(60, 2), (300, 64), (200, 300)])
def test_other_reals_are_like_reals(count, width):
    sides = [blob(count, width, seed) for seed in range(4)]
    for each in mode_std_scores(*sides, "x", seed=0):
        assert each.at_reference, each
        assert effect(each) == "good"


def test_a_blob_is_not_divided_into_many_modes():
    assert len(find_modes(blob(600, 10, 0), seed=0)) <= 3
    assert len(find_modes(blob(50, 10, 0), seed=0)) == 1
    assert len(find_modes(torch.ones(100, 3), seed=0)) == 1


def test_a_baseline_on_the_other_side_beats_only_if_it_is_nearer():
    shrunken = ring(1_000, 1, 0.05)
    wide, near = (
        mode_std_scores(ring(1_000, 0), shrunken, ring(1_000, 2), baseline, "x", seed=0)[0]
        for baseline in (ring(1_000, 3, 0.9), ring(1_000, 3, 0.22))
    )
    assert near.beaten == "yes"
    assert wide.value < 1 < wide.baseline
    assert wide.beaten == "no"
