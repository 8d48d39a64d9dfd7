"""The interface of a column, and how cells are read: as missing, as a number, or as neither."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
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

_PLAIN_NUMBERS = re.compile(r"(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:\n|\Z))+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.(\d*))?|\.(\d+))([eE][+-]?\d+)?", re.ASCII)
_PADDED = re.compile(r"[+-]?0\d+(?:\.\d+)?", re.ASCII)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})*(?:\.\d+)?|0?\.\d+|0", re.ASCII)
_DRESSED = re.compile(r"-?([$€£¥] ?)?([\d.,]*\d)( ?[%€$£¥])?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_NUMBER_LIKE = (_NUMBER, _PADDED, _INFINITE)


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
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fraction: float = 0.0
    mark: str | None = None

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


def find_missing(cells: Cells, *, wide: bool = False) -> NDArray[np.bool_]:
    """``(n,)`` which cells are missing; spaces around a marker are ignored."""
    if cells.dtype.kind == "f":
        return np.isnan(cells)
    if cells.dtype.kind == "M":
        return np.isnat(cells)
    if cells.dtype.kind != "O":
        return np.zeros(len(cells), np.bool_)
    marks = WIDE_MARKS if wide else MARKS
    values = cells.tolist()
    missing_mask = np.fromiter(map((marks | {None}).__contains__, values), np.bool_, len(values))
    for index, cell in enumerate(values):
        # Stripping is slow, so only cells with spaces at an end are; NaN is unequal to itself.
        if cell.__class__ is str:
            if cell and (cell[0] <= " " or cell[-1] <= " ") and cell.strip() in marks:
                missing_mask[index] = True
        elif cell != cell:
            missing_mask[index] = True
    return missing_mask


class Form(BaseModel):
    """How the numbers of a column are written.

    Attributes:
        prefix: Before each, such as ``$``; a minus stands before it.
        suffix: Behind each, such as ``%``.
        style: ``point`` as in 1234.5, ``comma`` as in 1234,5, ``grouped`` as in 1,234.5.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: str = ""
    suffix: str = ""
    style: Literal["point", "comma", "grouped"] = "point"

    def normalized(self, text: str) -> str:
        """The number as Python writes it; text of another form is returned unchanged."""
        text = text.strip()
        sign, body = ("-", text[1:]) if text.startswith("-") else ("", text)
        if not body.startswith(self.prefix) or not body.endswith(self.suffix):
            return text
        body = body[len(self.prefix) : len(body) - len(self.suffix)]
        if self.style == "comma":
            body = body.replace(",", ".")
        elif self.style == "grouped" and _GROUPED.fullmatch(body):
            body = body.replace(",", "")
        return sign + body

    def written(self, text: str) -> str:
        """A number as Python writes it, rewritten in this form."""
        if self == _DEFAULT_FORM:
            return text
        sign, body = ("-", text[1:]) if text.startswith("-") else ("", text)
        if self.style == "comma":
            body = body.replace(".", ",")
        elif self.style == "grouped":
            whole, point, digits = body.partition(".")
            body = f"{int(whole):,}{point}{digits}" if whole.isdecimal() else body
        return f"{sign}{self.prefix}{body}{self.suffix}"


_DEFAULT_FORM = Form()


@dataclass(frozen=True, slots=True)
class Numbers:
    """Cells read as numbers.

    Attributes:
        values: ``(cells,)`` float64; NaN for what is not a number.
        padded: ``(cells,)`` which have leading zeros, so are codes rather than numbers.
        form: How they are written.
    """

    values: NDArray[np.float64]
    padded: NDArray[np.bool_]
    form: Form = _DEFAULT_FORM

    @property
    def read(self) -> NDArray[np.bool_]:
        """``(cells,)`` which are numbers."""
        return ~np.isnan(self.values)


def numbers(cells: Cells, *, form: Form | None = None) -> Numbers:
    """Read cells as numbers; typed cells are taken as they are.

    Args:
        cells: Distinct cells that are not missing.
        form: How they are written; detected if not given.
    """
    if cells.dtype.kind in "biuf":
        return Numbers(cells.astype(np.float64), np.zeros(len(cells), np.bool_))
    texts = list(map(str, cells.tolist()))
    if form is not None and form != _DEFAULT_FORM:
        return _read(list(map(form.normalized, texts)), form)
    parsed = _read(texts, _DEFAULT_FORM)
    if form is None and not parsed.read.all() and (other := _form(texts)):
        dressed = _read(list(map(other.normalized, texts)), other)
        # A comma may also separate two numbers, so a comma form must fit all cells.
        if dressed.read.all() or (
            other.style == "point" and dressed.read.sum() > parsed.read.sum()
        ):
            return dressed
    return parsed


def _form(texts: list[str]) -> Form | None:
    """The form that a sample of cells has in common, unless it is the default one."""
    some = [text.strip() for text in texts[:: max(len(texts) // 500, 1)]]
    dressed = [match for text in some if (match := _DRESSED.fullmatch(text))]
    if len(dressed) < 0.5 * len(some):
        return None
    prefix, suffix = (
        Counter(match[at] or "" for match in dressed).most_common(1)[0][0] for at in (1, 3)
    )
    numerals = [match[2] for match in dressed]
    commas = [text for text in numerals if "," in text]
    # 1,234 alone is 1234 (thousands separator); next to 1,5 or 0,123 it is 1.234.
    grouped = all(map(_GROUPED.fullmatch, commas))
    style = "point" if not commas else "grouped" if grouped else "comma"
    return Form(prefix=prefix, suffix=suffix, style=style)


def _read(texts: list[str], form: Form) -> Numbers:
    joined = "\n".join(texts)  # one match over all cells is ten times faster
    if joined.count("\n") == len(texts) - 1 and _PLAIN_NUMBERS.fullmatch(joined):
        values = np.fromiter(map(float, texts), np.float64, len(texts))
        return Numbers(values, np.zeros(len(texts), np.bool_), form)
    texts = [text.strip() for text in texts]
    some = texts[:: max(len(texts) // 500, 1)]
    if sum(any(each.fullmatch(text) for each in _NUMBER_LIKE) for text in some) < 0.2 * len(some):
        # Mostly text or dates: do not parse every cell.
        return Numbers(np.full(len(texts), np.nan), np.zeros(len(texts), np.bool_), form)
    matches = [_NUMBER.fullmatch(text) is not None for text in texts]
    values = [
        float(text) if read else float("inf") if _INFINITE.fullmatch(text) else float("nan")
        for text, read in zip(texts, matches, strict=True)
    ]
    padded = [
        not read and _PADDED.fullmatch(text) is not None
        for text, read in zip(texts, matches, strict=True)
    ]
    return Numbers(np.array(values, np.float64), np.array(padded, np.bool_), form)


def decimals(cells: Cells, form: Form = _DEFAULT_FORM) -> NDArray[np.int64]:
    """``(cells,)`` digits after the point as written; -1 with an exponent or if not text."""
    if cells.dtype.kind != "O" or not all(isinstance(word, str) for word in cells):
        return np.full(len(cells), -1, np.int64)
    texts = map(str.strip, cells) if form == _DEFAULT_FORM else map(form.normalized, cells)
    return np.array([_decimals(text) for text in texts], np.int64)


def _decimals(text: str) -> int:
    whole, _, tail = text.partition(".")
    return (
        len(tail)
        if whole.lstrip("+-").isdecimal() and (not tail or tail.isdecimal())
        else (len(tail) if tail.isdecimal() and whole in {"", "+", "-"} else -1)
    )


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
    if storage.startswith("datetime64"):
        values = values.astype(storage)
        values[missing_mask] = np.datetime64("NaT")
        return values
    if not missing_mask.any():
        return values if storage == "text" else values.astype(storage)
    cells = values.astype(object)
    cells[missing_mask] = mark
    return cells
