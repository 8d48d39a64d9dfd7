"""Rows of small tables of any name and format, for finding out whether they are about files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, cast

from gannet.core.errors import GannetError
from gannet.data.containers import metadata

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".data", ".jsonl", ".ndjson", ".json", ".parquet"})
"""Suffixes of files that may hold such a table."""

BYTES = 256 * 2**20
"""Larger ones are not looked at."""

MOST_OF_ONE_LENGTH = 0.8
"""A table may hold some rows with a delimiter too many; their files then have no row."""

TableLine = dict[str, str]


def rows_of(content: bytes, name: str) -> list[TableLine]:
    """The rows of a table; none if it is no table, or its rows are of different lengths.

    Without a header the columns are called ``column_1`` and so on; whether there is one is for the
    caller to see, who knows the files: see ``without_header``.
    """
    suffix = PurePosixPath(name.lower()).suffix
    if len(content) > BYTES or suffix not in SUFFIXES:
        return []
    try:
        if suffix == ".parquet":
            return metadata.parquet_lines(content, name)
        if suffix in (".jsonl", ".ndjson"):
            return metadata.lines_of(content, "rows.jsonl")
    except GannetError:
        return []
    text = _text(content)
    if suffix == ".json":
        return _json_rows(text)
    cells = _cells(text, suffix)
    cells = _of_one_length(cells)
    if len(cells) < 2 or len({len(row) for row in cells}) > 1 or len(cells[0]) != len({*cells[0]}):
        return without_header(cells)
    return [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]


def _of_one_length(cells: list[list[str]]) -> list[list[str]]:
    """Rows as long as the first, if at most a fifth are not; else all rows."""
    same = [row for row in cells if len(row) == len(cells[0])]
    return same if len(same) >= MOST_OF_ONE_LENGTH * len(cells) else cells


def without_header(cells: Sequence[Sequence[str]]) -> list[TableLine]:
    """Rows that all hold cells, with numbered columns; none if their lengths differ.

    >>> without_header([["a.png", "1"]])
    [{'column_1': 'a.png', 'column_2': '1'}]
    """
    if not cells or len({len(row) for row in cells}) > 1:
        return []
    names = [f"column_{number}" for number in range(1, len(cells[0]) + 1)]
    return [dict(zip(names, row, strict=True)) for row in cells]


def header_as_row(lines: Sequence[TableLine]) -> list[TableLine]:
    """The same rows where the first turned out to be no header.

    >>> header_as_row([{"a.png": "b.png", "0": "1"}])[0]
    {'column_1': 'a.png', 'column_2': '0'}
    """
    return without_header([[*lines[0]], *([*line.values()] for line in lines)])


def _text(content: bytes) -> str:
    try:
        return content.decode(
            "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        )
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _cells(text: str, suffix: str) -> list[list[str]]:
    """Cells of a text table; lists of CelebA begin with their length, and miss a column's name."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return []
    delimiter = next((each for each in ("\t", ";", ",", "|") if each in lines[-1]), "")
    if not delimiter or (suffix in (".txt", ".data") and delimiter not in lines[0]):
        rows = [line.split() for line in lines]
    else:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True))
        rows = [[cell.strip() for cell in row] for row in rows if any(map(str.strip, row))]
    if len(rows) > 2 and len(rows[0]) == 1 and rows[0][0].isdigit() and len(rows[-1]) > 1:
        rows = rows[1:]
    if len(rows) > 1 and len(rows[0]) == len(rows[1]) - 1:
        rows[0] = ["file", *rows[0]]
    return rows


def _json_rows(text: str) -> list[TableLine]:
    """A list of objects, or an object with a plain value for each name."""
    try:
        table: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if isinstance(table, dict):
        named = cast(dict[str, object], table)
        if any(isinstance(value, dict | list) for value in named.values()):
            return []
        return [{"file": name, "label": _cell(value)} for name, value in named.items()]
    records = cast(list[object], table) if isinstance(table, list) else []
    if not all(isinstance(each, dict) for each in records):
        return []
    return [
        {
            name: _cell(value)
            for name, value in cast(dict[str, object], each).items()
            if not isinstance(value, dict | list)
        }
        for each in records
    ]


def _cell(value: object) -> str:
    return "" if value is None else str(value)
