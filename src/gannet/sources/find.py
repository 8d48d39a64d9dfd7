"""Recognise how a data set is laid out."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from gannet.errors import DataError
from gannet.frames import Frame
from gannet.sources import archives, arrays, folders, frames, parquet, tables
from gannet.sources.names import Numbered
from gannet.sources.source import WORDS, Kind, Source

LAYOUTS = (
    "a folder of pictures, class folders, a folder with metadata.csv or metadata.jsonl, Parquet "
    "(Hugging Face images), a zip of pictures, .npz, .npy, or a table (.csv, .tsv, .jsonl, "
    ".parquet)"
)

HELD_BYTES = 64 * 2**20
"""Tables in files up to this size are read once and held; larger ones are read as often as needed.
"""

_FILES: Mapping[str, Callable[[Path, str | None], Source]] = {
    ".npz": arrays.from_npz,
    ".npy": arrays.from_npy,
    ".csv": tables.from_csv,
    ".tsv": tables.from_csv,
    ".zip": archives.from_zip,
    ".parquet": lambda path, label: parquet.from_parquet(path, [path], label),
}


def find(path: Path, *, label: str | None = None, kind: Kind | None = None) -> Source:
    """Find out what lies at ``path``, without decoding it.

    Args:
        path: A folder or a file.
        label: Column, or array, of the classes. By default the only one called label, class,
            category or group. ``""`` leaves classes aside.
        kind: Insist on pictures (``image``), rows of numbers (``vector``) or a table of any columns
            (``table``). By default a text table is read as rows of numbers.

    Raises:
        DataError: if nothing is there, or nothing that can be used.
    """
    path = Path(path)
    if kind == "table":
        return _table(path, label)
    source = _folder(path, label) if _is_folder(path) else _file(path, label)
    if not source.count:
        raise DataError("nothing in it", where=str(path), remedy=f"Give it {LAYOUTS}.")
    if kind is not None and source.kind != kind:
        raise DataError(
            f"holds {WORDS[source.kind]}, expected {WORDS[kind]}",
            where=str(path),
            remedy="Choose other data or another recipe.",
        )
    return source


def is_table(path: Path) -> bool:
    """Whether a table lies at ``path``, of any columns; pictures and arrays are none.

    Raises:
        DataError: if nothing is there.
    """
    return _table_file(Path(path)) is not None


def of_frame(frame: Frame) -> Source:
    """A table in memory, such as a data frame, as a source."""
    return Source(
        path=Path(frame.where or "table"),
        layout=f"{frame.where or 'table in memory'} with {len(frame.names)} columns",
        kind="table",
        names=Numbered("row", len(frame), frame.first),
        raw=_no_items,
        columns=frame.names,
        held=True,
        frames=(frame,),
    )


def _no_items(index: int) -> NoReturn:
    raise AssertionError(f"item {index} of a table was asked for, which is read in frames")


def _table_file(path: Path) -> Path | None:
    """The file of a table at ``path``; ``None`` if what lies there is something else."""
    if _is_folder(path):
        names = [entry.name for entry in folders.entries(path) if entry.is_file()]
        pictures = any(map(folders.is_picture, names)) or set(folders.TABLES) & set(names)
        # A .txt beside other files is more often a note than data.
        known = {*frames.SUFFIXES, *_FILES} - {".txt", ".data"}
        held = [name for name in names if Path(name).suffix.lower() in known]
        if pictures or len(held) != 1:
            return None
        path = path / held[0]
    suffix = path.suffix.lower()
    if suffix not in frames.SUFFIXES:
        return None
    return None if suffix == ".parquet" and parquet.holds_pictures(path) else path


def _table(path: Path, label: str | None) -> Source:
    if label:
        raise DataError(
            f"--label {label} names a class, which a table does not need",
            where=str(path),
            remedy="Leave it out: every column can be asked for with --given.",
        )
    file = _table_file(path)
    if file is None:
        raise DataError(
            "holds no table",
            where=str(path),
            remedy=f"Give one file that ends in {', '.join(frames.SUFFIXES)}, or another recipe.",
        )
    chunks = frames.read_chunks(file)
    small = file.stat().st_size <= HELD_BYTES
    parts = tuple(chunks) if small else chunks
    names: tuple[str, ...] = ()
    rows, first = 0, 1
    for frame in parts:
        first = first if rows else frame.first
        names, rows = frame.names, rows + len(frame)
    how = chunks.dialect
    words = {"\t": "tab", ";": "semicolon", "|": "bar"}
    kinds = {".parquet": "Parquet", ".jsonl": "JSON lines", ".ndjson": "JSON lines"}
    layout = kinds.get(file.suffix.lower(), "text")
    if how is not None and how.delimiter != ",":
        layout += f", cells apart by a {words.get(how.delimiter, how.delimiter)}"
    if how is not None and not how.header:
        layout += ", without a header"
    return Source(
        path=path,
        layout=f"table of {len(names)} column{'s' * (len(names) != 1)} ({layout})",
        kind="table",
        names=Numbered("row", rows, first),
        raw=_no_items,
        columns=names,
        files=[file],
        held=small,
        frames=parts,
        dialect=how,
    )


def _is_folder(path: Path) -> bool:
    try:
        if path.exists():
            return path.is_dir()
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    except PermissionError:
        raise DataError(
            "no permission to look there", where=str(path), remedy="Check its access rights."
        ) from None
    near = difflib.get_close_matches(path.name, beside, 1)
    raise DataError(
        "does not exist",
        where=str(path),
        remedy=f"Did you mean {path.parent / near[0]}?" if near else "Check the path.",
    )


def _file(path: Path, label: str | None) -> Source:
    suffix = path.suffix.lower()
    if suffix in _FILES:
        return _FILES[suffix](path, label)
    if folders.is_picture(path.name):
        raise DataError(
            "a single picture is no data set", where=str(path), remedy="Name its folder instead."
        )
    raise DataError(
        f"{suffix or 'a file without suffix'} is no data that gannet knows",
        where=str(path),
        remedy=f"Give it {LAYOUTS}.",
    )


def _folder(path: Path, label: str | None) -> Source:
    names = [entry.name for entry in folders.entries(path) if entry.is_file()]
    found = [name for name in folders.TABLES if name in names]
    if len(found) > 1:
        raise DataError(
            "metadata.csv and metadata.jsonl, of which only one can be right",
            where=str(path),
            remedy="Remove one.",
        )
    if found:
        return folders.from_table(path, path / found[0], label)
    if shards := [path / name for name in names if name.endswith(".parquet")]:
        return parquet.from_parquet(path, shards, label)
    if not any(map(folders.is_picture, names)):
        others = [name for name in names if Path(name).suffix.lower() in _FILES]
        if len(others) == 1:
            return _file(path / others[0], label)
        if len(others) > 1:
            raise DataError(
                f"more than one data file: {', '.join(others[:5])}",
                where=str(path),
                remedy="Name the one you mean.",
            )
        data = path / "data"
        if data.is_dir() and any(each.suffix == ".parquet" for each in data.iterdir()):
            return _folder(data, label)
    return folders.from_pictures(path, label)
