"""Tables in memory: named columns of cells, one array each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError, need
from gannet.core.io.given_types import GivenType, to_series

Cells: TypeAlias = NDArray[Any]
"""``(rows,)``. Objects are text as it was read, or numbers, with ``None`` for a missing cell; other
arrays are numbers, booleans or datetimes, in which NaN and NaT are missing."""

Cell: TypeAlias = str | int | float | bool | np.datetime64 | None
Row: TypeAlias = tuple[Cell, ...]
"""One cell per column; ``None`` for a missing cell without a marker of its own."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text table is written.

    Attributes:
        delimiter: Between cells.
        header: Whether the first row names the columns.
        encoding: Of the text, as Python calls it.
        spaced: Whether a space follows each delimiter.
        line_end: Behind each row.
    """

    delimiter: str = ","
    header: bool = True
    encoding: str = "utf-8"
    spaced: bool = False
    line_end: str = "\n"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A table, column by column.

    Attributes:
        names: Of the columns, without duplicates.
        columns: ``(rows,)`` each.
        where: The file, as error messages name it.
        first: The number of the first row in error messages.
        dialect: How the file is written, if it is a text table.
        types: Column -> its type in the library that held it, where that says more than the cells.
    """

    names: tuple[str, ...]
    columns: tuple[Cells, ...]
    where: str = ""
    first: int = 1
    dialect: Dialect | None = None
    types: Mapping[str, GivenType] = field(default_factory=dict[str, GivenType])

    def __post_init__(self) -> None:
        """Check names and lengths."""
        check_names(self.names, self.where)
        assert len(self.names) == len(self.columns), "one name per column"
        assert len({len(column) for column in self.columns}) <= 1, "columns of one length"

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __getitem__(self, rows: slice | NDArray[Any]) -> Frame:
        """Some rows. Only a slice keeps the numbers of the rows."""
        first = self.first + (rows.indices(len(self))[0] if isinstance(rows, slice) else 0)
        return replace(self, columns=tuple(column[rows] for column in self.columns), first=first)

    def column(self, name: str) -> Cells:
        """The cells of one column.

        Raises:
            KeyError: if there is none of that name.
        """
        if name not in self.names:
            raise KeyError(name)
        return self.columns[self.names.index(name)]

    def rows(self) -> list[Row]:
        """All rows; slow, for small tables."""
        return list(zip(*map(listed, self.columns), strict=True)) if self.columns else []

    @classmethod
    def from_rows(cls, names: Sequence[str], rows: Iterable[Row], where: str = "") -> Frame:
        """Build the columns from rows."""
        row_list = list(rows)
        columns = zip(*row_list, strict=True) if row_list else ((),) * len(names)
        return cls(tuple(names), tuple(cells_of(column) for column in columns), where)


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse duplicate column names.

    Raises:
        DataError: naming those that occur more than once.
    """
    if len(set(names)) < len(names):
        repeated = dict.fromkeys(name for name in names if names.count(name) > 1)
        raise DataError(
            f"more than one column {', '.join(map(repr, repeated))}",
            where=where,
            remedy="Give every column a name of its own.",
        )


def joined(frames: Sequence[Frame]) -> Frame:
    """Frames of the same columns, one below the other."""
    first = frames[0]
    assert all(frame.names == first.names for frame in frames), "the same columns"
    return replace(
        first, columns=tuple(map(_below, zip(*(f.columns for f in frames), strict=True)))
    )


def _below(parts: Sequence[Cells]) -> Cells:
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) > 1 and "O" not in kinds and not kinds <= set("iuf"):
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def cells_of(values: Iterable[Any]) -> Cells:
    """A column from Python values: typed if all are of one type and none is missing.

    >>> (
    ...     cells_of([1, 2]).dtype.name,
    ...     cells_of(["a", None]).dtype.name,
    ...     cells_of([0.5, None]).tolist(),
    ... )
    ('int64', 'object', [0.5, nan])
    """
    items = list(values)
    kinds = {type(value) for value in items}
    full, present_kinds = type(None) not in kinds, kinds - {type(None)}
    if present_kinds and full and present_kinds <= {bool, np.bool_}:
        return np.array(items, np.bool_)
    if present_kinds == {int} and full and all(-(2**63) <= value < 2**63 for value in items):
        return np.array(items, np.int64)
    if float in present_kinds and present_kinds <= {int, float}:
        return np.array([np.nan if value is None else value for value in items], np.float64)
    if present_kinds == {np.datetime64}:
        return np.array([np.datetime64("NaT") if value is None else value for value in items])
    cells = np.empty(len(items), object)
    cells[:] = items
    return cells


def listed(cells: Cells) -> list[Cell]:
    """A column as Python values, ``None`` for a missing cell."""
    if cells.dtype.kind in "mM":
        return [
            None if missing else cell for cell, missing in zip(cells, np.isnat(cells), strict=True)
        ]
    if cells.dtype.kind == "f":
        return [None if cell != cell else cell for cell in cells.tolist()]  # NaN
    return cells.tolist()


def factorized(cells: Cells) -> tuple[Cells, NDArray[np.int64]]:
    """The distinct cells, and for each cell its index among them.

    Everything slow, such as parsing a date, is then done once per distinct cell. Objects are
    distinguished by a dictionary, which needs no order and is faster than sorting.
    """
    if cells.dtype.kind != "O":
        return np.unique(cells, return_inverse=True)
    values = cells.tolist()
    index_of = {cell: index for index, cell in enumerate(dict.fromkeys(values))}
    codes = np.fromiter(map(index_of.__getitem__, values), np.int64, len(values))
    distinct = np.empty(len(index_of), object)
    distinct[:] = list(index_of)
    return distinct, codes


def objects(values: list[Any]) -> Cells:
    """Values of any types as a column of objects."""
    cells = np.empty(len(values), object)
    cells[:] = values
    return cells


def as_frame(data: Any) -> Frame:
    """Rows in memory as a table: a frame stays one, a pandas data frame becomes one."""
    return data if isinstance(data, Frame) else from_pandas(data)


def from_pandas(data: Any) -> Frame:
    """A pandas data frame as a table; the index is dropped.

    Datetimes with a time zone become text with their offset; categoricals become their values.
    """
    need("pandas", "table")
    names = tuple(map(str, data.columns))
    series = [data.iloc[:, position] for position in range(len(names))]
    columns = tuple(map(_from_series, series))
    labels = list(data.columns)
    types = {
        name: _type_of(each, label) for name, each, label in zip(names, series, labels, strict=True)
    }
    return Frame(names, columns, "the data frame", types=types)


def _type_of(series: Any, label: Any) -> GivenType:
    """The type of a pandas series."""
    kind, name = series.dtype, str(series.dtype)
    number = None
    if isinstance(label, int | float | np.integer | np.floating) and not isinstance(label, bool):
        number = label.item() if isinstance(label, np.generic) else label
    categories: tuple[Any, ...] = ()
    if name == "category":
        found: list[Any] = kind.categories.tolist()
        plain = all(isinstance(each, str | int | float | bool) for each in found)
        categories = tuple(found) if plain else ()
    if name == "object":
        listed_cells: list[Any] = series.tolist()
        kinds: set[type[Any]] = {type(each) for each in listed_cells} - {type(None), float}
        one = next(iter(kinds)).__name__ if len(kinds) == 1 else ""
        name = f"object {one}" if one in ("Decimal", "time", "date", "datetime") else name
    ordered = bool(categories and kind.ordered)
    return GivenType(
        library="pandas", name=name, categories=categories, ordered=ordered, label=number
    )


def _from_series(series: Any) -> Cells:
    kind = series.dtype
    name = str(kind)
    if name == "category":
        series = series.astype(series.cat.categories.dtype)
        return _from_series(series)
    own = getattr(kind, "pyarrow_dtype", kind)
    zoned = name.startswith(("datetime64", "timestamp")) and getattr(own, "tz", None)
    if zoned:
        missing = series.isna()
        return objects(
            [None if no else each.isoformat() for each, no in zip(series, missing, strict=True)]
        )
    if isinstance(kind, np.dtype) and kind.kind in "biufmM":
        return np.asarray(series)
    if name.startswith(("timestamp[", "duration[", "date32", "date64")):
        numpy = "timedelta64[ns]" if name.startswith("duration") else "datetime64[ns]"
        return np.asarray(series.astype(numpy))
    missing = series.isna().tolist()
    cells: list[Any] = [
        None if no else cell for cell, no in zip(series.tolist(), missing, strict=True)
    ]
    kinds: set[type[Any]] = {type(cell) for cell in cells} - {type(None)}
    if kinds and kinds <= {date, datetime}:
        if any(getattr(cell, "tzinfo", None) for cell in cells):
            return objects([None if cell is None else cell.isoformat() for cell in cells])
        return np.array(cells, "datetime64[D]" if kinds == {date} else "datetime64[us]")
    if kinds == {Decimal}:
        cells = [None if cell is None else str(cell) for cell in cells]
    if kinds == {time}:
        cells = [None if cell is None else cell.isoformat() for cell in cells]
    if kinds <= {str} or any(missing) or name == "object":
        return cells_of(cells) if float in kinds else objects(cells)
    return cells_of(cells) if name.endswith("[pyarrow]") else _nullable(cells, name)


def _nullable(cells: list[Any], name: str) -> Cells:
    """Cells of one of pandas' nullable types, of which none is missing."""
    return np.array(cells, name.lower() if name[0] in "IUF" else None)


def to_pandas(frame: Frame, dtypes: Mapping[str, Any] | None = None) -> Any:
    """A table as a pandas data frame, with the types and labels that its columns were given in.

    Args:
        frame: The table.
        dtypes: Wanted types by column, such as those of the original.
    """
    pandas: Any = need("pandas", "table")
    series_by_name = {
        name: _to_series(pandas, column)
        for name, column in zip(frame.names, frame.columns, strict=True)
    }
    for name, given in frame.types.items():
        if name in series_by_name:
            series_by_name[name] = to_series(pandas, series_by_name[name], given)
    data = pandas.DataFrame(series_by_name)
    labels = [frame.types[n].label if n in frame.types else None for n in frame.names]
    if any(label is not None for label in labels):
        data.columns = [
            name if label is None else label
            for name, label in zip(frame.names, labels, strict=True)
        ]
    return data.astype(dict(dtypes)) if dtypes else data


def _to_series(pandas: Any, cells: Cells) -> Any:
    if cells.dtype.kind != "O":
        return pandas.Series(cells)
    kinds = set(map(type, listed(cells))) - {type(None)}
    wide = "Int64" if kinds == {int} else "boolean" if kinds == {bool} else None
    return pandas.Series(cells, dtype=wide or ("str" if kinds <= {str} else object))
