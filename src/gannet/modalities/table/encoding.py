"""Encode the cells of a column, with errors that name the rows of invalid cells."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.frame import Cells, Frame, factorized
from gannet.modalities.table.columns.base import Encoded, FieldKind, MisfitError
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.infer_type import AnyColumn, missing_in
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.columns.unmodeled import ConstantColumn, IdentifierColumn
from gannet.modalities.table.columns.value_counts import MAX_ODD, storage_of, uniform

CHUNK = 100_000
"""Rows that are counted or encoded at once."""
ATTEMPTS = 2
"""Rounds of setting odd cells aside: those of another form, then those out of range."""
MAX_LISTED = 8
"""Most invalid cells that an error lists."""


def in_chunks(frame: Frame) -> Iterator[Frame]:
    """Split a table into chunks of rows."""
    for start in range(0, len(frame), CHUNK):
        yield frame[start : start + CHUNK]


def column_location(where: str, name: str) -> str:
    """A column's name in error messages."""
    return f"{where}, column {name!r}" if where else f"column {name!r}"


def column_encoded(
    encode: Callable[[Cells], Encoded], cells: Cells, part: Frame, name: str
) -> tuple[Encoded, NDArray[np.int64]]:
    """Encode the distinct cells of a column, and give each cell's index among them ``(n,)``.

    A few cells that do not fit are encoded as missing and counted as unknown.

    Raises:
        DataError: naming the rows of cells that do not fit, if they are many.
    """
    whole, odd = uniform(cells)
    distinct, at = factorized(cells)
    if whole is not cells:
        distinct = whole[np.unique(at, return_index=True)[1]]
    try:
        storage_of(name, whole)
        encoded, aside = _set_aside(encode, distinct, at)
    except MisfitError as fault:
        raise named_rows(fault, [part]) from None
    encoded.unknown[aside] = True
    if odd:
        wrong = set(odd)
        encoded.unknown[at[[cell in wrong for cell in cells.tolist()]]] = True
    return encoded, at


def _set_aside(
    encode: Callable[[Cells], Encoded], distinct: Cells, at: NDArray[np.int64]
) -> tuple[Encoded, NDArray[np.int64]]:
    """Encoded distinct cells, and the indices of those that were taken as missing.

    Raises:
        MisfitError: naming cells that do not fit, if they are too many.
    """
    aside = np.zeros(0, np.int64)
    for _ in range(ATTEMPTS):
        try:
            return encode(distinct), aside
        except MisfitError as fault:
            wrong = set(map(repr, fault.cells))
            misfits = np.array([repr(cell) in wrong for cell in distinct.tolist()], np.bool_)
            counts = np.bincount(at, minlength=len(distinct))
            aside = np.union1d(aside, np.flatnonzero(misfits))
            if distinct.dtype.kind != "O" or counts[aside].sum() > MAX_ODD * len(at):
                raise
            distinct = distinct.copy()
            distinct[misfits] = None
    return encode(distinct), aside


def named_rows(fault: MisfitError, chunks: Iterable[Frame]) -> DataError:
    """The same error, with the rows of the cells."""
    where, listing, _ = listed_rows(fault.name, fault.cells, chunks)
    return DataError(
        f"{fault.problem}: {listing}",
        where=column_location(where, fault.name),
        remedy=fault.remedy,
    )


def listed_rows(name: str, misfits: Sequence[Any], chunks: Iterable[Frame]) -> tuple[str, str, int]:
    """The file, a list of some cells of a column with their rows, and the number of all of them."""
    wrong, examples = set(map(repr, misfits)), list[str]()  # not every cell can be hashed
    where, count = "", 0
    for chunk in chunks:  # an exhausted iterator gives none; then only the cells are named
        where = chunk.where
        if name not in chunk.names:
            break
        cells = chunk.column(name).tolist()
        rows = [row for row, cell in enumerate(cells) if repr(cell) in wrong]
        count += len(rows)
        examples += [
            f"{cells[row]!r} in row {chunk.first + row}"
            for row in rows[: MAX_LISTED - len(examples)]
        ]
    listing = ", ".join(examples or list(map(repr, misfits[:MAX_LISTED])))
    more = f" and {count - len(examples):,} more" if count > len(examples) else ""
    return where, listing + more, count or len(misfits)


def check_columns(columns: Sequence[AnyColumn], frame: Frame) -> None:
    """Compare a table with columns.

    Raises:
        DataError: listing each column that is missing, superfluous or of another type.
    """
    names = tuple(column.name for column in columns)
    faults, cells = _missing_columns(names, frame), list[str]()
    faults += [f"column {name!r} is one too many" for name in frame.names if name not in names]
    for column in columns:
        if column.name in frame.names:
            try:
                some = frame[:CHUNK]
                column_encoded(column.encode, some.column(column.name), some, column.name)
            except DataError as fault:
                cells.append(f"column {column.name!r}, which is {column.type}: {fault.problem}")
    if cells and not faults:
        raise DataError(
            "\n  ".join(["cells that do not fit their columns:", *cells]),
            where=frame.where,
            remedy="Fix the cells, or leave them empty.",
        )
    _refuse(faults + cells, names, frame)


def require_columns(names: Sequence[str], frame: Frame) -> None:
    """Refuse a table that lacks columns.

    Raises:
        DataError: listing them.
    """
    _refuse(_missing_columns(names, frame), names, frame)


def _missing_columns(names: Sequence[str], frame: Frame) -> list[str]:
    faults: list[str] = []
    for name in names:
        if name not in frame.names:
            near = difflib.get_close_matches(name, set(frame.names) - set(names), 1)
            hint = f"; is it {near[0]!r}?" if near else ""
            faults.append(f"column {name!r} is missing{hint}")
    return faults


def _refuse(faults: Sequence[str], names: Sequence[str], frame: Frame) -> None:
    if faults:
        raise DataError(
            "\n  ".join(["other columns than in training:", *faults]),
            where=frame.where,
            remedy=f"Columns in training: {', '.join(names[:50])}.",
        )


def first_ordinal(column: AnyColumn, kind: FieldKind, at: int) -> int:
    """The first ordered symbol of a column's field; -1 if they have no order."""
    if not isinstance(column, NumberColumn | DatetimeColumn):
        return -1
    if kind == "place":
        return 0
    return -1 if at else column.missing.symbols


def is_numeric_text(column: AnyColumn) -> bool:
    """Whether cells are text that Python reads as numbers."""
    return isinstance(column, NumberColumn) and column.is_numeric_text


def without_markers(column: AnyColumn, cells: Cells) -> Cells:
    """Cells with ``None`` in place of the text that marks a missing one."""
    if cells.dtype.kind != "O":
        return cells
    distinct, at = factorized(cells)
    if isinstance(column, IdentifierColumn | ConstantColumn):
        return cells
    distinct[missing_in(column, distinct)] = None
    return distinct[at]


@dataclass(frozen=True, slots=True)
class Field:
    """One number of an encoded row.

    Attributes:
        column: Index of the column it belongs to.
        kind: A ``symbol`` is a category code, counted from 0; a ``place`` is a position in [0, 1].
        cardinality: Number of symbols; 0 for a position.
    """

    column: int
    kind: FieldKind
    cardinality: int
