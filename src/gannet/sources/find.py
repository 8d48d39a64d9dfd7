"""Recognise how a data set is laid out."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path

from gannet.errors import DataError
from gannet.sources import archives, arrays, folders, parquet, tables
from gannet.sources.source import Kind, Source

LAYOUTS = (
    "a folder of pictures, class folders, a folder with metadata.csv or metadata.jsonl, Parquet "
    "(Hugging Face images), a zip of pictures, .npz, .npy, or a .csv of numbers"
)

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
        kind: Insist on pictures (``image``) or rows of numbers (``vector``).

    Raises:
        DataError: if nothing is there, or nothing that can be used.
    """
    path = Path(path)
    source = _folder(path, label) if _is_folder(path) else _file(path, label)
    if not source.count:
        raise DataError("nothing in it", where=str(path), remedy=f"Give it {LAYOUTS}.")
    if kind is not None and source.kind != kind:
        words = {"image": "pictures", "vector": "rows of numbers"}
        raise DataError(
            f"holds {words[source.kind]}, expected {words[kind]}",
            where=str(path),
            remedy="Choose other data or another recipe.",
        )
    return source


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
