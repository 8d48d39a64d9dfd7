"""Fits the imputer after training, and its weights on observed cells that are masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.seeding import derive_seed
from gannet.core.transform import Trained
from gannet.core.types import Batch, BoolArray, FloatArray
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.as_numbers import on_grid, values_of
from gannet.networks.tabular.layout import missing
from gannet.recipes.common.imputation.ensemble import Imputer, between, zero_inflated_columns
from gannet.recipes.common.imputation.extra_trees import Forest
from gannet.recipes.common.imputation.initial import (
    STEPS,
    InitialImputation,
    chosen,
    network_axes,
    numeric_of,
)
from gannet.recipes.common.tabular import CellConfig

HIDDEN = 0.2
"""Fraction of observed cells that is masked in a trial."""

TRIED_CELLS = 6_000
"""Masked cells to collect over all trials."""

MOST_TRIALS = 8
"""Maximum number of trials, each with new masks of the same rows."""

RIDGES = (0.3, 3.0, 30.0)
"""Ridges of the normal distribution; tried if there are few rows, else the first is used."""

FEW_ROWS = 2_000
"""Rows up to which all ridges are tried."""

CELLS = 1_500_000
"""Maximum cells to fit to."""

PAIRS = 50_000_000
"""Maximum numbers in memory: rows times columns squared."""

FEWEST_KNOWN = 20
"""Minimum observed cells of a column to fit a forest."""

LEAST_WEIGHT = 0.15
"""Minimum weight of the network in a column; less is not worth its time."""

TREES = 20
"""Trees of a forest."""

LEAF = 2
"""Minimum rows at a leaf."""

MANY_ROWS = 5_000
"""Rows from which leaves have twice the minimum."""

SPIKE = 0.2
"""Fraction of its column above which one value makes it zero-inflated."""

FEW_VALUES = 32
"""Distinct values up to which a column is never zero-inflated."""

LEVEL = 0.9
"""Coverage of the intervals from which the donors' scale is set."""

EDGES = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
"""Quantiles at the ends of these intervals."""

SCALES = np.linspace(0.3, 2.0, 35)
"""Scales that are tried."""

TINY = 1e-9
"""Tolerance for rounding."""


@dataclass(frozen=True, slots=True)
class MaskedRows:
    """Rows of a table and their observed cells.

    Attributes:
        values: ``(N, C)``, NaN where missing.
        rows: ``(N, F)`` encoded.
        observed: ``(N, F)`` one where a field is observed.
    """

    values: FloatArray
    rows: Tensor
    observed: Tensor

    @classmethod
    def of(cls, batch: Batch, codec: TableCodec) -> MaskedRows:
        """From encoded rows."""
        frame = codec.decode_frame(batch.real)
        columns = [
            values_of(column, frame.column(column.name))
            if column.sizes
            else np.full(len(frame), np.nan)
            for column in codec.columns
        ]
        known = ~missing(batch.real, batch.table.missing_field)
        return cls(np.stack(columns, 1), batch.real, known.float())

    def without(self, hidden: BoolArray, codec: TableCodec) -> MaskedRows:
        """The same rows with some cells ``(N, C)`` masked."""
        owner = [field.column for field in codec.fields]
        known = self.observed * torch.from_numpy(~hidden[:, owner]).float()
        return MaskedRows(np.where(hidden, np.nan, self.values), self.rows, known)

    def take(self, rows: NDArray[np.int64]) -> MaskedRows:
        """Some rows."""
        at = torch.from_numpy(rows)
        return MaskedRows(self.values[rows], self.rows[at], self.observed[at])


Trial = tuple[MaskedRows, BoolArray]
"""Rows with cells masked on purpose, and the mask."""


def fit_after_training(
    trained: Trained[CellConfig], train: Batch, held_out: Batch, seed: int
) -> Mapping[str, Tensor]:
    """Fit to training rows; choose weights on masked cells of held-out rows."""
    codec = trained.codecs["sample"]
    assert isinstance(codec, TableCodec)
    fitted, others = MaskedRows.of(train, codec), MaskedRows.of(held_out, codec)
    most = max(min(CELLS // len(codec.columns), PAIRS // len(codec.columns) ** 2), FEW_ROWS)
    if len(fitted.values) > most:
        rng = np.random.default_rng(derive_seed(seed, 5))
        fitted = fitted.take(np.sort(rng.permutation(len(fitted.values))[:most]))
    trials = _trials(others, codec, seed)
    start = _started(trained, codec, fitted, others, trials)
    return _with_forests(trained, start, fitted, others, trials, seed).tensors()


def _trials(others: MaskedRows, codec: TableCodec, seed: int) -> list[Trial]:
    known = ~np.isnan(others.values)
    count = max(int(HIDDEN * known.sum()), 1)
    turns = min(-(-TRIED_CELLS // count), MOST_TRIALS)
    trials: list[Trial] = []
    for turn in range(turns):
        rng = np.random.default_rng(derive_seed(seed, 4, turn))
        hidden = known & (rng.random(known.shape) < HIDDEN)
        trials.append((others.without(hidden, codec), hidden))
    return trials


def _started(
    trained: Trained[CellConfig],
    codec: TableCodec,
    fitted: MaskedRows,
    others: MaskedRows,
    trials: list[Trial],
) -> InitialImputation:
    """The best of a few Gaussians, blended with the network column by column."""
    ridges = RIDGES if len(fitted.values) <= FEW_ROWS else RIDGES[:1]
    tried = [InitialImputation.fit(codec, fitted.values, ridge=ridge) for ridge in ridges]
    errors: list[FloatArray] = []
    for start in tried:
        errors.append(np.zeros((STEPS, len(codec.columns))))
        for heap, hidden in trials:
            network = network_axes(trained.model, start, heap.rows, heap.observed)
            errors[-1] += _errors_of_blends(start, others.values, heap.values, hidden, network)
    best = int(np.argmin([each[0].sum() for each in errors]))
    counts = np.sum([hidden.sum(0) for _, hidden in trials], 0).astype(np.float64)
    weight = chosen(errors[best], counts) / (STEPS - 1)
    return replace(tried[best], weight=np.where(weight < LEAST_WEIGHT, 0.0, weight))


def _errors_of_blends(
    start: InitialImputation,
    truth: FloatArray,
    holed: FloatArray,
    hidden: BoolArray,
    network: FloatArray,
) -> FloatArray:
    """Squared errors ``(STEPS, C)`` by the network's weight, summed over masked cells."""
    first, right = start.expected(holed, None), start.axes(truth)
    made = np.zeros((STEPS, hidden.shape[1]))
    for step, weight in enumerate(np.linspace(0, 1, STEPS).tolist()):
        wrong = np.nan_to_num(first + weight * (network - first) - right) ** 2
        for at, span in enumerate(start.spans):
            made[step, at] = wrong[hidden[:, at], span].sum()
    return made


def _with_forests(
    trained: Trained[CellConfig],
    start: InitialImputation,
    fitted: MaskedRows,
    others: MaskedRows,
    trials: list[Trial],
    seed: int,
) -> Imputer:
    codec, width = start.codec, len(start.codec.columns)
    spiky = zero_inflated_columns(codec, fitted.values, SPIKE, FEW_VALUES)
    filler = Imputer(trained.model, start, {}, spiky, np.ones(width), np.ones(width))
    known = ~np.isnan(fitted.values)
    suits = numeric_of(codec) & (known.sum(0) >= FEWEST_KNOWN)
    columns: list[int] = np.flatnonzero(suits).tolist()
    firsts = start.without_each(fitted.values, columns)
    forests: dict[int, Forest] = {}
    for column in columns:
        heap = fitted.take(np.flatnonzero(known[:, column]))
        if len(np.unique(heap.values[:, column])) > 1:
            forests[column] = _grown(filler, heap, firsts.pop(column), column, seed)
    return _weighed(replace(filler, forests=forests), others, trials)


def _grown(filler: Imputer, heap: MaskedRows, first: FloatArray, column: int, seed: int) -> Forest:
    """A forest for one column; its inputs are imputed as if the cell were missing."""
    start = filler.initial
    answers = start.scaled(heap.values)[:, column]
    hidden = np.zeros(heap.values.shape, np.bool_)
    hidden[:, column] = True
    blind = heap.without(hidden, start.codec)
    if start.asks_network:
        network = network_axes(filler.model, start, blind.rows, blind.observed)
        first = start.blended(first, ~np.isnan(start.axes(blind.values)), network)
    inputs = start.plain(blind.values, first)
    if not filler.zero_inflated[column]:
        answers = answers - inputs[:, column]
    learnt = sum(bool(each.sizes) for each in start.codec.columns)
    return Forest.fit(
        inputs.astype(np.float32),
        answers,
        trees=TREES,
        tried=2 + round(learnt / 2.5),
        leaf=LEAF if len(answers) < MANY_ROWS else 2 * LEAF,
        rng=np.random.default_rng(derive_seed(seed, 6, column)),
    )


def _weighed(filler: Imputer, others: MaskedRows, trials: list[Trial]) -> Imputer:
    """Choose the weight of each forest and the scale of the donors."""
    start, width = filler.initial, len(filler.initial.codec.columns)
    truth = start.scaled(others.values)
    errors, counts = np.zeros((STEPS, width)), np.zeros(width)
    for heap, hidden in trials:
        first = filler.first(heap.values, heap.rows, heap.observed)
        inputs = start.plain(heap.values, first).astype(np.float32)
        for column in filler.forests:
            rows = np.flatnonzero(hidden[:, column])
            if not len(rows):
                continue
            found, right = filler.found(column, inputs[rows]), truth[rows, column]
            base = inputs[rows, column]
            for step, share in enumerate(np.linspace(0, 1, STEPS).tolist()):
                errors[step, column] += ((base + share * (found.best - base) - right) ** 2).sum()
            counts[column] += len(rows)
    share = chosen(errors, counts) / (STEPS - 1)
    made = replace(filler, share=share)
    return replace(made, scale=np.full(width, _scale(made, trials, truth)))


def _scale(filler: Imputer, trials: list[Trial], truth: FloatArray) -> float:
    """The scale at which nine tenths of held-out numbers lie in the donors' 90 % interval."""
    start = filler.initial
    inside, total = np.zeros(len(SCALES)), 0
    for heap, hidden in trials:
        first = filler.first(heap.values, heap.rows, heap.observed)
        inputs = start.plain(heap.values, first).astype(np.float32)
        for column in filler.forests:
            rows = np.flatnonzero(hidden[:, column])
            if filler.zero_inflated[column] or not len(rows):
                continue
            found = filler.found(column, inputs[rows])
            donors = found.donors - found.best[:, None]
            ends = [between(donors, np.full(len(rows), edge)) for edge in EDGES]
            right = _as_written(start, column, truth[rows, column])
            for at, scale in enumerate(SCALES.tolist()):
                low, high = (_as_written(start, column, found.best + scale * end) for end in ends)
                inside[at] += ((right >= low - TINY) & (right <= high + TINY)).sum()
            total += len(rows)
    if not total:
        return 1.0
    return float(SCALES[np.abs(inside / total - LEVEL).argmin()])


def _as_written(start: InitialImputation, column: int, scaled: FloatArray) -> FloatArray:
    """Scaled numbers of a column as they come back from a file.

    Rounding to a coarse grid changes the coverage of intervals.
    """
    raw = scaled * start.spread[column] + start.center[column]
    return on_grid(start.codec.columns[column], raw)
