"""Names: numbered ones for items without names, and names in sentences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import overload

OWN_FILES = frozenset(
    {"metadata.csv", "metadata.jsonl", "metadata.parquet", "pairs.csv", "dataset.json"}
)
"""Names of files that describe the samples beside them, so that they are never samples."""


def is_sample_name(name: str, suffixes: Collection[str]) -> bool:
    """Whether a file may be a sample of a kind whose files have some of these suffixes.

    >>> [is_sample_name(name, {".csv"}) for name in ("a/1.CSV", "a/metadata.csv", "1.png")]
    [True, False, False]
    """
    path = PurePath(name)
    return path.suffix.lower() in suffixes and path.name not in OWN_FILES


class Numbered(Sequence[str]):
    """``row 1``, ``row 2``, ...: names that are computed, not stored.

    >>> Numbered("row", 3, first=2)[-1]
    'row 4'
    """

    def __init__(self, word: str, count: int, first: int = 0) -> None:
        self.word, self.numbers = word, range(first, first + count)

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [f"{self.word} {number}" for number in self.numbers[index]]
        return f"{self.word} {self.numbers[index]}"


def placeholder(noun: str) -> str:
    """A noun as one word of a command, in the place of a file's name.

    >>> placeholder("set of points")
    'SET_OF_POINTS'
    """
    return noun.upper().replace(" ", "_")


def first_few(names: Sequence[str], limit: int = 5) -> str:
    """The first names, separated by commas.

    >>> first_few(["a", "b", "c"], limit=2)
    'a, b, ...'
    """
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")


def enumerated(names: Sequence[str]) -> str:
    """All names in a row.

    >>> enumerated(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
