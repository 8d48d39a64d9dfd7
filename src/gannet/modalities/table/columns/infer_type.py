"""Type inference: find the type of a column from its cells."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Annotated, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gannet.core.errors import DataError
from gannet.core.frame import Cells
from gannet.modalities.table.columns.base import (
    MARKS,
    WIDE_MARKS,
    MisfitError,
    Missing,
    TypeName,
    find_missing,
)
from gannet.modalities.table.columns.category import MAX_CATEGORIES, CategoryColumn, is_boolean
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.formats import moments
from gannet.modalities.table.columns.formats.dates import COMPACT
from gannet.modalities.table.columns.formats.digits import WHOLE
from gannet.modalities.table.columns.formats.numbers import Form, Numbers, decimals, numbers
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.columns.unmodeled import (
    ConstantColumn,
    EmptyColumn,
    IdentifierColumn,
    TextColumn,
)
from gannet.modalities.table.columns.value_counts import ValueCounts

AnyColumn = Annotated[
    NumberColumn
    | CategoryColumn
    | DatetimeColumn
    | IdentifierColumn
    | TextColumn
    | ConstantColumn
    | EmptyColumn,
    Field(discriminator="type"),
]


def missing(column: AnyColumn) -> float:
    """The fraction of cells that are missing."""
    match column:
        case EmptyColumn():
            return 1.0
        case IdentifierColumn() | ConstantColumn():
            return 0.0
        case _:
            return column.missing.fraction


def missing_in(column: AnyColumn, cells: Cells) -> NDArray[np.bool_]:
    """``(n,)`` which cells of a column are missing, by the markers that it recognizes."""
    match column:
        case IdentifierColumn() | ConstantColumn():
            return find_missing(cells)
        case NumberColumn() | DatetimeColumn():
            return column.missing.find(cells, wide=True)
        case _:
            return column.missing.find(cells)


CHOICES: tuple[str, ...] = ("number", *get_args(TypeName)[:-2])
"""Types that a user can choose."""

MANY = 20
"""Rows from which on a column of all-different text cells is an identifier, not a category."""
MOSTLY = 0.8
"""Fraction of numbers (more than ten distinct) from which on text among them is an error."""
LOOKED_AT = 50_000
"""Most distinct cells that are searched for a date format."""

TOKENS = frozenset(["NA", "null", "NULL", "Null", "NaN", "nan", "NAN"])
"""Marks that may be words, such as the code of Namibia or a surname."""
MIN_CODES = 5
"""Fewest other codes of two letters among which ``NA`` is one."""

PHONE_NUMBERS = 10**7
"""From here on whole numbers that all have a plus sign are phone numbers."""

_CODE = re.compile(r"[A-Z]{2}")
_IDENTIFIER = re.compile(r"(?:^|[_\W])(?:id|uuid|guid|key|identifier)$|[a-z](?:Id|ID)$", re.ASCII)


def check_types(overrides: dict[str, str], names: tuple[str, ...], where: str) -> None:
    """Refuse columns or types that do not exist, all in one error.

    Raises:
        DataError: naming the nearest column or type.
    """
    faults: list[str] = []
    for name, type_name in overrides.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"columns: {', '.join(names[:20])}"
            faults.append(f"no column {name!r}; {hint}")
        if type_name not in CHOICES:
            near = difflib.get_close_matches(type_name, CHOICES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"types: {', '.join(CHOICES)}"
            faults.append(f"column {name!r}: no type {type_name!r}; {hint}")
    if faults:
        raise DataError(
            "\n  ".join(faults), where=where, remedy="Give columns their types as NAME=TYPE."
        )


def infer_column(
    value_counts: ValueCounts, type_name: str | None = None, marks: Sequence[str] = ()
) -> AnyColumn:
    """Infer the type of a column from its distinct cells, and fit it.

    Args:
        value_counts: The counted cells.
        type_name: One of `CHOICES`; inferred if not given.
        marks: The text that marks a missing cell; by default the usual words.

    Raises:
        MisfitError: if cells do not fit the type, or text stands among numbers.
        DataError: if a category has too many values.
    """
    wide = _KnownCells(value_counts, wide=True, marks=marks)
    if not len(wide.values):
        return EmptyColumn(
            name=value_counts.name, storage=value_counts.storage, missing=wide.missing
        )
    narrow = _KnownCells(value_counts, wide=False, marks=marks)
    if type_name is not None:
        return _as_requested(value_counts, type_name, wide, narrow)
    if value_counts.storage == "bool":
        return _constant(value_counts, wide) or wide.category(boolean=len(wide.values) == 2)
    if value_counts.storage.startswith(("datetime64", "timedelta64")):
        return _constant(value_counts, wide) or wide.moment("")
    parsed = numbers(wide.values)
    if parsed.read.all() and np.isfinite(parsed.values).any():
        return _numeric(value_counts, wide, parsed)
    if not parsed.padded.any():
        _refuse_mixture(wide, parsed)
    if form := _dates(wide):
        return _constant(value_counts, wide) or wide.moment(form)
    return _from_text(value_counts, narrow)


class _KnownCells:
    """The non-missing cells of a column, their counts, and how often cells are missing."""

    def __init__(self, value_counts: ValueCounts, *, wide: bool, marks: Sequence[str]) -> None:
        self.name, self.storage = value_counts.name, value_counts.storage
        own = tuple(marks) or (None if wide else _own_marks(value_counts))
        missing_mask = find_missing(value_counts.values, wide=wide, marks=own)
        self.values, self.counts = (
            value_counts.values[~missing_mask],
            value_counts.counts[~missing_mask],
        )
        marked = (
            value_counts.counts[missing_mask].sum()
            / max(value_counts.counts.sum(), 1)
            * (1 - value_counts.blank)
        )
        frequencies: list[tuple[float, str | None]] = [
            (count / max(value_counts.counts.sum(), 1) * (1 - value_counts.blank), str(word))
            for word, count in zip(
                value_counts.values[missing_mask], value_counts.counts[missing_mask], strict=True
            )
        ]
        blank: str | None = None
        commonest = max([(value_counts.blank, blank), *frequencies], key=lambda each: each[0])
        self.missing = Missing(
            fraction=min(float(value_counts.blank + marked), 1.0), mark=commonest[1], marks=own
        )

    def number(self) -> NumberColumn:
        return NumberColumn.fit(self.name, self.storage, self.values, self.counts, self.missing)

    def moment(self, form: str) -> DatetimeColumn:
        return DatetimeColumn.fit(
            self.name, self.storage, self.values, self.counts, self.missing, form
        )

    def category(self, *, boolean: bool = False) -> CategoryColumn:
        return CategoryColumn.fit(
            self.name, self.storage, self.values, self.counts, self.missing, boolean=boolean
        )

    def identifier(self) -> IdentifierColumn:
        return IdentifierColumn.fit(self.name, self.storage, self.values)

    def text(self) -> TextColumn:
        return TextColumn(name=self.name, storage=self.storage, missing=self.missing)


def _own_marks(value_counts: ValueCounts) -> tuple[str, ...] | None:
    """The marks of a column of words in which a usual one is a word, such as NA for Namibia.

    It is one beside empty cells, which then mark what is missing, and among codes of two letters.
    """
    if value_counts.storage != "text":
        return None
    texts = {str(word).strip() for word in value_counts.values.tolist()}
    tokens = texts & TOKENS
    others = texts - WIDE_MARKS
    codes = len(others) >= MIN_CODES and all(map(_CODE.fullmatch, others))
    if not tokens or not ("" in texts or value_counts.blank or (codes and tokens == {"NA"})):
        return None
    return tuple(sorted(MARKS - TOKENS))


def _as_requested(
    value_counts: ValueCounts, type_name: str, wide: _KnownCells, narrow: _KnownCells
) -> AnyColumn:
    match type_name:
        case "number" | "decimal":
            column = wide.number()
            return (
                column.model_copy(update={"type": "decimal"}) if type_name == "decimal" else column
            )
        case "integer":
            column = wide.number()
            if column.type != "integer":
                values = numbers(wide.values).values
                raise MisfitError(
                    "expected whole numbers",
                    value_counts.name,
                    wide.values[values != np.rint(values)].tolist() or wide.values.tolist(),
                    "Fix the cells, or take them as they are: --column "
                    f"{value_counts.name}=decimal.",
                )
            return column
        case "date" | "time" | "duration":
            column = wide.moment("")
            if column.type != type_name:
                raise MisfitError(
                    f"expected a {type_name}, got a {column.type}",
                    value_counts.name,
                    wide.values[:5].tolist(),
                    f"Use --column {value_counts.name}={column.type}.",
                )
            return column
        case "identifier":
            return narrow.identifier()
        case "text":
            return narrow.text()
        case _:
            return narrow.category(boolean=type_name == "boolean")


def _constant(value_counts: ValueCounts, known_cells: _KnownCells) -> ConstantColumn | None:
    if len(known_cells.values) > 1 or known_cells.missing.fraction:
        return None
    value = (
        known_cells.values.tolist()[0]
        if not known_cells.storage.startswith(("datetime64", "timedelta64"))
        else str(known_cells.values[0].astype(np.int64))
        if known_cells.storage.startswith("timedelta64")
        else str(known_cells.values[0])
    )
    return ConstantColumn(name=value_counts.name, storage=value_counts.storage, value=value)


def _numeric(value_counts: ValueCounts, known_cells: _KnownCells, parsed: Numbers) -> AnyColumn:
    if constant := _constant(value_counts, known_cells):
        return constant
    values = parsed.values
    whole = bool(
        (values == np.rint(values)).all() and (decimals(known_cells.values, parsed.form) <= 0).all()
    )
    if len(known_cells.values) == 2 and is_boolean(known_cells.values):
        return known_cells.category(boolean=True)
    if whole and parsed.form.plus and values.min() >= PHONE_NUMBERS:
        return _from_text(value_counts, known_cells)
    if whole and np.isfinite(values).all():
        running = values.max() - values.min() + 1 == value_counts.rows
        alone = (
            value_counts.distinct and value_counts.rows >= MANY and not known_cells.missing.fraction
        )
        alone = alone and parsed.form == Form()  # amounts of money are not identifiers
        if alone and (running or _IDENTIFIER.search(value_counts.name.strip())):
            return known_cells.identifier()
        if value_counts.storage == "text" and _compact_dates(known_cells.values):
            return known_cells.moment(COMPACT)
        if np.abs(values).max() >= WHOLE:  # a float does not represent each whole number
            return _from_text(value_counts, known_cells)
    return known_cells.number()


def _compact_dates(cells: Cells) -> bool:
    """Whether all are dates such as 20240131, of the years 1900 to 2099."""
    texts = [str(word).strip() for word in cells.tolist()]
    if len(texts) < 3 or not all(len(text) == 8 and text[:2] in {"19", "20"} for text in texts):
        return False
    return bool(moments.read(texts, COMPACT).valid.all())


def _refuse_mixture(known_cells: _KnownCells, parsed: Numbers) -> None:
    fraction = known_cells.counts[parsed.read].sum() / known_cells.counts.sum()
    if fraction >= MOSTLY and parsed.read.sum() > 10:
        raise MisfitError(
            "mostly numbers, with text among them",
            known_cells.name,
            known_cells.values[~parsed.read].tolist(),
            f"Fix the cells, leave them empty, or use --column {known_cells.name}=category.",
        )


def _dates(known_cells: _KnownCells) -> str:
    """The format if 90 % of the rows are dates or times; fitting then reports the others."""
    texts = [str(word).strip() for word in known_cells.values.tolist()]
    form = moments.find_format(texts[:: -(-len(texts) // LOOKED_AT)])
    if form is None:
        return ""
    shaped: NDArray[np.bool_] = moments.read(texts, form).shaped
    return form if known_cells.counts[shaped].sum() / known_cells.counts.sum() >= 0.9 else ""


def _from_text(value_counts: ValueCounts, known_cells: _KnownCells) -> AnyColumn:
    if constant := _constant(value_counts, known_cells):
        return constant
    if len(known_cells.values) == 2 and is_boolean(known_cells.values):
        return known_cells.category(boolean=True)
    spaces = np.array([str(word).strip().count(" ") for word in known_cells.values.tolist()])
    often = (
        len(known_cells.values) > 0.5 * known_cells.counts.sum() and len(known_cells.values) >= MANY
    )
    if often and spaces.mean() >= 2:
        return known_cells.text()
    if value_counts.distinct and len(known_cells.values) >= MANY:
        return known_cells.identifier()
    return (
        known_cells.text() if len(known_cells.values) > MAX_CATEGORIES else known_cells.category()
    )
