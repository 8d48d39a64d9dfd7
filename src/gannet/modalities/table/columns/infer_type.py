"""Type inference: find the type of a column from its cells."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gannet.core.errors import DataError
from gannet.core.frame import Cells
from gannet.modalities.table.columns import date_formats
from gannet.modalities.table.columns.base import (
    Form,
    MisfitError,
    Missing,
    Numbers,
    TypeName,
    decimals,
    find_missing,
    numbers,
)
from gannet.modalities.table.columns.category import MOST, CategoryColumn, is_boolean
from gannet.modalities.table.columns.date_formats import COMPACT
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.number import WHOLE, NumberColumn
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


CHOICES: tuple[str, ...] = ("number", *get_args(TypeName)[:-2])
"""Types that a user can choose."""

MANY = 20
"""Rows from which on a column of all-different text cells is an identifier, not a category."""
MOSTLY = 0.8
"""Fraction of numbers (more than ten distinct) from which on text among them is an error."""
LOOKED_AT = 50_000
"""Most distinct cells that are searched for a date format."""

_IDENTIFIER = re.compile(r"(?:^|[_\W])(?:id|uuid|guid|key|identifier)$|[a-z](?:Id|ID)$", re.ASCII)


def check_types(overrides: dict[str, str], names: tuple[str, ...], where: str) -> None:
    """Refuse columns or types that do not exist, all in one error.

    Raises:
        DataError: naming the nearest column or type.
    """
    faults: list[str] = []
    for name, wanted in overrides.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"columns: {', '.join(names[:20])}"
            faults.append(f"no column {name!r}; {hint}")
        if wanted not in CHOICES:
            near = difflib.get_close_matches(wanted, CHOICES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"types: {', '.join(CHOICES)}"
            faults.append(f"column {name!r}: no type {wanted!r}; {hint}")
    if faults:
        raise DataError(
            "\n  ".join(faults), where=where, remedy="Give columns their types as NAME=TYPE."
        )


def look(seen: ValueCounts, wanted: str | None = None) -> AnyColumn:
    """Infer the type of a column from its distinct cells, and fit it.

    Args:
        seen: The counted cells.
        wanted: One of `CHOICES`; inferred if not given.

    Raises:
        MisfitError: if cells do not fit the type, or text stands among numbers.
        DataError: if a category has too many values.
    """
    wide = _Known(seen, wide=True)
    if not len(wide.words):
        return EmptyColumn(name=seen.name, storage=seen.storage, missing=wide.gone)
    if wanted is not None:
        return _as_asked(seen, wanted, wide)
    if seen.storage == "bool":
        return _constant(seen, wide) or wide.category(boolean=len(wide.words) == 2)
    if seen.storage.startswith("datetime64"):
        return _constant(seen, wide) or wide.moment("")
    found = numbers(wide.words)
    if found.read.all():
        return _numeric(seen, wide, found)
    if not found.padded.any():
        _refuse_mixture(wide, found)
    if form := _dates(wide):
        return _constant(seen, wide) or wide.moment(form)
    return _wordy(seen, _Known(seen, wide=False))


class _Known:
    """The non-missing cells of a column, their counts, and how often cells are missing."""

    def __init__(self, seen: ValueCounts, *, wide: bool) -> None:
        self.name, self.storage = seen.name, seen.storage
        gone = find_missing(seen.words, wide=wide)
        self.words, self.counts = seen.words[~gone], seen.counts[~gone]
        marked = seen.counts[gone].sum() / max(seen.counts.sum(), 1) * (1 - seen.blank)
        marks: list[tuple[float, str | None]] = [
            (count / max(seen.counts.sum(), 1) * (1 - seen.blank), str(word))
            for word, count in zip(seen.words[gone], seen.counts[gone], strict=True)
        ]
        blank: str | None = None
        commonest = max([(seen.blank, blank), *marks], key=lambda each: each[0])
        self.gone = Missing(fraction=min(float(seen.blank + marked), 1.0), mark=commonest[1])

    def number(self) -> NumberColumn:
        return NumberColumn.fit(self.name, self.storage, self.words, self.counts, self.gone)

    def moment(self, form: str) -> DatetimeColumn:
        return DatetimeColumn.fit(self.name, self.storage, self.words, self.counts, self.gone, form)

    def category(self, *, boolean: bool = False) -> CategoryColumn:
        return CategoryColumn.fit(
            self.name, self.storage, self.words, self.counts, self.gone, boolean=boolean
        )

    def identifier(self) -> IdentifierColumn:
        return IdentifierColumn.fit(self.name, self.storage, self.words)

    def text(self) -> TextColumn:
        return TextColumn(name=self.name, storage=self.storage, missing=self.gone)


def _as_asked(seen: ValueCounts, wanted: str, wide: _Known) -> AnyColumn:
    narrow = _Known(seen, wide=False)
    match wanted:
        case "number" | "decimal":
            column = wide.number()
            return column.model_copy(update={"type": "decimal"}) if wanted == "decimal" else column
        case "integer":
            column = wide.number()
            if column.type != "integer":
                values = numbers(wide.words).values
                raise MisfitError(
                    "expected whole numbers",
                    seen.name,
                    wide.words[values != np.rint(values)].tolist() or wide.words.tolist(),
                    f"Fix the cells, or take them as they are: --column {seen.name}=decimal.",
                )
            return column
        case "date" | "time":
            column = wide.moment("")
            if column.type != wanted:
                raise MisfitError(
                    f"expected a {wanted}, got a {column.type}",
                    seen.name,
                    wide.words[:5].tolist(),
                    f"Use --column {seen.name}={column.type}.",
                )
            return column
        case "identifier":
            return narrow.identifier()
        case "text":
            return narrow.text()
        case _:
            return narrow.category(boolean=wanted == "boolean")


def _constant(seen: ValueCounts, known: _Known) -> ConstantColumn | None:
    if len(known.words) > 1 or known.gone.fraction:
        return None
    value = known.words.tolist()[0] if known.storage[:8] != "datetime" else str(known.words[0])
    return ConstantColumn(name=seen.name, storage=seen.storage, value=value)


def _numeric(seen: ValueCounts, known: _Known, found: Numbers) -> AnyColumn:
    if constant := _constant(seen, known):
        return constant
    values = found.values
    whole = bool(
        (values == np.rint(values)).all() and (decimals(known.words, found.form) <= 0).all()
    )
    if len(known.words) == 2 and is_boolean(known.words):
        return known.category(boolean=True)
    if whole and np.isfinite(values).all():
        running = values.max() - values.min() + 1 == seen.rows
        alone = seen.distinct and seen.rows >= MANY and not known.gone.fraction
        alone = alone and found.form == Form()  # amounts of money are not identifiers
        if alone and (running or _IDENTIFIER.search(seen.name.strip())):
            return known.identifier()
        if seen.storage == "text" and _compact_dates(known.words):
            return known.moment(COMPACT)
        if np.abs(values).max() >= WHOLE:  # a float does not represent each whole number
            return _wordy(seen, known)
    return known.number()


def _compact_dates(words: Cells) -> bool:
    """Whether all are dates such as 20240131, of the years 1900 to 2099."""
    texts = [str(word).strip() for word in words.tolist()]
    if len(texts) < 3 or not all(len(text) == 8 and text[:2] in {"19", "20"} for text in texts):
        return False
    return bool(date_formats.read(texts, COMPACT).valid.all())


def _refuse_mixture(known: _Known, found: Numbers) -> None:
    share = known.counts[found.read].sum() / known.counts.sum()
    if share >= MOSTLY and found.read.sum() > 10:
        raise MisfitError(
            "mostly numbers, with text among them",
            known.name,
            known.words[~found.read].tolist(),
            f"Fix the cells, leave them empty, or use --column {known.name}=category.",
        )


def _dates(known: _Known) -> str:
    """The format if 90 % of the rows are dates or times; fitting then reports the others."""
    texts = [str(word).strip() for word in known.words.tolist()]
    form = date_formats.find_format(texts[:: -(-len(texts) // LOOKED_AT)])
    if form is None:
        return ""
    shaped: NDArray[np.bool_] = date_formats.read(texts, form).shaped
    return form if known.counts[shaped].sum() / known.counts.sum() >= 0.9 else ""


def _wordy(seen: ValueCounts, known: _Known) -> AnyColumn:
    if constant := _constant(seen, known):
        return constant
    if len(known.words) == 2 and is_boolean(known.words):
        return known.category(boolean=True)
    spaces = np.array([str(word).strip().count(" ") for word in known.words.tolist()])
    often = len(known.words) > 0.5 * known.counts.sum() and len(known.words) >= MANY
    if often and spaces.mean() >= 2:
        return known.text()
    if seen.distinct and len(known.words) >= MANY:
        return known.identifier()
    return known.text() if len(known.words) > MOST else known.category()
