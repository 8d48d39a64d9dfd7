"""CSV and other delimited text tables: encoding, delimiter and header are detected."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from gannet.core.errors import DataError, no_permission
from gannet.core.frame import Cells, Dialect, Frame, cells_of, check_names
from gannet.core.io.regular import open_regular, open_text
from gannet.modalities.table.columns.base import find_missing
from gannet.modalities.table.columns.formats import moments
from gannet.modalities.table.columns.formats.numbers import numbers

DELIMITERS = ",;\t|"
SNIFFED_LINES = 200
"""Lines that the delimiter and the header are detected from."""
MAX_LISTED = 8
"""Maximum number of faulty rows that an error lists."""
POOL = 2**17
"""Maximum number of distinct strings per column that are shared between cells."""

_COMMA_NUMBER = re.compile(r"\s*[+-]?\d+,\d+\s*")


def find_dialect(
    path: Path,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
) -> Dialect:
    """Detect the dialect of a text table; arguments that are given are not detected.

    Raises:
        DataError: if the file is empty, not text, or not in the given encoding.
    """
    encoding = _encoding(path, encoding)
    with open_text(path, newline="", encoding=encoding) as file:
        lines = [line for line in islice(file, SNIFFED_LINES) if line.strip()]
    if not lines:
        raise DataError("the file is empty", where=str(path), remedy="Give it a table with rows.")
    if delimiter is None:
        delimiter = max(DELIMITERS, key=lambda each: _fitness(lines, each))
    rows = _parsed(lines, delimiter)
    spaced = _is_spaced(rows)
    stripped = [[cell.strip() for cell in row] for row in rows] if spaced else rows
    if header is None:
        header = _has_header(stripped)
    return Dialect(
        delimiter=delimiter,
        header=header,
        encoding=encoding,
        spaced=spaced,
        line_end="\r\n" if lines[0].endswith("\r\n") else "\n",
    )


def _encoding(path: Path, given: str | None) -> str:
    """The encoding, checked on the whole file, since the only accent may come late."""
    start = _bytes(path, 4096)
    if given is None and (start[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}):
        given = "utf-16"
    elif given is None and b"\0" in start:
        even, odd = start[::2].count(0), start[1::2].count(0)
        if min(even, odd) > 0.1 * max(even, odd) or max(even, odd) < 0.2 * len(start):
            raise DataError(
                "not text", where=str(path), remedy="Save the table as CSV in UTF-8, or as Parquet."
            )
        given = "utf-16-be" if even > odd else "utf-16-le"
    if given is not None:
        try:
            codecs.lookup(given)
        except LookupError:
            raise DataError(
                f"no encoding {given!r}", where=str(path), remedy="Use utf-8, utf-16 or cp1252."
            ) from None
        if fault := _undecodable(path, given):
            raise DataError(
                f"is not in {given}: {fault}",
                where=str(path),
                remedy="Give its encoding, or leave it out to have it detected.",
            )
        return given
    if not _undecodable(path, "utf-8-sig"):
        return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"
    # Windows-1252 leaves five byte values undefined; Latin-1 defines all.
    return "latin-1" if _undecodable(path, "cp1252") else "cp1252"


def _bytes(path: Path, count: int) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(count)
    except FileNotFoundError:
        raise DataError("does not exist", where=str(path), remedy="Check the path.") from None
    except PermissionError:
        raise no_permission(path, DataError) from None
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror})", where=str(path), remedy="Name a readable file."
        ) from None


def _undecodable(path: Path, encoding: str) -> str:
    """What is wrong with a file in this encoding; empty if nothing is."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with open_regular(path) as file:
            while part := file.read(2**20):
                decoder.decode(part)
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        return str(error)
    return ""


def _parsed(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return []


def _fitness(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """Fitness of a delimiter: equal cell counts, no other delimiters in cells; then many cells."""
    rows = _parsed(lines, delimiter)
    if not rows or len(rows[0]) < 2:
        return 0.0, 0
    uniform_fraction = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
    cells = [cell for row in rows for cell in row]
    others = set(DELIMITERS) - {delimiter}
    mixed_fraction = sum(
        bool(others & set(cell)) and not _COMMA_NUMBER.fullmatch(cell) for cell in cells
    ) / len(cells)
    return uniform_fraction - mixed_fraction, len(rows[0])


def _is_spaced(rows: Sequence[Sequence[str]]) -> bool:
    later = [cell for row in rows for cell in row[1:]]
    return bool(later) and all(cell.startswith(" ") for cell in later)


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is a header: distinct texts, no numbers or dates.

    If no column below it holds numbers or dates, its texts must not recur in their columns.
    """
    if not rows:
        return False
    first, body = (
        [cell.strip() for cell in rows[0]],
        [row for row in rows[1:] if len(row) == len(rows[0])],
    )
    named = [cell for cell in first if cell]
    if not named or len(set(named)) < len(named) or len(named) < len(first) - 1:
        return len(set(named)) < len(named) and _all_text(named) and _typed_below(first, body)
    if not _all_text(named):
        return False
    if not body or _typed_below(first, body):
        return True
    again = sum(cell in {row[at].strip() for row in body} for at, cell in enumerate(first))
    return again == 0


def _all_text(cells: Sequence[str]) -> bool:
    array = cells_of(list(cells))
    read = numbers(array).read | find_missing(array)
    return not read.any() and moments.find_format(list(cells[:1])) is None


def _typed_below(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a column below the first row holds (almost) only numbers or dates."""
    for at in range(len(first)):
        cells = cells_of([row[at].strip() for row in body])
        present = cells[~find_missing(cells, wide=True)] if len(cells) else cells
        if len(present) and (
            numbers(present).read.mean() > 0.9 or moments.find_format(present.tolist())
        ):
            return True
    return False


def read_delimited(path: Path, dialect: Dialect, rows: int) -> Iterator[Frame]:
    """A CSV or other text table, some rows at a time.

    Raises:
        DataError: if rows have different lengths, a name occurs twice, there are no rows, or the
            file is not valid CSV.
    """
    try:
        with open_text(path, newline="", encoding=dialect.encoding) as file:
            reader = csv.reader(
                file, delimiter=dialect.delimiter, skipinitialspace=dialect.spaced, strict=True
            )
            yield from _frames(path, (row for row in reader if row), dialect, rows)
    except (csv.Error, UnicodeError) as error:
        raise DataError(
            f"cannot be read as a table ({error})",
            where=str(path),
            remedy="Save it as CSV in UTF-8, with quotes closed.",
        ) from None


def _frames(path: Path, lines: Iterator[list[str]], dialect: Dialect, rows: int) -> Iterator[Frame]:
    names: tuple[str, ...] = ()
    if dialect.header:
        # The index column that pandas writes has no name.
        first = next(lines, list[str]())
        names = tuple(name or f"column_{index + 1}" for index, name in enumerate(first))
        check_names(names, str(path))
    number = 2 if dialect.header else 1
    pools: list[dict[str, str]] = [{} for _ in names]
    empty = True
    while part := list(islice(lines, rows)):
        empty = False
        if not names:
            names = tuple(f"column_{index + 1}" for index in range(len(part[0])))
            pools = [{} for _ in names]
        _check_lengths(path, part, len(names), number)
        columns: list[Cells] = []
        for cells, pool in zip(zip(*part, strict=True), pools, strict=True):
            # Equal strings are one object, so that a column costs eight bytes a cell.
            column = np.empty(len(cells), object)
            column[:] = list(map(pool.setdefault, cells, cells))
            columns.append(column)
            if len(pool) > POOL:
                pool.clear()
        yield Frame(names, tuple(columns), str(path), number, dialect)
        number += len(part)
    if empty:
        raise DataError(
            "only a header, no rows" if names else "the file is empty",
            where=str(path),
            remedy="Give it a table with rows.",
        )


def _check_lengths(path: Path, part: Sequence[Sequence[str]], width: int, number: int) -> None:
    lengths = np.fromiter(map(len, part), np.int64, len(part))
    wrong = np.flatnonzero(lengths != width)
    if not len(wrong):
        return
    lines = [
        f"row {number + row}: {lengths[row]} cells, expected {width}" for row in wrong[:MAX_LISTED]
    ]
    more = f"\n  ... and {len(wrong) - MAX_LISTED:,} more" if len(wrong) > MAX_LISTED else ""
    raise DataError(
        "rows of different lengths\n  " + "\n  ".join(lines) + more,
        where=str(path),
        remedy="Correct the rows; a cell that holds the delimiter needs quotes around it.",
    )
