"""Apply a model to a table; unchanged cells keep their bytes. See ``Modality.apply_file``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gannet.core.codec import Codec
from gannet.core.errors import ConfigError, DataError
from gannet.core.frame import Dialect, Frame, as_frame
from gannet.core.io.files import write_whole
from gannet.core.transform import TransformTask
from gannet.modalities.inference import ReadTable
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.io.csv_edit import patched
from gannet.modalities.table.io.write import FORMATS, write_frame
from gannet.modalities.table.io.writers import WRITERS
from gannet.modalities.table.sampling.rows import as_pandas

TEXT = (".csv", ".tsv")
"""Suffixes of text tables, of which unchanged cells are copied byte for byte."""


def apply_file(
    task: TransformTask, given: Path, outs: Sequence[Path], read_table: ReadTable
) -> None:
    """Transform a table file and write one file per draw.

    Raises:
        ConfigError: if the output's suffix is not one of a table.
        DataError: if the input cannot be read, or has other columns than training's.
    """
    suffix = outs[0].suffix.lower()
    if suffix not in WRITERS:
        raise ConfigError(
            f"--out: a table cannot be written to {outs[0]}", remedy=f"Use {FORMATS}."
        )
    frame = read_table(given)
    transformed = task(frame)
    outs[0].parent.mkdir(parents=True, exist_ok=True)
    dialect = frame.dialect if suffix in TEXT and given.suffix.lower() == suffix else None
    for path, filled in zip(outs, transformed, strict=True):
        if dialect is None:
            write_frame(filled, path)
        else:
            _write_patched(given, dialect, frame, filled, path)


def _write_patched(given: Path, dialect: Dialect, before: Frame, after: Frame, path: Path) -> None:
    """Write a text table with the changed cells replaced and all other bytes as they were."""
    exchanged: dict[int, dict[int, str]] = {}
    for column, (old, new) in enumerate(zip(before.columns, after.columns, strict=True)):
        for row in np.flatnonzero(old != new).tolist():
            exchanged.setdefault(row, {})[column] = str(new[row])
    with given.open(newline="", encoding=dialect.encoding) as file:
        text = file.read()
    try:
        write_whole(path, patched(text, dialect, exchanged).encode(dialect.encoding))
    except UnicodeEncodeError as error:
        raise DataError(
            f"a cell cannot be written in the input's encoding ({error})",
            where=str(path),
            remedy="Save the input in UTF-8.",
        ) from None


def read_input(codec: Codec[Any], given: Any, read_table: ReadTable) -> Frame:  # noqa: ARG001
    """A file, a data frame or a frame as a frame, for a transform to another kind of data."""
    return read_table(Path(given)) if isinstance(given, str | Path) else as_frame(given)


def write_output(codec: Codec[Any], raw: Any, path: Path) -> None:
    """Write a table, or one row, that was made from another kind of data."""
    if isinstance(raw, Frame):
        write_frame(raw, path)
    else:
        codec.write(raw, path)


def output_value(codec: Codec[Any], raw: Any) -> Any:
    """A frame as a data frame (or ``Frame``, no pandas); a single row as it is."""
    assert isinstance(codec, TableCodec)
    return as_pandas(raw, codec) if isinstance(raw, Frame) else raw


def apply_value(task: TransformTask, given: Any, read_table: ReadTable) -> Sequence[Any]:
    """Transform a frame, a data frame or a file; one data frame per draw (or ``Frame``, no pandas).

    Raises:
        DataError: if there are no rows, or other columns than training's.
    """
    assert isinstance(task.codec, TableCodec)
    file = isinstance(given, str | Path)
    frame = read_table(Path(given)) if file else as_frame(given)
    if not len(frame):
        raise DataError("no rows", remedy="Give a table with one row at least.")
    transformed: list[Any] = list(task(frame))
    if isinstance(given, Frame):
        return transformed
    transformed = [as_pandas(each, task.codec) for each in transformed]
    index: Any = None if file else getattr(given, "index", None)
    return transformed if index is None else [each.set_axis(index, axis=0) for each in transformed]
