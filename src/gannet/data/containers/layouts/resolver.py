"""Which file of a tree a cell of a table names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from gannet.data.containers.layouts.tree import Member, plain_path


@dataclass(frozen=True)
class Resolver:
    """Finds files by what cells say: a path, the end of one, a name, or a name without suffix.

    Attributes:
        members: The files that may be named.
    """

    members: Sequence[Member]

    @cached_property
    def by_path(self) -> dict[str, Member]:
        """Files by their path."""
        return {plain_path(each.inner): each for each in self.members}

    @cached_property
    def by_name(self) -> dict[str, Member]:
        """Files by their name, where only one has it."""
        return _only(self.members, lambda path: path.name)

    @cached_property
    def by_stem(self) -> dict[str, Member]:
        """Files by their name without its suffix, where only one has it."""
        return _only(self.members, lambda path: path.stem)

    @cached_property
    def by_folded(self) -> dict[str, Member]:
        """Files by their path in lower case, where only one has it."""
        folded: dict[str, Member | None] = {}
        for path, each in self.by_path.items():
            folded[path.casefold()] = None if path.casefold() in folded else each
        return {path: each for path, each in folded.items() if each is not None}

    def exact(self, cell: str) -> Member | None:
        r"""The file of a path, up to the form of accents, of slashes and, if need be, of capitals.

        >>> resolver = Resolver([Member("cat/1.PNG", "cat/1.PNG")])
        >>> resolver.exact("cat\\1.png").name
        'cat/1.PNG'
        """
        path = plain_path(cell)
        return self.by_path.get(path) or self.by_folded.get(path.casefold())

    def loose(self, cell: str) -> Member | None:
        """The file that a cell names by a path from anywhere, by a name, or by a bare name."""
        if not cell.strip():
            return None
        path = PurePosixPath(plain_path(cell))
        parts = [part for part in path.parts if part not in ("/", "..")]
        for start in range(len(parts)):
            if (found := self.exact("/".join(parts[start:]))) is not None:
                return found
        return self.by_name.get(path.name) or self.by_stem.get(path.name)


def _only(members: Iterable[Member], key: Callable[[PurePosixPath], str]) -> dict[str, Member]:
    named: dict[str, Member | None] = {}
    for each in members:
        name = key(PurePosixPath(plain_path(each.inner)))
        named[name] = None if name in named else each
    return {name: each for name, each in named.items() if each is not None}
