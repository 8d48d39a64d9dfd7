"""Replace some cells of a text table and leave every other byte as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from gannet.core.frame import Dialect

Exchanged = Mapping[int, Mapping[int, str]]
"""Row -> column -> new cell; both counted from 0, the header left out."""


@cache
def _pattern(delimiter: str) -> re.Pattern[str]:
    """A cell, quoted or plain, and what ends it: a delimiter, the end of a line or of the text."""
    mark = re.escape(delimiter)
    cell = rf'"(?:[^"]|"")*"[^{mark}\r\n]*|[^{mark}\r\n]*'
    return re.compile(rf"(?P<gap> *)(?P<cell>{cell})(?P<end>{mark}|\r\n|\n|\r|\Z)")


def patched(text: str, dialect: Dialect, exchanged: Exchanged) -> str:
    """A text table with some cells replaced.

    Args:
        text: The whole table.
        dialect: Of the table.
        exchanged: The new cells; quoted where necessary.
    """
    return "".join(_parts(text, dialect, exchanged))


def _parts(text: str, dialect: Dialect, exchanged: Exchanged) -> Iterator[str]:
    pattern, row = _pattern(dialect.delimiter), -1 if dialect.header else 0
    at, column = 0, 0
    while at < len(text) or column:  # the last cell of all may be empty
        match = pattern.match(text, at)
        assert match is not None, "the pattern matches any text, if only as an empty cell"
        gap, cell, end = match.group("gap", "cell", "end")
        at = match.end()
        if column == 0 and not gap and not cell and end != dialect.delimiter:
            yield end  # a blank line is not a row
            continue
        new = exchanged.get(row, {}).get(column) if row >= 0 else None
        if new is None:
            yield gap + cell + end
        else:
            yield (gap if dialect.spaced else "") + quoted(new, dialect.delimiter) + end
        row, column = (row, column + 1) if end == dialect.delimiter else (row + 1, 0)


def quoted(cell: str, delimiter: str) -> str:
    """A cell, quoted as CSV requires.

    >>> quoted("a;b", ";"), quoted("a;b", ",")
    ('"a;b"', 'a;b')
    """
    risky: Sequence[str] = (delimiter, '"', "\r", "\n")
    if not any(mark in cell for mark in risky) and cell.strip(" ") == cell:
        return cell
    return '"' + cell.replace('"', '""') + '"'
