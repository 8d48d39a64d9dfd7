"""Values of cells in rules, their comparison and arithmetic, with three-valued logic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gannet.core.frame import Cells, factorized
from gannet.core.types import BoolArray
from gannet.modalities.table.columns.base import MisfitError
from gannet.modalities.table.columns.category import CategoryColumn, plain
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.formats import moments
from gannet.modalities.table.columns.formats.numbers import numbers
from gannet.modalities.table.columns.infer_type import AnyColumn, missing_in
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.columns.unmodeled import ConstantColumn

ValueKind: TypeAlias = Literal[
    "a number", "words", "a date", "a date with an offset", "a time of day", "a duration"
]
SECONDS, FINE = 86_400, 10**9
NEAR = 1e-9
"""Relative difference below which calculated numbers are equal: .1 + .2 is .3."""


@dataclass(frozen=True, slots=True)
class Values:
    """Values of an operand in each row.

    Attributes:
        parts: ``(rows,)`` each, compared lexicographically. Dates are days and nanoseconds, since
            a single 64-bit number does not hold both range and resolution.
        missing_mask: ``(rows,)`` where the value is unknown because a cell is missing.
        exact: Whether nothing was calculated, so that equality needs no tolerance.
    """

    parts: tuple[NDArray[Any], ...]
    missing_mask: BoolArray
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Truth:
    """Three-valued truth of a rule: true, false, or unknown where a cell is missing.

    Attributes:
        yes: ``(rows,)`` where it is true.
        no: ``(rows,)`` where it is false.
    """

    yes: BoolArray
    no: BoolArray


CellReader: TypeAlias = Callable[[Cells], Values]


def kind_of(column: AnyColumn) -> ValueKind | None:
    """Type of a column's cells in a rule; ``None`` if the column is not modelled."""
    match column:
        case NumberColumn():
            return "a number"
        case CategoryColumn():
            return "words"
        case DatetimeColumn():
            if column.type == "time":
                return "a time of day"
            if column.type == "duration":
                return "a duration"
            zoned = column.format.endswith(("Z", "%z"))
            return "a date with an offset" if zoned else "a date"
        case ConstantColumn():
            return "a number" if _number(column) is not None else "words"
        case _:
            return None


def reader(column: AnyColumn) -> CellReader:
    """The function that reads a column's cells; for columns whose ``kind_of`` is not ``None``."""

    def read(cells: Cells) -> Values:
        distinct, at = factorized(cells)
        missing_mask = missing_in(column, distinct)
        if isinstance(column, NumberColumn | DatetimeColumn):
            missing_mask[~missing_mask] = ~column.readable(distinct[~missing_mask])
        observed = distinct[~missing_mask]
        parts = _parts(column, observed)
        whole = tuple(np.zeros(len(distinct), part.dtype) for part in parts)
        for full, part in zip(whole, parts, strict=True):
            full[~missing_mask] = part
        unknown = missing_mask.copy()
        if isinstance(column, CategoryColumn):
            unknown[~missing_mask] = np.array([each is None for each in parts[0]], np.bool_)
        return Values(tuple(full[at] for full in whole), unknown[at])

    return read


def literal(column: AnyColumn, text: str) -> Values | None:
    """A literal of a rule, read as the column's cells are; ``None`` if it is not a value."""
    one = np.zeros(1, np.bool_)
    try:
        match column:
            case NumberColumn():
                value = numbers(_cell(text), form=column.form).values
                return Values((value,), one) if np.isfinite(value).all() else None
            case DatetimeColumn() if column.format:
                return Values(_parts(column, _cell(text)), one)
            case DatetimeColumn() if column.type == "duration":
                return None
            case DatetimeColumn():
                moment = np.array([text], "datetime64")
                return None if np.isnat(moment).any() else Values(_moments(moment), one)
            case CategoryColumn():
                index = column.position_of(text)
                return Values((_cell(column.values[index]),), one) if index >= 0 else None
            case ConstantColumn():
                return reader(column)(_cell(text))
            case _:
                return None
    except (MisfitError, ValueError):
        return None


def unit_of(column: NumberColumn | DatetimeColumn, text: str) -> int:
    """The unit of a column nearest to a value that ``literal`` can read."""
    if isinstance(column, NumberColumn):
        return int(column.units_of(numbers(_cell(text), form=column.form).values)[0])
    cell = _cell(text) if column.format else np.array([text], "datetime64")
    return int(column.own_of(cell)[0]) // column.each


def _cell(text: str) -> Cells:
    cell = np.empty(1, object)
    cell[0] = text
    return cell


def _number(column: ConstantColumn) -> float | None:
    if isinstance(column.value, bool):
        return None
    parsed = numbers(_cell(str(column.value)))
    return float(parsed.values[0]) if parsed.read[0] else None


def _parts(column: AnyColumn, cells: Cells) -> tuple[NDArray[Any], ...]:
    match column:
        case NumberColumn():
            return (numbers(cells, form=column.form).values,)
        case DatetimeColumn() if column.format:
            return _of_format(column, cells)
        case DatetimeColumn():
            column.own_of(cells)  # raises if a cell is not a date
            return _moments(cells)
        case CategoryColumn():
            indices = [column.position_of(cell) for cell in plain(cells)]
            texts = np.empty(len(indices), object)
            texts[:] = [column.values[at] if at >= 0 else None for at in indices]
            return (texts,)
        case _:
            assert isinstance(column, ConstantColumn)
            if _number(column) is not None:
                return (numbers(cells).values,)
            texts = np.empty(len(cells), object)
            texts[:] = list(map(str, cells.tolist()))
            return (texts,)


def _of_format(column: DatetimeColumn, cells: Cells) -> tuple[NDArray[Any], ...]:
    fine, coarse = moments.step(column.format)
    own = column.own_of(cells)
    seconds = own // fine * coarse
    if column.offset:
        seconds = seconds - moments.seconds_between("+00:00", column.offset)
    return seconds // SECONDS, seconds % SECONDS * FINE + own % fine * (FINE // fine)


def _moments(cells: Cells) -> tuple[NDArray[Any], ...]:
    if cells.dtype.kind == "m":
        one_day = np.timedelta64(1, "D")
        return cells // one_day, (cells % one_day).astype("timedelta64[ns]").astype(np.int64)
    days = cells.astype("datetime64[D]")
    nanoseconds = (cells - days).astype("timedelta64[ns]").astype(np.int64)
    return days.astype(np.int64), nanoseconds


def compared(left: Values, sign: str, right: Values) -> Truth:
    """Truth of ``left sign right`` in each row."""
    missing_mask = left.missing_mask | right.missing_mask
    same = np.ones(len(missing_mask), np.bool_)
    less = np.zeros(len(missing_mask), np.bool_)
    ordered = sign not in ("==", "!=")
    for one, other in zip(left.parts, right.parts, strict=True):
        if ordered:
            less |= same & (one < other)
        same = same & np.asarray(one == other, np.bool_)
    if not (left.exact and right.exact):
        one, other = left.parts[0], right.parts[0]
        same = np.abs(one - other) <= NEAR * np.maximum(np.abs(one), np.abs(other))
        less = less & ~same
    yes = {
        "==": same,
        "!=": ~same,
        "<": less,
        "<=": less | same,
        ">": ~(less | same),
        ">=": ~less,
    }[sign]
    return Truth(yes & ~missing_mask, ~yes & ~missing_mask)


def calculated(left: Values, sign: str, right: Values) -> Values:
    """A sum, difference, product or quotient; unknown where the divisor is zero."""
    one, other = left.parts[0], right.parts[0]
    with np.errstate(all="ignore"):
        result = {
            "+": np.add,
            "-": np.subtract,
            "*": np.multiply,
            "/": np.divide,
        }[sign](one, other)
    missing_mask = left.missing_mask | right.missing_mask | ~np.isfinite(result)
    return Values((np.where(missing_mask, 0.0, result),), missing_mask, exact=False)


def negated(truth: Truth) -> Truth:
    """Negation; unknown stays unknown."""
    return Truth(truth.no, truth.yes)


def both(one: Truth, other: Truth) -> Truth:
    """Conjunction: true where both are true, false where either is false."""
    return Truth(one.yes & other.yes, one.no | other.no)
