"""Conditions on a column (a value, several, or a range) as ranges of encoded cells."""

from __future__ import annotations

import difflib
from typing import Any

import numpy as np

from gannet.core.errors import ConfigError
from gannet.core.frame import Cells
from gannet.core.types import CellRange
from gannet.modalities.table.columns.base import MisfitError
from gannet.modalities.table.columns.category import CategoryColumn
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.infer_type import AnyColumn
from gannet.modalities.table.columns.number import NumberColumn

BETWEEN = ".."
"""Separates the ends of a range; an end that is left out is open."""

Ordered = NumberColumn | DatetimeColumn
"""Columns that accept a range as condition."""


def cell_ranges(column: AnyColumn, first: int, cell_condition: object) -> list[CellRange]:
    """The ranges of encoded cells that fulfil a condition; empty if every cell does.

    Args:
        column: That the condition is on.
        first: Number of its first field.
        cell_condition: A cell; a pair ``(low, high)`` or a text ``low..high`` for a range; a list
            of cells and ranges.

    Raises:
        ConfigError: if the column accepts no condition, or no training row had such a cell.
    """
    if isinstance(cell_condition, list | set | frozenset):
        many: list[Any] = list(cell_condition)  # pyright: ignore[reportUnknownArgumentType]  # of anything
        if not many:
            raise _refused(column, "nothing was asked for", "Give one value or more.")
        ranges = [cell_range for each in many for cell_range in cell_ranges(column, first, each)]
        return list({repr(cell_range): cell_range for cell_range in ranges}.values())
    if column.type == "constant":
        if str(cell_condition) != str(column.value):
            raise _refused(
                column, f"it is always {column.value!r}, never {cell_condition!r}", "Leave it out."
            )
        return []
    if not isinstance(column, CategoryColumn | NumberColumn | DatetimeColumn):
        problem = f"{column.describe()}; it is not learnt and cannot be asked for"
        raise _refused(column, problem, "Leave it out, or train with --column to give it a type.")
    if isinstance(column, NumberColumn | DatetimeColumn):
        ends = _ends(cell_condition)
        if ends is not None:
            return _between(column, first, *ends)
    return [_point(column, first, cell_condition)]


def values(column: AnyColumn) -> list[Any]:
    """All values of a column except missing, where there are few enough to list.

    Raises:
        ConfigError: if it is neither a category nor an ordered column with a symbol per value.
    """
    if isinstance(column, CategoryColumn):
        return list(column.values)
    if isinstance(column, NumberColumn | DatetimeColumn) and not column.quantile_bins.placed:
        symbols = np.arange(len(column.quantile_bins.bins)) + column.missing.symbols
        return column.decode(symbols[:, None].astype(np.float32), 0, 0).tolist()
    raise _refused(column, f"{column.describe()}, which has no list of values", "Name a category.")


def _point(
    column: NumberColumn | DatetimeColumn | CategoryColumn, first: int, cell_condition: object
) -> CellRange:
    cells = _cell(column, cell_condition)
    try:
        encoded = column.encode(cells)
    except MisfitError as fault:
        raise _refused(
            column, f"{cell_condition!r}: {fault.problem}", _suggestion(column, cell_condition)
        ) from None
    if encoded.unknown[0]:
        raise _refused(
            column,
            f"{cell_condition!r} was never seen in training",
            _suggestion(column, cell_condition),
        )
    return CellRange({first + at: float(cell) for at, cell in enumerate(encoded.numbers[0])})


def _cell(column: NumberColumn | DatetimeColumn | CategoryColumn, cell_condition: object) -> Cells:
    """One cell ``(1,)`` in the column's storage type."""
    if (
        isinstance(column, DatetimeColumn)
        and not column.format
        and cell_condition not in (None, "")
    ):
        try:
            return np.array([cell_condition], "datetime64").astype(column.storage)
        except ValueError:
            raise _refused(
                column, f"{cell_condition!r} is not a date", "Write it as 2024-01-31."
            ) from None
    cell = np.empty(1, object)
    cell[0] = cell_condition.item() if isinstance(cell_condition, np.generic) else cell_condition
    return cell


def _ends(cell_condition: object) -> tuple[Any, Any] | None:
    """The ends of a range, each ``None`` where open; ``None`` if it is not a range."""
    if isinstance(cell_condition, tuple):
        low, high = cell_condition  # pyright: ignore[reportUnknownVariableType]  # of anything
        return low, high
    if isinstance(cell_condition, str) and BETWEEN in cell_condition:
        low, _, high = cell_condition.partition(BETWEEN)
        return low.strip() or None, high.strip() or None
    return None


def _between(column: Ordered, first: int, low: object, high: object) -> list[CellRange]:
    bins = column.quantile_bins
    start = bins.low if low is None else _unit(column, low, up=True)
    end = bins.high if high is None else _unit(column, high, up=False)
    text = f"{'' if low is None else low}{BETWEEN}{'' if high is None else high}"
    if low is not None and high is not None and start > end + 1:
        raise _refused(column, f"{text} ends below its beginning", "Write the lower end first.")
    bin_ranges = bins.bins_between(start, end)
    if not bin_ranges:
        raise _refused(column, f"nothing was seen in {text}", _suggestion(column, text))
    ranges: list[CellRange] = []
    for bin_index, lower, upper in bin_ranges:
        cells = {first: float(bin_index + column.missing.symbols)}
        whole = lower <= 0 and upper >= 1
        ranges.append(CellRange(cells, {} if whole else {first + 1: (lower, upper)}))
    return ranges


def _unit(column: Ordered, end: object, *, up: bool) -> int:
    """The first unit at or above an end (``up``), or the last at or below it."""
    cells = _cell(column, end)
    try:
        if isinstance(column, DatetimeColumn):
            units, between = column.units_of(cells)
            return int(units[0]) + int(up and bool(between[0]))
        column.encode(cells)  # raises if the cell is not a number
        value = column.number_of(cells)
    except MisfitError as fault:
        raise _refused(column, f"{end!r}: {fault.problem}", _suggestion(column, end)) from None
    unit = int(column.units_of(np.array([value]))[0])
    rounded = float(column.values(np.array([unit]))[0])
    return unit + int(up and rounded < value) - int(not up and rounded > value)


def _suggestion(column: AnyColumn, cell_condition: object) -> str:
    """A hint at values that can be asked for instead."""
    if isinstance(column, CategoryColumn):
        near = difflib.get_close_matches(str(cell_condition), column.values, 3, 0.5)
        if near:
            return f"Did you mean {' or '.join(map(repr, near))}?"
        return f"Its values: {', '.join(map(repr, column.values[:20]))}."
    return f"It is {column.describe()}."


def _refused(column: AnyColumn, problem: str, remedy: str) -> ConfigError:
    return ConfigError(problem, where=f"column {column.name!r}", remedy=remedy)
