"""A folder as a tree of files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from gannet.core.errors import DataError, no_permission
from gannet.core.io.regular import read_content
from gannet.data.containers.layouts.tree import Member, Tree, is_system, sorted_members

HIDDEN = "hidden or left by a system"
BROKEN_LINKS = "links whose target does not exist"
NOT_FILES = "no regular files"


def tree_of_folder(folder: Path) -> Tree:
    """All files below a folder; hidden ones and broken links are only named.

    Links to folders are followed, each folder once.

    Raises:
        DataError: if there is no permission to read a folder.
    """
    walk = _Walk(folder)
    physical = {name.replace("\\", "/"): name for name in walk.files()}
    members = [Member(each.inner, physical[each.name]) for each in sorted_members(physical)]
    return Tree(
        path=folder,
        noun="folder",
        members=members,
        cell=folder.joinpath,
        read=lambda name: read_content(folder / name),
        files_of=lambda names: Paths(folder, names),
        unseen=walk.unseen,
    )


@dataclass(slots=True)
class _Walk:
    """One pass over all folders below a folder."""

    folder: Path
    unseen: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    visited: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])

    def files(self) -> Iterator[str]:
        """Names of the files, relative to the folder; fills ``unseen``."""
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            for entry in self._entries(prefix):
                name = f"{prefix}{entry.name}"
                if is_system(entry.name):
                    self._leave(HIDDEN, f"{name}/" if entry.is_dir() else name)
                elif entry.is_dir():
                    waiting.append(f"{name}/")
                elif entry.is_file():
                    yield name
                else:
                    self._leave(BROKEN_LINKS if entry.is_symlink() else NOT_FILES, name)

    def _leave(self, reason: str, name: str) -> None:
        self.unseen.setdefault(reason, []).append(name)

    def _entries(self, prefix: str) -> list[os.DirEntry[str]]:
        folder = self.folder / prefix
        try:
            state = folder.stat()
            if (state.st_dev, state.st_ino) in self.visited:
                self._leave("links to a folder that was read already", prefix)
                return []
            self.visited.add((state.st_dev, state.st_ino))
            with os.scandir(folder) as scan:
                return list(scan)
        except PermissionError:
            raise no_permission(folder, DataError) from None
        except OSError as error:
            raise DataError(
                f"cannot be read ({error.strerror})",
                where=str(folder)[:200],
                remedy="Move or rename it.",
            ) from None


class Paths(Sequence[Path]):
    """Paths made on demand: 200,000 of them would take as much memory as a small dataset."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.folder, self.names = folder, names

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> list[Path]: ...
    def __getitem__(self, index: int | slice) -> Path | list[Path]:
        if isinstance(index, slice):
            return [self.folder / name for name in self.names[index]]
        return self.folder / self.names[index]
