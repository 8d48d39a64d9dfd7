"""What a column must offer, and what single cells say: missing, a number, or neither."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.errors import DataError
from gannet.frames import Cells

FieldKind = Literal["symbol", "place"]
TypeName = Literal[
    "integer",
    "decimal",
    "category",
    "boolean",
    "date",
    "time",
    "identifier",
    "text",
    "constant",
    "empty",
]

MARKS = frozenset(
    ["", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "Null", "NaN", "nan", "NAN"]
)
"""Words for a missing cell in any column."""

WIDE_MARKS = MARKS | {"na", "None", "none", "NONE", "nil", "-", "--", ".", "NaT", "missing"}
"""Among numbers or dates these say "missing" too; among words they may be a category."""

_PLAIN = re.compile(r"(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:\n|\Z))+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.(\d*))?|\.(\d+))([eE][+-]?\d+)?", re.ASCII)
_PADDED = re.compile(r"[+-]?0\d+(?:\.\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_ALIKE = (_NUMBER, _PADDED, _INFINITE)


class MisfitError(DataError):
    """Cells that are not of their column's type. ``words`` are the cells, as they stand."""

    def __init__(self, problem: str, name: str, words: Sequence[Any], remedy: str) -> None:
        super().__init__(problem, where=f"column {name!r}", remedy=remedy)
        self.name, self.words = name, tuple(words)


class Absent(BaseModel):
    """How often the cells of a column are missing, and what stands there then.

    Attributes:
        share: Of the rows; 0 if it was never seen.
        mark: The commonest word for it; ``None`` for nothing at all, as in Parquet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    share: float = 0.0
    mark: str | None = None

    @property
    def symbols(self) -> int:
        """1 if a missing cell has a symbol, which then is symbol 0."""
        return int(self.share > 0)

    def words(self) -> str:
        """Such as ``, 5.7 % missing ('?')``."""
        if not self.share:
            return ""
        mark = f" ({self.mark!r})" if self.mark else ""
        return f", {percent(self.share)} missing{mark}"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Distinct cells as numbers.

    Attributes:
        numbers: ``(cells, fields)``, float32.
        unknown: ``(cells,)``; which were never seen in training and became what is nearest.
    """

    numbers: NDArray[np.float32]
    unknown: NDArray[np.bool_]


class Column(Protocol):
    """One column of a table: its name, its type, and the way there and back.

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

    def words(self) -> str:
        """What was found, for people."""
        ...

    def note(self) -> str:
        """What a user should know before relying on it; empty if there is nothing."""
        ...


def absent(cells: Cells, *, wide: bool = False) -> NDArray[np.bool_]:
    """Which cells are missing. Spaces around a mark do not count."""
    if cells.dtype.kind == "f":
        return np.isnan(cells)
    if cells.dtype.kind == "M":
        return np.isnat(cells)
    if cells.dtype.kind != "O":
        return np.zeros(len(cells), np.bool_)
    marks = WIDE_MARKS if wide else MARKS
    held = cells.tolist()
    gone = np.fromiter(map((marks | {None}).__contains__, held), np.bool_, len(held))
    for place, cell in enumerate(held):
        # Few cells have spaces at their ends, and what is not itself is NaN.
        if cell.__class__ is str:
            if cell and (cell[0] <= " " or cell[-1] <= " ") and cell.strip() in marks:
                gone[place] = True
        elif cell != cell:
            gone[place] = True
    return gone


@dataclass(frozen=True, slots=True)
class Numbers:
    """Cells read as numbers.

    Attributes:
        values: ``(cells,)`` float64; NaN for what is none.
        padded: Which have leading zeros, so that they are codes rather than numbers.
        comma: Whether the point is a comma.
    """

    values: NDArray[np.float64]
    padded: NDArray[np.bool_]
    comma: bool = False

    @property
    def read(self) -> NDArray[np.bool_]:
        """Which are numbers."""
        return ~np.isnan(self.values)


def numbers(words: Cells, *, comma: bool | None = None) -> Numbers:
    """Read cells as numbers; typed cells are taken as they are.

    Args:
        words: Distinct cells that are not missing.
        comma: Whether the decimal point is a comma; found by looking if not given.
    """
    if words.dtype.kind in "biuf":
        return Numbers(words.astype(np.float64), np.zeros(len(words), np.bool_))
    texts = list(map(str, words.tolist()))
    if comma:
        return _read([text.replace(",", ".") for text in texts], comma=True)
    plain = _read(texts)
    if comma is None and not plain.read.all() and not any("." in text for text in texts):
        swapped = _read([text.replace(",", ".") for text in texts], comma=True)
        if swapped.read.all():
            return swapped
    return plain


def _read(texts: list[str], *, comma: bool = False) -> Numbers:
    joined = "\n".join(texts)  # one look at all of them is ten times faster
    if joined.count("\n") == len(texts) - 1 and _PLAIN.fullmatch(joined):
        values = np.fromiter(map(float, texts), np.float64, len(texts))
        return Numbers(values, np.zeros(len(texts), np.bool_), comma)
    texts = [text.strip() for text in texts]
    some = texts[:: max(len(texts) // 500, 1)]
    if sum(any(each.fullmatch(text) for each in _ALIKE) for text in some) < 0.2 * len(some):
        # Words or dates: looking at each would only find that the rest are none either.
        return Numbers(np.full(len(texts), np.nan), np.zeros(len(texts), np.bool_), comma)
    found = [_NUMBER.fullmatch(text) is not None for text in texts]
    values = [
        float(text) if read else float("inf") if _INFINITE.fullmatch(text) else float("nan")
        for text, read in zip(texts, found, strict=True)
    ]
    padded = [
        not read and _PADDED.fullmatch(text) is not None
        for text, read in zip(texts, found, strict=True)
    ]
    return Numbers(np.array(values, np.float64), np.array(padded, np.bool_), comma)


def decimals(words: Cells) -> NDArray[np.int64]:
    """``(words,)`` digits after the point, as written; -1 if it has an exponent or is not text."""
    if words.dtype.kind != "O" or not all(isinstance(word, str) for word in words):
        return np.full(len(words), -1, np.int64)
    tails = [word.strip().replace(",", ".").partition(".")[2] for word in words]
    return np.array([len(t) if not t or t.isdecimal() else -1 for t in tails], np.int64) - np.array(
        [not t and ("e" in w or "E" in w) for t, w in zip(tails, words, strict=True)]
    )


def percent(share: float) -> str:
    """A share in words that hide nothing small.

    >>> percent(0.0567), percent(0.00002), percent(0.99999)
    ('5.7 %', 'under 0.1 %', 'over 99.9 %')
    """
    if 0 < share < 0.001:
        return "under 0.1 %"
    return "over 99.9 %" if 0.999 < share < 1 else f"{100 * share:.1f} %"


def with_missing(made: Cells, gone: NDArray[np.bool_], mark: str | None, storage: str) -> Cells:
    """Put the mark, or nothing, where cells are missing, in the array type that can hold it."""
    if storage.startswith("float"):
        made = made.astype(storage)
        made[gone] = np.nan
        return made
    if storage.startswith("datetime64"):
        made = made.astype(storage)
        made[gone] = np.datetime64("NaT")
        return made
    if not gone.any():
        return made if storage == "text" else made.astype(storage)
    cells = made.astype(object)
    cells[gone] = mark
    return cells
