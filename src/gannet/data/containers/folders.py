"""Folders: of pictures, of classes, or with a table that says what each picture is."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import cast, overload

import numpy as np

from gannet.core.errors import DataError
from gannet.core.source import Labels, Source
from gannet.data.labels import choose, from_cells
from gannet.modalities.image.io.files import SUFFIXES

SPLITS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
"""Subfolders of these names are parts of one set, not classes."""

TABLES = ("metadata.csv", "metadata.jsonl")
"""Tables that may lie beside pictures."""


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, by name; hidden files are left out.

    Raises:
        DataError: if the folder may not be read.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(
                (entry for entry in found if not entry.name.startswith((".", "__MACOSX"))),
                key=lambda entry: entry.name,
            )
    except PermissionError:
        raise DataError(
            "no permission to look into it", where=str(folder), remedy="Check its access rights."
        ) from None


def is_picture(name: str) -> bool:
    """Whether a file counts as a picture, by its suffix."""
    return PurePath(name).suffix.lower() in SUFFIXES


def from_pictures(folder: Path, label: str | None) -> Source:
    """A folder of pictures, or one with a subfolder per class.

    Raises:
        DataError: if it holds no picture, or a label column is asked for where none can be.
    """
    inside = entries(folder)
    flat = [entry.name for entry in inside if entry.is_file() and is_picture(entry.name)]
    below = [Path(entry.path) for entry in inside if entry.is_dir()]
    groups = {each.name: found for each in below if (found := list(_pictures_below(each)))}
    if flat or len(groups) == 1:
        return _flat(folder, flat, groups, label)
    if not groups:
        raise _empty(folder, inside)
    if groups.keys() <= SPLITS and (part := _training_part(groups)):
        rest = ", ".join(sorted(groups.keys() - {part}))
        found = from_pictures(folder / part, label)
        note = f"{rest} left aside: only {part} is used for training"
        return replace(found, problems=(*found.problems, *([note] if rest else [])))
    if label:
        raise _no_table(folder, label)
    names = [f"{name}/{below}" for name, group in groups.items() for below in group]
    labels = np.repeat(np.arange(len(groups)), [len(group) for group in groups.values()])
    paths = _Paths(folder, names)
    source = Source(
        path=folder,
        layout="class folders",
        kind="image",
        names=names,
        raw=paths.at,
        files=paths,
    )
    return source if label == "" else source.labelled(Labels(tuple(groups), labels))


def from_table(folder: Path, table: Path, label: str | None) -> Source:
    """A folder of pictures with ``metadata.csv`` or ``metadata.jsonl``.

    Raises:
        DataError: if the table is damaged, names files that are missing, or lacks the label.
    """
    lines = table_lines(table)
    if not lines:
        raise DataError("the table is empty", where=str(table), remedy="Add one row per picture.")
    columns = list(dict.fromkeys(key for line in lines for key in line))
    if "file_name" not in columns:
        raise DataError(
            f"no column 'file_name' among {', '.join(columns)}",
            where=str(table),
            remedy="It says which picture a row belongs to.",
        )
    names = [line.get("file_name", "").strip() for line in lines]
    _check_names(folder, table, names)
    chosen, problems = choose([name for name in columns if name != "file_name"], label, str(table))
    paths = _Paths(folder, names)
    source = Source(
        path=folder,
        layout=f"folder of pictures with {table.name}",
        kind="image",
        names=names,
        raw=paths.at,
        problems=(*problems, *_left_out(folder, names)),
        files=[table, *paths],
    )
    if chosen is None:
        return source
    cells = [line.get(chosen) for line in lines]
    return source.labelled(from_cells(cells, where=str(table), column=chosen))


class _Paths(Sequence[Path]):
    """Paths made when asked for: 200,000 of them would weigh as much as a small data set."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.folder, self.names = folder, names

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> list[Path]: ...
    def __getitem__(self, index: int | slice) -> Path | list[Path]:
        if isinstance(index, slice):
            return [self.folder / name for name in self.names[index]]
        return self.folder / self.names[index]

    def at(self, index: int) -> Path:
        """One path."""
        return self.folder / self.names[index]


def _pictures_below(folder: Path) -> Iterator[str]:
    """Paths of pictures at any depth, relative to ``folder``."""
    for entry in entries(folder):
        if entry.is_dir():
            yield from (f"{entry.name}/{name}" for name in _pictures_below(Path(entry.path)))
        elif is_picture(entry.name):
            yield entry.name


def _flat(
    folder: Path, flat: list[str], groups: Mapping[str, list[str]], label: str | None
) -> Source:
    if label:
        raise _no_table(folder, label)
    problems: list[str] = []
    names = flat
    if flat and groups:
        count = sum(len(group) for group in groups.values())
        problems = [f"{count} pictures in subfolders left aside: there are pictures beside them"]
    elif groups:
        [(only, below)] = groups.items()
        names = [f"{only}/{name}" for name in below]
    paths = _Paths(folder, names)
    return Source(
        path=folder,
        layout="folder of pictures",
        kind="image",
        names=names,
        raw=paths.at,
        problems=tuple(problems),
        files=paths,
    )


def _training_part(groups: Mapping[str, object]) -> str:
    return next((name for name in ("train", "training") if name in groups), "")


def _empty(folder: Path, inside: Sequence[os.DirEntry[str]]) -> DataError:
    if not inside:
        return DataError(
            "the folder is empty", where=str(folder), remedy="Put pictures or a data file into it."
        )
    shown = ", ".join(entry.name for entry in inside[:5]) + (", ..." if len(inside) > 5 else "")
    return DataError(
        f"no pictures and no data file in it, only {shown}",
        where=str(folder),
        remedy=f"Pictures end in {', '.join(sorted(SUFFIXES))}.",
    )


def _no_table(folder: Path, label: str) -> DataError:
    return DataError(
        f"no column {label!r}: the pictures come without a table",
        where=str(folder),
        remedy="Put metadata.csv with file_name and that column beside them, or drop --label.",
    )


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
                "another number of cells than the header",
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


def _check_names(folder: Path, table: Path, names: Sequence[str]) -> None:
    for number, name in enumerate(names, start=1):
        path = PurePath(name)
        if not name or path.is_absolute() or ".." in path.parts:
            raise DataError(
                f"file_name {name!r} is no path inside the folder",
                where=f"{table}, row {number}",
                remedy="Name files relative to the folder of the table.",
            )
    there: set[str] = set()
    for parent in {PurePath(name).parent for name in names}:
        if (folder / parent).is_dir():
            there |= {str(parent / entry.name) for entry in entries(folder / parent)}
    if missing := [name for name in names if str(PurePath(name)) not in there]:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise DataError(
            f"{len(missing)} of {len(names)} files do not exist: {shown}",
            where=str(table),
            remedy="Fix the names, or remove those rows.",
        )
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise DataError(
            f"{twice} stands in more than one row", where=str(table), remedy="Keep one of them."
        )


def _left_out(folder: Path, names: Sequence[str]) -> list[str]:
    count = len(set(_pictures_below(folder)) - set(names))
    return [f"{count} pictures without a row in the table left aside"] if count else []
