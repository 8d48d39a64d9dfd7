"""Tables of numbers: CSV with or without a header."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gannet.core.errors import DataError
from gannet.core.io.names import Numbered
from gannet.core.source import Source
from gannet.data.labels import choose, from_cells
from gannet.modalities.vector.files import cells_of, is_number

SHOWN = 8
"""Faulty cells that an error lists."""


def from_csv(path: Path, label: str | None) -> Source:
    """A table in which every column but the label holds numbers.

    Without a header the columns are ``column_1``, ``column_2``, ...; a number will do as label.

    Raises:
        DataError: listing cells that are no numbers, with their rows and columns.
    """
    lines = _lines(path)
    header = bool(lines) and not any(is_number(cell) for cell in lines[0])
    columns = [cell.strip() for cell in lines[0]] if header else []
    columns = columns or [f"column_{i + 1}" for i in range(len(lines[0]) if lines else 0)]
    body = lines[1:] if header else lines
    if not body:
        raise DataError("no rows in it", where=str(path), remedy="Add rows of numbers.")
    _check_columns(path, columns)
    if label and label.isdigit() and not header:
        label = f"column_{label}"
    chosen, problems = choose(columns, label, str(path))
    first = 2 if header else 1
    at = columns.index(chosen) if chosen else -1
    rows = _numbers(path, body, columns, at, first)
    source = Source(
        path=path,
        layout=f"CSV of numbers {'with' if header else 'without'} a header",
        kind="vector",
        names=Numbered("row", len(body), first),
        raw=rows.__getitem__,
        columns=tuple(name for i, name in enumerate(columns) if i != at),
        problems=tuple(problems),
        files=[path],
        held=True,
    )
    if chosen is None:
        return source
    cells = ["" if line[at].strip() == "?" else line[at] for line in body]
    return source.labelled(from_cells(cells, where=str(path), column=chosen))


def _lines(path: Path) -> list[list[str]]:
    try:
        return cells_of(path)
    except PermissionError:
        raise DataError(
            "no permission to read it", where=str(path), remedy="Check its access rights."
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"cannot be read ({error})", where=str(path), remedy="Save it as CSV in UTF-8."
        ) from None


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise DataError(
            f"more than one column {', '.join(map(repr, twice))}",
            where=str(path),
            remedy="Give every column a name of its own.",
        )


def _numbers(
    path: Path, body: Sequence[Sequence[str]], columns: Sequence[str], label: int, first: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """``(rows, columns without label)``; kept as plain doubles on the way, 8 bytes a cell."""
    numbers = array("d")
    faults: list[str] = []
    count = 0
    for place, line in enumerate(body, start=first):
        if len(line) != len(columns):
            faults.append(f"row {place}: {len(line)} cells, expected {len(columns)}")
            count += 1
            continue
        for column, cell in enumerate(line):
            if column == label:
                continue
            value = _number(cell)
            numbers.append(value)
            if not np.isfinite(value):
                count += 1
                if len(faults) < SHOWN:
                    shown = repr(cell.strip()) if cell.strip() else "empty"
                    faults.append(f"row {place}, column {columns[column]!r}: {shown}")
    if count:
        more = f"\n  ... and {count - SHOWN} more" if count > SHOWN else ""
        raise DataError(
            "expected numbers, got\n  " + "\n  ".join(faults[:SHOWN]) + more,
            where=str(path),
            remedy="Fix the cells, name the column with --label if it is the class, or use the "
            "recipe table, which takes words and gaps.",
        )
    rows = np.frombuffer(numbers, dtype=np.float64).reshape(len(body), -1)
    if not rows.shape[1]:
        raise DataError("no column of numbers", where=str(path), remedy="Add one beside the label.")
    return rows


def _number(cell: str) -> float:
    return float(cell) if is_number(cell) else float("nan")
