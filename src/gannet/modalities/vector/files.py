"""Files of rows of numbers: cells of text, headers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from gannet.core.io.regular import open_text


def has_header(lines: Sequence[Sequence[str]]) -> bool:
    """Whether the first line names the columns: no cell of it is a number."""
    return bool(lines) and not any(is_number(cell) for cell in lines[0])


def cells_of(path: Path) -> list[list[str]]:
    """The cells of a CSV file by line; delimited by commas, semicolons or tabs."""
    with open_text(path, newline="", encoding="utf-8-sig") as file:
        start = file.readline()
        file.seek(0)
        delimiter = max(",;\t", key=start.count)
        return [line for line in csv.reader(file, delimiter=delimiter, strict=True) if line]


def is_number(cell: str) -> bool:
    """Whether a cell of text can be read as a number.

    >>> is_number(" 1e3"), is_number("1_000"), is_number("")
    (True, False, False)
    """
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def harmless(name: str) -> str:
    """A header that a spreadsheet will not run as a formula."""
    return f"'{name}" if name[:1] in {"=", "+", "-", "@", "\t", "\r"} else name
