"""Bounds that rules put on single columns, as cell ranges, and detection of contradictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from gannet.core.errors import ConfigError
from gannet.core.frame import Cells, Frame, cells_of
from gannet.core.types import CellRange
from gannet.modalities.table.columns.category import CategoryColumn
from gannet.modalities.table.columns.conditions import Ordered
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.infer_type import AnyColumn
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.columns.unmodeled import ConstantColumn
from gannet.modalities.table.rules.clause import Clause
from gannet.modalities.table.rules.values import unit_of

MAX_VALUES = 4_096
"""Most values of a column that are tested one by one; beyond, rejection sampling is used."""

_OPPOSITE = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_RELATIONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "=", "!=": "<>"}


@dataclass(frozen=True, slots=True)
class BoundSource:
    """A condition or clause that restricts a column.

    Attributes:
        description: Its name in error messages.
        ranges: Ranges of cells that fulfil a condition; empty for a clause.
        clause: The clause, if it is one.
    """

    description: str
    ranges: tuple[CellRange, ...] = ()
    clause: Clause | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The cell ranges that conditions and rules leave of each column.

    Attributes:
        ranges: Column -> ranges of cells that fulfil everything that restricts it alone.
        sources: Column -> the conditions and clauses that they come from.
    """

    ranges: Mapping[str, tuple[CellRange, ...]]
    sources: Mapping[str, tuple[BoundSource, ...]]


@dataclass(frozen=True, slots=True)
class _Remaining:
    """What conditions and clauses leave of a column.

    Attributes:
        ranges: Ranges of cells that fulfil all of them.
        whole: Whether every cell of the column does.
        any: Whether the ranges hold a non-missing cell, or a missing one that ``missing()`` allows.
    """

    ranges: list[CellRange]
    whole: bool
    any: bool


def bounds_of(
    clauses: Sequence[Clause],
    columns: Sequence[AnyColumn],
    firsts: Sequence[int],
    given: Mapping[str, Sequence[CellRange]],
    descriptions: Mapping[str, str],
) -> Bounds:
    """Intersect the conditions and single-column clauses of each column.

    Args:
        clauses: Of all rules.
        columns: Of the table.
        firsts: Number of each column's first field.
        given: Column -> cell ranges of conditions that do not come from rules.
        descriptions: Names of these conditions in error messages.

    Raises:
        ConfigError: naming conditions and rules that contradict each other.
    """
    requests: dict[str, list[BoundSource]] = {
        name: [BoundSource(descriptions[name], tuple(ranges))] for name, ranges in given.items()
    }
    alone = [each for each in clauses if len(each.columns) == 1]
    for clause in alone:
        source = BoundSource(f"--constraint '{clause.text}'", clause=clause)
        requests.setdefault(clause.columns[0], []).append(source)
    allowed: dict[str, tuple[CellRange, ...]] = {}
    for column, first in zip(columns, firsts, strict=True):
        if column.name in requests:
            column_ranges = _remaining_ranges(column, first, requests[column.name])
            if column_ranges is not None:
                allowed[column.name] = column_ranges
    bounds = Bounds(allowed, {name: tuple(sources) for name, sources in requests.items()})
    _check_orders(clauses, {column.name: column for column in columns}, firsts, bounds)
    return bounds


def _remaining_ranges(
    column: AnyColumn, first: int, sources: Sequence[BoundSource]
) -> tuple[CellRange, ...] | None:
    """Ranges that fulfil all sources; ``None`` if every cell does or they cannot be listed.

    Raises:
        ConfigError: naming sources that contradict each other.
    """
    left = _remaining(column, first, sources)
    if left is None:
        conditions = [each.ranges for each in sources if each.clause is None]
        return conditions[0] if conditions else None
    if not left.any:
        raise _contradiction(column, first, sources)
    return None if left.whole else tuple(left.ranges)


def _remaining(column: AnyColumn, first: int, sources: Sequence[BoundSource]) -> _Remaining | None:
    """What sources leave of a column; ``None`` if that cannot be listed."""
    left = _allowed(column, first, [each.clause for each in sources if each.clause is not None])
    for requested in (each.ranges for each in sources if each.clause is None):
        if left is not None:
            ranges = _intersection(left.ranges, requested)
            left = _Remaining(ranges, whole=False, any=bool(ranges))
    return left


def _allowed(column: AnyColumn, first: int, clauses: Sequence[Clause]) -> _Remaining | None:
    """Ranges of a column that obey some clauses; ``None`` if they cannot be listed."""
    if isinstance(column, ConstantColumn):
        cells = column.decode(np.zeros((1, 0), np.float32), 0, 0)
        obeys = bool(_obeyed(column.name, cells, clauses)[0])
        return _Remaining([], whole=obeys, any=obeys)
    if not isinstance(column, CategoryColumn | NumberColumn | DatetimeColumn):
        return None
    listed = _stretches(column, first, clauses)
    if listed is None:
        return None
    ranges, whole = listed
    leaves = bool(ranges)
    if column.missing.symbols:
        missing_row = Frame((column.name,), (_missing_cell(column),))
        if all(each.holds(missing_row)[0] for each in clauses):
            ranges.append(CellRange({first: 0.0}))
            leaves = leaves or any(each.test(missing_row).yes[0] for each in clauses)
        else:
            whole = False
    return _Remaining(ranges, whole=whole, any=leaves)


def _missing_cell(column: AnyColumn) -> Cells:
    moments = column.storage.startswith("datetime64")
    return np.array(["NaT"], column.storage) if moments else cells_of([None])


def _stretches(
    column: CategoryColumn | Ordered, first: int, clauses: Sequence[Clause]
) -> tuple[list[CellRange], bool] | None:
    """Ranges of non-missing cells that obey, and whether all cells do."""
    if isinstance(column, CategoryColumn):
        if len(column.values) > MAX_VALUES:
            return None
        cells = column.cells
        numbers = column.encode(cells).numbers
        obeyed = _obeyed(column.name, cells, clauses).tolist()
        ranges = [
            CellRange({first + at: float(cell) for at, cell in enumerate(row)})
            for row, obeys in zip(numbers, obeyed, strict=True)
            if obeys
        ]
        return ranges, all(obeyed)
    bins = column.quantile_bins
    if bins.placed:
        if not all(each.comparison_only for each in clauses):
            return None
        starts = _starts(column, [mark for each in clauses for mark in each.marks])
    else:
        starts = [rung[0] for rung in bins.bins]
    units = np.array(starts, np.int64)
    obeyed = _obeyed(column.name, column.cells_of(units), clauses).tolist()
    ends = [*(start - 1 for start in starts[1:]), bins.high]
    ranges = [
        CellRange(
            {first: float(rung + column.missing.symbols)},
            {} if not bins.placed or (lower <= 0 and upper >= 1) else {first + 1: (lower, upper)},
        )
        for start, end in _joined(starts, ends, obeyed)
        for rung, lower, upper in bins.bins_between(start, end)
    ]
    return ranges, all(obeyed)


def _starts(column: Ordered, marks: Iterable[str]) -> list[int]:
    """First units of the intervals within which no comparison changes its result."""
    low, high = column.quantile_bins.low, column.quantile_bins.high
    near = {unit_of(column, mark) + off for mark in marks for off in (-1, 0, 1, 2)}
    return sorted({low} | {each for each in near if low < each <= high})


def _joined(
    starts: Sequence[int], ends: Sequence[int], obeyed: Sequence[bool]
) -> list[tuple[int, int]]:
    """Intervals that obey, with adjacent ones merged."""
    intervals: list[tuple[int, int]] = []
    for start, end, obeys in zip(starts, ends, obeyed, strict=True):
        if obeys and intervals and intervals[-1][1] == start - 1:
            intervals[-1] = (intervals[-1][0], end)
        elif obeys:
            intervals.append((start, end))
    return intervals


def _obeyed(name: str, cells: Cells, clauses: Sequence[Clause]) -> np.ndarray[tuple[int], Any]:
    frame = Frame((name,), (cells,))
    mask = np.ones(len(cells), np.bool_)
    for each in clauses:
        mask &= each.holds(frame)
    return mask


def _intersection(some: Sequence[CellRange], others: Sequence[CellRange]) -> list[CellRange]:
    """Pairwise intersections of two lists of ranges, without duplicates."""
    ranges = [
        both
        for one in some
        for other in others
        if (both := _intersect_ranges(one, other)) is not None
    ]
    return list({repr(cell_range): cell_range for cell_range in ranges}.values())


def _intersect_ranges(one: CellRange, other: CellRange) -> CellRange | None:
    cells = {**one.cells, **other.cells}
    if any(one.cells.get(at, cell) != cell for at, cell in other.cells.items()):
        return None
    within: dict[int, tuple[float, float]] = {}
    for cell_range in (one, other):
        for at, (low, high) in cell_range.within.items():
            current = within.get(at, (low, high))
            within[at] = max(low, current[0]), min(high, current[1])
    for at, (low, high) in within.items():
        if low > high or not low <= cells.get(at, low) <= high:
            return None
    return CellRange(cells, {at: ends for at, ends in within.items() if at not in cells})


def _contradiction(column: AnyColumn, first: int, sources: Sequence[BoundSource]) -> ConfigError:
    """The error that names the smallest set of sources that leave nothing: one, two or all."""

    def leaves(some: Sequence[BoundSource]) -> bool:
        left = _remaining(column, first, some)
        return left is None or left.any

    if len(sources) == 1:
        return ConfigError(
            f"{sources[0].description}: no cell of {column.name!r} fulfils it",
            remedy=f"{column.name} is {column.describe()}.",
        )
    few = next((each for each in sources if not leaves([each])), None)
    if few is not None:
        return _contradiction(column, first, [few])
    pairs = (pair for pair in combinations(sources, 2) if not leaves(pair))
    against = next(pairs, sources)
    return _against([each.description for each in against])


def _against(descriptions: Sequence[str], more: str = "") -> ConfigError:
    return ConfigError(
        f"{' and '.join(descriptions)} contradict each other: no row fulfils all of them{more}",
        remedy="Leave one of them out, or write them with or.",
    )


# -- two columns ---------------------------------------------------------------------------------


def _check_orders(
    clauses: Sequence[Clause],
    columns: Mapping[str, AnyColumn],
    firsts: Sequence[int],
    bounds: Bounds,
) -> None:
    """Refuse comparisons of two columns that no row can fulfil, given bounds and each other."""
    ordered = [each for each in clauses if each.order is not None]
    for one, other in combinations(ordered, 2):
        if not _together(one, other):
            raise _against([f"--constraint '{each.text}'" for each in (one, other)])
    starts = dict(zip(columns, firsts, strict=True))
    for clause in ordered:
        assert clause.order is not None
        left, sign, right = clause.order
        ends = [_ends(columns[name], starts[name], bounds) for name in (left, right)]
        if ends[0] is None or ends[1] is None or sign == "!=" or left == right:
            continue
        if not _room(clause, left, sign, right, ends[0], ends[1]):
            raise _no_room(clause, columns, bounds, (left, right))


def _no_room(
    clause: Clause, columns: Mapping[str, AnyColumn], bounds: Bounds, names: tuple[str, str]
) -> ConfigError:
    descriptions = [f"--constraint '{clause.text}'"]
    descriptions += [each.description for name in names for each in bounds.sources.get(name, ())]
    if len(descriptions) > 1:
        return _against(descriptions)
    listing = "; ".join(f"{name} is {columns[name].describe()}" for name in names)
    return ConfigError(f"{descriptions[0]}: no row can fulfil it", remedy=f"{listing}.")


def _together(one: Clause, other: Clause) -> bool:
    """Whether two comparisons of the same two columns can both be true."""
    assert one.order is not None
    assert other.order is not None
    left, sign, right = one.order
    if (left, right) == (other.order[2], other.order[0]):
        beside = _OPPOSITE[other.order[1]]
    elif (left, right) == (other.order[0], other.order[2]):
        beside = other.order[1]
    else:
        return True
    return bool(set(_RELATIONS[sign]) & set(_RELATIONS[beside]))


def _room(
    clause: Clause,
    left: str,
    sign: str,
    right: str,
    one: tuple[Cells, Cells],
    other: tuple[Cells, Cells],
) -> bool:
    """Whether a comparison can be true, given the lowest and highest cell of each column."""

    def possible(first: Cells, second: Cells, test: Callable[[Frame], bool]) -> bool:
        return test(Frame((left, right), (first, second)))

    def obeyed(frame: Frame) -> bool:
        return bool(clause.holds(frame)[0])

    (low, high), (below, above) = one, other
    if sign in ("<", "<="):
        return possible(low, above, obeyed)
    if sign in (">", ">="):
        return possible(high, below, obeyed)
    return True


def _ends(column: AnyColumn, first: int, bounds: Bounds) -> tuple[Cells, Cells] | None:
    """The lowest and the highest non-missing cell that bounds leave of an ordered column."""
    if not isinstance(column, NumberColumn | DatetimeColumn):
        return None
    ranges = bounds.ranges.get(column.name)
    if ranges is None:
        ends = np.array([column.quantile_bins.low, column.quantile_bins.high])
        cells = column.cells_of(ends)
        return cells[:1], cells[1:]
    known_ranges = [each for each in ranges if each.cells[first] >= column.missing.symbols]
    if not known_ranges:
        return None
    lowest = min(
        known_ranges, key=lambda each: (each.cells[first], _position_bounds(each, first)[0])
    )
    highest = max(
        known_ranges, key=lambda each: (each.cells[first], _position_bounds(each, first)[1])
    )
    return _cell(column, lowest, first, 0), _cell(column, highest, first, 1)


def _position_bounds(cell_range: CellRange, first: int) -> tuple[float, float]:
    if first + 1 in cell_range.within:
        return cell_range.within[first + 1]
    position = cell_range.cells.get(first + 1)
    return (0.0, 1.0) if position is None else (position, position)


def _cell(column: Ordered, cell_range: CellRange, first: int, end: int) -> Cells:
    bin_index = np.array([int(cell_range.cells[first]) - column.missing.symbols])
    return column.cells_of(
        column.quantile_bins.units(bin_index, np.array([_position_bounds(cell_range, first)[end]]))
    )
