"""A data set before anything is decoded: names, labels, and access to each item."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.frame import Dialect, Frame
from gannet.core.io.regular import read_bytes

STAMPED_BYTES = 64 * 2**20
"""Files of up to this size together are stamped by their contents."""

SAMPLE = "sample"
"""The role of what a recipe learns to generate; other roles describe each sample."""


class FileContent(bytes):
    """The content of a file inside an archive, with its name there."""

    name: str = ""

    @classmethod
    def named(cls, content: bytes, name: str) -> FileContent:
        """The content of a file of that name."""
        file = cls(content)
        file.name = name
        return file


@dataclass(frozen=True, slots=True)
class Labels:
    """Names of the classes and the class number of each item, -1 where it is not known."""

    classes: tuple[str, ...]
    indices: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """A data set that was found but not yet read.

    Attributes:
        path: Of the folder or file.
        layout: Description of how it is laid out.
        kind: Kind of data of the items.
        names: Of the items, as error messages name them.
        raw: Item by number: a path, the content of a file, an array, or a value. May be called
            from several threads.
        classes: Names of the classes; empty if there are none.
        labels: ``(count,)`` class number of each item, -1 where it is not known.
        columns: Names of the columns, if the items are rows of a table.
        problems: Descriptions of items that were skipped.
        files: Files of the items; a change in one makes a cache stale.
        in_memory: Whether the items are in memory anyway.
        frames: A table, some rows at a time; may be iterated over again.
        dialect: How it is written, if it is a text table.
        groups: ``(count,)`` number of the group of each item, such as the image that it is a
            crop of; a group is trained on or held out as a whole. Empty where each item is its
            own.
        roles: Role -> the data that belong to each item, in the same order, such as the input
            image of a pair.
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
    in_memory: bool = False
    frames: Iterable[Frame] = ()
    dialect: Dialect | None = None
    groups: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    roles: Mapping[str, Source] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        """Fill in missing labels."""
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
        """A digest that changes when a file is added, removed, written or exchanged.

        Times can be set, and a file that is exchanged for another may have its size and time. So
        contents count as well, up to ``STAMPED_BYTES`` of them in total. Of more data it is the
        number of the file and the time of its last change in any respect, which cannot be set.
        """
        states = [(file, state) for file in self.files if (state := _state(file)) is not None]
        small = sum(state.st_size for _, state in states) <= STAMPED_BYTES
        digest = hashlib.blake2b(digest_size=16)
        for file, state in states:
            within = file.relative_to(self.path) if file.is_relative_to(self.path) else file.name
            digest.update(
                os.fsencode(within) + f"\0{state.st_size}\0{state.st_mtime_ns}\0".encode()
            )
            change = b"" if not small else _content(file)
            digest.update(change or f"{state.st_ino}\0{state.st_ctime_ns}\0".encode())
        digest.update(f"{self.count}".encode())
        return digest.hexdigest()


def _state(file: Path) -> os.stat_result | None:
    """Size and times; ``None`` if there are none, of which the reader will say why."""
    try:
        return file.stat()
    except OSError:
        return None


def _content(file: Path) -> bytes:
    """The digest of a content; empty if it cannot be read."""
    try:
        return hashlib.blake2b(read_bytes(file, STAMPED_BYTES), digest_size=16).digest()
    except OSError:
        return b""
