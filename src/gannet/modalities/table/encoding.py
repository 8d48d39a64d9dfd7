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
SHOWN = 8
"""Most invalid cells that an error lists."""


def in_chunks(frame: Frame) -> Iterator[Frame]:
    """Split a table into chunks of rows."""
    for start in range(0, len(frame), CHUNK):
        yield frame[start : start + CHUNK]


def place(where: str, name: str) -> str:
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
    wanted, found = set(map(repr, fault.words)), list[str]()  # not every cell can be hashed
    where, count = "", 0
    for chunk in chunks:  # an exhausted iterator gives none; then only the cells are named
        where = chunk.where
        if fault.name not in chunk.names:
            break
        cells = chunk.column(fault.name).tolist()
        rows = [row for row, cell in enumerate(cells) if repr(cell) in wanted]
        count += len(rows)
        found += [
            f"{cells[row]!r} in row {chunk.first + row}" for row in rows[: SHOWN - len(found)]
        ]
    shown = ", ".join(found or list(map(repr, fault.words[:SHOWN])))
    more = f" and {count - len(found):,} more" if count > len(found) else ""
    return DataError(
        f"{fault.problem}: {shown}{more}", where=place(where, fault.name), remedy=fault.remedy
    )
