"""Small inputs by seed, which other packages are given too, in an environment of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

NAMES = ("age", "income", "town", "smokes")
SIZES = (0, 0, 4, 3)
"""Codes of each column; 0 for numbers. The last code of each is never seen in training."""


def table(rows: int, seed: int, link: float = 1.0) -> Numbers:
    """Two numbers with holes and two columns of codes ``(rows, 4)``, linked more or less."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 12, rows)
    income = link * age * 50 + rng.normal(0, 400, rows)
    town = (rng.random(rows) * (3 - link)).astype(np.int64).astype(float)
    smokes = np.where(rng.random(rows) < 0.85, (age > 40) * 1.0, (town > 0) * 1.0)
    smokes = np.where(rng.random(rows) < link * 0.9, smokes, rng.integers(0, 2, rows))
    values = np.stack([age, income, town, smokes], 1)
    for column, share in enumerate((0.3, 0.35, 0.0, 0.1)):
        values[rng.random(rows) < share, column] = np.nan
    return values


TRAIN = table(900, 1)
HELD_OUT, FAKE = table(300, 2), table(300, 3, 0.7)


def even_bins(values: Numbers, held: Numbers, count: int = 10) -> Numbers:
    """Numbers as bins of equal width over ``held``, NaN where missing."""
    known = held[~np.isnan(held)]
    edges = np.linspace(known.min(), known.max(), count + 1)[1:-1]
    return np.where(np.isnan(values), np.nan, (values[:, None] >= edges).sum(1).astype(float))


def heaps(seed: int, rows: int = 120, width: int = 6) -> tuple[Numbers, Numbers]:
    """Reals and fakes ``(rows, width)``, a little apart and of unlike spread."""
    rng = np.random.default_rng(seed)
    real = rng.normal(size=(rows, width)) @ rng.normal(size=(width, width))
    fake = rng.normal(size=(rows, width)) @ rng.normal(size=(width, width)) * 0.8 + 0.4
    return real, fake[: rows - 9]


def weights(shape: tuple[int, ...], number: int) -> Numbers:
    """Weights of a network by arithmetic alone, so that they are the same everywhere."""
    count = int(np.prod(shape))
    waves = np.sin(np.arange(count) * 12.9898 + number * 78.233) * 43758.5453
    fan = max(int(np.prod(shape[1:])), 1)
    return ((waves - np.floor(waves) - 0.5) * np.sqrt(24 / fan)).reshape(shape)


def photos(count: int = 3, side: int = 40) -> NDArray[np.uint8]:
    """Pictures ``(count, side, side, 3)``: blots, an edge and grain."""
    rng = np.random.default_rng(5)
    down, right = np.mgrid[:side, :side] / side
    made: list[Numbers] = []
    for _ in range(count):
        places, wide = rng.random((4, 2)), rng.uniform(0.05, 0.2, 4)
        blots = sum(
            np.exp(-((down - y) ** 2 + (right - x) ** 2) / w**2)
            for (y, x), w in zip(places, wide, strict=True)
        )
        color = rng.uniform(20, 110, 3)
        picture = blots[..., None] * color + 60 * (right > rng.random())[..., None]
        made.append(picture + rng.normal(0, 6, (side, side, 3)))
    return np.clip(np.stack(made) + 30, 0, 255).astype(np.uint8)
