"""All columns of values of a container together, as rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from gannet.core.frame import Cells, Frame
from gannet.modalities.reading import ColumnView


def together(
    names: Sequence[str], frames: Iterable[Frame], *, further: bool = False
) -> tuple[ColumnView, ...]:
    """Columns as one view of rows; none if there is no column.

    Args:
        names: Of the columns.
        frames: Their cells; can be iterated repeatedly.
        further: Whether the container holds samples beside these columns.
    """
    if not names:
        return ()
    columns = tuple(names)
    shape = (len(columns),)
    return (ColumnView("", "rows", shape=shape, frames=frames, columns=columns, further=further),)


def without(view: ColumnView, names: Collection[str]) -> ColumnView:
    """A view of rows without some columns; any other view as it is."""
    columns = tuple(each for each in view.columns if each not in names)
    if view.form != "rows" or columns == view.columns:
        return view
    narrowed = _Narrowed(view.frames, columns)
    return replace(view, columns=columns, shape=(len(columns),), frames=narrowed)


class _Narrowed(Iterable[Frame]):
    """Some columns of frames; can be iterated repeatedly."""

    def __init__(self, frames: Iterable[Frame], columns: tuple[str, ...]) -> None:
        self.frames, self.columns = frames, columns

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.frames:
            cells = tuple(frame.column(name) for name in self.columns)
            yield Frame(self.columns, cells, frame.where, frame.first, types=frame.types)


class Assembled(Iterable[Frame]):
    """One frame of columns that are read when it is first asked for.

    Args:
        names: Of the columns.
        read: The cells of a column, by its name.
        where: The file, as error messages name it.
        first: The number of the first row in error messages.
    """

    def __init__(
        self, names: Sequence[str], read: Callable[[str], Cells], where: str, first: int
    ) -> None:
        self.names, self.read, self.where, self.first = tuple(names), read, where, first
        self.cached: Frame | None = None

    def __iter__(self) -> Iterator[Frame]:
        if self.cached is None:
            cells = tuple(map(self.read, self.names))
            self.cached = Frame(self.names, cells, self.where, self.first)
        yield self.cached
