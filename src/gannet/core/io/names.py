"""Names: numbered ones for items without names, and names in sentences."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import overload

OWN_FILES = frozenset(
    {"metadata.csv", "metadata.jsonl", "metadata.parquet", "pairs.csv", "dataset.json"}
)
"""Names of files that describe the samples beside them, so that they are never samples."""


_OBEYED = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)
"""Characters that a terminal obeys, that turn the direction of a text, or that no file holds."""


def printable(text: str) -> str:
    r"""A text without what a terminal would obey instead of showing it; lines and tabs stay.

    >>> print(printable(chr(27) + "[31mred"))
    \x1b[31mred
    """
    return _OBEYED.sub(_escaped, text)


def in_a_line(name: str) -> str:
    r"""A name that cannot pass for several lines, nor for anything but a name.

    >>> print(in_a_line("a" + chr(10) + "b"))
    a\nb
    """
    return printable(name).replace("\n", "\\n").replace("\t", "\\t")


def harmless(text: str) -> str:
    r"""A foreign text in one line of Markdown: no markup, no line breaks.

    >>> harmless("<b> a|b")
    '&lt;b&gt; a\\|b'
    """
    escaped = without_html(" ".join(text.split()))
    return re.sub(r"([\\`*|])", r"\\\1", escaped)


def without_html(text: str) -> str:
    """A text as Markdown that holds no HTML and no links, whatever names are in it.

    >>> without_html("**good**: <script>, [a](b)")
    '**good**: &lt;script&gt;, [a]&#40;b)'
    """
    return html.escape(printable(text), quote=False).replace("](", "]&#40;")


def _escaped(found: re.Match[str]) -> str:
    number = ord(found[0])
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file's name that is no UTF-8
        return f"\\x{number - 0xDC00:02x}"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


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
    return ", ".join(map(in_a_line, names[:limit])) + (", ..." if len(names) > limit else "")


def enumerated(names: Sequence[str]) -> str:
    """All names in a row.

    >>> enumerated(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
