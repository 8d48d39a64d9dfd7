"""Parquet with the contents of files: columns of bytes or of ``{bytes, path}``, and of values.

``{bytes, path}`` is the layout of the Hugging Face hub for images, audio and video.
"""

from __future__ import annotations

import bisect
import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path, PurePath
from typing import Any, cast

from gannet.core.errors import DataError, need, no_permission
from gannet.core.io.names import Numbered
from gannet.core.io.regular import check_regular, read_text
from gannet.core.source import FileContent, Labels
from gannet.data.containers import frames, rows
from gannet.data.containers.cells import CellTable, Classes, suffixes_of
from gannet.data.containers.layouts.parts import training_names
from gannet.data.containers.shards import Shards
from gannet.data.labels import choose, from_cells, from_numbers, unasked
from gannet.modalities.reading import ColumnView

SAMPLED_CELLS = 8
"""Contents that are inspected to detect the kind of data."""

SAMPLED_BYTES = 64
"""First bytes of each that are inspected."""


def from_parquet(path: Path, files: Sequence[Path]) -> CellTable:
    """Rows of one or more Parquet files that hold contents of files.

    Args:
        path: The path that the user gave: the file, or the folder of files.
        files: In order; those named as test or validation files are ignored.

    Raises:
        DataError: if a file is damaged or has other columns than the first.
        MissingExtraError: if pyarrow is not installed.
    """
    used, unused = training_files(files)
    shards = _FileShards(used)

    def classes(label: str | None) -> Classes:
        chosen, problems = choose(shards.values, label, str(path))
        if chosen is None:
            if label is None and not problems:
                plain = [name for name in shards.values if _is_text(shards.schema, name)]
                problems = unasked({name: shards.cells(name) for name in plain})
            return Classes(problems=tuple(problems))
        labels = _labels(shards, chosen, used[0].parent / "classes.txt")
        return Classes(labels, chosen, tuple(problems))

    referred = {name: shards.referred(name) for name in shards.contents}
    views = [_contents(shards, name, referred[name]) for name in shards.contents]
    views += [_values(shards, name) for name in shards.values]
    views += _rows(shards)
    return CellTable(
        path=path,
        layout="Parquet of {}",
        names=Numbered("row", shards.count),
        views=tuple(views),
        classes=classes,
        problems=unused_files_note(unused),
        files=[*used, *(file for files in referred.values() for file in files)],
    )


def unused_files_note(files: Sequence[Path]) -> tuple[str, ...]:
    """A note on files that are not for training."""
    names = ", ".join(file.name for file in files)
    return (f"{names} ignored: only files of the training part are used",) if files else ()


def holds_files(path: Path) -> bool:
    """Whether a file has a column with contents of files; if not, it is a table of values.

    Raises:
        DataError: if the file is damaged.
        MissingExtraError: if pyarrow is not installed.
    """
    return bool(_content_columns(_opened(path).schema_arrow))


def _contents(shards: _FileShards, name: str, referred: Sequence[Path]) -> ColumnView:
    if referred:
        names = [str(file) for file in referred]
        return ColumnView(name, "files", suffixes_of(names), cell=referred.__getitem__)
    cells: list[bytes] = []
    for row in range(min(shards.count, SAMPLED_CELLS)):
        with suppress(DataError):  # reading it reports that
            cells.append(shards.cell(name, row))
    if shards.count and not cells:
        shards.cell(name, 0)  # nothing can be read, which is said at once
    named = [cell.name for cell in cells if isinstance(cell, FileContent)]
    suffixes = {each: count for each, count in suffixes_of(named).items() if each}
    first = tuple(cell[:SAMPLED_BYTES] for cell in cells)
    return ColumnView(name, "files", suffixes, first=first, cell=lambda row: shards.cell(name, row))


def _values(shards: _FileShards, name: str) -> ColumnView:
    cached: list[Any] = []

    def cell(row: int) -> Any:
        if not cached:
            cached.extend(shards.cells(name))
        return cached[row]

    return ColumnView(name, "values", cell=cell, further=True)


def _rows(shards: _FileShards) -> tuple[ColumnView, ...]:
    """The columns of single values, as rows of a table."""
    names = frames.plain_columns(shards.schema)
    chunks = tuple(frames.parquet_columns(path, names) for path in shards.paths)
    return rows.together(names, Shards(chunks), further=True)


def training_files(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Split files into those to train on and those named as test or validation files."""
    used = set(training_names([file.name for file in files]))
    mine = [file for file in files if file.name in used]
    return mine, [file for file in files if file.name not in used]


class _FileShards:
    """Rows of several files; of each column one row group at a time is cached.

    pyarrow has no complete type hints, hence ``Any``.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.paths = list(files)
        self.files = [_opened(file) for file in files]
        self.schema: Any = self.files[0].schema_arrow
        self.contents = _content_columns(self.schema)
        for path, file in zip(files, self.files, strict=True):
            if file.schema_arrow.names != self.schema.names:
                raise DataError(
                    "other columns than in the first file",
                    where=str(path),
                    remedy="Keep only the files of one set in the folder.",
                )
        self.values: list[str] = [name for name in self.schema.names if name not in self.contents]
        self.groups = [
            (number, group)
            for number, file in enumerate(self.files)
            for group in range(file.num_row_groups)
        ]
        rows = (self.files[f].metadata.row_group(g).num_rows for f, g in self.groups)
        self.ends: list[int] = list(accumulate(rows))
        self.count = self.ends[-1] if self.ends else 0
        self.lock = threading.Lock()
        self.cached: dict[str, tuple[int, Any]] = {}

    def cell(self, name: str, index: int) -> bytes:
        """The content of one file; empty if the cell is empty."""
        number = bisect.bisect_right(self.ends, index)
        with self.lock:
            at, column = self.cached.get(name, (-1, None))
            if at != number:
                file, group = self.groups[number]
                with _reading(self.paths[file]):
                    column = self.files[file].read_row_group(group, columns=[name]).column(0)
                self.cached[name] = number, column
            start = self.ends[number - 1] if number else 0
            cell: Any = column[index - start].as_py()
        if isinstance(cell, list):
            cell = _only_one(cast(list[Any], cell), name, index)
        within = cell.get("path") if isinstance(cell, dict) else None
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        data = content if isinstance(content, bytes) else b""
        return FileContent.named(data, within) if isinstance(within, str) else data

    def referred(self, name: str) -> list[Path]:
        """The files that cells give by their path; none where they hold the contents.

        Paths are relative to the first file, and lie in its folder.
        """
        types: Any = need("pyarrow", "parquet").types
        kind = self.schema.field(name).type
        if not types.is_struct(kind) or kind.get_field_index("path") < 0 or not self.count:
            return []
        folder = self.paths[0].parent
        with _reading(self.paths[0]):
            group: Any = self.files[0].read_row_group(0, columns=[name]).column(0)
        cells: list[Any] = group.slice(0, SAMPLED_CELLS).to_pylist()
        if any(cell is None or cell.get("bytes") is not None for cell in cells):
            return []
        names: list[str] = [(cell or {}).get("path") or "" for cell in self.cells(name)]
        inside = [PurePath(each) for each in names]
        if any(each.is_absolute() or ".." in each.parts for each in inside):
            return []
        return [folder / each for each in inside]

    def cells(self, column: str) -> list[Any]:
        """Every cell of a column."""
        values: list[Any] = []
        for path, file in zip(self.paths, self.files, strict=True):
            with _reading(path):
                values += file.read(columns=[column]).column(0).to_pylist()
        return values


def _only_one(contents: list[Any], name: str, index: int) -> Any:
    """The only content in a cell that holds a list of them."""
    if len(contents) == 1:
        return contents[0]
    raise DataError(
        f"a list of {len(contents)} in column {name!r}, expected one",
        where=f"row {index}",
        remedy="Write one row for each.",
    )


def _opened(path: Path) -> Any:
    parquet: Any = need("pyarrow.parquet", "parquet")
    with _reading(path):
        check_regular(path)
        return parquet.ParquetFile(path)


@contextmanager
def _reading(path: Path) -> Generator[None]:
    """Turn errors of pyarrow into a ``DataError``."""
    arrow: Any = need("pyarrow", "parquet")
    try:
        yield
    except PermissionError:
        raise no_permission(path, DataError) from None
    except (arrow.ArrowException, OSError, ValueError) as error:
        detail = str(error).partition("\n")[0]
        raise DataError(
            f"damaged, or not Parquet ({detail})", where=str(path), remedy="Fetch it again."
        ) from None


def _content_columns(schema: Any) -> list[str]:
    """Columns of bytes, of structs with a field ``bytes``, or of lists of these."""
    return [field.name for field in schema if _is_content(field.type)]


def _is_content(kind: Any) -> bool:
    types: Any = need("pyarrow", "parquet").types
    if types.is_list(kind) or types.is_large_list(kind):
        kind = kind.value_type
    struct = types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or struct)


def _is_text(schema: Any, name: str) -> bool:
    """Whether a column holds words; columns of numbers are suggested to nobody as classes."""
    arrow: Any = need("pyarrow", "parquet")
    kind = schema.field(name).type
    return bool(arrow.types.is_string(kind) or arrow.types.is_large_string(kind))


def _labels(shards: _FileShards, column: str, beside: Path) -> Labels:
    cells = shards.cells(column)
    where = str(beside.parent)
    numbers = [cell for cell in cells if cell is None or isinstance(cell, int)]
    if len(numbers) == len(cells):
        names = _names(shards.schema, column)
        if not names and beside.exists():
            names = _lines(beside)
            names = [name.strip() for name in names if name.strip()]
        return from_numbers(numbers, names, where=where)
    if any(isinstance(cell, list | dict) for cell in cells):
        raise DataError(
            "holds lists, and several labels for each sample are no classes",
            where=f"{where}, column {column!r}",
            remedy="Choose another column with --label, or none with --label ''.",
        )
    texts = [None if cell is None else str(cell) for cell in cells]
    return from_cells(texts, where=where, column=column)


def _lines(path: Path) -> list[str]:
    """The lines of a file of class names.

    Raises:
        DataError: if it cannot be read as text.
    """
    try:
        return read_text(path).split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot be read as text ({error})", where=str(path), remedy="Save it as UTF-8."
        ) from None


def _names(schema: Any, column: str) -> list[str]:
    """Class names that the Hugging Face library wrote into the file."""
    metadata: dict[bytes, bytes] = schema.metadata or {}
    if b"huggingface" not in metadata:
        return []
    try:
        names: Any = json.loads(metadata[b"huggingface"])["info"]["features"][column]["names"]
    except (ValueError, KeyError, TypeError):
        return []
    return list(map(str, cast(list[object], names))) if isinstance(names, list) else []
