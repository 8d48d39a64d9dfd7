"""Generated rows with their nearest training rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gannet.core.frame import Frame
from gannet.core.scores import NearestPair
from gannet.metrics.memorization import (
    MAX_PAIRS,
    REFERENCE_NEIGHBORS,
    NearestNeighbors,
    pairs_of,
    suspects,
    training_distance_of,
    worst_pairs,
)
from gannet.metrics.tabular_distance import nearest_k
from gannet.modalities.table.evaluation.encoding import EncodedTable
from gannet.modalities.table.evaluation.samples import EvaluationRows, order_of

CLOSEST = 3_000
"""Most rows whose nearest training rows are searched."""
SEARCHED = 10_000
"""Most training rows that are searched."""


def table_neighbors(sides: EvaluationRows, train: Frame, fake: Frame) -> NearestNeighbors:
    """Distance to the closest training row (DCR) of fakes, with suspects and examples as cells."""
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
    return NearestNeighbors(
        suspects=tuple(_with_cells(pair, names, train, fake) for pair in worst_pairs(pairs)),
        examples=tuple(_with_cells(pair, names, train, fake) for pair in pairs[:MAX_PAIRS]),
        training_distance=training_distance_of(metric, near[:, 0], usual[:, 0], len(targets)),
    )


def _nearest(
    sides: EvaluationRows, queries: EncodedTable, targets: EncodedTable
) -> tuple[Tensor, Tensor]:
    neighbors = nearest_k(
        sides.row_distance.records(queries),
        sides.row_distance.records(targets),
        REFERENCE_NEIGHBORS + 1,
    )
    return neighbors[0].to(torch.float64), neighbors[1]


def _with_cells(pair: NearestPair, names: Sequence[str], train: Frame, fake: Frame) -> NearestPair:
    rows = {"fake_cells": (fake, pair.fake), "train_cells": (train, pair.train)}
    cells = {key: _cells(frame, row, names) for key, (frame, row) in rows.items()}
    return pair.model_copy(update=cells)


def _cells(frame: Frame, row: int, names: Sequence[str]) -> tuple[str, ...]:
    record = frame[row : row + 1]
    values = dict(zip(record.names, record.rows()[0], strict=True))
    return tuple("" if values[name] is None else str(values[name]) for name in names)
