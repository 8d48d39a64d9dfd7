"""The container at a path: by what a folder holds, or by a file's suffix."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.data.containers import archives, arrays, folders, frames, metadata, parquet, tables
from gannet.data.containers.cells import (
    CellTable,
    FileFilter,
    UnclaimedError,
    suffix_of,
    suffixes_of,
)

_FILES: Mapping[str, Callable[[Path, FileFilter], CellTable]] = {
    ".npz": lambda path, filter_: arrays.from_npz(path, filter_.kinds),
    ".npy": lambda path, _: arrays.from_npy(path),
    ".zip": archives.from_zip,
    ".tar": archives.from_tar,
}
"""Files that hold many samples, other than tables."""

NOTES = (".txt", ".data")
"""Suffixes of tables that, beside other files, are more likely notes."""

_DATA_FILES = {*frames.SUFFIXES, *_FILES} - {*NOTES}


def table_at(path: Path, file_filter: FileFilter, in_file: FileFilter | None = None) -> CellTable:
    """The container at a path.

    Args:
        path: A folder or a file.
        file_filter: Which files of a folder are samples.
        in_file: Which members of a single file are; by default the same.

    Raises:
        DataError: if nothing is there, or nothing that can be read.
    """
    if _is_folder(path):
        return _folder(path, file_filter)
    return _file(path, in_file or file_filter)


def _is_folder(path: Path) -> bool:
    try:
        if path.exists():
            return path.is_dir()
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    except PermissionError:
        raise DataError(
            "no permission to read it", where=str(path), remedy="Check its access rights."
        ) from None
    near = difflib.get_close_matches(path.name, beside, 1)
    raise DataError(
        "does not exist",
        where=str(path),
        remedy=f"Did you mean {path.parent / near[0]}?" if near else "Check the path.",
    )


def _file(path: Path, file_filter: FileFilter) -> CellTable:
    suffix = suffix_of(path.name)
    if suffix in _FILES:
        return _FILES[suffix](path, file_filter)
    if file_filter.fits(path.name) and not _may_hold_many(suffix, file_filter):
        raise DataError(
            f"a single {file_filter.one} is not a dataset",
            where=str(path),
            remedy="Give its folder instead.",
        )
    if suffix in frames.SUFFIXES:
        if tables.is_table(path):
            return tables.from_files(path, [path])
        return parquet.from_parquet(path, [path])
    raise DataError(
        f"{suffix or 'a file without suffix'} is not a format that gannet can read",
        where=str(path),
        remedy=f"Use {layouts(file_filter.many)}.",
    )


def _folder(path: Path, file_filter: FileFilter) -> CellTable:
    names = [entry.name for entry in folders.entries(path) if entry.is_file()]
    table_names = [name for name in metadata.TABLES if name in names]
    if len(table_names) > 1:
        raise DataError(
            "both metadata.csv and metadata.jsonl",
            where=str(path),
            remedy="Remove one.",
        )
    if table_names:
        return metadata.from_metadata(path, path / table_names[0], file_filter)
    shards = [path / name for name in names if suffix_of(name) == ".parquet"]
    beside = any(file_filter.fits(name) for name in names if suffix_of(name) != ".parquet")
    if shards and (beside or not all(map(tables.is_table, shards))):
        return parquet.from_parquet(path, shards)
    if not _are_samples(names, file_filter):
        if (table := _tables_in(path, names, file_filter)) is not None:
            return table
        data = path / "data"
        if data.is_dir() and any(each.suffix == ".parquet" for each in data.iterdir()):
            return _folder(data, file_filter)
    return folders.from_folder(path, file_filter)


def _may_hold_many(suffix: str, file_filter: FileFilter) -> bool:
    """Whether a single file is read as a table or array, although a kind reads samples from it."""
    return suffix in {*frames.SUFFIXES, *_FILES} and suffix not in file_filter.only


def _are_samples(names: Sequence[str], file_filter: FileFilter) -> bool:
    """Whether files of a folder are samples of a kind that reads them.

    A single file beside a table is more likely about it. Of files that could also be tables or
    arrays, only two or more of a suffix are samples, and those that are more likely notes only if
    there is no table.
    """
    counts = suffixes_of(filter(file_filter.fits, names))
    tables_there = any(suffix_of(name) in _DATA_FILES - file_filter.only for name in names)
    sure = sum(n for suffix, n in counts.items() if not _may_hold_many(suffix, file_filter))
    return sure > int(tables_there) or any(
        count > 1 and not (suffix in NOTES and tables_there) for suffix, count in counts.items()
    )


def _tables_in(path: Path, names: Sequence[str], file_filter: FileFilter) -> CellTable | None:
    """The only data file of a folder, or the table that its files form together."""
    files = [path / name for name in names if suffix_of(name) in _DATA_FILES]
    if files and tables.folder_of_tables(files):
        return tables.from_files(path, files)
    if len(files) > 1:
        raise UnclaimedError(
            f"more than one data file: {first_few([each.name for each in files])}",
            where=str(path),
            remedy="Give the path of one.",
        )
    return _file(files[0], file_filter) if files else None


def layouts(many: str) -> str:
    """The layouts that can be read, for error messages, with what many files are called."""
    return (
        f"a folder of {many}, class folders, a folder with metadata.csv or metadata.jsonl, a zip "
        f"or tar of {many}, Parquet, .npz, .npy, or a table (.csv, .tsv, .jsonl, .parquet)"
    )
