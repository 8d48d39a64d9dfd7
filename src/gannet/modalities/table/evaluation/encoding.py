"""Tables encoded as numbers for scores and classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.frame import Frame
from gannet.metrics.tabular_distance import EncodedRows
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.as_numbers import values_of
from gannet.modalities.table.columns.category import CategoryColumn

TOP = 50
"""Most frequent values of a category with a one-hot column of their own in `features`."""


@dataclass(frozen=True)
class EncodedTable:
    """Encoded rows: numbers as they are, datetimes in whole units, categories as codes.

    Attributes:
        names: Of the modelled columns. Identifiers, free text, constant and empty columns are left
            out.
        sizes: Number of codes of each category, in descending frequency; the last code stands for
            values never seen in training. 0 for numbers and datetimes.
        values: ``(N, F)``; NaN where a cell is missing.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> EncodedTable:
        """The rows at some indices."""
        return replace(self, values=self.values[rows])

    def column(self, name: str) -> NDArray[np.float64]:
        """The values of one column, ``(N,)``."""
        return self.values[:, self.names.index(name)]

    def without(self, name: str) -> EncodedTable:
        """All columns but one."""
        indices = [at for at, each in enumerate(self.names) if each != name]
        names, sizes = (
            tuple(self.names[at] for at in indices),
            tuple(self.sizes[at] for at in indices),
        )
        return EncodedTable(names, sizes, self.values[:, indices])

    @property
    def numeric(self) -> NDArray[np.bool_]:
        """``(F,)`` which columns are numbers or datetimes."""
        return np.array(self.sizes) == 0


def encode_table(frame: Frame, codec: TableCodec) -> EncodedTable:
    """Encode a table.

    Raises:
        DataError: if its columns are not those of the codec.
    """
    codec.check_columns(frame)
    names: list[str] = []
    sizes: list[int] = []
    columns: list[NDArray[np.float64]] = []
    for column in codec.columns:
        if not column.sizes:
            continue
        names.append(column.name)
        sizes.append(len(column.values) + 1 if isinstance(column, CategoryColumn) else 0)
        columns.append(values_of(column, frame.column(column.name)))
    values = np.stack(columns, 1) if columns else np.zeros((len(frame), 0))
    return EncodedTable(tuple(names), tuple(sizes), values)


def shuffled(table: EncodedTable, count: int, rng: np.random.Generator) -> EncodedTable:
    """``count`` rows with each column shuffled by itself: same marginals, no dependence."""
    columns = [values[np.resize(rng.permutation(len(table)), count)] for values in table.values.T]
    return replace(table, values=np.stack(columns, 1))


@dataclass(frozen=True)
class RowDistance:
    """Scales and bins columns relative to reference rows, the training rows.

    Attributes:
        table: The reference rows.
    """

    table: EncodedTable

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.float64], ...]:
        return tuple(np.sort(values[~np.isnan(values)]) for values in self.table.values.T)

    def without(self, name: str) -> RowDistance:
        """The same without one column."""
        return RowDistance(self.table.without(name))

    def positions(self, table: EncodedTable) -> NDArray[np.float64]:
        """``(N, P)`` quantile rank in [0, 1] of each number among the reference rows; NaN stays.

        Equal reference values count half.
        """
        columns = [
            self._rank(sorted_values, values)
            for sorted_values, values, size in zip(
                self._sorted, table.values.T, table.sizes, strict=True
            )
            if size == 0
        ]
        return np.stack(columns, 1) if columns else np.zeros((len(table), 0))

    @staticmethod
    def _rank(
        sorted_values: NDArray[np.float64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        below = np.searchsorted(sorted_values, values, "left").astype(np.float64)
        below += np.searchsorted(sorted_values, values, "right")
        return np.where(np.isnan(values), np.nan, below / max(2 * len(sorted_values), 1))

    def records(self, table: EncodedTable) -> EncodedRows:
        """Rows in the form that the distance functions take."""
        positions = np.nan_to_num(self.positions(table), nan=-0.5)
        codes = np.nan_to_num(table.values[:, ~table.numeric], nan=-1.0)
        return EncodedRows(
            torch.from_numpy(positions).float(), torch.from_numpy(codes).to(torch.int32)
        )

    def bins(
        self, table: EncodedTable, edges: Sequence[NDArray[np.float64]], max_categories: int
    ) -> BinnedTable:
        """Rows as one-hot bins.

        Args:
            table: The rows.
            edges: Inner edges for each column; ignored for categories.
            max_categories: Most frequent values of a category that have a bin of their own.
        """
        blocks: list[Tensor] = []
        sizes: list[int] = []
        for values, size, inner in zip(table.values.T, table.sizes, edges, strict=True):
            own = min(size, max_categories) if size else len(inner)
            codes = np.minimum(values, own) if size else np.searchsorted(inner, values, "right")
            at = codes.astype(np.float64)
            at[np.isnan(values)] = own + 1
            blocks.append(torch.nn.functional.one_hot(torch.from_numpy(at).long(), own + 2))
            sizes.append(own + 2)
        return BinnedTable(torch.cat(blocks, 1).to(torch.float32), tuple(sizes))

    def quantile_edges(self, count: int) -> list[NDArray[np.float64]]:
        """Inner edges of quantile bins, which hold about equally many reference rows."""
        fractions = np.arange(1, count) / count
        return [
            np.unique(np.quantile(sorted_values, fractions)) if len(sorted_values) else np.zeros(0)
            for sorted_values in self._sorted
        ]

    def even_edges(self, count: int) -> list[NDArray[np.float64]]:
        """Inner edges of bins of equal width."""
        return [
            np.linspace(sorted_values[0], sorted_values[-1], count + 1)[1:-1]
            if len(sorted_values)
            else np.zeros(0)
            for sorted_values in self._sorted
        ]

    def features(self, table: EncodedTable) -> NDArray[np.float64]:
        """``(N, W)`` for linear models: ranks in [-1, 1], one-hot categories, missing flags."""
        positions = self.positions(table)
        missing = np.isnan(positions)
        parts = [np.where(missing, 0.0, 2 * positions - 1), missing.astype(np.float64)]
        for values, size in zip(table.values.T, table.sizes, strict=True):
            if size:
                own = min(size, TOP)
                at = np.where(np.isnan(values), own + 1, np.minimum(values, own))
                parts.append((at[:, None] == np.arange(own + 2)).astype(np.float64))
        return np.concatenate(parts, 1)


@dataclass(frozen=True)
class BinnedTable:
    """Rows as one-hot bins ``(N, W)``, and the number of bins of each column."""

    rows: Tensor
    sizes: tuple[int, ...]
