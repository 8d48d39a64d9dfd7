"""Which rows of tables an evaluation compares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.seeding import seed_at
from gannet.modalities.table.evaluation.encoding import Grid, Ruler, shuffled

FEWEST = 20
"""Rows on a side below which nothing can be said."""


@dataclass(frozen=True)
class Sides:
    """Rows to compare. The first four are of one length.

    Attributes:
        held_out: Reals never trained on.
        fresh: Training reals that serve as the floor.
        fake: Of the generator.
        plain: Training reals with each column shuffled by itself.
        rest: Training reals but for the fresh ones, in random order.
        train: All training reals, in random order: the fresh ones first.
        fakes: All fakes, in random order.
        others: All held-out reals, in random order.
        ruler: Of all training reals.
        seed: Of all choices.
    """

    held_out: Grid
    fresh: Grid
    fake: Grid
    plain: Grid
    rest: Grid
    train: Grid
    fakes: Grid
    others: Grid
    ruler: Ruler
    seed: int

    def rng(self, use: int) -> np.random.Generator:
        """Chance for one purpose."""
        return np.random.default_rng(seed_at(self.seed, use))


def sides_of(train: Grid, held_out: Grid, fake: Grid, *, count: int, seed: int) -> Sides:
    """Choose rows. Equal arguments give equal rows.

    Raises:
        DataError: if there are too few, or no column is left to compare.
    """
    rows = min(count, len(held_out), len(train) // 2, len(fake))
    if rows < FEWEST:
        raise DataError(
            f"{len(fake)} fake, {len(held_out)} held-out and {len(train)} training rows leave "
            f"{rows} to compare, {FEWEST} are needed",
            remedy="Give more rows, or a larger count.",
        )
    if not train.names:
        raise DataError(
            "no column to compare: all are identifiers, free text, constant or empty",
            remedy="Say what a column holds with --column NAME=TYPE.",
        )
    mixed = [
        each.take(order_of(len(each), seed, use))
        for use, each in enumerate((train, held_out, fake))
    ]
    some = slice(0, rows)
    return Sides(
        held_out=mixed[1].take(some),
        fresh=mixed[0].take(some),
        fake=mixed[2].take(some),
        plain=shuffled(train, rows, np.random.default_rng(seed_at(seed, 3))),
        rest=mixed[0].take(slice(rows, None)),
        train=mixed[0],
        fakes=mixed[2],
        others=mixed[1],
        ruler=Ruler(train),
        seed=seed,
    )


def order_of(count: int, seed: int, use: int) -> NDArray[np.int64]:
    """The random order of training (0), held-out (1) and fake (2) rows; same seed, same order."""
    return np.random.default_rng(seed_at(seed, use)).permutation(count)
