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
from gannet.modalities.table.columns.as_numbers import cells_from, gone, values_of
from gannet.recipes.common.imputation.ensemble import ImputedCells, Imputer
from gannet.recipes.common.imputation.initial import InitialImputation, sizes_of
from gannet.recipes.common.tabular import CellConfig

Roots = list[tuple[NDArray[np.int64], FloatArray]]
"""Rows, and the Cholesky factors of the correlations of their missing cells."""

TOGETHER = 4_096
"""Maximum rows that are filled at once."""

CHANCES = 30_000_000
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
    holes = holes_of(frame, codec)
    filler = Imputer.of(trained.model, codec, trained.extra_state)
    rows = max(min(TOGETHER, CHANCES // filler.uniforms), 1)
    parts = [
        filled(filler, frame, holes, slice(at, at + rows), samples, seed)
        for at in range(0, len(frame), rows)
    ]
    each = [np.concatenate(values) for values in zip(*parts, strict=True)]
    return [patched(frame, codec, holes, values) for values in each]


def holes_of(frame: Frame, codec: TableCodec) -> BoolArray:
    """Mask of missing cells in the modeled columns, ``(N, C)`` in the codec's order."""
    return np.stack(
        [gone(column, frame.column(column.name)) & bool(column.sizes) for column in codec.columns],
        1,
    )


def patched(frame: Frame, codec: TableCodec, holes: BoolArray, values: FloatArray) -> Frame:
    """The frame with values ``(N, C)`` in its missing cells; all others are unchanged."""
    columns = dict(zip(frame.names, frame.columns, strict=True))
    for at, column in enumerate(codec.columns):
        rows = np.flatnonzero(holes[:, at])
        if len(rows):
            cells: Cells = columns[column.name].copy()
            cells[rows] = cells_from(column, values[rows, at], frame.column(column.name))
            columns[column.name] = cells
    return replace(frame, columns=tuple(columns[name] for name in frame.names))


def filled(
    filler: Imputer, frame: Frame, holes: BoolArray, part: slice, samples: int, seed: int
) -> list[FloatArray]:
    """Values ``(n, C)`` of some rows, one array per sample."""
    codec, some = filler.initial.codec, frame[part]
    values = np.stack(
        [
            np.where(hole, np.nan, values_of(column, some.column(column.name)))
            if column.sizes
            else np.full(len(some), np.nan)
            for column, hole in zip(codec.columns, holes[part].T, strict=True)
        ],
        1,
    )
    owner = [field.column for field in codec.fields]
    known = torch.from_numpy(~holes[part][:, owner]).float()
    task = _Task.of(filler, values, codec.encode_frame(some), known)
    if samples == 1:
        return [task.best()]
    rows = range(part.start, part.start + len(some))
    roots = _roots(filler.initial, values)
    chances = (
        latents_at(derive_seed(seed, 7, draw), rows, filler.uniforms) for draw in range(samples)
    )
    return [task.drawn(each.double().numpy(), roots) for each in chances]


@dataclass(frozen=True, slots=True)
class _Task:
    """Some rows and the estimates of their missing cells.

    Attributes:
        filler: The imputer.
        values: ``(n, C)``, NaN where missing.
        axes: ``(n, D)`` the initial imputation.
        found: Column of numbers -> rows in which it is missing, and their estimates.
    """

    filler: Imputer
    values: FloatArray
    axes: FloatArray
    found: dict[int, tuple[Any, ImputedCells]]

    @classmethod
    def of(cls, filler: Imputer, values: FloatArray, rows: Tensor, known: Tensor) -> _Task:
        axes = filler.first(values, rows, known)
        inputs = filler.initial.plain(values, axes).astype(np.float32)
        sizes = sizes_of(filler.initial.codec)
        found: dict[int, tuple[Any, ImputedCells]] = {}
        for at, column in enumerate(filler.initial.codec.columns):
            asked = np.flatnonzero(np.isnan(values[:, at]))
            if column.sizes and not sizes[at] and len(asked):
                found[at] = (asked, filler.found(at, inputs[asked]))
        return cls(filler, values, axes, found)

    def best(self) -> FloatArray:
        """Conditional means of numbers, most probable categories."""
        start = self.filler.initial
        made = start.plain(self.values, self.axes)
        for at, (rows, found) in self.found.items():
            made[rows, at] = found.best
        return made * start.spread + start.center

    def drawn(self, normal: FloatArray, roots: Roots) -> FloatArray:
        """One sample of all cells.

        Missing cells of a row are sampled jointly, with the correlations of the Gaussian.

        Args:
            normal: ``(n, D + C)`` standard normal numbers, or more.
            roots: Cholesky factors of the correlations of each row.
        """
        start, width = self.filler.initial, self.axes.shape[1]
        linked, even = normal[:, :width].copy(), _even(normal[:, width:].copy())
        for rows, root in roots:
            linked[rows] = (root @ linked[rows][:, :, None])[:, :, 0]
        chance = _even(linked)
        made = start.plain(self.values, self.axes)
        for at, (rows, found) in self.found.items():
            made[rows, at] = self.filler.drawn(at, found, chance[rows, start.spans[at].start])
        for at, size in enumerate(sizes_of(start.codec)):
            rows = np.flatnonzero(np.isnan(self.values[:, at]))
            if size and len(rows):
                shares = self.axes[rows, start.spans[at]].clip(1e-9)
                heaped = shares.cumsum(1) / shares.sum(1, keepdims=True)
                made[rows, at] = (heaped < even[rows, at, None]).sum(1)
        return made * start.spread + start.center


def _even(normal: FloatArray) -> FloatArray:
    """Uniform numbers from standard normal ones."""
    return torch.special.ndtr(torch.from_numpy(normal)).numpy()


def _roots(start: InitialImputation, values: FloatArray) -> Roots:
    """Rows with several missing cells, and Cholesky factors of their correlations."""
    axes = start.axes(values)
    holed = np.flatnonzero(np.isnan(axes).sum(1) > 1)
    found: Roots = []
    for part in start.gaussian.parts(len(holed)):
        rows = holed[part]
        left = start.gaussian.told(axes[rows])[1]
        size = np.sqrt(np.where(np.isnan(axes[rows]), left.diagonal(0, 1, 2).clip(1e-12), 1.0))
        alike = left / size[:, :, None] / size[:, None, :] * (1 - 1e-6)
        alike[:, np.arange(left.shape[1]), np.arange(left.shape[1])] = 1
        root: FloatArray = np.linalg.cholesky(alike).astype(np.float64)
        found.append((rows, root))
    return found
