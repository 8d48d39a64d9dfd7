"""What every container turns what lies on disk into: rows of cells that no kind has claimed yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from gannet.core.errors import DataError
from gannet.core.frame import Dialect
from gannet.core.source import Labels
from gannet.modalities.reading import ColumnView


class UnclaimedError(DataError):
    """Nothing there is of a kind that was asked for; it may be of another."""


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files count as samples.

    Attributes:
        suffixes: Of such files.
        one: What people call one of them.
        many: What people call several.
    """

    suffixes: frozenset[str]
    one: str
    many: str

    def fits(self, name: str) -> bool:
        """Whether a file counts, by its suffix."""
        return suffix_of(name) in self.suffixes


@dataclass(frozen=True, slots=True)
class Classes:
    """What a container says of classes.

    Attributes:
        labels: Names and numbers; ``None`` if there are none, or none were asked for.
        column: That they are read from, where that is a column beside others.
        problems: What was noticed, in words.
    """

    labels: Labels | None = None
    column: str = ""
    problems: tuple[str, ...] = ()


NO_CLASSES = Classes()


def no_classes(_label: str | None) -> Classes:
    """A container in which nothing can be a class."""
    return NO_CLASSES


@dataclass(frozen=True, slots=True)
class CellTable:
    """Rows of cells, read when they are asked for.

    Attributes:
        path: Of the folder or file.
        layout: How it is laid out, in words, with ``{}`` for what the cells are.
        names: Of the rows, as errors call them.
        views: Its columns.
        classes: The classes by a column's name; ``None`` leaves the choice to the container, ``""``
            asks for none.
        problems: What was noticed and passed over, in words.
        files: That the cells come from.
        held: Whether the cells lie in memory anyway.
        dialect: How it is written, if it is a text table.
    """

    path: Path
    layout: str
    names: Sequence[str]
    views: tuple[ColumnView, ...]
    classes: Callable[[str | None], Classes] = no_classes
    problems: tuple[str, ...] = ()
    files: Sequence[Path] = ()
    held: bool = False
    dialect: Dialect | None = None

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.names)


def suffix_of(name: str) -> str:
    """The lower-case suffix of a file's name."""
    return PurePath(name).suffix.lower()


def suffixes_of(names: Iterable[str]) -> Mapping[str, int]:
    """How many names end in what, the most frequent first."""
    return dict(Counter(map(suffix_of, names)).most_common())


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few names, in words."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
