"""What a data set is before anything is decoded: names, labels, and a way to get at each item."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.frame import Dialect, Frame

SAMPLE = "sample"
"""The role of what a recipe learns to make; other roles say something of each sample."""


class FileContent(bytes):
    """The content of a file that lies inside another, with the name that it has there."""

    name: str = ""

    @classmethod
    def named(cls, content: bytes, name: str) -> FileContent:
        """The content of a file of that name."""
        made = cls(content)
        made.name = name
        return made


@dataclass(frozen=True, slots=True)
class Labels:
    """Names of the classes and the class number of each item, -1 where it is not known."""

    classes: tuple[str, ...]
    indices: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """A data set that was found and not yet read.

    Attributes:
        path: Of the folder or file.
        layout: How it is laid out, in words.
        kind: Of data: what the items are.
        names: Of the items, as errors call them.
        raw: Item by number: a path, the content of a file, an array, or a value. May be called
            from several threads.
        classes: Names of the classes; empty if there are none.
        labels: ``(count,)`` class number of each item, -1 where it is not known.
        columns: Names of the columns, if the items are rows of a table.
        problems: What was noticed and passed over, in words.
        files: That the items come from; a change in one makes a cache stale.
        held: Whether the items lie in memory anyway.
        frames: A table, some rows at a time, as often as it is walked through.
        dialect: How it is written, if it is a text table.
        groups: ``(count,)`` number of the group of each item, such as the picture that it is a
            piece of; a group is trained on or held out as a whole. Empty where each item is its
            own.
        roles: Role -> what belongs to each item, item by item, such as the picture that it is an
            answer to.
    """

    path: Path
    layout: str
    kind: str
    names: Sequence[str]
    raw: Callable[[int], Any]
    classes: tuple[str, ...] = ()
    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    columns: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    files: Sequence[Path] = ()
    held: bool = False
    frames: Iterable[Frame] = ()
    dialect: Dialect | None = None
    groups: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    roles: Mapping[str, Source] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        """Fill in labels that are not there."""
        if not len(self.labels):
            object.__setattr__(self, "labels", np.full(len(self.names), -1, np.int64))
        assert len(self.labels) == len(self.names), "one label per item"

    @property
    def count(self) -> int:
        """Number of items, broken ones included."""
        return len(self.names)

    def labeled(self, labels: Labels) -> Source:
        """The same source with classes."""
        return replace(self, classes=labels.classes, labels=labels.indices.astype(np.int64))

    def aligned(self, classes: Sequence[str]) -> Source:
        """The same source with its classes numbered as in another list, such as a model's.

        Raises:
            DataError: if a class of this source is not in the list.
        """
        if strange := [name for name in self.classes if name not in classes]:
            raise DataError(
                f"classes that the model does not know: {', '.join(strange[:5])}",
                where=str(self.path),
                remedy=f"Known classes: {', '.join(classes[:20]) or 'none'}.",
            )
        number = np.array([*(list(classes).index(name) for name in self.classes), -1], np.int64)
        return replace(self, classes=tuple(classes), labels=number[self.labels])

    def stamp(self) -> str:
        """Changes when a file was added, removed or written; costs one look at each file."""
        digest = hashlib.blake2b(digest_size=16)
        for file in self.files:
            try:
                state = file.stat()
            except OSError:
                continue  # the reader will say what is wrong with it
            digest.update(f"{file.name}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
        digest.update(f"{self.count}".encode())
        return digest.hexdigest()
