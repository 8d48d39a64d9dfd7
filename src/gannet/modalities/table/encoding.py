"""Encode the cells of a column, with errors that name the rows of invalid cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.frame import Cells, Frame, factorized
from gannet.modalities.table.columns.base import Encoded, MisfitError
from gannet.modalities.table.columns.value_counts import storage_of

CHUNK = 100_000
"""Rows that are counted or encoded at once."""
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

    Raises:
        DataError: naming the rows of cells that do not fit.
    """
    try:
        storage_of(name, cells)
        distinct, at = factorized(cells)
        return encode(distinct), at
    except MisfitError as fault:
        raise named_rows(fault, [part]) from None


def named_rows(fault: MisfitError, chunks: Iterable[Frame]) -> DataError:
    """The same error, with the rows of the cells."""
    misfits, examples = set(map(repr, fault.cells)), list[str]()  # not every cell can be hashed
    where, count = "", 0
    for chunk in chunks:  # an exhausted iterator gives none; then only the cells are named
        where = chunk.where
        if fault.name not in chunk.names:
            break
        cells = chunk.column(fault.name).tolist()
        rows = [row for row, cell in enumerate(cells) if repr(cell) in misfits]
        count += len(rows)
        examples += [
            f"{cells[row]!r} in row {chunk.first + row}"
            for row in rows[: MAX_LISTED - len(examples)]
        ]
    listing = ", ".join(examples or list(map(repr, fault.cells[:MAX_LISTED])))
    more = f" and {count - len(examples):,} more" if count > len(examples) else ""
    return DataError(
        f"{fault.problem}: {listing}{more}",
        where=column_location(where, fault.name),
        remedy=fault.remedy,
    )
