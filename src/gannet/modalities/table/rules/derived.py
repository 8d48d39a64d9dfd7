"""Columns that follow from others: learnt as differences, or calculated as sums.

Where all training rows keep ``admit <= discharge``, the difference is learnt in a field of its own,
so that rows keep the rule without being drawn anew, and stays are as long as real ones. Where they
keep ``total == net + tax``, the total is calculated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gannet.core.frame import Cells, Frame, factorized
from gannet.core.types import IntArray
from gannet.modalities.table.columns.base import Encoded, FieldKind, with_missing
from gannet.modalities.table.columns.conditions import Ordered
from gannet.modalities.table.columns.formats.numbers import numbers as read_numbers
from gannet.modalities.table.columns.infer_type import AnyColumn, missing_in
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.rules.discovery import quoted


class LearntDifference(BaseModel):
    """A column that is another plus a difference of at least zero.

    Attributes:
        upper: The larger column.
        lower: The smaller one, which is never missing.
        column: Of the difference, in the units of the larger column.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["difference"] = "difference"
    upper: str
    lower: str
    column: NumberColumn

    @property
    def target(self) -> str:
        """The column that follows from the other."""
        return self.upper

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it follows from."""
        return (self.lower,)

    @property
    def rule(self) -> str:
        """The rule that rows keep by it."""
        return f"{quoted(self.lower)} <= {quoted(self.upper)}"

    def encode(self, frame: Frame, columns: Mapping[str, AnyColumn]) -> Encoded:
        """The differences of rows, ``(rows, fields)``; missing where a cell is."""
        distinct, at = factorized(differences(frame, self.upper, self.lower, columns))
        encoded = self.column.encode(distinct)
        return Encoded(encoded.numbers[at], encoded.unknown[at])

    def derive(
        self,
        cells: Mapping[str, Cells],
        numbers: NDArray[np.float32],
        columns: Mapping[str, AnyColumn],
    ) -> Cells:
        """The larger column from the smaller one and the difference."""
        upper, lower = columns[self.upper], columns[self.lower]
        assert isinstance(upper, Ordered)
        given = cells[self.upper]
        smaller, known = units_like(lower, cells[self.lower], upper)
        step: NDArray[np.float64] = self.column.decode(numbers, 0, 0)
        larger, there = units_like(upper, given, upper)
        units = np.where(
            np.isnan(step),
            np.maximum(larger, smaller),  # both are known, but the difference came out missing
            smaller + np.nan_to_num(step).astype(np.int64),
        )
        known &= there
        return _replaced(upper, given, known, units)


class CalculatedSum(BaseModel):
    """A column that is the sum of two others.

    Attributes:
        total: The column.
        parts: The two others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["sum"] = "sum"
    total: str
    parts: tuple[str, str]

    @property
    def target(self) -> str:
        """The column that follows from the others."""
        return self.total

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it follows from."""
        return self.parts

    @property
    def rule(self) -> str:
        """The rule that rows keep by it."""
        return f"{quoted(self.total)} == {' + '.join(map(quoted, self.parts))}"

    def derive(self, cells: Mapping[str, Cells], columns: Mapping[str, AnyColumn]) -> Cells:
        """The total from its parts."""
        total = columns[self.total]
        assert isinstance(total, Ordered)
        given = cells[self.total]
        units, known = np.zeros(len(given), np.int64), ~missing_in(total, given)
        for part in self.parts:
            more, there = units_like(columns[part], cells[part], total)
            units, known = units + more, known & there
        return _replaced(total, given, known, units, bounded=False)

    def solve(
        self, part: str, cells: Mapping[str, Cells], columns: Mapping[str, AnyColumn]
    ) -> Cells:
        """A part from the total and the other part, where the total is given."""
        [other] = [name for name in self.parts if name != part]
        column = columns[part]
        assert isinstance(column, Ordered)
        whole, known = units_like(columns[self.total], cells[self.total], column)
        rest, there = units_like(columns[other], cells[other], column)
        known &= there & ~missing_in(column, cells[part])
        return _replaced(column, cells[part], known, whole - rest, bounded=False)


Step = Annotated[LearntDifference | CalculatedSum, Field(discriminator="kind")]


class Derived(BaseModel):
    """The rules that all training rows keep, and the columns that keep some of them by themselves.

    Attributes:
        rules: All rules, as ``--constraint`` takes them.
        steps: How columns follow from others, in an order in which that can be calculated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def differences(self) -> tuple[LearntDifference, ...]:
        """The columns that have a field for a difference."""
        return tuple(step for step in self.steps if isinstance(step, LearntDifference))

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Kind and number of symbols of each field of the differences."""
        return tuple(size for each in self.differences for size in each.column.sizes)

    def implied_rules(self, fixed: Collection[str] = ()) -> tuple[str, ...]:
        """Rules that rows keep without being drawn anew.

        Args:
            fixed: Columns whose cells are given, so that they do not follow from others.
        """
        return tuple(
            step.rule
            for step in self.steps
            if step.target not in fixed or (isinstance(step, CalculatedSum) and _free(step, fixed))
        )

    def needed(self, names: Iterable[str]) -> list[str]:
        """Columns that must be known to calculate some columns, those included."""
        wanted = dict.fromkeys(names)
        for step in reversed(self.steps):
            if wanted.keys() & {
                step.target,
                *(step.sources if isinstance(step, CalculatedSum) else ()),
            }:
                wanted |= dict.fromkeys((step.target, *step.sources))
        return list(wanted)

    def encode(self, frame: Frame, columns: Sequence[AnyColumn]) -> NDArray[np.float32]:
        """The fields of the differences, ``(rows, fields)``."""
        by_name = {column.name: column for column in columns}
        parts = [each.encode(frame, by_name).numbers for each in self.differences]
        return np.concatenate([np.zeros((len(frame), 0), np.float32), *parts], 1)

    def apply(
        self,
        cells: MutableMapping[str, Cells],
        numbers: NDArray[np.float32],
        columns: Sequence[AnyColumn],
        fixed: Collection[str] = (),
    ) -> list[str]:
        """Replace the cells of columns that follow from others; returns the names of these.

        Args:
            cells: Column -> decoded cells; changed in place. Absent columns are skipped.
            numbers: ``(rows, fields)`` of the differences.
            columns: Of the table.
            fixed: Columns whose cells are given, so that they stay as they are.
        """
        by_name = {column.name: column for column in columns}
        start, changed = 0, list[str]()
        for step in self.steps:
            width = len(step.column.sizes) if isinstance(step, LearntDifference) else 0
            mine = numbers[:, start : start + width]
            start += width
            if step.target not in cells or any(name not in cells for name in step.sources):
                continue
            target = step.target
            if isinstance(step, LearntDifference) and target not in fixed:
                cells[target] = step.derive(cells, mine, by_name)
            elif isinstance(step, CalculatedSum) and target not in fixed:
                cells[target] = step.derive(cells, by_name)
            elif isinstance(step, CalculatedSum) and (free := _free(step, fixed)):
                target = free
                cells[target] = step.solve(target, cells, by_name)
            else:
                continue
            changed.append(target)
        return changed


def _free(step: CalculatedSum, fixed: Collection[str]) -> str:
    """A part of a sum that is not given; empty if there is none."""
    return next((part for part in reversed(step.parts) if part not in fixed), "")


def units_like(
    column: AnyColumn, cells: Cells, like: Ordered
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Cells in the smallest units of a column like them, and which are known."""
    assert isinstance(column, Ordered)
    distinct, at = factorized(cells)
    known = ~missing_in(column, distinct)
    known[known] = column.readable(distinct[known])
    units = np.zeros(len(distinct), np.int64)
    if isinstance(column, NumberColumn):
        values = read_numbers(distinct[known], form=column.form).values
        assert isinstance(like, NumberColumn)
        units[known] = np.rint(values * 10.0**like.decimals).astype(np.int64)
    else:
        units[known] = column.own_of(distinct[known])
    return units[at], known[at]


def differences(
    frame: Frame, upper: str, lower: str, columns: Mapping[str, AnyColumn]
) -> NDArray[np.float64]:
    """Differences of two columns in each row, in the smallest units of the larger one."""
    like = columns[upper]
    assert isinstance(like, Ordered)
    larger, known = units_like(like, frame.column(upper), like)
    smaller, there = units_like(columns[lower], frame.column(lower), like)
    return np.where(known & there, (larger - smaller).astype(np.float64), np.nan)


def _replaced(
    column: Ordered,
    cells: Cells,
    rows: NDArray[np.bool_],
    units: IntArray,
    *,
    bounded: bool = True,
) -> Cells:
    """Cells with some rows replaced by smallest units of the column, within its range."""
    each, bins = column.each, column.quantile_bins
    whole = units // each
    if bounded:
        whole = whole.clip(bins.low, bins.high)
    if isinstance(column, NumberColumn) and column.storage == "text":
        derived = np.empty(len(units), object)
        distinct, at = np.unique(whole, return_inverse=True)
        derived[:] = np.array(column.written(distinct), object)[at]
    else:
        derived = column.cells_of(whole)
    mixed = derived.astype(cells.dtype)
    mixed[~rows] = cells[~rows]
    return mixed


def as_numeric(column: NumberColumn, cells: Cells) -> Cells:
    """Text cells as numbers, NaN where missing; integers if no cell is missing."""
    distinct, at = factorized(cells)
    absent = missing_in(column, distinct)
    values = np.full(len(distinct), np.nan)
    values[~absent] = read_numbers(distinct[~absent], form=column.form).values
    values = values[at]
    if absent.any() or column.type == "decimal":
        return with_missing(values, np.isnan(values), None, "float64")
    return values.astype(np.int64)
