"""What may be asked of a column: a value, several, or a range; as the cells that fulfil it."""

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
"""Stands between the ends of a range; an end that is left out is open."""

Ordered = NumberColumn | DatetimeColumn
"""Columns of which a range can be asked."""


def cell_ranges(column: AnyColumn, first: int, wish: object) -> list[CellRange]:
    """The ways in which a wish for a column comes true; empty if it always does.

    Args:
        column: That is asked.
        first: Number of its first field.
        wish: A cell; a pair ``(low, high)`` or a text ``low..high`` for a range; a list of cells
            and ranges.

    Raises:
        ConfigError: if the column cannot be asked, or no row of training had such a cell.
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
    """All that a column's cells can be but missing, for one that has few enough to list.

    Raises:
        ConfigError: if it is no category and no number with a value for each symbol.
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
    """One cell as the column's own are held."""
    if isinstance(column, DatetimeColumn) and not column.format and wish not in (None, ""):
        try:
            return np.array([wish], "datetime64").astype(column.storage)
        except ValueError:
            raise _refused(column, f"{wish!r} is no date", "Write it as 2024-01-31.") from None
    cell = np.empty(1, object)
    cell[0] = wish.item() if isinstance(wish, np.generic) else wish
    return cell


def _ends(wish: object) -> tuple[Any, Any] | None:
    """The ends of a range, ``None`` where open; or nothing, if it is none."""
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
    """The first unit that is not below an end, or the last that is not above it."""
    cells = _cell(column, end)
    try:
        if isinstance(column, DatetimeColumn):
            units, between = column.units_of(cells)
            return int(units[0]) + int(up and bool(between[0]))
        column.encode(cells)  # for its complaints about what is no number
        value = column.number_of(cells)
    except MisfitError as fault:
        raise _refused(column, f"{end!r}: {fault.problem}", _known(column, end)) from None
    unit = int(column.units_of(np.array([value]))[0])
    made = float(column.values(np.array([unit]))[0])
    return unit + int(up and made < value) - int(not up and made > value)


def _known(column: AnyColumn, wish: object) -> str:
    """What may be asked instead."""
    if isinstance(column, CategoryColumn):
        near = difflib.get_close_matches(str(wish), column.values, 3, 0.5)
        if near:
            return f"Did you mean {' or '.join(map(repr, near))}?"
        return f"Its values: {', '.join(map(repr, column.values[:20]))}."
    return f"It is {column.describe()}."


def _refused(column: AnyColumn, problem: str, remedy: str) -> ConfigError:
    return ConfigError(problem, where=f"column {column.name!r}", remedy=remedy)
