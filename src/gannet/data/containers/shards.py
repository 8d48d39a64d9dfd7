"""A table in several files (shards) with the same columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gannet.core.errors import DataError
from gannet.core.frame import Frame
from gannet.data.containers.frames import Chunks

MAX_LISTED = 5
"""Maximum number of columns that an error lists."""

_KINDS = {"i": "numbers", "u": "numbers", "f": "numbers", "b": "booleans", "M": "dates and times"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The size of a table.

    Attributes:
        names: Column names.
        rows: Number of rows.
        first: The number of the first row in error messages.
    """

    names: tuple[str, ...]
    rows: int
    first: int


@dataclass(frozen=True, slots=True)
class Shards(Iterable[Frame]):
    """The files of a table, one after the other; can be iterated repeatedly.

    Attributes:
        chunks: The chunks of each file, in order; at least one file.
    """

    chunks: tuple[Chunks, ...]

    def __iter__(self) -> Iterator[Frame]:
        first: Frame | None = None
        for chunks in self.chunks:
            unchecked = True
            for frame in chunks:
                first = first or frame
                if unchecked:
                    _compare(frame, first)
                    unchecked = False
                yield _reordered(frame, first)

    def measured(self) -> Sizes | None:
        """The size from the files' metadata; ``None`` if the files would have to be read.

        Raises:
            DataError: if a file has no rows, or other columns than the first.
        """
        sizes: Sizes | None = None
        for chunks in self.chunks:
            if chunks.sizes is None:
                return None
            names, rows = chunks.sizes()
            sizes = sizes or Sizes(names, 0, 1)
            _compare_names(names, chunks.path, sizes.names, self.chunks[0].path)
            sizes = Sizes(sizes.names, sizes.rows + rows, 1)
        return sizes


def sizes_of(frames: Iterable[Frame]) -> Sizes:
    """The size, by reading all frames."""
    names: tuple[str, ...] = ()
    rows, first = 0, 1
    for frame in frames:
        names, first = frame.names, first if rows else frame.first
        rows += len(frame)
    return Sizes(names, rows, first)


def _compare(frame: Frame, first: Frame) -> None:
    """Refuse a file whose first rows have other columns, or cells of another type.

    Raises:
        DataError: naming the file and what differs.
    """
    if frame is first:
        return
    _compare_names(frame.names, Path(frame.where), first.names, Path(first.where))
    faults: list[str] = []
    for name in first.names:
        mine, other = _kind(frame, name), _kind(first, name)
        if mine and other and mine != other:
            faults.append(f"column {name!r} holds {mine}, there it holds {other}")
    _refuse(faults, Path(frame.where), Path(first.where))


def _compare_names(
    names: tuple[str, ...], path: Path, expected: tuple[str, ...], first: Path
) -> None:
    faults = [f"column {name!r} is missing" for name in expected if name not in names]
    faults += [f"column {name!r} is one too many" for name in names if name not in expected]
    _refuse(faults, path, first)


def _refuse(faults: list[str], path: Path, first: Path) -> None:
    if faults:
        more = [f"... and {len(faults) - MAX_LISTED} more"] if len(faults) > MAX_LISTED else []
        raise DataError(
            "\n  ".join([f"other columns than in {first.name}:", *faults[:MAX_LISTED], *more]),
            where=str(path),
            remedy="Keep only the files of one table in the folder, or give the path of one file.",
        )


def _kind(frame: Frame, name: str) -> str:
    """The type of a column's first cell that is not missing; empty if all are missing."""
    cells = frame.column(name)
    if cells.dtype.kind != "O":
        return _KINDS.get(cells.dtype.kind, "")
    value = next((cell for cell in cells if cell is not None), None)
    if isinstance(value, bool):
        return "booleans"
    return "" if value is None else "text" if isinstance(value, str) else "numbers"


def _reordered(frame: Frame, first: Frame) -> Frame:
    """The same rows with the columns in the order of the first file."""
    if frame.names == first.names:
        return frame
    columns = tuple(frame.column(name) for name in first.names)
    return Frame(first.names, columns, frame.where, frame.first)
