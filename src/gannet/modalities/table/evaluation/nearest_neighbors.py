"""Made rows beside the training rows nearest to them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gannet.core.frame import Frame
from gannet.core.scores import Pair
from gannet.metrics.memorization import (
    OTHERS,
    SHOWN,
    Neighbours,
    closeness_of,
    pairs_of,
    suspects,
    worst_pairs,
)
from gannet.metrics.tabular_distance import nearest_few
from gannet.modalities.table.evaluation.encoding import Grid
from gannet.modalities.table.evaluation.samples import Sides, order_of

CLOSEST, SEARCHED = 3_000, 10_000
"""Most rows of a table whose nearest training rows are looked for, and in how many."""


def table_neighbours(sides: Sides, train: Frame, fake: Frame) -> Neighbours:
    """Near whom do the rows of a table lie? Cells are told as they stand in the tables."""
    targets = sides.train.take(slice(0, SEARCHED))
    fakes, reals = (each.take(slice(0, CLOSEST)) for each in (sides.fakes, sides.others))
    (near, which), (usual, _) = (_nearest(sides, each, targets) for each in (fakes, reals))
    flags = suspects(near, usual)
    of_train = order_of(len(sides.train), sides.seed, 0)
    of_fake = order_of(len(sides.fakes), sides.seed, 2)
    pairs = [
        pair.model_copy(update={"fake": int(of_fake[pair.fake])})
        for pair in pairs_of(near, [int(of_train[at]) for at in which[:, 0]], flags)
    ]
    names = sides.train.names
    metric = "Gower's, numbers by rank among training rows, 0 to 1"
    return Neighbours(
        closest=tuple(_told(pair, names, train, fake) for pair in worst_pairs(pairs)),
        shown=tuple(_told(pair, names, train, fake) for pair in pairs[:SHOWN]),
        closeness=closeness_of(metric, near[:, 0], usual[:, 0], len(targets)),
    )


def _nearest(sides: Sides, asked: Grid, targets: Grid) -> tuple[Tensor, Tensor]:
    found = nearest_few(sides.ruler.records(asked), sides.ruler.records(targets), OTHERS + 1)
    return found[0].to(torch.float64), found[1]


def _told(pair: Pair, names: Sequence[str], train: Frame, fake: Frame) -> Pair:
    rows = {"fake_cells": (fake, pair.fake), "train_cells": (train, pair.train)}
    cells = {key: _cells(frame, row, names) for key, (frame, row) in rows.items()}
    return pair.model_copy(update=cells)


def _cells(frame: Frame, row: int, names: Sequence[str]) -> tuple[str, ...]:
    held = frame[row : row + 1]
    told = dict(zip(held.names, held.rows()[0], strict=True))
    return tuple("" if told[name] is None else str(told[name]) for name in names)
