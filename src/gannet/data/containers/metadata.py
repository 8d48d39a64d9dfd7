"""Tables of what belongs to each file: ``metadata.csv``, ``.jsonl`` or ``.parquet``."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from gannet.core.errors import DataError, need, no_permission
from gannet.core.frame import objects
from gannet.core.io.names import first_few
from gannet.core.io.regular import read_content
from gannet.data.containers import rows
from gannet.data.containers.cells import Classes, suffixes_of
from gannet.data.containers.frames import plain_columns
from gannet.data.containers.layouts.resolver import Resolver
from gannet.data.containers.layouts.tree import plain_path
from gannet.data.labels import choose, from_cells, unasked
from gannet.modalities.reading import ColumnView

TABLES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""File names of such tables."""

FILE = "file_name"
"""The column of each row's file name; columns of further files end in ``_file_name``."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """A table of files, and of values beside them.

    Attributes:
        where: The table, as error messages name it.
        lines: Its rows.
        file: The column of the files.
        further: Columns of further files.
        values: All other columns.
    """

    where: str
    lines: Sequence[Mapping[str, str]]
    file: str
    further: tuple[str, ...]
    values: tuple[str, ...]

    @classmethod
    def of_lines(cls, lines: Sequence[Mapping[str, str]], where: str, one: str) -> Metadata:
        """The columns of a table, by their names.

        Args:
            lines: Its rows.
            where: The table.
            one: What a file is called.

        Raises:
            DataError: if it is empty or has no column of files.
        """
        if not lines:
            raise DataError("the table is empty", where=where, remedy=f"Add one row per {one}.")
        columns = columns_of(lines)
        if FILE not in columns:
            raise DataError(
                f"no column {FILE!r} among {', '.join(columns)}",
                where=where,
                remedy=f"Add it: it names the {one} of each row.",
            )
        further = [name for name in columns if name.endswith(f"_{FILE}")]
        return cls.of_columns(lines, where, FILE, further)

    @classmethod
    def of_columns(
        cls, lines: Sequence[Mapping[str, str]], where: str, file: str, further: Sequence[str] = ()
    ) -> Metadata:
        """A table of which the columns of files are known."""
        others = {file, *further}
        values = tuple(name for name in columns_of(lines) if name not in others)
        return cls(where, lines, file, tuple(further), values)

    def cells(self, column: str) -> list[str]:
        """The cells of a column; empty where a row has none."""
        return [line.get(column, "") for line in self.lines]

    def files(self, resolver: Resolver, column: str = "") -> list[str]:
        """The names of the files that a column gives, by default that of the samples.

        Raises:
            DataError: if one is missing or lies elsewhere or, of the samples, occurs twice.
        """
        cells = self.cells(column or self.file)
        return _checked_names(self.where, cells, resolver, column or self.file, once=not column)

    def views(
        self, cell: Callable[[str], Any], files: Mapping[str, list[str]]
    ) -> tuple[ColumnView, ...]:
        """The columns beside the samples, each by itself, and those of values together.

        Args:
            cell: The cell of a file's name.
            files: The names of the files in each further column.
        """
        views = [_files(name, names, cell) for name, names in files.items()]
        views += [_values(self.lines, name) for name in self.values]
        frames = rows.Assembled(self.values, lambda name: objects(self.cells(name)), self.where, 1)
        return *views, *rows.together(self.values, frames, further=True)

    def classes(self, label: str | None) -> Classes:
        """The classes of a column's name; see `CellTable.classes`."""
        chosen, problems = choose(self.values, label, self.where)
        if chosen is None:
            if label is None and not problems:
                problems = unasked({name: self.cells(name) for name in self.values})
            return Classes(problems=tuple(problems))
        cells = [line.get(chosen) for line in self.lines]
        labels = from_cells(cells, where=self.where, column=chosen)
        return Classes(labels, chosen, tuple(problems))


def columns_of(lines: Sequence[Mapping[str, str]]) -> list[str]:
    """The columns of all rows."""
    return list(dict.fromkeys(key for line in lines for key in line))


def _files(name: str, names: list[str], cell: Callable[[str], Any]) -> ColumnView:
    return ColumnView(
        name, "files", suffixes_of(names), cell=lambda row: cell(names[row]), further=True
    )


def _values(lines: Sequence[Mapping[str, str]], name: str) -> ColumnView:
    return ColumnView(name, "values", cell=lambda row: lines[row].get(name, ""), further=True)


def table_lines(table: Path) -> list[dict[str, str]]:
    """The rows of one of ``TABLES``.

    Raises:
        DataError: if it is damaged.
    """
    return lines_of(_content(table), str(table))


def _content(table: Path) -> bytes:
    try:
        return read_content(table)
    except PermissionError:
        raise no_permission(table, DataError) from None
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror})", where=str(table), remedy="Make it a plain file."
        ) from None


def lines_of(content: bytes, table: str) -> list[dict[str, str]]:
    """The rows of one of ``TABLES``, from its content and its name.

    Raises:
        DataError: if it is damaged.
    """
    if table.endswith(".parquet"):
        return parquet_lines(content, table)
    return _csv_lines(content, table) if table.endswith(".csv") else _json_lines(content, table)


def csv_lines(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV with a header, in UTF-8.

    Raises:
        DataError: if it is damaged, or a row has another number of cells than the header.
    """
    return _csv_lines(_content(table), str(table))


def _csv_lines(content: bytes, table: str) -> list[dict[str, str]]:
    try:
        file = io.StringIO(content.decode("utf-8-sig"), newline="")
        lines = list(csv.DictReader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"cannot be read ({error})", where=table, remedy="Save it as CSV in UTF-8."
        ) from None
    for number, line in enumerate(lines, start=2):
        if None in line or None in line.values():
            raise DataError(
                "not as many cells as the header",
                where=f"{table}, line {number}",
                remedy="Put quotes around cells that hold commas.",
            )
    return lines


def _json_lines(content: bytes, table: str) -> list[dict[str, str]]:
    lines: list[dict[str, str]] = []
    for number, text in enumerate(content.splitlines(), start=1):
        if not text.strip():
            continue
        try:
            line: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"not JSON ({error})", where=f"{table}, line {number}") from None
        if not isinstance(line, dict):
            raise DataError("expected {...}", where=f"{table}, line {number}")
        cells = cast(dict[str, object], line)
        lines.append({key: "" if cell is None else str(cell) for key, cell in cells.items()})
    return lines


def parquet_lines(content: bytes, table: str) -> list[dict[str, str]]:
    """The rows of Parquet, as text; cells of lists and the like are left out.

    Raises:
        DataError: if it is damaged.
        MissingExtraError: if pyarrow is not installed.
    """
    arrow: Any = need("pyarrow", "parquet")
    parquet: Any = need("pyarrow.parquet", "parquet")
    try:
        file: Any = parquet.ParquetFile(arrow.BufferReader(content))
        plain = plain_columns(file.schema_arrow)
        lines: list[dict[str, Any]] = file.read(columns=list(plain)).to_pylist()
    except (arrow.ArrowException, OSError, ValueError) as error:
        detail = str(error).partition("\n")[0]
        raise DataError(
            f"damaged, or not Parquet ({detail})", where=table, remedy="Fetch it again."
        ) from None
    return [
        {name: "" if cell is None else str(cell) for name, cell in line.items()} for line in lines
    ]


def _checked_names(
    where: str, cells: Sequence[str], resolver: Resolver, column: str, *, once: bool
) -> list[str]:
    names: list[str] = []
    missing: list[str] = []
    for number, cell in enumerate(cells, start=1):
        path = PurePosixPath(plain_path(cell))
        if not cell.strip() or path.is_absolute() or ".." in path.parts:
            raise DataError(
                f"{column} {cell.strip()!r} is not a path inside the folder",
                where=f"{where}, row {number}",
                remedy="Use paths relative to the folder of the table.",
            )
        found = resolver.exact(cell)
        names += [found.name] if found else []
        missing += [] if found else [cell.strip()]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(cells)} files do not exist: {first_few(missing)}",
            where=where,
            remedy="Correct the names, or remove those rows.",
        )
    if once and len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise DataError(
            f"{twice} occurs in more than one row", where=where, remedy="Keep one of them."
        )
    return names
