"""Choose the label column, and read classes from its cells."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import numpy as np

from gannet.core.errors import DataError
from gannet.core.source import Labels
from gannet.modalities.label.codec import in_order

LABEL_COLUMNS = ("label", "class", "category", "group")
"""A column of one of these names is the label by default."""

LIKELY_COLUMNS = ("labels", "finelabel", "coarselabel", "classid", "classname", "classlabel")
"""The same where no column has one of those names; without what joins their words."""

MANY = 20
"""With more classes than this, a class must have at least two items on average."""


LEAST_PER_CLASS = 4
"""Items per value, on average, of a column that is suggested for the classes."""


def choose(columns: Sequence[str], label: str | None, where: str) -> tuple[str | None, list[str]]:
    """Choose the label column.

    Args:
        columns: Columns that could be the label.
        label: The column that the user asked for; ``None`` for the default, ``""`` for no label.
        where: The file, for errors.

    Returns:
        The column, if any, and notes for the user.

    Raises:
        DataError: if ``label`` is none of the columns.
    """
    if label == "":
        return None, []
    if label is not None:
        if label in columns:
            return label, []
        near = difflib.get_close_matches(label, columns, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise DataError(
            f"no column {label!r}",
            where=where,
            remedy=f"{hint}Columns: {', '.join(columns) or 'none'}.",
        )
    named = {name: name.strip().lower() for name in columns}
    fitting = [name for name, plain in named.items() if plain in LABEL_COLUMNS]
    joined = {name: plain.replace("_", "").replace(" ", "") for name, plain in named.items()}
    fitting = fitting or [name for name, plain in joined.items() if plain in LIKELY_COLUMNS]
    if len(fitting) == 1:
        return fitting[0], []
    if fitting:
        names = " and ".join(fitting)
        return None, [f"{names} could each be the label; choose one with --label"]
    return None, []


def unasked(columns: Mapping[str, Sequence[str | None]]) -> list[str]:
    """A note on columns that could be classes, and that nobody named; none without such columns.

    >>> unasked({"town": ["north", "south"] * 4, "name": list("abcdefgh")})
    ['no classes are taken: town could be, with --label town']
    """
    fitting: list[str] = []
    for name, cells in columns.items():
        values = {cell.strip() for cell in cells if cell and cell.strip()}
        if 2 <= len(values) <= min(MANY, len(cells) // LEAST_PER_CLASS):
            fitting.append(name)
    if not fitting:
        return []
    names = " or ".join(fitting[:3]) + (f" or {len(fitting) - 3} more" if len(fitting) > 3 else "")
    return [f"no classes are taken: {names} could be, with --label {fitting[0]}"]


def from_cells(cells: Sequence[str | None], *, where: str, column: str) -> Labels:
    """Classes from the cells of a column; an empty cell is an unknown class.

    Raises:
        DataError: if all cells are empty, or nearly every cell is a class of its own.
    """
    names = [cell.strip() if cell else "" for cell in cells]
    classes = in_order(name for name in names if name)
    labeled = sum(bool(name) for name in names)
    location = f"{where}, column {column!r}"
    if not classes:
        raise DataError(
            "every label is empty", where=location, remedy="Choose another with --label."
        )
    if len(classes) > MANY and 2 * len(classes) > labeled:
        raise DataError(
            f"{len(classes)} different values in {labeled} items are too many to be classes",
            where=location,
            remedy="Choose another column with --label, or none with --label ''.",
        )
    number = {name: index for index, name in enumerate(classes)} | {"": -1}
    return Labels(classes, np.array([number[name] for name in names], np.int64))


def from_numbers(numbers: Sequence[int | None], names: Sequence[str], *, where: str) -> Labels:
    """Classes from whole numbers; ``None`` is an unknown class, and -1 but beside 1 alone.

    Args:
        numbers: One per item.
        names: Of classes 0, 1, ...; if empty, the numbers that occur are the names.
        where: The file, for errors.

    Raises:
        DataError: if a number has no name.
    """
    if not names:
        # Minus one is a class where one is the only other.
        unknown = None if {number for number in numbers if number is not None} == {-1, 1} else -1
        cells = [None if number in (None, unknown) else str(number) for number in numbers]
        return from_cells(cells, where=where, column="label")
    indices = np.array([-1 if number is None else number for number in numbers], np.int64)
    if len(strange := indices[(indices < -1) | (indices >= len(names))]):
        raise DataError(
            f"label {strange[0]}, but there are {len(names)} class names",
            where=where,
            remedy="Give every class a name, in the order of their numbers.",
        )
    return Labels(tuple(names), indices)
