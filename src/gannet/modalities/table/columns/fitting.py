"""Fit the columns of a table, chunk by chunk: count cells, infer types, set odd cells aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gannet.core.errors import DataError
from gannet.core.frame import Frame
from gannet.modalities.table.columns.base import MisfitError
from gannet.modalities.table.columns.infer_type import AnyColumn, check_types, infer_column
from gannet.modalities.table.columns.value_counts import ValueCounter
from gannet.modalities.table.encoding import ATTEMPTS, in_chunks, listed_rows, named_rows


@dataclass(frozen=True, slots=True)
class FittedColumns:
    """The columns of a table.

    Attributes:
        columns: In order.
        rows: Number of rows.
        set_aside: A sentence per column on cells that do not fit and are taken as missing.
    """

    columns: tuple[AnyColumn, ...]
    rows: int
    set_aside: tuple[str, ...]


def fit_columns(
    chunks: Iterable[Frame],
    overrides: Mapping[str, str] | None = None,
    marks: Sequence[str] = (),
) -> FittedColumns:
    """Infer and fit the columns of a table that may be larger than memory.

    Args:
        chunks: Of the same columns. Iterated again, where possible, only to name the rows of
            cells that do not fit.
        overrides: Column -> type, where inference is not good enough.
        marks: The text that marks a missing cell; by default the usual words.

    Raises:
        DataError: if there are fewer than two rows, no column, a column of mixed types, many cells
            that do not fit the type asked for, or no column or type of that name.
    """
    counters: list[ValueCounter] = []
    where, rows = "", 0
    try:
        for chunk in chunks:
            if not counters:
                check_types(dict(overrides or {}), chunk.names, chunk.where)
                counters, where = [ValueCounter(name) for name in chunk.names], chunk.where
            assert [counter.name for counter in counters] == list(chunk.names), "the same columns"
            rows += len(chunk)
            for part in in_chunks(chunk):
                for counter, cells in zip(counters, part.columns, strict=True):
                    counter.add(cells)
        if rows < 2 or not counters:
            raise DataError(
                f"{rows or 'no'} row{'s' if rows != 1 else ''}, expected at least 2",
                where=where,
                remedy="Give it a table with more rows.",
            )
        wanted = overrides or {}
        fitted = [_fitted(counter, wanted.get(counter.name), marks, chunks) for counter in counters]
    except MisfitError as fault:
        raise named_rows(fault, chunks) from None
    columns, notes = zip(*fitted, strict=True)
    return FittedColumns(tuple(columns), rows, tuple(note for note in notes if note))


def _fitted(
    counter: ValueCounter, type_name: str | None, marks: Sequence[str], chunks: Iterable[Frame]
) -> tuple[AnyColumn, str]:
    """A column, and a sentence on the cells that were set aside.

    Raises:
        MisfitError: if they are too many.
    """
    counts, odd = counter.value_counts(), list(counter.odd)
    first: MisfitError | None = None
    for _ in range(ATTEMPTS):
        try:
            return infer_column(counts, type_name, marks), _note(counter.name, odd, chunks)
        except MisfitError as fault:
            first = first or fault
            remaining = counts.without(fault.cells)
            if remaining is None:
                raise first from None
            counts, odd = remaining, [*odd, *fault.cells]
    try:
        return infer_column(counts, type_name, marks), _note(counter.name, odd, chunks)
    except MisfitError:
        raise first or AssertionError("there was one") from None


def _note(name: str, odd: Sequence[object], chunks: Iterable[Frame]) -> str:
    if not odd:
        return ""
    _, listing, count = listed_rows(name, odd, chunks)
    cells = "1 cell does" if count == 1 else f"{count:,} cells do"
    taken = "is taken as missing" if count == 1 else "are taken as missing"
    return f"{name}: {cells} not fit the column and {taken}: {listing}"
