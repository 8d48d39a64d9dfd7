"""Read and write a single row of a table as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gannet.core.errors import DataError
from gannet.core.frame import Row
from gannet.core.io.regular import read_text


def read_row(path: Path, storage: Mapping[str, str]) -> Row:
    """Load the one row of a .csv or .jsonl file.

    Args:
        path: Of the file.
        storage: Column -> type of its cells in memory, in order.

    Raises:
        DataError: if the file does not hold one row with these columns.
    """
    text = read_text(path)
    if path.suffix.lower() == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    else:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if len(rows) != 1 or set(rows[0]) != set(storage):
        raise DataError("expected one row with the columns of training", where=str(path))
    row = {name: rows[0][name] for name in storage}
    if path.suffix.lower() == ".jsonl":
        return tuple(
            np.datetime64(cell) if cell and storage[name].startswith("datetime64") else cell
            for name, cell in row.items()
        )
    return tuple(_typed(storage[name], cell) for name, cell in row.items())


def write_row(raw: Row, names: Sequence[str], path: Path) -> None:
    """Save one row as .csv or .jsonl, with the names of the columns.

    Raises:
        DataError: if the suffix is neither.
    """
    cells = [str(cell) if isinstance(cell, np.datetime64) else cell for cell in raw]
    match path.suffix.lower():
        case ".jsonl":
            text = json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False)
        case ".csv":
            buffer = io.StringIO(newline="")
            csv.writer(buffer, lineterminator="\n").writerows([names, cells])
            text = buffer.getvalue()
        case suffix:
            raise DataError(
                f"a row cannot be written as {suffix or 'a file without suffix'}",
                where=str(path),
                remedy="Use .csv or .jsonl.",
            )
    path.write_bytes((text.rstrip("\n") + "\n").encode())


def _typed(storage: str, cell: str) -> Any:
    """A text cell converted to its type in memory."""
    if storage == "text":
        return cell
    if cell == "":
        return None
    if storage == "bool":
        return cell == "True"
    if storage.startswith("datetime64"):
        return np.datetime64(cell)
    return int(cell) if "int" in storage else float(cell)
