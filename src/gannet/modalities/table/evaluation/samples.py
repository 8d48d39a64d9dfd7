"""The sets of rows that an evaluation of a table compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.frame import Frame
from gannet.core.seeding import derive_seed
from gannet.modalities.table.evaluation.encoding import EncodedTable, RowDistance, shuffled

MIN_ROWS = 20
"""Fewest rows per set; fewer give no meaningful scores."""


@dataclass(frozen=True)
class EvaluationRows:
    """Rows to compare. The first four sets have the same length, but for a short reference.

    Attributes:
        held_out: Reals that were not trained on.
        real_reference: Training reals for the reference (real against real); half of the training
            data where these are few.
        fake: Generated rows.
        baseline_samples: Training reals with each column shuffled by itself.
        remaining: Training reals except the reference ones, in random order.
        train: All training reals, in random order: the reference ones first.
        fakes: All fakes, in random order.
        others: All held-out reals, in random order.
        row_distance: Relative to all training reals.
        seed: Of all random choices.
    """

    held_out: EncodedTable
    real_reference: EncodedTable
    fake: EncodedTable
    baseline_samples: EncodedTable
    remaining: EncodedTable
    train: EncodedTable
    fakes: EncodedTable
    others: EncodedTable
    row_distance: RowDistance
    seed: int

    def rng(self, use: int) -> np.random.Generator:
        """A random generator for one purpose."""
        return np.random.default_rng(derive_seed(self.seed, use))


class ComparedRows(NamedTuple):
    """The rows that all scores compare, as cells: what the first sets of EvaluationRows encode."""

    held_out: Frame
    fake: Frame
    real_reference: Frame
    baseline_samples: Frame


def evaluation_rows(
    train: EncodedTable, held_out: EncodedTable, fake: EncodedTable, *, count: int, seed: int
) -> EvaluationRows:
    """Choose rows at random; equal arguments give equal rows.

    Raises:
        DataError: if there are too few rows, or no column to compare.
    """
    rows = min(count, len(held_out), len(fake))
    others = min(rows, len(train) // 2)
    if others < MIN_ROWS:
        raise DataError(
            f"{len(fake)} fake, {len(held_out)} held-out and {len(train)} training rows leave "
            f"{others} to compare, {MIN_ROWS} are needed",
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
    return EvaluationRows(
        held_out=mixed[1].take(some),
        real_reference=mixed[0].take(slice(0, others)),
        fake=mixed[2].take(some),
        baseline_samples=shuffled(train, rows, np.random.default_rng(derive_seed(seed, 3))),
        remaining=mixed[0].take(slice(others, None)),
        train=mixed[0],
        fakes=mixed[2],
        others=mixed[1],
        row_distance=RowDistance(train),
        seed=seed,
    )


def order_of(count: int, seed: int, use: int) -> NDArray[np.int64]:
    """A random permutation of training (0), held-out (1) or fake (2) rows, given by the seed."""
    return np.random.default_rng(derive_seed(seed, use)).permutation(count)
