"""Tables of values: text, JSON lines and Parquet, in one file or several, and data frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gannet.core.frame import Dialect, Frame, listed
from gannet.core.io.names import Numbered
from gannet.data.containers import frames, parquet, rows, shards
from gannet.data.containers.cells import CellTable, Classes, suffix_of
from gannet.data.labels import choose, from_cells
from gannet.modalities.reading import ColumnView

MAX_CACHED_BYTES = 64 * 2**20
"""Table files up to this many bytes are read once and kept; larger ones are read repeatedly."""

MAX_CACHED_PARQUET_BYTES = 4 * MAX_CACHED_BYTES
"""The same limit for Parquet, whose files are compressed: on eight bytes a cell."""


def is_table(file: Path) -> bool:
    """Whether a file is a table of values, by its suffix and, of Parquet, by its columns."""
    suffix = suffix_of(file.name)
    if suffix not in frames.SUFFIXES:
        return False
    return suffix != ".parquet" or not parquet.holds_files(file)


def from_files(path: Path, files: Sequence[Path]) -> CellTable:
    """One table in one or more files with the same columns.

    Args:
        path: The path that the user gave: the file, or the folder of files.
        files: In order; those named as test or validation files are ignored.

    Raises:
        DataError: if a file cannot be read as a table, or has no rows.
    """
    files, unused = parquet.training_files(files)
    chunks = shards.Shards(tuple(map(frames.read_chunks, files)))
    sizes = chunks.measured()
    small = sizes is None and sum(file.stat().st_size for file in files) <= MAX_CACHED_BYTES
    if sizes is not None:
        small = 8 * sizes.rows * len(sizes.names) <= MAX_CACHED_PARQUET_BYTES
    parts = tuple(chunks) if small else chunks
    if small or sizes is None:
        sizes = shards.sizes_of(parts)
    how = chunks.chunks[0].dialect
    layout = _layout(files[0], how) + (f", {len(files)} files" if len(files) > 1 else "")
    names = sizes.names
    header = how is None or how.header
    return CellTable(
        path=path,
        layout=f"table of {len(names)} column{'s' * (len(names) != 1)} ({layout})",
        names=Numbered("row", sizes.rows, sizes.first),
        views=_views(names, parts),
        classes=lambda label: _classes(path, names, parts, label, header=header),
        problems=parquet.unused_files_note(unused),
        files=files,
        in_memory=small,
        dialect=how,
    )


def from_frame(frame: Frame) -> CellTable:
    """A table in memory, such as a data frame."""
    path, parts = Path(frame.where or "table"), (frame,)
    return CellTable(
        path=path,
        layout=f"{frame.where or 'table in memory'} with {len(frame.names)} columns",
        names=Numbered("row", len(frame), frame.first),
        views=_views(frame.names, parts),
        classes=lambda label: _classes(path, frame.names, parts, label, header=True),
        in_memory=True,
    )


def _views(names: tuple[str, ...], parts: Iterable[Frame]) -> tuple[ColumnView, ...]:
    """All columns together, and each by itself."""
    return *rows.together(names, parts), *(_column(name, parts) for name in names)


def _column(name: str, parts: Iterable[Frame]) -> ColumnView:
    cells: list[object] = []

    def cell(row: int) -> object:
        if not cells:
            cells.extend(value for part in parts for value in listed(part.column(name)))
        return cells[row]

    return ColumnView(name, "values", cell=cell, further=True)


def _classes(
    path: Path,
    names: tuple[str, ...],
    parts: Iterable[Frame],
    label: str | None,
    *,
    header: bool,
) -> Classes:
    """Classes from a column; without a header, a column's number may be given as its name."""
    if label and label.isdigit() and not header:
        label = f"column_{label}"
    chosen, problems = choose(names, label, str(path))
    if chosen is None:
        return Classes(problems=tuple(problems))
    cells = [
        "" if cell is None or str(cell).strip() == "?" else str(cell)
        for part in parts
        for cell in listed(part.column(chosen))
    ]
    return Classes(from_cells(cells, where=str(path), column=chosen), chosen, tuple(problems))


def _layout(file: Path, how: Dialect | None) -> str:
    delimiter_names = {"\t": "tab", ";": "semicolon", "|": "bar"}
    kinds = {".parquet": "Parquet", ".jsonl": "JSON lines", ".ndjson": "JSON lines"}
    layout = kinds.get(suffix_of(file.name), "text")
    if how is not None and how.delimiter != ",":
        layout += f", separated by {delimiter_names.get(how.delimiter, how.delimiter)}"
    if how is not None and not how.header:
        layout += ", without a header"
    return layout


def folder_of_tables(files: Sequence[Path]) -> bool:
    """Whether files of a folder are one table: a single file, or several of one kind."""
    kinds = {suffix_of(each.name) for each in files}
    if len(files) != 1 and len(kinds) != 1:
        return False
    return all(map(is_table, files))
