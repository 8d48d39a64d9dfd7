"""Parquet in the Hugging Face image layout: a column of ``{bytes, path}``, perhaps a label."""

from __future__ import annotations

import bisect
import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

from gannet.core.errors import DataError, need, no_permission
from gannet.core.io.names import Numbered
from gannet.core.source import Labels, Source
from gannet.data.labels import choose, from_cells, from_numbers

_ASIDE = ("test", "val", "valid", "validation", "dev")


def from_parquet(path: Path, files: Sequence[Path], label: str | None) -> Source:
    """Pictures in one or more Parquet files.

    Args:
        path: That the user named: the file, or the folder of files.
        files: In order.
        label: Column of labels.

    Raises:
        DataError: if a file is damaged or has no column of pictures.
        MissingExtraError: if pyarrow is not installed.
    """
    used, aside = training_files(files)
    shards = _Shards(used)
    chosen, problems = choose(shards.others, label, str(path))
    if aside:
        names = ", ".join(file.name for file in aside)
        problems.append(f"{names} left aside: only files of the training part are used")
    source = Source(
        path=path,
        layout="Parquet in the Hugging Face image layout",
        kind="image",
        names=Numbered("row", shards.count),
        raw=shards.picture,
        problems=tuple(problems),
        files=used,
    )
    if chosen is None:
        return source
    return source.labelled(_labels(shards, chosen, used[0].parent / "classes.txt"))


def holds_pictures(path: Path) -> bool:
    """Whether a file has a column of pictures; if not, it is a table.

    Raises:
        DataError: if the file is damaged.
        MissingExtraError: if pyarrow is not installed.
    """
    return bool(_picture_columns(_opened(path).schema_arrow))


def training_files(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Split files into those to train on and those whose names say that they are for testing."""
    train = [file for file in files if file.name.lower().startswith("train")]
    if not train:
        train = [file for file in files if not file.name.lower().startswith(_ASIDE)]
    used = train or list(files)
    return used, [file for file in files if file not in used]


class _Shards:
    """Rows of several files; one group of rows is held at a time, for each asking thread in turn.

    pyarrow has no complete types, hence ``Any`` for what comes from it.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.paths = list(files)
        self.files = [_opened(file) for file in files]
        self.schema: Any = self.files[0].schema_arrow
        self.column = _picture_column(self.schema, files[0])
        for path, file in zip(files, self.files, strict=True):
            if file.schema_arrow.names != self.schema.names:
                raise DataError(
                    "other columns than in the first file",
                    where=str(path),
                    remedy="Keep only the files of one set in the folder.",
                )
        self.others: list[str] = [name for name in self.schema.names if name != self.column]
        self.groups = [
            (number, group)
            for number, file in enumerate(self.files)
            for group in range(file.num_row_groups)
        ]
        rows = (self.files[f].metadata.row_group(g).num_rows for f, g in self.groups)
        self.ends: list[int] = list(accumulate(rows))
        self.count = self.ends[-1] if self.ends else 0
        self.lock = threading.Lock()
        self.held: tuple[int, Any] = (-1, None)

    def picture(self, index: int) -> bytes:
        """The content of one picture file."""
        number = bisect.bisect_right(self.ends, index)
        with self.lock:
            if self.held[0] != number:
                file, group = self.groups[number]
                with _reading(self.paths[file]):
                    column = self.files[file].read_row_group(group, columns=[self.column])
                self.held = (number, column.column(0))
            start = self.ends[number - 1] if number else 0
            cell: Any = self.held[1][index - start].as_py()
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        return content if isinstance(content, bytes) else b""

    def cells(self, column: str) -> list[Any]:
        """Every cell of a column."""
        found: list[Any] = []
        for path, file in zip(self.paths, self.files, strict=True):
            with _reading(path):
                found += file.read(columns=[column]).column(0).to_pylist()
        return found


def _opened(path: Path) -> Any:
    parquet: Any = need("pyarrow.parquet", "parquet")
    with _reading(path):
        return parquet.ParquetFile(path)


@contextmanager
def _reading(path: Path) -> Generator[None]:
    """Turn what pyarrow says of a damaged file into one clear error."""
    arrow: Any = need("pyarrow", "parquet")
    try:
        yield
    except PermissionError:
        raise no_permission(path, DataError) from None
    except (arrow.ArrowException, OSError, ValueError) as error:
        detail = str(error).partition("\n")[0]
        raise DataError(
            f"damaged, or no Parquet ({detail})", where=str(path), remedy="Fetch it again."
        ) from None


def _picture_columns(schema: Any) -> list[str]:
    arrow: Any = need("pyarrow", "parquet")
    return [
        field.name
        for field in schema
        if arrow.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0
    ]


def _picture_column(schema: Any, path: Path) -> str:
    fitting = _picture_columns(schema)
    if "image" in fitting:
        return "image"
    if len(fitting) == 1:
        return fitting[0]
    columns = ", ".join(schema.names)
    raise DataError(
        f"no column of pictures among {columns}"
        if not fitting
        else f"more than one column of pictures: {', '.join(fitting)}",
        where=str(path),
        remedy="Pictures lie in a column 'image' of structs {bytes, path}.",
    )


def _labels(shards: _Shards, column: str, beside: Path) -> Labels:
    cells = shards.cells(column)
    where = str(beside.parent)
    numbers = [cell for cell in cells if cell is None or isinstance(cell, int)]
    if len(numbers) == len(cells):
        names = _names(shards.schema, column)
        if not names and beside.exists():
            names = beside.read_text(encoding="utf-8").split("\n")
            names = [name.strip() for name in names if name.strip()]
        return from_numbers(numbers, names, where=where)
    texts = [None if cell is None else str(cell) for cell in cells]
    return from_cells(texts, where=where, column=column)


def _names(schema: Any, column: str) -> list[str]:
    """Names of classes that the Hugging Face library wrote into the file."""
    metadata: dict[bytes, bytes] = schema.metadata or {}
    if b"huggingface" not in metadata:
        return []
    try:
        names: Any = json.loads(metadata[b"huggingface"])["info"]["features"][column]["names"]
    except (ValueError, KeyError, TypeError):
        return []
    return list(map(str, cast(list[object], names))) if isinstance(names, list) else []
