"""Write tables to files atomically: completely or not at all."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gannet.core.errors import DataError, need
from gannet.core.frame import Cells, Dialect, Frame, cells_of, factorized, listed, to_pandas
from gannet.core.io.given_types import arrow_type, to_arrow
from gannet.modalities.table.columns.formats import durations
from gannet.modalities.table.columns.formats.numbers import numbers

FORMATS = ".csv, .tsv, .parquet or .jsonl"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        rows: Number of rows.
        formulas: Cells that a spreadsheet would run as a formula, by column; columns with none
            left out.
        escaped: Whether those were quoted.
    """

    rows: int
    formulas: dict[str, int]
    escaped: bool


def write_frame(
    frame: Frame, path: Path, *, dialect: Dialect | None = None, escape_formulas: bool = False
) -> Written:
    """Write a table; the suffix determines the format. See `write_chunks`."""
    return write_chunks([frame], path, dialect=dialect, escape_formulas=escape_formulas)


def write_chunks(
    frames: Iterable[Frame],
    path: Path,
    *,
    dialect: Dialect | None = None,
    escape_formulas: bool = False,
) -> Written:
    """Write tables of the same columns into one file; the suffix determines the format.

    If writing fails, the file that was at ``path`` before is unchanged.

    Args:
        frames: At least one.
        path: Of a .csv, .tsv, .parquet or .jsonl file.
        dialect: Of text; by default commas, or tabs if .tsv.
        escape_formulas: Put ``'`` before cells that a spreadsheet would run.

    Raises:
        DataError: if the suffix is none of these, or the file cannot be written.
    """
    path = Path(path)
    writers: dict[str, Callable[[Iterator[Frame], Path], None]] = {
        ".csv": lambda parts, to: _delimited(parts, to, dialect or Dialect()),
        ".tsv": lambda parts, to: _delimited(parts, to, dialect or Dialect(delimiter="\t")),
        ".jsonl": _json_lines,
        ".parquet": _parquet,
    }
    suffix = path.suffix.lower()
    if suffix not in writers:
        raise DataError(
            f"a table cannot be written as {suffix or 'a file without suffix'}",
            where=str(path),
            remedy=f"Use {FORMATS}.",
        )
    if suffix == ".parquet":
        need("pyarrow", "parquet")
    formulas: dict[str, int] = {}
    rows = 0

    def watched() -> Iterator[Frame]:
        nonlocal rows
        for frame in frames:
            rows += len(frame)
            yield _harmless(frame, formulas, escape=escape_formulas)

    with _whole(path) as partial:
        writers[suffix](watched(), partial)
    return Written(rows, formulas, escape_formulas and bool(formulas))


@contextmanager
def _whole(path: Path) -> Generator[Path]:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise DataError(
            f"cannot be written ({error.strerror or error})",
            where=str(path),
            remedy="Check that its folder exists, may be written to and has room.",
        ) from None
    finally:
        partial.unlink(missing_ok=True)


def _harmless(frame: Frame, formulas: dict[str, int], *, escape: bool) -> Frame:
    """Count cells and column names that a spreadsheet would run, and quote them if asked to."""
    names, columns = list(frame.names), list(frame.columns)
    risky = spreadsheet(names)
    for index, cells in enumerate(columns):
        if risky[index] and names[index] not in formulas:
            formulas[names[index]] = 1
        if cells.dtype.kind != "O":
            continue
        distinct, at = factorized(cells)
        run = np.array(spreadsheet(distinct.tolist()), np.bool_)
        if run.any():
            formulas[names[index]] = formulas.get(names[index], 0) + int(run[at].sum())
            if escape:
                distinct[run] = [f"'{word}" for word in distinct[run].tolist()]
                columns[index] = distinct[at]
    if escape:
        names = [f"'{name}" if risk else name for name, risk in zip(names, risky, strict=True)]
    return Frame(tuple(names), tuple(columns), frame.where, frame.first, types=frame.types)


def _delimited(frames: Iterator[Frame], path: Path, dialect: Dialect) -> None:
    gap = " " if dialect.spaced else ""
    with path.open("w", newline="", encoding=dialect.encoding) as file:
        writer = csv.writer(file, delimiter=dialect.delimiter, lineterminator=dialect.line_end)
        first = True
        for frame in frames:
            if first and dialect.header:
                writer.writerow([(gap if at else "") + name for at, name in enumerate(frame.names)])
            first = False
            columns = [_texts(cells, gap if at else "") for at, cells in enumerate(frame.columns)]
            # csv quotes a lone missing cell: readers would skip the blank line.
            writer.writerows(zip(*columns, strict=True))


def _texts(cells: Cells, gap: str) -> list[Any]:
    values = listed(cells)
    if cells.dtype.kind == "M":
        values = [None if value is None else str(value) for value in values]
    if cells.dtype.kind == "m":
        units = cells.astype("timedelta64[us]").astype(np.int64)
        texts = durations.write(units, "d days hh:mm:ss.000000")
        values = [None if v is None else t for v, t in zip(values, texts, strict=True)]
    return [f"{gap}{'' if value is None else value}" for value in values] if gap else values


def _json_lines(frames: Iterator[Frame], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for frame in frames:
            columns = [_texts(cells, "") for cells in frame.columns]
            for row in zip(*columns, strict=True):
                record = dict(zip(frame.names, row, strict=True))
                file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _parquet(frames: Iterator[Frame], path: Path) -> None:
    arrow: Any = need("pyarrow", "parquet")
    parquet: Any = need("pyarrow.parquet", "parquet")
    writer: Any = None
    schema: Any = None
    try:
        for frame in frames:
            table = _arrow_table(arrow, frame)
            if writer is None:
                # A first chunk of only missing cells has no type; later cells are text.
                fields = [
                    arrow.field(field.name, arrow.string()) if field.type == arrow.null() else field
                    for field in table.schema
                ]
                schema = arrow.schema(fields)
                writer = parquet.ParquetWriter(path, schema)
            writer.write_table(table.cast(schema))
    except arrow.ArrowException as error:
        raise DataError(
            f"cells that no Parquet column holds ({str(error).partition(chr(10))[0]})",
            where=str(path),
            remedy="Give all cells of a column one type, or write it as .csv.",
        ) from None
    finally:
        if writer is not None:
            writer.close()


def _arrow_table(arrow: Any, frame: Frame) -> Any:
    """A table of Arrow, with the types that its columns were given in."""
    if any(each.library == "pandas" for each in frame.types.values()):
        return arrow.Table.from_pandas(to_pandas(frame), preserve_index=False)
    arrays: list[Any] = []
    for name, cells in zip(frame.names, frame.columns, strict=True):
        given = frame.types.get(name)
        temporal = cells.dtype.kind in "mM"
        array = None if given is None or temporal else to_arrow(listed(cells), given.name)
        if array is None:
            array = arrow.array(cells, from_pandas=cells.dtype.kind != "O")
            kind = None if given is None else arrow_type(given.name)
            array = array if kind is None or not temporal else array.cast(kind)
        arrays.append(array)
    return arrow.table(dict(zip(frame.names, arrays, strict=True)))


def spreadsheet(cells: Sequence[Any]) -> list[bool]:
    """Which cells a spreadsheet would run as a formula; numbers are not formulas.

    >>> spreadsheet(["=1+1", "-5", "-five", "ok", 3])
    [True, False, True, False, False]
    """
    risky = [
        isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"} for cell in cells
    ]
    at = [index for index, risk in enumerate(risky) if risk]
    if at:
        texts = cells_of([cells[index] for index in at])
        for index, read in zip(at, numbers(texts).read.tolist(), strict=True):
            risky[index] = not read
    return risky
