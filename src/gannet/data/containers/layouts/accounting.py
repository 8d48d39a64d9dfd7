"""What of a folder or an archive is not used, counted and named with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from gannet.core.io.names import first_few
from gannet.data.containers.cells import CellTable, FileFilter, SetAside, suffix_of
from gannet.data.containers.layouts.loose_tables import SUFFIXES as TABLES
from gannet.data.containers.layouts.parts import is_held_out
from gannet.data.containers.layouts.tree import Tree
from gannet.data.containers.layouts.unread import what_is

MAX_NAMED = 3
"""Most names that a note lists."""

ABOUT = (
    ".md",
    ".rst",
    ".yml",
    ".yaml",
    ".gitattributes",
    ".license",
    ".cff",
    ".html",
    ".ipynb",
    ".py",
)
"""Suffixes of files about a data set."""


def not_used(
    tree: Tree,
    table: CellTable,
    file_filter: FileFilter,
    known: Callable[[], Mapping[str, tuple[str, str]]],
) -> tuple[str, ...]:
    """A note for each reason why files of a tree are not used; none if all are.

    Args:
        tree: All files.
        table: What a reader made of them.
        file_filter: Which files count as samples.
        known: Gives suffix -> what such a file is and the remedy, of kinds of data that cannot
            read it.
    """
    noted = [_note(each) for each in table.aside if each.names]
    left = {*tree.names}.difference(table.members)
    left = left.difference(name for each in table.aside for name in each.names)
    groups = _by_reason(sorted(left), file_filter, known()) if left else {}
    rest = [SetAside(names, reason) for reason, names in groups.items()]
    hidden = [SetAside(names, reason) for reason, names in tree.unseen.items()]
    return (*noted, *map(_note, rest), *map(_note, hidden))


def _by_reason(
    names: Sequence[str], file_filter: FileFilter, known: Mapping[str, tuple[str, str]]
) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_reason(name, file_filter, known)].append(name)
    return groups


def _reason(name: str, file_filter: FileFilter, known: Mapping[str, tuple[str, str]]) -> str:
    suffix = suffix_of(name)
    if is_held_out(name) and (file_filter.fits(name) or suffix in (*TABLES, ".tar", ".zip")):
        return "of a held-out part"
    if suffix not in file_filter.suffixes and (found := what_is(name, known)) is not None:
        return f"{found[0]}. {found[1].rstrip('.')}"
    if suffix in ABOUT or not suffix:
        return "about the data, or of no known kind"
    if file_filter.suffixes and suffix in TABLES and not file_filter.fits(name):
        return f"no {file_filter.many}, and no table of them"
    if file_filter.suffixes and suffix not in file_filter.suffixes:
        return f"no {file_filter.many}, by their suffix {suffix}"
    return "not part of what is used"


def _note(aside: SetAside) -> str:
    count = len(aside.names)
    files = "1 file" if count == 1 else f"{count:,} files"
    if aside.what:
        return f"{aside.what} ignored, {files}: {aside.reason}"
    return f"{files} ignored ({first_few(list(aside.names), MAX_NAMED)}): {aside.reason}"
