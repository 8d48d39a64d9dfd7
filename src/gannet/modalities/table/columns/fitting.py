"""Fit the columns of a table, chunk by chunk: count cells, infer types, set odd cells aside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gannet.core.errors import DataError
from gannet.core.frame import Frame
from gannet.core.io.given_types import GivenType
from gannet.modalities.table.columns.base import MisfitError
from gannet.modalities.table.columns.infer_type import AnyColumn, check_types, infer_column
from gannet.modalities.table.columns.value_counts import ValueCounter
from gannet.modalities.table.encoding import ATTEMPTS, in_chunks, listed_rows, named_rows

MIN_ENTITIES = 20
"""Fewest different identifiers of entities with several rows each."""
MIN_ROWS_EACH = 1.2
"""Fewest rows of each on average."""
MAX_ROWS_EACH = 50
"""Most rows of each on average; beyond, they are taken as categories."""

_ENTITY = re.compile(
    r"(?:^|[_\W])(?:id|uuid|guid|key|identifier|patient|person|customer|client|user|member|subject"
    r"|participant|account|employee|student|device|household|session|contract|policy)"
    r"(?:[_\W]?(?:id|no|nr|num|number|key|code))?$|[a-z](?:Id|ID)$",
    re.ASCII | re.IGNORECASE,
)
_CODED = re.compile(r"[A-Za-z]{1,8}[-_ ]?\d{3,}")
_ADDRESS = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class FittedColumns:
    """The columns of a table.

    Attributes:
        columns: In order.
        rows: Number of rows.
        types: Column -> its type in the library that held it.
        notes: Sentences on cells that are taken as missing, and on identifiers that repeat.
    """

    columns: tuple[AnyColumn, ...]
    rows: int
    notes: tuple[str, ...]
    types: Mapping[str, GivenType]


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
    types: Mapping[str, GivenType] = {}
    try:
        for chunk in chunks:
            if not counters:
                check_types(dict(overrides or {}), chunk.names, chunk.where)
                counters, where = [ValueCounter(name) for name in chunk.names], chunk.where
                types = {name: chunk.types[name] for name in chunk.names if name in chunk.types}
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
    columns, odd = zip(*fitted, strict=True)
    entities = [_entity_note(*each) for each in zip(columns, counters, strict=True)]
    notes = (*odd, *entities)
    return FittedColumns(tuple(columns), rows, tuple(note for note in notes if note), types)


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


def _entity_note(column: AnyColumn, counter: ValueCounter) -> str:
    """A warning if a column names entities that have several rows each, such as patients."""
    if column.type not in ("category", "integer") or counter.sampling_rate < 1:
        return ""
    known = {str(each): count for each, count in counter.counts.items()}
    few = len(known) < max(MIN_ENTITIES, counter.rows // MAX_ROWS_EACH)
    several = counter.rows >= MIN_ROWS_EACH * len(known)
    named = _ENTITY.search(column.name.strip())
    codes = all(map(_CODED.fullmatch, known)) and len({_shape(each) for each in known}) == 1
    alike = codes or all(map(_ADDRESS.fullmatch, known))
    if few or not several or not (named or (alike and column.type == "category")):
        return ""
    each = counter.rows / len(known)
    written = "their numbers" if column.type == "integer" else "real identifiers"
    return (
        f"{column.name}: {len(known):,} identifiers with {each:.1f} rows each on average, as of "
        "persons with several visits: rows are made one by one, so those of one are not kept "
        f"together, and {written} are written; --column {column.name}=identifier makes new ones"
    )


def _shape(text: str) -> str:
    """The prefix of a code, and the number of its digits."""
    return re.sub(r"\d", "0", text)
