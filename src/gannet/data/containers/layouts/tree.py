"""The files below a path, alike for folders and archives."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

SYSTEM_NAMES = frozenset(
    {"thumbs.db", "desktop.ini", "ehthumbs.db", "@eadir", "#recycle", "$recycle.bin", "lost+found"}
    | {"system volume information", "__pycache__", "icon\r"}
)
"""Lower-case names of files and folders that operating systems and storage devices leave."""


class Member(NamedTuple):
    """A file of a tree.

    Attributes:
        inner: Its path below the folder that is looked at, with ``/`` between the parts.
        name: Its path below the path that the user gave.
    """

    inner: str
    name: str


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below a folder, or in an archive, of which nothing was read yet.

    Attributes:
        path: The path that the user gave.
        noun: What it is: ``folder``, ``zip`` or ``tar``.
        members: The files, in the order of their names.
        cell: The file of a name: its path, or its content where it has none.
        read: The content of a file, by its name.
        files_of: The files on disk that some names are read from.
        unseen: Reason -> names of entries that are no files to look at: hidden files, broken links.
    """

    path: Path
    noun: str
    members: Sequence[Member]
    cell: Callable[[str], Path | bytes]
    read: Callable[[str], bytes]
    files_of: Callable[[list[str]], Sequence[Path]]
    unseen: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def names(self) -> list[str]:
        """Names of all files, relative to the path that the user gave."""
        return [each.name for each in self.members]

    def flat(self) -> list[Member]:
        """The files that lie in no folder."""
        return [each for each in self.members if "/" not in each.inner]

    def folders(self, members: Iterable[Member] | None = None) -> dict[str, list[Member]]:
        """The files by their topmost folder; without those that lie in none."""
        groups: dict[str, list[Member]] = {}
        for each in self.members if members is None else members:
            head, slash, _ = each.inner.partition("/")
            if slash:
                groups.setdefault(head, []).append(each)
        return groups

    def below(self, folders: Collection[str]) -> Tree:
        """The files of some of the topmost folders, as if these were one."""
        inside: list[Member] = []
        for each in self.members:
            head, slash, tail = each.inner.partition("/")
            if slash and head in folders:
                inside.append(Member(tail, each.name))
        return replace(self, members=inside)


def is_system(name: str) -> bool:
    """Whether a file or folder is hidden, or left by a system rather than by a person."""
    return name.startswith((".", "__MACOSX")) or name.lower() in SYSTEM_NAMES


def sorted_members(names: Iterable[str]) -> list[Member]:
    """Files in the order of their folders, then of their names."""
    return [Member(name, name) for name in sorted(names, key=lambda each: each.split("/"))]


def plain_path(name: str) -> str:
    r"""A path as it is compared: one form of accents, ``/`` between the parts.

    >>> plain_path(".\\cat\\1.png")
    'cat/1.png'
    """
    plain = unicodedata.normalize("NFC", name.strip()).replace("\\", "/")
    while plain.startswith("./"):
        plain = plain[2:]
    return plain
