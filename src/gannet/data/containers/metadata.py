"""A folder of files with a table of their labels: ``metadata.csv`` or ``metadata.jsonl``."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import cast

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.data.containers.cells import CellTable, Classes, FileFilter, suffixes_of
from gannet.data.containers.folders import Paths, entries, files_below, of_paths
from gannet.data.labels import choose, from_cells
from gannet.modalities.reading import ColumnView

TABLES = ("metadata.csv", "metadata.jsonl")
"""File names of such tables."""

FILE = "file_name"
"""The column of each row's file name; columns of further files end in ``_file_name``."""


def from_metadata(folder: Path, table: Path, file_filter: FileFilter) -> CellTable:
    """A folder of files with a table; every other column holds values.

    Raises:
        DataError: if the table is damaged or names files that are missing.
    """
    lines = table_lines(table)
    if not lines:
        raise DataError(
            "the table is empty", where=str(table), remedy=f"Add one row per {file_filter.one}."
        )
    columns = list(dict.fromkeys(key for line in lines for key in line))
    if FILE not in columns:
        raise DataError(
            f"no column {FILE!r} among {', '.join(columns)}",
            where=str(table),
            remedy=f"Add it: it names the {file_filter.one} of each row.",
        )
    names = [line.get(FILE, "").strip() for line in lines]
    _check_names(folder, table, names)
    further = [name for name in columns if name.endswith(f"_{FILE}")]
    values = [name for name in columns if name != FILE and name not in further]

    def classes(label: str | None) -> Classes:
        chosen, problems = choose(values, label, str(table))
        if chosen is None:
            return Classes(problems=tuple(problems))
        cells = [line.get(chosen) for line in lines]
        labels = from_cells(cells, where=str(table), column=chosen)
        return Classes(labels, chosen, tuple(problems))

    base_table = of_paths(folder, names, f"folder of {{}} with {table.name}")
    views = [replace(base_table.views[0], name=FILE)]
    views += [_files(folder, table, lines, name) for name in further]
    views += [_values(lines, name) for name in values]
    return replace(
        base_table,
        views=tuple(views),
        classes=classes,
        problems=tuple(_left_out(folder, names, file_filter)),
        files=[table, *base_table.files],
    )


def _files(folder: Path, table: Path, lines: Sequence[dict[str, str]], name: str) -> ColumnView:
    """A further column of files."""
    names = [line.get(name, "").strip() for line in lines]
    _check_names(folder, table, names, column=name, once=False)
    paths = Paths(folder, names)
    return ColumnView(name, "files", suffixes_of(names), cell=paths.at, further=True)


def _values(lines: Sequence[dict[str, str]], name: str) -> ColumnView:
    return ColumnView(name, "values", cell=lambda row: lines[row].get(name, ""), further=True)


def table_lines(table: Path) -> list[dict[str, str]]:
    """The rows of one of ``TABLES``.

    Raises:
        DataError: if it is damaged.
    """
    return csv_lines(table) if table.suffix == ".csv" else _json_lines(table)


def csv_lines(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV with a header, in UTF-8.

    Raises:
        DataError: if it is damaged, or a row has another number of cells than the header.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            lines = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"cannot be read ({error})", where=str(table), remedy="Save it as CSV in UTF-8."
        ) from None
    for number, line in enumerate(lines, start=2):
        if None in line or None in line.values():
            raise DataError(
                "not as many cells as the header",
                where=f"{table}, line {number}",
                remedy="Put quotes around cells that hold commas.",
            )
    return lines


def _json_lines(table: Path) -> list[dict[str, str]]:
    lines: list[dict[str, str]] = []
    for number, text in enumerate(table.read_bytes().splitlines(), start=1):
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


def _check_names(
    folder: Path, table: Path, names: Sequence[str], *, column: str = FILE, once: bool = True
) -> None:
    for number, name in enumerate(names, start=1):
        path = PurePath(name)
        if not name or path.is_absolute() or ".." in path.parts:
            raise DataError(
                f"{column} {name!r} is not a path inside the folder",
                where=f"{table}, row {number}",
                remedy="Use paths relative to the folder of the table.",
            )
    there: set[str] = set()
    for parent in {PurePath(name).parent for name in names}:
        if (folder / parent).is_dir():
            there |= {str(parent / entry.name) for entry in entries(folder / parent)}
    if missing := [name for name in names if str(PurePath(name)) not in there]:
        raise DataError(
            f"{len(missing)} of {len(names)} files do not exist: {first_few(missing)}",
            where=str(table),
            remedy="Correct the names, or remove those rows.",
        )
    if once and len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise DataError(
            f"{twice} occurs in more than one row", where=str(table), remedy="Keep one of them."
        )


def _left_out(folder: Path, names: Sequence[str], file_filter: FileFilter) -> list[str]:
    count = len(set(files_below(folder, file_filter)) - set(names))
    return [f"{count} {file_filter.many} without a row in the table ignored"] if count else []
