"""How a column was given: its type in pandas or Arrow, so that it can come back as it was."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gannet.core.errors import need

_DECIMAL = re.compile(r"decimal(128|256)\((\d+), (-?\d+)\)")
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>")
_TIME = re.compile(r"(time32|time64|duration|timestamp)\[(s|ms|us|ns)(?:, tz=(.+))?\]")
_PLAIN = {
    "date32[day]": "date32",
    "date64[ms]": "date64",
    "halffloat": "float16",
    "double": "float64",
    "float": "float32",
}


class GivenType(BaseModel):
    """The type of a column in the library that held it.

    Attributes:
        library: Whose name of the type it is.
        name: Such as ``Int64``, ``category`` or ``decimal128(10, 2)``; of Python objects in pandas
            ``object`` and their type, such as ``object Decimal``.
        categories: Of a categorical, in order.
        ordered: Whether these have an order.
        label: The column's name, if it is a number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    library: Literal["pandas", "arrow"]
    name: str
    categories: tuple[str | int | float | bool, ...] = ()
    ordered: bool = False
    label: int | float | None = None


def arrow_type(name: str) -> Any:
    """The Arrow type of a name as Arrow prints it; ``None`` if it is not known here."""
    arrow: Any = need("pyarrow", "parquet")
    if match := _DECIMAL.fullmatch(name):
        kind = arrow.decimal128 if match[1] == "128" else arrow.decimal256
        return kind(int(match[2]), int(match[3]))
    if match := _DICTIONARY.fullmatch(name):
        values, indices = arrow_type(match[1]), arrow_type(match[2])
        known = values is not None and indices is not None
        return arrow.dictionary(indices, values, ordered=match[3] == "1") if known else None
    if match := _TIME.fullmatch(name):
        kind, unit, zone = match.groups()
        return arrow.timestamp(unit, tz=zone) if zone else getattr(arrow, kind)(unit)
    try:
        return arrow.type_for_alias(_PLAIN.get(name, name))
    except ValueError:
        return None


def to_arrow(cells: list[Any], name: str) -> Any:
    """Python values, ``None`` where missing, as an Arrow array of a type; ``None`` if impossible.

    Args:
        cells: Numbers, or text of what has no type in a table: decimals, times, moments in zones.
        name: Of the type.
    """
    arrow: Any = need("pyarrow", "parquet")
    kind = arrow_type(name)
    if kind is None:
        return None
    is_text = any(isinstance(cell, str) for cell in cells)
    types = arrow.types
    try:
        if is_text and types.is_time(kind):
            cells = [None if each is None else datetime.time.fromisoformat(each) for each in cells]
        elif is_text and types.is_timestamp(kind):
            cells = [_moment(each) for each in cells]
        elif types.is_decimal(kind):
            step = Decimal(1).scaleb(-kind.scale)
            cells = [None if c is None else Decimal(str(c)).quantize(step) for c in cells]
        elif types.is_dictionary(kind):
            return arrow.array(cells, kind.value_type).dictionary_encode().cast(kind)
        return arrow.array(cells, kind)
    except (arrow.ArrowException, ValueError, ArithmeticError, TypeError, OverflowError):
        return None


def _moment(text: str | None) -> datetime.datetime | None:
    return None if text is None else datetime.datetime.fromisoformat(text)


def to_series(pandas: Any, series: Any, given: GivenType) -> Any:
    """A pandas series as one of a given type; unchanged if that is not possible."""
    try:
        if given.library == "arrow":
            values = [None if none else each for each, none in _listed(series)]
            array = to_arrow(values, given.name)
            return series if array is None else array.to_pandas()
        if given.name == "category":
            kind = pandas.CategoricalDtype(list(given.categories) or None, given.ordered)
            return series.astype(kind)
        if given.name.startswith("object "):
            return _objects(pandas, series, given.name.removeprefix("object "))
        if "tz" in given.name or re.search(r"datetime64\[\w+, ", given.name):
            return pandas.to_datetime(series, utc=True).astype(given.name)
        return series.astype(given.name)
    except (TypeError, ValueError, ArithmeticError, NotImplementedError, OverflowError):
        return series


def _listed(series: Any) -> list[tuple[Any, bool]]:
    return list(zip(series.tolist(), series.isna().tolist(), strict=True))


def _objects(pandas: Any, series: Any, kind: str) -> Any:
    makers: dict[str, Callable[[Any], Any]] = {
        "Decimal": Decimal,
        "time": datetime.time.fromisoformat,
        "datetime": datetime.datetime.fromisoformat,
    }
    if kind == "date":
        series = pandas.to_datetime(series).dt.date
    make = makers.get(kind)
    values = [None if none else make(each) if make else each for each, none in _listed(series)]
    return pandas.Series(values, dtype=object)
