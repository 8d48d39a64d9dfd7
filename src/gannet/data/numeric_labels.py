"""Numeric labels of images, such as an age, from the table beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gannet.data.containers.metadata import FILE, TABLES, table_lines
from gannet.data.labels import LABEL_COLUMNS, MANY


def number_columns(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Numeric columns of ``metadata.csv`` or ``metadata.jsonl``; NaN where empty.

    A column with the name of a label holds classes, unless its numbers are not whole or too many
    to be classes (ages, not digits).

    Returns:
        ``(rows,)`` each, in the order of the table; empty if there is no such table.

    Raises:
        DataError: if the table is damaged.
    """
    tables = [folder / name for name in TABLES if (folder / name).is_file()]
    if not tables:
        return {}
    lines = table_lines(tables[0])
    names = dict.fromkeys(key for line in lines for key in line if key != FILE)
    columns = {name: _numbers([line.get(name, "") for line in lines]) for name in names}
    return {
        name: values
        for name, values in columns.items()
        if values is not None and not (name.strip().lower() in LABEL_COLUMNS and _classes(values))
    }


def _numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Cells as numbers; ``None`` if one is not a number, or all that are present are equal."""
    try:
        values = np.array([float(cell) if cell.strip() else math.nan for cell in cells])
    except ValueError:
        return None
    present = values[~np.isnan(values)]
    if not np.isfinite(present).all() or len(np.unique(present)) < 2:
        return None
    return values


def _classes(values: NDArray[np.float64]) -> bool:
    present = values[~np.isnan(values)]
    return bool((present == present.round()).all()) and len(np.unique(present)) <= MANY
