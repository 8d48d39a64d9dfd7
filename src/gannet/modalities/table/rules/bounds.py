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

MOST = 4_096
"""Most values of a column that are tested one by one; beyond, rejection sampling is used."""

_OPPOSITE = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_RELATIONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "=", "!=": "<>"}


@dataclass(frozen=True, slots=True)
class BoundSource:
    """A condition or clause that restricts a column.

    Attributes:
        words: Its name in error messages.
        pieces: Ranges of cells that fulfil a condition; empty for a clause.
        clause: The clause, if it is one.
    """

    words: str
    pieces: tuple[CellRange, ...] = ()
    clause: Clause | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The cell ranges that conditions and rules leave of each column.

    Attributes:
        pieces: Column -> ranges of cells that fulfil everything that restricts it alone.
        sources: Column -> the conditions and clauses that they come from.
    """

    pieces: Mapping[str, tuple[CellRange, ...]]
    sources: Mapping[str, tuple[BoundSource, ...]]


@dataclass(frozen=True, slots=True)
class _Left:
    """What conditions and clauses leave of a column.

    Attributes:
        pieces: Ranges of cells that fulfil all of them.
        whole: Whether every cell of the column does.
        any: Whether the ranges hold a non-missing cell, or a missing one that ``missing()`` allows.
    """

    pieces: list[CellRange]
    whole: bool
    any: bool


def bounds_of(
    clauses: Sequence[Clause],
    columns: Sequence[AnyColumn],
    firsts: Sequence[int],
    given: Mapping[str, Sequence[CellRange]],
    words: Mapping[str, str],
) -> Bounds:
    """Intersect the conditions and single-column clauses of each column.

    Args:
        clauses: Of all rules.
        columns: Of the table.
        firsts: Number of each column's first field.
        given: Column -> cell ranges of conditions that do not come from rules.
        words: Names of these conditions in error messages.

    Raises:
        ConfigError: naming conditions and rules that contradict each other.
    """
    asked: dict[str, list[BoundSource]] = {
        name: [BoundSource(words[name], tuple(pieces))] for name, pieces in given.items()
    }
    alone = [each for each in clauses if len(each.columns) == 1]
    for clause in alone:
        source = BoundSource(f"--constraint '{clause.text}'", clause=clause)
        asked.setdefault(clause.columns[0], []).append(source)
    made: dict[str, tuple[CellRange, ...]] = {}
    for column, first in zip(columns, firsts, strict=True):
        if column.name in asked:
            found = _asked_of(column, first, asked[column.name])
            if found is not None:
                made[column.name] = found
    bounds = Bounds(made, {name: tuple(sources) for name, sources in asked.items()})
    _check_orders(clauses, {column.name: column for column in columns}, firsts, bounds)
    return bounds


def _asked_of(
    column: AnyColumn, first: int, sources: Sequence[BoundSource]
) -> tuple[CellRange, ...] | None:
    """Ranges that fulfil all sources; ``None`` if every cell does or they cannot be listed.

    Raises:
        ConfigError: naming sources that contradict each other.
    """
    left = _left(column, first, sources)
    if left is None:
        conditions = [each.pieces for each in sources if each.clause is None]
        return conditions[0] if conditions else None
    if not left.any:
        raise _contradiction(column, first, sources)
    return None if left.whole else tuple(left.pieces)


def _left(column: AnyColumn, first: int, sources: Sequence[BoundSource]) -> _Left | None:
    """What sources leave of a column; ``None`` if that cannot be listed."""
    left = _allowed(column, first, [each.clause for each in sources if each.clause is not None])
    for wish in (each.pieces for each in sources if each.clause is None):
        if left is not None:
            pieces = _met(left.pieces, wish)
            left = _Left(pieces, whole=False, any=bool(pieces))
    return left


def _allowed(column: AnyColumn, first: int, clauses: Sequence[Clause]) -> _Left | None:
    """Ranges of a column that obey some clauses; ``None`` if they cannot be listed."""
    if isinstance(column, ConstantColumn):
        cells = column.decode(np.zeros((1, 0), np.float32), 0, 0)
        kept = bool(_obeyed(column.name, cells, clauses)[0])
        return _Left([], whole=kept, any=kept)
    if not isinstance(column, CategoryColumn | NumberColumn | DatetimeColumn):
        return None
    found = _stretches(column, first, clauses)
    if found is None:
        return None
    pieces, whole = found
    leaves = bool(pieces)
    if column.missing.symbols:
        gone = Frame((column.name,), (_missing_cell(column),))
        if all(each.holds(gone)[0] for each in clauses):
            pieces.append(CellRange({first: 0.0}))
            leaves = leaves or any(each.test(gone).yes[0] for each in clauses)
        else:
            whole = False
    return _Left(pieces, whole=whole, any=leaves)


def _missing_cell(column: AnyColumn) -> Cells:
    moments = column.storage.startswith("datetime64")
    return np.array(["NaT"], column.storage) if moments else cells_of([None])


def _stretches(
    column: CategoryColumn | Ordered, first: int, clauses: Sequence[Clause]
) -> tuple[list[CellRange], bool] | None:
    """Ranges of non-missing cells that obey, and whether all cells do."""
    if isinstance(column, CategoryColumn):
        if len(column.values) > MOST:
            return None
        cells = column.cells
        numbers = column.encode(cells).numbers
        obeyed = _obeyed(column.name, cells, clauses).tolist()
        pieces = [
            CellRange({first + at: float(cell) for at, cell in enumerate(row)})
            for row, kept in zip(numbers, obeyed, strict=True)
            if kept
        ]
        return pieces, all(obeyed)
    bins = column.quantile_bins
    if bins.placed:
        if not all(each.plain for each in clauses):
            return None
        starts = _starts(column, [mark for each in clauses for mark in each.marks])
    else:
        starts = [rung[0] for rung in bins.bins]
    units = np.array(starts, np.int64)
    obeyed = _obeyed(column.name, column.cells_of(units), clauses).tolist()
    ends = [*(start - 1 for start in starts[1:]), bins.high]
    pieces = [
        CellRange(
            {first: float(rung + column.missing.symbols)},
            {} if not bins.placed or (begin <= 0 and stop >= 1) else {first + 1: (begin, stop)},
        )
        for start, end in _joined(starts, ends, obeyed)
        for rung, begin, stop in bins.bins_between(start, end)
    ]
    return pieces, all(obeyed)


def _starts(column: Ordered, marks: Iterable[str]) -> list[int]:
    """First units of the intervals within which no comparison changes its result."""
    low, high = column.quantile_bins.low, column.quantile_bins.high
    near = {unit_of(column, mark) + off for mark in marks for off in (-1, 0, 1, 2)}
    return sorted({low} | {each for each in near if low < each <= high})


def _joined(
    starts: Sequence[int], ends: Sequence[int], obeyed: Sequence[bool]
) -> list[tuple[int, int]]:
    """Intervals that obey, with adjacent ones merged."""
    found: list[tuple[int, int]] = []
    for start, end, kept in zip(starts, ends, obeyed, strict=True):
        if kept and found and found[-1][1] == start - 1:
            found[-1] = (found[-1][0], end)
        elif kept:
            found.append((start, end))
    return found


def _obeyed(name: str, cells: Cells, clauses: Sequence[Clause]) -> np.ndarray[tuple[int], Any]:
    frame = Frame((name,), (cells,))
    kept = np.ones(len(cells), np.bool_)
    for each in clauses:
        kept &= each.holds(frame)
    return kept


def _met(some: Sequence[CellRange], others: Sequence[CellRange]) -> list[CellRange]:
    """Pairwise intersections of two lists of ranges, without duplicates."""
    found = [both for one in some for other in others if (both := _both(one, other)) is not None]
    return list({repr(piece): piece for piece in found}.values())


def _both(one: CellRange, other: CellRange) -> CellRange | None:
    cells = {**one.cells, **other.cells}
    if any(one.cells.get(at, cell) != cell for at, cell in other.cells.items()):
        return None
    within: dict[int, tuple[float, float]] = {}
    for piece in (one, other):
        for at, (low, high) in piece.within.items():
            held = within.get(at, (low, high))
            within[at] = max(low, held[0]), min(high, held[1])
    for at, (low, high) in within.items():
        if low > high or not low <= cells.get(at, low) <= high:
            return None
    return CellRange(cells, {at: ends for at, ends in within.items() if at not in cells})


def _contradiction(column: AnyColumn, first: int, sources: Sequence[BoundSource]) -> ConfigError:
    """The error that names the smallest set of sources that leave nothing: one, two or all."""

    def leaves(some: Sequence[BoundSource]) -> bool:
        left = _left(column, first, some)
        return left is None or left.any

    if len(sources) == 1:
        return ConfigError(
            f"{sources[0].words}: no cell of {column.name!r} fulfils it",
            remedy=f"{column.name} is {column.describe()}.",
        )
    few = next((each for each in sources if not leaves([each])), None)
    if few is not None:
        return _contradiction(column, first, [few])
    pairs = (pair for pair in combinations(sources, 2) if not leaves(pair))
    against = next(pairs, sources)
    return _against([each.words for each in against])


def _against(words: Sequence[str], more: str = "") -> ConfigError:
    return ConfigError(
        f"{' and '.join(words)} contradict each other: no row fulfils all of them{more}",
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
    words = [f"--constraint '{clause.text}'"]
    words += [each.words for name in names for each in bounds.sources.get(name, ())]
    if len(words) > 1:
        return _against(words)
    shown = "; ".join(f"{name} is {columns[name].describe()}" for name in names)
    return ConfigError(f"{words[0]}: no row can fulfil it", remedy=f"{shown}.")


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
    pieces = bounds.pieces.get(column.name)
    if pieces is None:
        ends = np.array([column.quantile_bins.low, column.quantile_bins.high])
        cells = column.cells_of(ends)
        return cells[:1], cells[1:]
    known = [each for each in pieces if each.cells[first] >= column.missing.symbols]
    if not known:
        return None
    lowest = min(known, key=lambda each: (each.cells[first], _place(each, first)[0]))
    highest = max(known, key=lambda each: (each.cells[first], _place(each, first)[1]))
    return _cell(column, lowest, first, 0), _cell(column, highest, first, 1)


def _place(piece: CellRange, first: int) -> tuple[float, float]:
    if first + 1 in piece.within:
        return piece.within[first + 1]
    place = piece.cells.get(first + 1)
    return (0.0, 1.0) if place is None else (place, place)


def _cell(column: Ordered, piece: CellRange, first: int, end: int) -> Cells:
    rung = np.array([int(piece.cells[first]) - column.missing.symbols])
    return column.cells_of(column.quantile_bins.units(rung, np.array([_place(piece, first)[end]])))
