"""Tables with mixed column types from files: CSV and similar text, Parquet, JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray

from gannet.core.errors import DataError, need, no_permission
from gannet.core.frame import Cells, Dialect, Frame, cells_of, joined, objects
from gannet.core.io.given_types import GivenType
from gannet.core.io.regular import check_regular, open_text
from gannet.data.containers.delimited import find_dialect, read_delimited

ROWS = 50_000
"""Rows that are read at once."""

SUFFIXES = (".csv", ".tsv", ".txt", ".data", ".parquet", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Chunks(Iterable[Frame]):
    """A table that is read some rows at a time; can be iterated repeatedly.

    Attributes:
        path: Of the file.
        dialect: The dialect, if it is a text table.
        open: Starts reading from the beginning.
        sizes: Column names and number of rows without reading; ``None`` if the format cannot tell.
    """

    path: Path
    dialect: Dialect | None
    open: Callable[[], Iterator[Frame]]
    sizes: Callable[[], tuple[tuple[str, ...], int]] | None = None

    def __iter__(self) -> Iterator[Frame]:
        return self.open()


def read_chunks(
    path: Path,
    rows: int = ROWS,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
) -> Chunks:
    """Read a table, possibly larger than memory, some rows at a time.

    Args:
        path: Of a .csv, .tsv, .txt, .data, .parquet, .jsonl or .ndjson file; the suffix decides
            the format.
        rows: Rows of each part; the last may have fewer.
        delimiter: Of a text table; detected if not given, like the next two.
        header: Whether its first row names the columns.
        encoding: Text encoding.

    Raises:
        DataError: if the file cannot be read as a table. Errors in later rows are raised when
            iteration reaches them.
        MissingExtraError: if it is Parquet and pyarrow is not installed.
    """
    path = Path(path)
    match path.suffix.lower():
        case ".csv" | ".tsv" | ".txt" | ".data":
            dialect = find_dialect(path, delimiter=delimiter, header=header, encoding=encoding)
            return Chunks(path, dialect, lambda: read_delimited(path, dialect, rows))
        case ".parquet":
            need("pyarrow.parquet", "parquet")
            return Chunks(path, None, lambda: _parquet(path, rows), lambda: _parquet_sizes(path))
        case ".jsonl" | ".ndjson":
            return Chunks(path, None, lambda: _json_lines(path, rows))
        case suffix:
            raise DataError(
                f"{suffix or 'a file without suffix'} is not a table format that gannet can read",
                where=str(path),
                remedy=f"Use one of {', '.join(SUFFIXES)}.",
            )


def read_frame(
    path: Path,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
) -> Frame:
    """Read a whole table.

    Text cells stay unchanged, missing ones too: the codec learns what they mean.

    Args:
        path: As for `read_chunks`.
        delimiter: Of a text table.
        header: Whether its first row names the columns; without one they are ``column_1``, ...
        encoding: Text encoding.

    Raises:
        DataError: if the file cannot be read as a table, or holds no rows.
        MissingExtraError: if it is Parquet and pyarrow is not installed.
    """
    chunks = read_chunks(path, delimiter=delimiter, header=header, encoding=encoding)
    return joined(list(chunks))


def parquet_columns(path: Path, names: Sequence[str]) -> Chunks:
    """Some columns of a Parquet file, some rows at a time."""
    return Chunks(path, None, lambda: _parquet(path, ROWS, names))


def plain_columns(schema: Any) -> tuple[str, ...]:
    """Names of the columns of a Parquet file whose cells are single values."""
    arrow: Any = need("pyarrow", "parquet")
    return tuple(field.name for field in schema if _is_plain(arrow.types, field.type))


def _is_plain(types: Any, kind: Any) -> bool:
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return not (types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _parquet(path: Path, rows: int, only: Sequence[str] | None = None) -> Iterator[Frame]:
    arrow: Any = need("pyarrow", "parquet")
    with _parquet_file(path) as file:
        number, names = 1, tuple(file.schema_arrow.names if only is None else only)
        for batch in file.iter_batches(batch_size=rows, columns=only):
            if batch.num_rows:
                columns = [
                    _from_arrow(arrow, path, name, column)
                    for name, column in zip(names, batch.columns, strict=True)
                ]
                types = {
                    name: GivenType(library="arrow", name=str(column.type))
                    for name, column in zip(names, batch.columns, strict=True)
                }
                yield Frame(names, tuple(columns), str(path), number, types=types)
            number += batch.num_rows
        if number == 1:
            raise _no_rows(path)


def _parquet_sizes(path: Path) -> tuple[tuple[str, ...], int]:
    with _parquet_file(path) as file:
        rows: int = file.metadata.num_rows
        if not rows:
            raise _no_rows(path)
        return tuple(file.schema_arrow.names), rows


def _no_rows(path: Path) -> DataError:
    return DataError("no rows", where=str(path), remedy="Give it a table with rows.")


@contextmanager
def _parquet_file(path: Path) -> Generator[Any]:
    """An open Parquet file; errors of pyarrow become a ``DataError``."""
    arrow: Any = need("pyarrow", "parquet")
    parquet: Any = need("pyarrow.parquet", "parquet")
    try:
        check_regular(path)
        with parquet.ParquetFile(path) as file:
            yield file
    except FileNotFoundError:
        raise DataError("does not exist", where=str(path), remedy="Check the path.") from None
    except PermissionError:
        raise no_permission(path, DataError) from None
    except (arrow.ArrowException, OSError) as error:
        detail = str(error).partition("\n")[0]
        raise DataError(
            f"damaged, or not Parquet ({detail})", where=str(path), remedy="Fetch it again."
        ) from None


def _from_arrow(arrow: Any, path: Path, name: str, column: Any) -> Cells:
    """A column as an array. pyarrow has no complete type hints, hence ``Any``."""
    types, kind = arrow.types, column.type
    if types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if not _is_plain(types, kind):
        raise DataError(
            f"holds {kind}, which cannot be a cell",
            where=f"{path}, column {name!r}",
            remedy="Remove the column, or split it into columns of single values.",
        )
    if types.is_decimal(kind):
        return objects([None if cell is None else str(cell) for cell in column.to_pylist()])
    if types.is_timestamp(kind) and kind.tz:
        moments = column.to_pylist()
        return objects([None if cell is None else cell.isoformat() for cell in moments])
    if types.is_time(kind) or types.is_float16(kind):
        column = column.cast(arrow.float32() if types.is_float16(kind) else arrow.string())
    whole = types.is_integer(column.type) or types.is_boolean(column.type)
    if types.is_string(column.type) or types.is_large_string(column.type):
        return _text_cells(column)
    if types.is_null(kind):
        return objects(column.to_pylist())
    if whole and column.null_count:
        return objects(column.to_pylist())
    cells: Cells = column.to_numpy(zero_copy_only=False)
    return cells


def _text_cells(column: Any) -> Cells:
    """Text cells; equal strings are one object, so that a column costs eight bytes a cell."""
    coded: Any = column.dictionary_encode()
    values = objects([*coded.dictionary.to_pylist(), None])
    at: NDArray[Any] = coded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
    return values[at]


def _json_lines(path: Path, rows: int) -> Iterator[Frame]:
    names: tuple[str, ...] = ()
    number = 1
    try:
        with open_text(path, encoding="utf-8-sig") as file:
            lines = ((at, line) for at, line in enumerate(file, 1) if line.strip())
            while part := list(islice(lines, rows)):
                records = [_record(path, at, line) for at, line in part]
                names = names or tuple(dict.fromkeys(name for each in records for name in each))
                for (at, _), record in zip(part, records, strict=True):
                    if strange := record.keys() - set(names):
                        raise DataError(
                            f"a column that earlier rows do not have: {sorted(strange)[0]!r}",
                            where=f"{path}, line {at}",
                            remedy="Give the first rows every column, with null where missing.",
                        )
                columns = [cells_of([record.get(name) for record in records]) for name in names]
                yield Frame(names, tuple(columns), str(path), number)
                number += len(part)
    except FileNotFoundError:
        raise DataError("does not exist", where=str(path), remedy="Check the path.") from None
    except UnicodeError as error:
        raise DataError(
            f"is not in UTF-8: {error}", where=str(path), remedy="Save it as UTF-8."
        ) from None
    if number == 1:
        raise DataError("no rows", where=str(path), remedy="Give it a table with rows.")


def _record(path: Path, at: int, line: str) -> Mapping[str, Any]:
    problem = "expected an object with one plain value per column"
    value: Any = None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        problem = f"not JSON ({error})"
    record = cast(dict[str, Any], value if isinstance(value, dict) else {})
    if not record or any(isinstance(cell, dict | list) for cell in record.values()):
        raise DataError(
            problem, where=f"{path}, line {at}", remedy='Write {"name": value, ...} in each line.'
        )
    return record
