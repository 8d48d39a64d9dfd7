"""Files with a table of what belongs to each: ``metadata.csv`` or ``metadata.jsonl``."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any, cast

from gannet.core.errors import DataError
from gannet.core.frame import objects
from gannet.core.io.names import first_few
from gannet.data.containers import rows
from gannet.data.containers.cells import CellTable, Classes, FileFilter, suffixes_of
from gannet.data.containers.folders import Paths, entries, files_below, of_paths
from gannet.data.labels import choose, from_cells, unasked
from gannet.modalities.reading import ColumnView

TABLES = ("metadata.csv", "metadata.jsonl")
"""File names of such tables."""

FILE = "file_name"
"""The column of each row's file name; columns of further files end in ``_file_name``."""

FilesThere = Callable[[Collection[PurePath]], Collection[str]]
"""The files in some folders, all relative to the folder of the table."""

CellOf = Callable[[list[str]], Callable[[int], Any]]
"""Names of files to the cell of a row."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """A table of files, and of values beside them.

    Attributes:
        where: The table, as error messages name it.
        lines: Its rows.
        further: Columns of further files.
        values: All other columns, but for that of the files.
    """

    where: str
    lines: Sequence[Mapping[str, str]]
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
        columns = list(dict.fromkeys(key for line in lines for key in line))
        if FILE not in columns:
            raise DataError(
                f"no column {FILE!r} among {', '.join(columns)}",
                where=where,
                remedy=f"Add it: it names the {one} of each row.",
            )
        further = tuple(name for name in columns if name.endswith(f"_{FILE}"))
        values = tuple(name for name in columns if name != FILE and name not in further)
        return cls(where, lines, further, values)

    def cells(self, column: str) -> list[str]:
        """The cells of a column; empty where a row has none."""
        return [line.get(column, "") for line in self.lines]

    def files(self, there: FilesThere, column: str = FILE) -> list[str]:
        """The files that a column names.

        Raises:
            DataError: if one is missing or lies elsewhere or, of the samples, occurs twice.
        """
        names = [cell.strip() for cell in self.cells(column)]
        _check_names(self.where, names, there, column)
        return names

    def views(self, there: FilesThere, cell_of: CellOf) -> tuple[ColumnView, ...]:
        """The columns beside the samples, each by itself, and those of values together."""
        files = ((name, self.files(there, name)) for name in self.further)
        views = [
            ColumnView(name, "files", suffixes_of(names), cell=cell_of(names), further=True)
            for name, names in files
        ]
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


def from_metadata(folder: Path, table: Path, file_filter: FileFilter) -> CellTable:
    """A folder of files with a table; every other column holds values.

    Raises:
        DataError: if the table is damaged or names files that are missing.
    """
    found = Metadata.of_lines(table_lines(table), str(table), file_filter.one)
    there = partial(_there, folder)
    names = found.files(there)
    base_table = of_paths(folder, names, f"folder of {{}} with {table.name}")
    beside = found.views(there, lambda others: Paths(folder, others).at)
    return replace(
        base_table,
        views=(replace(base_table.views[0], name=FILE), *beside),
        classes=found.classes,
        problems=tuple(left_out(names, files_below(folder, file_filter), file_filter.many)),
        files=[table, *base_table.files],
    )


def _values(lines: Sequence[Mapping[str, str]], name: str) -> ColumnView:
    return ColumnView(name, "values", cell=lambda row: lines[row].get(name, ""), further=True)


def table_lines(table: Path) -> list[dict[str, str]]:
    """The rows of one of ``TABLES``.

    Raises:
        DataError: if it is damaged.
    """
    return lines_of(table.read_bytes(), str(table))


def lines_of(content: bytes, table: str) -> list[dict[str, str]]:
    """The rows of one of ``TABLES``, from its content and its name.

    Raises:
        DataError: if it is damaged.
    """
    return _csv_lines(content, table) if table.endswith(".csv") else _json_lines(content, table)


def csv_lines(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV with a header, in UTF-8.

    Raises:
        DataError: if it is damaged, or a row has another number of cells than the header.
    """
    return _csv_lines(table.read_bytes(), str(table))


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
        except ValueError as error:
            raise DataError(f"not JSON ({error})", where=f"{table}, line {number}") from None
        if not isinstance(line, dict):
            raise DataError("expected {...}", where=f"{table}, line {number}")
        cells = cast(dict[str, object], line)
        lines.append({key: "" if cell is None else str(cell) for key, cell in cells.items()})
    return lines


def _there(folder: Path, parents: Collection[PurePath]) -> set[str]:
    """Files in some parents within a folder."""
    return {
        str(parent / entry.name)
        for parent in parents
        if (folder / parent).is_dir()
        for entry in entries(folder / parent)
    }


def _check_names(where: str, names: Sequence[str], there: FilesThere, column: str) -> None:
    for number, name in enumerate(names, start=1):
        path = PurePath(name)
        if not name or path.is_absolute() or ".." in path.parts:
            raise DataError(
                f"{column} {name!r} is not a path inside the folder",
                where=f"{where}, row {number}",
                remedy="Use paths relative to the folder of the table.",
            )
    found = there({PurePath(name).parent for name in names})
    if missing := [name for name in names if str(PurePath(name)) not in found]:
        raise DataError(
            f"{len(missing)} of {len(names)} files do not exist: {first_few(missing)}",
            where=where,
            remedy="Correct the names, or remove those rows.",
        )
    if column == FILE and len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise DataError(
            f"{twice} occurs in more than one row", where=where, remedy="Keep one of them."
        )


def left_out(names: Collection[str], files: Iterable[str], many: str) -> list[str]:
    """A note on the files that the table does not name, if there are any."""
    count = len({*files} - {*names})
    return [f"{count} {many} without a row in the table ignored"] if count else []
