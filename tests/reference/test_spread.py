"""Spread within modes against loops, scikit-learn and closed forms, and what must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import linalg, stats
from sklearn.neighbors import NearestNeighbors

from gannet.metrics.modes.spread import (
    FAR,
    find_modes,
    mode_deviations,
    neighbor_distance,
    std_within_modes,
)
from tests.reference.agreement import agree, reference


def ring(count: int, seed: int, spread: float = 0.2, modes: int = 8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    angle = rng.integers(0, modes, count) * 2 * math.pi / modes
    return 2 * np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, spread, (count, 2))


def within(real: np.ndarray, fake: np.ndarray, modes: np.ndarray) -> float:
    return std_within_modes(*map(torch.from_numpy, (real, fake, modes)))


def near(real: np.ndarray, fake: np.ndarray) -> float:
    return neighbor_distance(torch.from_numpy(real), torch.from_numpy(fake))


PLACES = np.stack([[math.cos(at), math.sin(at)] for at in np.arange(8) * math.pi / 4]) * 2
REAL, FAKE = ring(800, 0), ring(700, 1, 0.1)


@reference("spread-within-modes")
@pytest.mark.parametrize("seed", [0, 1])
def test_spread_is_the_weighted_geometric_mean_of_numpys_deviations(seed):
    real, fake = ring(300, seed), ring(250, seed + 9, 0.15)
    logs, weights = [], []
    for at in range(8):
        sides = [
            side[np.argmin(((side[:, None] - PLACES) ** 2).sum(2), 1) == at]
            for side in (real, fake)
        ]
        own, made = (math.sqrt(np.var(side, axis=0, ddof=1).mean()) for side in sides)
        logs.append(math.log(made / own))
        weights.append(len(sides[0]))
    agree(
        "spread-within-modes",
        within(real, fake, PLACES),
        math.exp(np.average(logs, weights=weights)),
    )


@reference("spread-within-modes")
def test_a_set_scaled_about_its_modes_has_that_ratio():
    real = ring(800, 0, 0.1)  # so narrow that no sample changes its mode
    labels = np.argmin(((real[:, None] - PLACES) ** 2).sum(2), 1)
    means = np.stack([real[labels == at].mean(0) for at in range(8)])
    for factor in (0.48, 1.0, 1.2):
        fake = means[labels] + factor * (real - means[labels])
        agree("spread-within-modes", within(real, fake, PLACES), factor)


@reference("neighbor-distance")
@pytest.mark.parametrize("width", [2, 30])
def test_neighbor_distance_is_scikit_learns_trimmed_by_scipy(width):
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(200, width)), rng.normal(size=(200, width)) * 0.7
    means = [
        stats.trim_mean(NearestNeighbors(n_neighbors=2).fit(side).kneighbors(side)[0][:, 1], 0.1)
        for side in (real, fake)
    ]
    agree("neighbor-distance", near(real, fake), means[1] / means[0])


@reference("spread-within-modes", "neighbor-distance")
def test_what_must_not_matter_does_not():
    value, other = within(REAL, FAKE, PLACES), near(REAL, FAKE)
    turn = linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    shift = np.array([30.0, -7.0])
    for unit in (1e-3, 1.0, 250.0):
        moved = [unit * (each @ turn + shift) for each in (REAL, FAKE, PLACES)]
        agree("spread-within-modes", within(*moved), value)
        agree("neighbor-distance", near(*moved[:2]), other)
    agree("spread-within-modes", within(REAL[::-1].copy(), np.roll(FAKE, 5, 0), PLACES), value)
    agree("neighbor-distance", near(REAL[:700][::-1].copy(), FAKE), near(REAL[:700], FAKE))


@reference("spread-within-modes", "neighbor-distance")
def test_sides_in_each_others_place_give_the_inverse():
    real, fake = ring(640, 5), ring(640, 6, 0.1)
    agree("neighbor-distance", near(real, fake) * near(fake, real), 1.0)
    agree(
        "spread-within-modes", within(real, fake, PLACES[:1]) * within(fake, real, PLACES[:1]), 1.0
    )


@reference("spread-within-modes", "neighbor-distance")
def test_ties_and_copies_have_their_limits():
    same = np.ones((60, 2))
    agree("spread-within-modes", within(same, same, PLACES), 1.0)
    agree("spread-within-modes", within(ring(60, 0), np.repeat(PLACES, 8, 0), PLACES), 1 / FAR)
    agree("neighbor-distance", near(same, same), 1.0)
    agree("neighbor-distance", near(same, ring(60, 0)), FAR)


@reference("spread-within-modes")
def test_the_modes_of_a_ring_are_its_places():
    modes = find_modes(torch.from_numpy(ring(1_600, 2)), seed=0).numpy()
    assert len(modes) == 8
    gaps = np.sqrt(((modes[:, None] - PLACES) ** 2).sum(2)).min(1)
    assert gaps.max() < 0.1
    found, counts = mode_deviations(torch.from_numpy(REAL), torch.from_numpy(PLACES))
    agree("spread-within-modes", float(found.mean()), 0.2, near=0.02)
    assert int(counts.sum()) == len(REAL)
