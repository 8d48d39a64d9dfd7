"""The table of ``inputs`` as an evaluation compares it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from gannet.modalities.table.evaluation.encoding import EncodedTable, RowDistance
from gannet.modalities.table.evaluation.samples import EvaluationRows
from tests.reference import inputs
from tests.reference.inputs import Numbers


def grid(values: Numbers, sizes: tuple[int, ...] = inputs.SIZES) -> EncodedTable:
    names = inputs.NAMES if sizes == inputs.SIZES else tuple(map(str, range(len(sizes))))
    return EncodedTable(names, sizes, values)


def sides(
    train: Numbers = inputs.TRAIN,
    held_out: Numbers = inputs.HELD_OUT,
    fake: Numbers = inputs.FAKE,
    sizes: tuple[int, ...] = inputs.SIZES,
) -> EvaluationRows:
    """In the order that they have."""
    rows = min(len(held_out), len(fake), len(train) // 2)
    rng = np.random.default_rng(9)
    plain = np.stack([rng.permutation(column) for column in train[:rows].T], 1)
    return EvaluationRows(
        held_out=grid(held_out[:rows], sizes),
        real_reference=grid(train[:rows], sizes),
        fake=grid(fake[:rows], sizes),
        baseline_samples=grid(plain, sizes),
        remaining=grid(train[rows:], sizes),
        train=grid(train, sizes),
        fakes=grid(fake, sizes),
        others=grid(held_out, sizes),
        row_distance=RowDistance(grid(train, sizes)),
        seed=0,
    )


def with_fakes(those: EvaluationRows, values: Numbers) -> EvaluationRows:
    made = replace(those.fakes, values=values)
    return replace(those, fakes=made, fake=made.take(slice(0, len(those.fake))))


def places(values: Numbers, train: Numbers) -> Numbers:
    """Share of training values below each, equal ones half; missing cells at -.5."""
    found = np.full(values.shape, -0.5)
    for column in range(values.shape[1]):
        held = train[~np.isnan(train[:, column]), column]
        for row, value in enumerate(values[:, column]):
            if not np.isnan(value):
                below = (held < value).sum() + (held == value).sum() / 2
                found[row, column] = below / len(held)
    return found


def gower(one: Numbers, other: Numbers, train: Numbers, sizes: tuple[int, ...]) -> Numbers:
    """Mean difference of a cell: of numbers that of their places, of codes 0 or 1."""
    numbers = [at for at, size in enumerate(sizes) if not size]
    total = np.zeros((len(one), len(other)))
    for column in numbers:
        a, b = (places(side[:, [column]], train[:, [column]])[:, 0] for side in (one, other))
        total += np.abs(a[:, None] - b)
    for column in set(range(len(sizes))) - set(numbers):
        a, b = (np.nan_to_num(side[:, column], nan=-1) for side in (one, other))
        total += a[:, None] != b
    return total / len(sizes)


def one_hot(values: Numbers, sizes: tuple[int, ...]) -> Tensor:
    made = [(values[:, [at]] == np.arange(size)) for at, size in enumerate(sizes)]
    return torch.from_numpy(np.concatenate(made, 1)).float()
