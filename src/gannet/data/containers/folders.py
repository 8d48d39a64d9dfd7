"""Folders of files, and folders with a subfolder per class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import overload

import numpy as np

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.core.source import Labels
from gannet.data.containers.cells import (
    CellTable,
    Classes,
    FileFilter,
    UnclaimedError,
    suffixes_of,
)
from gannet.modalities.reading import ColumnView

SPLITS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
"""Subfolders of these names are parts of one set, not classes."""


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder, sorted by name, without hidden files.

    Raises:
        DataError: if there is no permission to read the folder.
    """
    try:
        with os.scandir(folder) as scan:
            return sorted(
                (entry for entry in scan if not entry.name.startswith((".", "__MACOSX"))),
                key=lambda entry: entry.name,
            )
    except PermissionError:
        raise DataError(
            "no permission to read it", where=str(folder), remedy="Check its access rights."
        ) from None


def from_folder(folder: Path, file_filter: FileFilter) -> CellTable:
    """A folder of files, or one with a subfolder per class.

    Raises:
        UnclaimedError: if it holds no matching file.
    """
    inside = entries(folder)
    flat = [entry.name for entry in inside if entry.is_file() and file_filter.fits(entry.name)]
    below = [Path(entry.path) for entry in inside if entry.is_dir()]
    groups = {
        each.name: contents for each in below if (contents := list(files_below(each, file_filter)))
    }
    if len(flat) == 1 and len(groups) > 1:
        below_suffixes = suffixes_of(name for contents in groups.values() for name in contents)
        if not suffixes_of(flat).keys() & below_suffixes.keys():
            flat = []  # a file about the folders, such as a README, that some kind could read
    if flat or len(groups) == 1:
        return _flat(folder, flat, groups, file_filter)
    if not groups:
        raise _empty(folder, inside, file_filter)
    if groups.keys() <= SPLITS and (part := training_part(groups)):
        other_parts = ", ".join(sorted(groups.keys() - {part}))
        contents = from_folder(folder / part, file_filter)
        note = f"{other_parts} ignored: only {part} is used for training"
        return replace(contents, problems=(*contents.problems, *([note] if other_parts else [])))
    names = [f"{name}/{below}" for name, group in groups.items() for below in group]
    numbers = np.repeat(np.arange(len(groups)), [len(group) for group in groups.values()])
    labels = Labels(tuple(groups), numbers)

    def classes(label: str | None) -> Classes:
        if label:
            raise _no_table(folder, label, file_filter)
        return Classes(labels if label is None else None)

    return replace(of_paths(folder, names, "class folders"), classes=classes)


def of_paths(folder: Path, names: list[str], layout: str) -> CellTable:
    """Files in a folder, by their names relative to it."""
    paths = Paths(folder, names)
    view = ColumnView("", "files", suffixes_of(names), cell=paths.at)
    return CellTable(folder, layout, names, (view,), files=paths)


class Paths(Sequence[Path]):
    """Paths made on demand: 200,000 of them would take as much memory as a small dataset."""

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
        """The path at an index."""
        return self.folder / self.names[index]


def files_below(folder: Path, file_filter: FileFilter) -> Iterator[str]:
    """Paths of matching files at any depth, relative to ``folder``."""
    for entry in entries(folder):
        if entry.is_dir():
            yield from (
                f"{entry.name}/{name}" for name in files_below(Path(entry.path), file_filter)
            )
        elif file_filter.fits(entry.name):
            yield entry.name


def _flat(
    folder: Path, flat: list[str], groups: Mapping[str, list[str]], file_filter: FileFilter
) -> CellTable:
    problems: list[str] = []
    names = flat
    if flat and groups:
        count = sum(len(group) for group in groups.values())
        many = file_filter.many
        problems = [f"{count} {many} in subfolders ignored: there are {many} beside them"]
    elif groups:
        [(only, below)] = groups.items()
        names = [f"{only}/{name}" for name in below]

    def classes(label: str | None) -> Classes:
        if label:
            raise _no_table(folder, label, file_filter)
        return Classes()

    table = of_paths(folder, names, "folder of {}")
    return replace(table, classes=classes, problems=tuple(problems))


def training_part(groups: Mapping[str, object]) -> str:
    """The name of the training part; empty if there is none."""
    return next((name for name in ("train", "training") if name in groups), "")


def _empty(folder: Path, inside: Sequence[os.DirEntry[str]], file_filter: FileFilter) -> DataError:
    many = file_filter.many
    if not inside:
        return DataError(
            "the folder is empty",
            where=str(folder),
            remedy=f"Put {many} or a data file into it.",
        )
    return UnclaimedError(
        f"no {many} and no data file in it, only {first_few([entry.name for entry in inside])}",
        where=str(folder),
        remedy=f"{many.capitalize()} end in {', '.join(sorted(file_filter.suffixes))}.",
    )


def _no_table(folder: Path, label: str, file_filter: FileFilter) -> DataError:
    return DataError(
        f"no column {label!r}: the {file_filter.many} have no table",
        where=str(folder),
        remedy="Put metadata.csv with file_name and that column beside them, or leave out --label.",
    )
