"""The common form of every container: rows of cells, before a kind of data claims a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from gannet.core.errors import DataError
from gannet.core.frame import Dialect
from gannet.core.io.names import is_sample_name
from gannet.core.source import Labels
from gannet.modalities.reading import ColumnView


class UnclaimedError(DataError):
    """No requested kind claims the data; another kind may."""


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files count as samples.

    Attributes:
        suffixes: Suffixes of such files.
        one: The noun for one of them.
        many: The noun for several.
        only: Those of the suffixes that every requested kind reads, so that nothing else is meant.
        kinds: Names of the requested kinds.
    """

    suffixes: frozenset[str]
    one: str
    many: str
    only: frozenset[str] = field(default=frozenset(), compare=False)
    kinds: frozenset[str] = field(default=frozenset(), compare=False)

    def fits(self, name: str) -> bool:
        """Whether a file counts, by its suffix; tables of labels or pairs never do."""
        return is_sample_name(name, self.suffixes)


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a container's samples.

    Attributes:
        labels: Names and numbers; ``None`` if there are none, or none were requested.
        column: The column that they are read from; empty if they are not a column.
        problems: Notes for the user.
    """

    labels: Labels | None = None
    column: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAside:
    """Files that are not used, with the reason.

    Attributes:
        names: Of the files.
        reason: Why, as the end of a sentence: ``N files ignored: ...``.
        what: What to call them where not by their number, such as the folder they lie in.
    """

    names: Sequence[str]
    reason: str
    what: str = ""


NO_CLASSES = Classes()


def no_classes(_label: str | None) -> Classes:
    """The classes of a container that has no labels."""
    return NO_CLASSES


@dataclass(frozen=True, slots=True)
class CellTable:
    """Rows of cells, read on demand.

    Attributes:
        path: Of the folder or file.
        layout: Description of the layout, with ``{}`` for the noun of the cells.
        names: Names of the rows in error messages.
        views: The columns.
        classes: Classes from a column's name; ``None`` leaves the choice to the container, ``""``
            requests none.
        problems: Notes on what was ignored.
        files: The files that the cells come from.
        in_memory: Whether the cells are in memory already.
        dialect: The dialect, if it is a text table.
        members: Of a folder or an archive, all files that are used: samples and tables of them.
        aside: Files that are not used, where more can be said than that.
    """

    path: Path
    layout: str
    names: Sequence[str]
    views: tuple[ColumnView, ...]
    classes: Callable[[str | None], Classes] = no_classes
    problems: tuple[str, ...] = ()
    files: Sequence[Path] = ()
    in_memory: bool = False
    dialect: Dialect | None = None
    members: Collection[str] = ()
    aside: tuple[SetAside, ...] = ()

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.names)


def suffix_of(name: str) -> str:
    """The lower-case suffix of a file's name."""
    return PurePath(name).suffix.lower()


def suffixes_of(names: Iterable[str]) -> Mapping[str, int]:
    """How many names have each suffix, the most frequent first."""
    return dict(Counter(map(suffix_of, names)).most_common())
