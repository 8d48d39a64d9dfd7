"""The interface of a column, and how cells are read: as missing, as a number, or as neither."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.errors import DataError
from gannet.core.frame import Cells

FieldKind = Literal["symbol", "place"]
TypeName = Literal[
    "integer",
    "decimal",
    "category",
    "boolean",
    "date",
    "time",
    "duration",
    "identifier",
    "text",
    "constant",
    "empty",
]

MARKS = frozenset(
    ["", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "Null", "NaN", "nan", "NAN"]
)
"""Text that marks a missing cell in any column."""

WIDE_MARKS = MARKS | {"na", "None", "none", "NONE", "nil", "-", "--", ".", "NaT", "missing"}
"""Also mark a missing cell among numbers or dates; in a text column they may be a category."""


class MisfitError(DataError):
    """Cells that are not of their column's type; they are listed as they were read."""

    def __init__(self, problem: str, name: str, cells: Sequence[Any], remedy: str) -> None:
        super().__init__(problem, where=f"column {name!r}", remedy=remedy)
        self.name, self.cells = name, tuple(cells)


class Missing(BaseModel):
    """How often the cells of a column are missing, and how that is written.

    Attributes:
        fraction: Of the rows; 0 if no cell was missing.
        mark: The most frequent marker; ``None`` for a null value, as in Parquet.
        marks: All markers of the column; ``None`` for the usual ones of its type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fraction: float = 0.0
    mark: str | None = None
    marks: tuple[str, ...] | None = None

    def find(self, cells: Cells, *, wide: bool = False) -> NDArray[np.bool_]:
        """``(n,)`` which cells of the column are missing; see ``find_missing``."""
        return find_missing(cells, wide=wide, marks=self.marks)

    @property
    def symbols(self) -> int:
        """1 if missing cells have a symbol of their own, which then is symbol 0; else 0."""
        return int(self.fraction > 0)

    def describe(self) -> str:
        """Such as ``, 5.7 % missing ('?')``."""
        if not self.fraction:
            return ""
        mark = f" ({self.mark!r})" if self.mark else ""
        return f", {percent(self.fraction)} missing{mark}"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Distinct cells as numbers.

    Attributes:
        numbers: ``(cells, fields)``, float32.
        unknown: ``(cells,)``; which were never seen in training and were replaced by the nearest.
    """

    numbers: NDArray[np.float32]
    unknown: NDArray[np.bool_]


class ColumnCodec(Protocol):
    """One column of a table: its name, its type, and how it encodes and decodes cells.

    Attributes:
        name: Of the column.
        storage: ``text``, or numpy's name for the type of the cells.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def storage(self) -> str: ...  # noqa: D102

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Kind and number of symbols of each field; empty if the column is not encoded."""
        ...

    def encode(self, cells: Cells) -> Encoded:
        """Distinct cells to numbers ``(cells, fields)``."""
        ...

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:
        """Numbers ``(n, fields)`` to cells ``(n,)``; never fails on finite numbers."""
        ...

    def describe(self) -> str:
        """One line for people: type, range or number of values, missing cells."""
        ...

    def note(self) -> str:
        """A warning about the column, such as lost digits; empty if there is none."""
        ...


def find_missing(
    cells: Cells, *, wide: bool = False, marks: Collection[str] | None = None
) -> NDArray[np.bool_]:
    """``(n,)`` which cells are missing; spaces around a marker are ignored.

    Args:
        cells: Of a column.
        wide: Whether they are numbers or dates, among which more words mark a missing cell.
        marks: The text that marks a missing cell, if it is not the usual one.
    """
    if cells.dtype.kind == "f":
        return np.isnan(cells)
    if cells.dtype.kind in "mM":
        return np.isnat(cells)
    if cells.dtype.kind != "O":
        return np.zeros(len(cells), np.bool_)
    own = frozenset(marks) if marks is not None else WIDE_MARKS if wide else MARKS
    values = cells.tolist()
    missing_mask = np.fromiter(map((own | {None}).__contains__, values), np.bool_, len(values))
    for index, cell in enumerate(values):
        # Stripping is slow, so only cells with spaces at an end are; NaN is unequal to itself.
        if cell.__class__ is str:
            if cell and (cell[0] <= " " or cell[-1] <= " ") and cell.strip() in own:
                missing_mask[index] = True
        elif cell != cell:
            missing_mask[index] = True
    return missing_mask


def percent(fraction: float) -> str:
    """A fraction as a percentage that never rounds to 0 or 100 %.

    >>> percent(0.0567), percent(0.00002), percent(0.99999)
    ('5.7 %', 'under 0.1 %', 'over 99.9 %')
    """
    if 0 < fraction < 0.001:
        return "under 0.1 %"
    return "over 99.9 %" if 0.999 < fraction < 1 else f"{100 * fraction:.1f} %"


def with_missing(
    values: Cells, missing_mask: NDArray[np.bool_], mark: str | None, storage: str
) -> Cells:
    """Put the marker, or a null value, where cells are missing; converts the array if needed."""
    if storage.startswith("float"):
        values = values.astype(storage)
        values[missing_mask] = np.nan
        return values
    if storage.startswith(("datetime64", "timedelta64")):
        values = values.astype(storage)
        values[missing_mask] = np.array("NaT", storage)
        return values
    if not missing_mask.any():
        return values if storage == "text" else values.astype(storage)
    cells = values.astype(object)
    cells[missing_mask] = mark
    return cells
