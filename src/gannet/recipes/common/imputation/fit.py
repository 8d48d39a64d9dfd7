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
from gannet.recipes.common.imputation.ensemble import (
    Imputer,
    interpolated_quantiles,
    zero_inflated_columns,
)
from gannet.recipes.common.imputation.extra_trees import Forest
from gannet.recipes.common.imputation.initial import (
    STEPS,
    InitialImputation,
    best_per_column,
    network_axes,
    numeric_of,
)
from gannet.recipes.common.tabular import CellConfig

MASK_FRACTION = 0.2
"""Fraction of observed cells that is masked in a trial."""

TRIAL_CELLS = 6_000
"""Masked cells to collect over all trials."""

MAX_TRIALS = 8
"""Maximum number of trials, each with new masks of the same rows."""

RIDGES = (0.3, 3.0, 30.0)
"""Ridges of the normal distribution; tried if there are few rows, else the first is used."""

FEW_ROWS = 2_000
"""Rows up to which all ridges are tried."""

MAX_FOREST_CELLS = 1_500_000
"""Maximum cells to fit to."""

MAX_PAIR_VALUES = 50_000_000
"""Maximum numbers in memory: rows times columns squared."""

MIN_OBSERVED = 20
"""Minimum observed cells of a column to fit a forest."""

MIN_WEIGHT = 0.15
"""Minimum weight of the network in a column; less is not worth its time."""

TREES = 20
"""Trees of a forest."""

MIN_LEAF_ROWS = 2
"""Minimum rows at a leaf."""

MANY_ROWS = 5_000
"""Rows from which leaves have twice the minimum."""

ZERO_INFLATED_FRACTION = 0.2
"""Fraction of its column above which one value makes it zero-inflated."""

FEW_VALUES = 32
"""Distinct values up to which a column is never zero-inflated."""

COVERAGE = 0.9
"""Coverage of the intervals from which the donors' scale is set."""

INTERVAL_QUANTILES = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
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
        observed = ~missing(batch.real, batch.table.missing_field)
        return cls(np.stack(columns, 1), batch.real, observed.float())

    def without(self, mask: BoolArray, codec: TableCodec) -> MaskedRows:
        """The same rows with some cells ``(N, C)`` masked."""
        owner = [field.column for field in codec.fields]
        observed = self.observed * torch.from_numpy(~mask[:, owner]).float()
        return MaskedRows(np.where(mask, np.nan, self.values), self.rows, observed)

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
    max_rows = max(
        min(MAX_FOREST_CELLS // len(codec.columns), MAX_PAIR_VALUES // len(codec.columns) ** 2),
        FEW_ROWS,
    )
    if len(fitted.values) > max_rows:
        rng = np.random.default_rng(derive_seed(seed, 5))
        fitted = fitted.take(np.sort(rng.permutation(len(fitted.values))[:max_rows]))
    trials = _trials(others, codec, seed)
    start = _fit_initial(trained, codec, fitted, others, trials)
    return _with_forests(trained, start, fitted, others, trials, seed).tensors()


def _trials(others: MaskedRows, codec: TableCodec, seed: int) -> list[Trial]:
    observed = ~np.isnan(others.values)
    count = max(int(MASK_FRACTION * observed.sum()), 1)
    turns = min(-(-TRIAL_CELLS // count), MAX_TRIALS)
    trials: list[Trial] = []
    for turn in range(turns):
        rng = np.random.default_rng(derive_seed(seed, 4, turn))
        mask = observed & (rng.random(observed.shape) < MASK_FRACTION)
        trials.append((others.without(mask, codec), mask))
    return trials


def _fit_initial(
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
        for masked_rows, mask in trials:
            network = network_axes(trained.model, start, masked_rows.rows, masked_rows.observed)
            errors[-1] += _errors_of_blends(start, others.values, masked_rows.values, mask, network)
    best = int(np.argmin([each[0].sum() for each in errors]))
    counts = np.sum([mask.sum(0) for _, mask in trials], 0).astype(np.float64)
    weight = best_per_column(errors[best], counts) / (STEPS - 1)
    return replace(tried[best], weight=np.where(weight < MIN_WEIGHT, 0.0, weight))


def _errors_of_blends(
    start: InitialImputation,
    truth: FloatArray,
    masked_values: FloatArray,
    mask: BoolArray,
    network: FloatArray,
) -> FloatArray:
    """Squared errors ``(STEPS, C)`` by the network's weight, summed over masked cells."""
    first, target = start.expected(masked_values, None), start.axes(truth)
    errors = np.zeros((STEPS, mask.shape[1]))
    for step, weight in enumerate(np.linspace(0, 1, STEPS).tolist()):
        squared_errors = np.nan_to_num(first + weight * (network - first) - target) ** 2
        for at, span in enumerate(start.spans):
            errors[step, at] = squared_errors[mask[:, at], span].sum()
    return errors


def _with_forests(
    trained: Trained[CellConfig],
    start: InitialImputation,
    fitted: MaskedRows,
    others: MaskedRows,
    trials: list[Trial],
    seed: int,
) -> Imputer:
    codec, width = start.codec, len(start.codec.columns)
    zero_inflated = zero_inflated_columns(codec, fitted.values, ZERO_INFLATED_FRACTION, FEW_VALUES)
    imputer = Imputer(trained.model, start, {}, zero_inflated, np.ones(width), np.ones(width))
    observed = ~np.isnan(fitted.values)
    eligible = numeric_of(codec) & (observed.sum(0) >= MIN_OBSERVED)
    columns: list[int] = np.flatnonzero(eligible).tolist()
    firsts = start.without_each(fitted.values, columns)
    forests: dict[int, Forest] = {}
    for column in columns:
        observed_rows = fitted.take(np.flatnonzero(observed[:, column]))
        if len(np.unique(observed_rows.values[:, column])) > 1:
            forests[column] = _fit_forest(imputer, observed_rows, firsts.pop(column), column, seed)
    return _with_forest_weights(replace(imputer, forests=forests), others, trials)


def _fit_forest(
    imputer: Imputer, rows: MaskedRows, first: FloatArray, column: int, seed: int
) -> Forest:
    """A forest for one column; its inputs are imputed as if the cell were missing."""
    start = imputer.initial
    targets = start.scaled(rows.values)[:, column]
    mask = np.zeros(rows.values.shape, np.bool_)
    mask[:, column] = True
    masked_rows = rows.without(mask, start.codec)
    if start.uses_network:
        network = network_axes(imputer.model, start, masked_rows.rows, masked_rows.observed)
        first = start.blended(first, ~np.isnan(start.axes(masked_rows.values)), network)
    inputs = start.column_values(masked_rows.values, first)
    if not imputer.zero_inflated[column]:
        targets = targets - inputs[:, column]
    column_count = sum(bool(each.sizes) for each in start.codec.columns)
    return Forest.fit(
        inputs.astype(np.float32),
        targets,
        trees=TREES,
        tried=2 + round(column_count / 2.5),
        leaf=MIN_LEAF_ROWS if len(targets) < MANY_ROWS else 2 * MIN_LEAF_ROWS,
        rng=np.random.default_rng(derive_seed(seed, 6, column)),
    )


def _with_forest_weights(imputer: Imputer, others: MaskedRows, trials: list[Trial]) -> Imputer:
    """Choose the weight of each forest and the scale of the donors."""
    start, width = imputer.initial, len(imputer.initial.codec.columns)
    truth = start.scaled(others.values)
    errors, counts = np.zeros((STEPS, width)), np.zeros(width)
    for masked_rows, mask in trials:
        first = imputer.initial_fill(masked_rows.values, masked_rows.rows, masked_rows.observed)
        inputs = start.column_values(masked_rows.values, first).astype(np.float32)
        for column in imputer.forests:
            rows = np.flatnonzero(mask[:, column])
            if not len(rows):
                continue
            cells, target = imputer.impute_column(column, inputs[rows]), truth[rows, column]
            base = inputs[rows, column]
            for step, weight in enumerate(np.linspace(0, 1, STEPS).tolist()):
                errors[step, column] += ((base + weight * (cells.best - base) - target) ** 2).sum()
            counts[column] += len(rows)
    weight = best_per_column(errors, counts) / (STEPS - 1)
    weighted = replace(imputer, forest_weight=weight)
    return replace(weighted, scale=np.full(width, _scale(weighted, trials, truth)))


def _scale(imputer: Imputer, trials: list[Trial], truth: FloatArray) -> float:
    """The scale at which nine tenths of held-out numbers lie in the donors' 90 % interval."""
    start = imputer.initial
    inside, total = np.zeros(len(SCALES)), 0
    for masked_rows, mask in trials:
        first = imputer.initial_fill(masked_rows.values, masked_rows.rows, masked_rows.observed)
        inputs = start.column_values(masked_rows.values, first).astype(np.float32)
        for column in imputer.forests:
            rows = np.flatnonzero(mask[:, column])
            if imputer.zero_inflated[column] or not len(rows):
                continue
            cells = imputer.impute_column(column, inputs[rows])
            donors = cells.donors - cells.best[:, None]
            ends = [
                interpolated_quantiles(donors, np.full(len(rows), edge))
                for edge in INTERVAL_QUANTILES
            ]
            target = _as_written(start, column, truth[rows, column])
            for at, scale in enumerate(SCALES.tolist()):
                low, high = (_as_written(start, column, cells.best + scale * end) for end in ends)
                inside[at] += ((target >= low - TINY) & (target <= high + TINY)).sum()
            total += len(rows)
    if not total:
        return 1.0
    return float(SCALES[np.abs(inside / total - COVERAGE).argmin()])


def _as_written(start: InitialImputation, column: int, scaled: FloatArray) -> FloatArray:
    """Scaled numbers of a column as they come back from a file.

    Rounding to a coarse grid changes the coverage of intervals.
    """
    raw = scaled * start.std[column] + start.center[column]
    return on_grid(start.codec.columns[column], raw)
