"""Recognise how a data set is laid out."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from gannet.core.errors import DataError
from gannet.core.frame import Dialect, Frame
from gannet.core.io.names import Numbered
from gannet.core.source import WORDS, Source, SourceKind
from gannet.data.containers import archives, arrays, folders, frames, number_tables, parquet, shards

LAYOUTS = (
    "a folder of pictures, class folders, a folder with metadata.csv or metadata.jsonl, Parquet "
    "(Hugging Face images), a zip of pictures, .npz, .npy, or a table (.csv, .tsv, .jsonl, "
    ".parquet)"
)

HELD_BYTES = 64 * 2**20
"""Tables in files up to this size are read once and held; larger ones are read as often as needed.
"""

HELD_CELLS = 4 * HELD_BYTES
"""The same for Parquet, whose files are small for what is in them: eight bytes a cell."""

_FILES: Mapping[str, Callable[[Path, str | None], Source]] = {
    ".npz": arrays.from_npz,
    ".npy": arrays.from_npy,
    ".csv": number_tables.from_csv,
    ".tsv": number_tables.from_csv,
    ".zip": archives.from_zip,
    ".parquet": lambda path, label: parquet.from_parquet(path, [path], label),
}


def find(path: Path, *, label: str | None = None, kind: SourceKind | None = None) -> Source:
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
    return bool(_table_files(Path(path)))


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


def _table_files(path: Path) -> list[Path]:
    """The files of a table at ``path``, one or its shards; none if what lies there is no table."""
    if not _is_folder(path):
        return [path] if _is_table_file(path) else []
    names = [entry.name for entry in folders.entries(path) if entry.is_file()]
    if any(map(folders.is_picture, names)) or set(folders.TABLES) & set(names):
        return []
    # A .txt beside other files is more often a note than data.
    known = {*frames.SUFFIXES, *_FILES} - {".txt", ".data"}
    held = [path / name for name in names if Path(name).suffix.lower() in known]
    kinds = {each.suffix.lower() for each in held}
    if len(held) != 1 and len(kinds) != 1:
        return []
    return held if all(map(_is_table_file, held)) else []


def _is_table_file(file: Path) -> bool:
    suffix = file.suffix.lower()
    if suffix not in frames.SUFFIXES:
        return False
    return suffix != ".parquet" or not parquet.holds_pictures(file)


def _table(path: Path, label: str | None) -> Source:
    if label:
        raise DataError(
            f"--label {label} names a class, which a table does not need",
            where=str(path),
            remedy="Leave it out: every column can be asked for with --given.",
        )
    files = _table_files(path)
    if not files:
        raise DataError(
            "holds no table",
            where=str(path),
            remedy="Give one file, or a folder of files of one kind and with the same columns, "
            f"that ends in {', '.join(frames.SUFFIXES)}; or another recipe.",
        )
    files, aside = parquet.training_files(files)
    chunks = shards.Shards(tuple(map(frames.read_chunks, files)))
    sizes = chunks.measured()
    small = sizes is None and sum(file.stat().st_size for file in files) <= HELD_BYTES
    if sizes is not None:
        small = 8 * sizes.rows * len(sizes.names) <= HELD_CELLS
    parts = tuple(chunks) if small else chunks
    if small or sizes is None:
        sizes = shards.sizes_of(parts)
    problems: list[str] = []
    if aside:
        names = ", ".join(file.name for file in aside)
        problems.append(f"{names} left aside: only files of the training part are used")
    how = chunks.chunks[0].dialect
    layout = _layout(files[0], how) + (f", {len(files)} files" if len(files) > 1 else "")
    names = sizes.names
    return Source(
        path=path,
        layout=f"table of {len(names)} column{'s' * (len(names) != 1)} ({layout})",
        kind="table",
        names=Numbered("row", sizes.rows, sizes.first),
        raw=_no_items,
        columns=names,
        problems=tuple(problems),
        files=files,
        held=small,
        frames=parts,
        dialect=how,
    )


def _layout(file: Path, how: Dialect | None) -> str:
    words = {"\t": "tab", ";": "semicolon", "|": "bar"}
    kinds = {".parquet": "Parquet", ".jsonl": "JSON lines", ".ndjson": "JSON lines"}
    layout = kinds.get(file.suffix.lower(), "text")
    if how is not None and how.delimiter != ",":
        layout += f", cells apart by a {words.get(how.delimiter, how.delimiter)}"
    if how is not None and not how.header:
        layout += ", without a header"
    return layout


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
