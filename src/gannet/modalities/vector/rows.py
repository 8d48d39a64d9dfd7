"""Rows of numbers from arrays and from tables, and their dataset report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.errors import DataError
from gannet.core.frame import Cells, Frame, listed
from gannet.core.io.files import fingerprint
from gannet.core.source import Source
from gannet.modalities.reading import Budget, Claim, ColumnView, Inspection, Traits
from gannet.modalities.vector.codec import VectorCodec
from gannet.modalities.vector.files import is_number

Matrix = NDArray[np.float64]
"""``(rows, columns)``."""

MAX_FAULTS = 8
"""Maximum number of faulty cells that an error lists."""

MAX_NAMED = 20
"""Maximum number of columns that a report lists."""


class NumberSummary(BaseModel):
    """Summary of a column of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    low: float
    mean: float
    high: float
    deviation: float


class VectorDetails(BaseModel):
    """Report on rows of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[NumberSummary, ...]


def claim(column: ColumnView) -> Claim | None:
    """Claim one-dimensional arrays, and tables with less confidence than the table modality."""
    if column.form == "rows":
        return Claim(0.4, f"{column.shape[0]} columns of values, if all are numbers")
    if column.form == "arrays" and len(column.shape) == 1 and 0 not in column.shape:
        return Claim(0.5, f"{column.shape[0]} numbers a sample")
    return None


def adopt(source: Source, column: ColumnView) -> Source:
    """The rows of an array or of a table as float64.

    Raises:
        DataError: listing cells that are not numbers, with their rows and columns.
    """
    if column.form == "rows":
        names = column.columns
        if not names:
            raise DataError(
                "no column of numbers",
                where=str(source.path),
                remedy="Add one beside the label.",
            )
        rows = _numbers(source, column.frames, names)
    else:
        array = column.array
        if array is None:
            array = np.stack([column.cell(at) for at in range(source.count)])
        rows, names = (
            array.astype(np.float64),
            tuple(f"column_{at + 1}" for at in range(array.shape[1])),
        )
        _check_finite(source, rows)
    return replace(
        source, raw=rows.__getitem__, columns=names, frames=(), dialect=None, in_memory=True
    )


WIDEST = 100_000
"""Most numbers of a row."""


def rows_of(source: Source) -> Matrix:
    """All rows of a source of rows of numbers.

    Raises:
        DataError: if they are so wide that they must be something else.
    """
    if len(source.columns) > WIDEST:
        raise DataError(
            f"rows of {len(source.columns):,} numbers, at most {WIDEST:,} can be learnt",
            where=str(source.path),
            remedy="Give arrays of images as (n, H, W) or (n, H, W, C), or fewer columns.",
        )
    return np.stack([source.raw(index) for index in range(source.count)])


def choose_codec(source: Source, _options: object, _budget: Budget) -> tuple[VectorCodec, str]:
    """A codec fitted to all rows."""
    return VectorCodec.fit(rows_of(source), names=source.columns), ""


def traits(source: Source) -> Traits:
    """How many numbers a row has, and the names of its columns where they have any."""
    count = len(source.columns)
    unnamed = source.columns == tuple(f"column_{at + 1}" for at in range(count))
    return {"numbers": [count, count]} | ({} if unnamed else {"columns": source.columns})


def pack(codec: VectorCodec, raws: Sequence[Any]) -> NDArray[np.float32]:
    """Encoded rows, float32.

    Raises:
        DataError: if their width differs from that of the codec.
    """
    if len(raws) and len(raws[0]) != codec.shape[0]:
        raise DataError(
            f"rows of {len(raws[0])} numbers, expected {codec.shape[0]}",
            remedy="Use data with the columns that the model was trained on.",
        )
    return codec.encode(raws).numpy()


def inspect(source: Source, _options: object, _budget: Budget, _max_items: int) -> Inspection:
    """Dataset report of all rows."""
    rows = rows_of(source)
    measurements = (rows.min(0), rows.mean(0), rows.max(0), rows.std(0))
    columns = tuple(
        NumberSummary(name=name, low=low, mean=mean, high=high, deviation=deviation)
        for name, low, mean, high, deviation in zip(
            source.columns, *(each.tolist() for each in measurements), strict=True
        )
    )
    lines = [
        f"column {each.name}: {each.low:.4g} to {each.high:.4g}, mean {each.mean:.4g}, "
        f"deviation {each.deviation:.4g}"
        for each in columns[:MAX_NAMED]
    ]
    if len(columns) > MAX_NAMED:
        lines.append(f"... and {len(columns) - MAX_NAMED} more columns")
    constant = [each.name for each in columns if each.low == each.high]
    return Inspection(
        indices=range(source.count),
        fingerprints=[fingerprint(row.tobytes()) for row in rows],
        details=VectorDetails(columns=columns),
        lines=tuple(lines),
        warnings=(f"columns that never change: {', '.join(constant[:MAX_NAMED])}",)
        * bool(constant),
        shape=(rows.shape[1],),
    )


def _check_finite(source: Source, rows: Matrix) -> None:
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise DataError(
            f"{rows[row, column]}, expected a finite number",
            where=f"{source.path}, row {row + 1}, column {column + 1}",
            remedy="Fix the cell or leave the row out.",
        )


def _numbers(source: Source, frames: Iterable[Frame], names: Sequence[str]) -> Matrix:
    """All cells of a table as numbers, ``(rows, columns)``."""
    parts: list[Matrix] = []
    faults: list[str] = []
    count = 0
    for frame in frames:
        rows = np.stack([_column(frame.column(name)) for name in names], 1)
        parts.append(rows)
        wrong = np.argwhere(~np.isfinite(rows)).tolist()
        count += len(wrong)
        for row, at in wrong[: MAX_FAULTS - len(faults)]:
            cell = listed(frame.column(names[at])[row : row + 1])[0]
            text = "empty" if cell is None or not str(cell).strip() else repr(str(cell).strip())
            faults.append(f"row {frame.first + row}, column {names[at]!r}: {text}")
    if count:
        more = f"\n  ... and {count - MAX_FAULTS} more" if count > MAX_FAULTS else ""
        raise DataError(
            "expected numbers, got\n  " + "\n  ".join(faults) + more,
            where=str(source.path),
            remedy="Fix the cells, name the column with --label if it is the class, or use the "
            "recipe table, which takes text and missing values.",
        )
    return np.concatenate(parts)


def _column(cells: Cells) -> Matrix:
    """Cells as numbers; NaN where a cell is not a number."""
    if cells.dtype.kind in "buif":
        return cells.astype(np.float64)
    if cells.dtype.kind != "O":
        return np.full(len(cells), np.nan)
    numbers = [_number(cell) for cell in cells.tolist()]
    return np.array(numbers, np.float64)


def _number(cell: object) -> float:
    if isinstance(cell, str):
        return float(cell) if is_number(cell) else float("nan")
    return float(cell) if isinstance(cell, int | float) else float("nan")
