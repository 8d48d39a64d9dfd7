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


def cell_ranges(column: AnyColumn, first: int, wish: object) -> list[CellRange]:
    """The ranges of encoded cells that fulfil a condition; empty if every cell does.

    Args:
        column: That the condition is on.
        first: Number of its first field.
        wish: A cell; a pair ``(low, high)`` or a text ``low..high`` for a range; a list of cells
            and ranges.

    Raises:
        ConfigError: if the column accepts no condition, or no training row had such a cell.
    """
    if isinstance(wish, list | set | frozenset):
        many: list[Any] = list(wish)  # pyright: ignore[reportUnknownArgumentType]  # of anything
        if not many:
            raise _refused(column, "nothing was asked for", "Give one value or more.")
        found = [piece for each in many for piece in cell_ranges(column, first, each)]
        return list({repr(piece): piece for piece in found}.values())
    if column.type == "constant":
        if str(wish) != str(column.value):
            raise _refused(
                column, f"it is always {column.value!r}, never {wish!r}", "Leave it out."
            )
        return []
    if not isinstance(column, CategoryColumn | NumberColumn | DatetimeColumn):
        words = f"{column.describe()}; it is not learnt and cannot be asked for"
        raise _refused(column, words, "Leave it out, or train with --column to give it a type.")
    if isinstance(column, NumberColumn | DatetimeColumn):
        ends = _ends(wish)
        if ends is not None:
            return _between(column, first, *ends)
    return [_point(column, first, wish)]


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
    column: NumberColumn | DatetimeColumn | CategoryColumn, first: int, wish: object
) -> CellRange:
    cells = _cell(column, wish)
    try:
        made = column.encode(cells)
    except MisfitError as fault:
        raise _refused(column, f"{wish!r}: {fault.problem}", _known(column, wish)) from None
    if made.unknown[0]:
        raise _refused(column, f"{wish!r} was never seen in training", _known(column, wish))
    return CellRange({first + at: float(cell) for at, cell in enumerate(made.numbers[0])})


def _cell(column: NumberColumn | DatetimeColumn | CategoryColumn, wish: object) -> Cells:
    """One cell ``(1,)`` in the column's storage type."""
    if isinstance(column, DatetimeColumn) and not column.format and wish not in (None, ""):
        try:
            return np.array([wish], "datetime64").astype(column.storage)
        except ValueError:
            raise _refused(column, f"{wish!r} is not a date", "Write it as 2024-01-31.") from None
    cell = np.empty(1, object)
    cell[0] = wish.item() if isinstance(wish, np.generic) else wish
    return cell


def _ends(wish: object) -> tuple[Any, Any] | None:
    """The ends of a range, each ``None`` where open; ``None`` if it is not a range."""
    if isinstance(wish, tuple):
        low, high = wish  # pyright: ignore[reportUnknownVariableType]  # of anything
        return low, high
    if isinstance(wish, str) and BETWEEN in wish:
        low, _, high = wish.partition(BETWEEN)
        return low.strip() or None, high.strip() or None
    return None


def _between(column: Ordered, first: int, low: object, high: object) -> list[CellRange]:
    bins = column.quantile_bins
    start = bins.low if low is None else _unit(column, low, up=True)
    end = bins.high if high is None else _unit(column, high, up=False)
    shown = f"{'' if low is None else low}{BETWEEN}{'' if high is None else high}"
    if low is not None and high is not None and start > end + 1:
        raise _refused(column, f"{shown} ends below its beginning", "Write the lower end first.")
    found = bins.bins_between(start, end)
    if not found:
        raise _refused(column, f"nothing was seen in {shown}", _known(column, shown))
    made: list[CellRange] = []
    for rung, begin, stop in found:
        cells = {first: float(rung + column.missing.symbols)}
        whole = begin <= 0 and stop >= 1
        made.append(CellRange(cells, {} if whole else {first + 1: (begin, stop)}))
    return made


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
        raise _refused(column, f"{end!r}: {fault.problem}", _known(column, end)) from None
    unit = int(column.units_of(np.array([value]))[0])
    made = float(column.values(np.array([unit]))[0])
    return unit + int(up and made < value) - int(not up and made > value)


def _known(column: AnyColumn, wish: object) -> str:
    """A hint at values that can be asked for instead."""
    if isinstance(column, CategoryColumn):
        near = difflib.get_close_matches(str(wish), column.values, 3, 0.5)
        if near:
            return f"Did you mean {' or '.join(map(repr, near))}?"
        return f"Its values: {', '.join(map(repr, column.values[:20]))}."
    return f"It is {column.describe()}."


def _refused(column: AnyColumn, problem: str, remedy: str) -> ConfigError:
    return ConfigError(problem, where=f"column {column.name!r}", remedy=remedy)
