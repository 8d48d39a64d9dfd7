"""Fill the missing cells of a frame with an ``Imputer``.

The initial imputation is a blend of two conditional means, see ``initial``. A forest predicts its
residual, with a weight chosen on masked cells of held-out rows, so that the result is no worse
there. The forest's leaves hold donors, values of training rows; shifted and scaled, they are what
samples are drawn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.frame import Cells, Frame
from gannet.core.seeding import derive_seed, latents_at
from gannet.core.transform import Trained, TransformInput
from gannet.core.types import BoolArray, FloatArray
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.as_numbers import cells_from, missing_mask, values_of
from gannet.recipes.common.imputation.ensemble import ImputedCells, Imputer
from gannet.recipes.common.imputation.initial import InitialImputation, sizes_of
from gannet.recipes.common.tabular import CellConfig

Roots = list[tuple[NDArray[np.int64], FloatArray]]
"""Rows, and the Cholesky factors of the correlations of their missing cells."""

MAX_ROWS = 4_096
"""Maximum rows that are filled at once."""

MAX_NORMALS = 30_000_000
"""Maximum random numbers in memory."""


def transform(
    trained: Trained[CellConfig], given: TransformInput, samples: int, seed: int
) -> Sequence[Frame]:
    """Fill a frame's missing cells; all others are unchanged.

    Args:
        trained: Of a recipe that fills cells.
        given: Of a `Frame` with the columns of training.
        samples: With one, numbers get their conditional mean, rounded to the column's grid and
            bounds, categories the most probable one. With more, each is sampled.
        seed: Of the samples. Sample k of row n depends on the seed, on k and on n alone.

    Raises:
        DataError: naming each column that differs from training's.
    """
    codec = trained.codecs["sample"]
    assert isinstance(codec, TableCodec)
    frame = given.sample
    assert isinstance(frame, Frame)
    codec.check_columns(frame)
    missing = missing_cells(frame, codec)
    imputer = Imputer.of(trained.model, codec, trained.extra_state)
    rows = max(min(MAX_ROWS, MAX_NORMALS // imputer.uniforms), 1)
    parts = [
        fill_rows(imputer, frame, missing, slice(at, at + rows), samples, seed)
        for at in range(0, len(frame), rows)
    ]
    each = [np.concatenate(values) for values in zip(*parts, strict=True)]
    return [fill_frame(frame, codec, missing, values) for values in each]


def missing_cells(frame: Frame, codec: TableCodec) -> BoolArray:
    """Mask of missing cells in the modeled columns, ``(N, C)`` in the codec's order."""
    return np.stack(
        [
            missing_mask(column, frame.column(column.name)) & bool(column.sizes)
            for column in codec.columns
        ],
        1,
    )


def fill_frame(frame: Frame, codec: TableCodec, missing: BoolArray, values: FloatArray) -> Frame:
    """The frame with values ``(N, C)`` in its missing cells; all others are unchanged."""
    columns = dict(zip(frame.names, frame.columns, strict=True))
    for at, column in enumerate(codec.columns):
        rows = np.flatnonzero(missing[:, at])
        if len(rows):
            cells: Cells = columns[column.name].copy()
            cells[rows] = cells_from(column, values[rows, at], frame.column(column.name))
            columns[column.name] = cells
    return replace(frame, columns=tuple(columns[name] for name in frame.names))


def fill_rows(
    imputer: Imputer, frame: Frame, missing: BoolArray, part: slice, samples: int, seed: int
) -> list[FloatArray]:
    """Values ``(n, C)`` of some rows, one array per sample."""
    codec, some = imputer.initial.codec, frame[part]
    values = np.stack(
        [
            np.where(column_missing, np.nan, values_of(column, some.column(column.name)))
            if column.sizes
            else np.full(len(some), np.nan)
            for column, column_missing in zip(codec.columns, missing[part].T, strict=True)
        ],
        1,
    )
    owner = [field.column for field in codec.fields]
    observed = torch.from_numpy(~missing[part][:, owner]).float()
    task = _Task.of(imputer, values, codec.encode_frame(some), observed)
    if samples == 1:
        return [task.best()]
    rows = range(part.start, part.start + len(some))
    roots = _roots(imputer.initial, values)
    normals = (
        latents_at(derive_seed(seed, 7, draw), rows, imputer.uniforms) for draw in range(samples)
    )
    return [task.sample(each.double().numpy(), roots) for each in normals]


@dataclass(frozen=True, slots=True)
class _Task:
    """Some rows and the estimates of their missing cells.

    Attributes:
        imputer: The imputer.
        values: ``(n, C)``, NaN where missing.
        axes: ``(n, D)`` the initial imputation.
        imputed: Column of numbers -> rows in which it is missing, and their estimates.
    """

    imputer: Imputer
    values: FloatArray
    axes: FloatArray
    imputed: dict[int, tuple[Any, ImputedCells]]

    @classmethod
    def of(cls, imputer: Imputer, values: FloatArray, rows: Tensor, observed: Tensor) -> _Task:
        axes = imputer.initial_fill(values, rows, observed)
        inputs = imputer.initial.column_values(values, axes).astype(np.float32)
        sizes = sizes_of(imputer.initial.codec)
        imputed: dict[int, tuple[Any, ImputedCells]] = {}
        for at, column in enumerate(imputer.initial.codec.columns):
            missing_rows = np.flatnonzero(np.isnan(values[:, at]))
            if column.sizes and not sizes[at] and len(missing_rows):
                imputed[at] = (missing_rows, imputer.impute_column(at, inputs[missing_rows]))
        return cls(imputer, values, axes, imputed)

    def best(self) -> FloatArray:
        """Conditional means of numbers, most probable categories."""
        start = self.imputer.initial
        values = start.column_values(self.values, self.axes)
        for at, (rows, cells) in self.imputed.items():
            values[rows, at] = cells.best
        return values * start.std + start.center

    def sample(self, normal: FloatArray, roots: Roots) -> FloatArray:
        """One sample of all cells.

        Missing cells of a row are sampled jointly, with the correlations of the Gaussian.

        Args:
            normal: ``(n, D + C)`` standard normal numbers, or more.
            roots: Cholesky factors of the correlations of each row.
        """
        start, width = self.imputer.initial, self.axes.shape[1]
        correlated, uniforms = normal[:, :width].copy(), _to_uniform(normal[:, width:].copy())
        for rows, root in roots:
            correlated[rows] = (root @ correlated[rows][:, :, None])[:, :, 0]
        probabilities = _to_uniform(correlated)
        values = start.column_values(self.values, self.axes)
        for at, (rows, cells) in self.imputed.items():
            values[rows, at] = self.imputer.sample(
                at, cells, probabilities[rows, start.spans[at].start]
            )
        for at, size in enumerate(sizes_of(start.codec)):
            rows = np.flatnonzero(np.isnan(self.values[:, at]))
            if size and len(rows):
                weights = self.axes[rows, start.spans[at]].clip(1e-9)
                cumulative = weights.cumsum(1) / weights.sum(1, keepdims=True)
                values[rows, at] = (cumulative < uniforms[rows, at, None]).sum(1)
        return values * start.std + start.center


def _to_uniform(normal: FloatArray) -> FloatArray:
    """Uniform numbers from standard normal ones."""
    return torch.special.ndtr(torch.from_numpy(normal)).numpy()


def _roots(start: InitialImputation, values: FloatArray) -> Roots:
    """Rows with several missing cells, and Cholesky factors of their correlations."""
    axes = start.axes(values)
    incomplete = np.flatnonzero(np.isnan(axes).sum(1) > 1)
    roots: Roots = []
    for part in start.gaussian.parts(len(incomplete)):
        rows = incomplete[part]
        covariance = start.gaussian.conditional(axes[rows])[1]
        std = np.sqrt(np.where(np.isnan(axes[rows]), covariance.diagonal(0, 1, 2).clip(1e-12), 1.0))
        correlation = covariance / std[:, :, None] / std[:, None, :] * (1 - 1e-6)
        correlation[:, np.arange(covariance.shape[1]), np.arange(covariance.shape[1])] = 1
        root: FloatArray = np.linalg.cholesky(correlation).astype(np.float64)
        roots.append((rows, root))
    return roots
