"""Tables of any name that say something of the files beside or below them, as ``labels.csv``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from gannet.core.source import Labels
from gannet.data.containers import metadata
from gannet.data.containers.cells import CellTable, Classes, FileFilter, SetAside, suffix_of
from gannet.data.containers.layouts.arranged import are_chunks, arranged, of_members, plain_text
from gannet.data.containers.layouts.loose_tables import SUFFIXES, TableLine, header_as_row, rows_of
from gannet.data.containers.layouts.metadata_file import without_held_out
from gannet.data.containers.layouts.parts import part_name
from gannet.data.containers.layouts.resolver import Resolver
from gannet.data.containers.layouts.tree import Member, Tree

MOST_TABLES = 12
"""Tables that are looked at; a folder with more of them holds something else."""

TRIED = 200
"""Rows of a table that are tried for names of files."""

MOST_NAMED = 0.5
"""A table is about files if so large a fraction of its rows names one."""

_OF_FILES = ("file", "img", "path", "name", "photo", "picture", "id", "key")
"""Words in names of columns that hold names of files, beside those of kinds of data."""


_OF_LABELS = ("", "label", "labels", "metadata", "meta", "annotation", "annotations", "info", "gt")
"""What else the name of a table of a held-out part says."""


@dataclass(frozen=True, slots=True)
class FileTable:
    """A table of which each row names a file.

    Attributes:
        table: The file that it is read from.
        column: The column of the files.
        rows: File -> its row, without that column.
        unknown: What rows name that is not there.
    """

    table: Member
    column: str
    rows: Mapping[str, TableLine]
    unknown: tuple[str, ...]


def read(tree: Tree, file_filter: FileFilter) -> CellTable | None:
    """Files with one or more such tables, joined; ``None`` if no table names them."""
    if not tree.flat() and len(tree.folders()) == 1:
        return None  # for whoever looks into the folder
    samples = [each for each in tree.members if file_filter.fits(each.name)]
    tables = [each for each in tree.members if _may_be_table(each, file_filter)]
    if not samples or not tables or len(tables) > MOST_TABLES:
        return None
    resolver = Resolver(samples)
    about = [
        found
        for each in tables
        if (found := _about_files(tree, each, resolver, file_filter)) is not None
    ]
    training = [each for each in about if not _of_held_out(each.table)]
    if not training:
        return None
    named = {name for each in training for name in each.rows}
    only_held_out = {name for each in about for name in each.rows} - named
    members, others = _used(samples, named, only_held_out, tree, file_filter)
    joined = _joined(training, members)
    tables_used = ", ".join(each.table.inner for each in training)
    found = metadata.Metadata.of_columns(joined, f"{tree.path}, {tables_used}", _FILE)
    found, held_out = without_held_out(found, tables_used)
    of_name = {each.name: each for each in members}
    used_members = [of_name[line[_FILE]] for line in found.lines]
    base = of_members(tree, used_members, f"{tree.noun} of {{}} with {plain_text(tables_used)}")
    return replace(
        base,
        views=(replace(base.views[0], name=training[0].column), *found.views(tree.cell, {})),
        classes=_classes(found, _folder_labels(tree, file_filter, used_members)),
        problems=tuple(_problems(training, used_members, named)),
        files=tree.files_of(
            [*(each.table.name for each in training), *(m.name for m in used_members)]
        ),
        members=[*base.members, *(each.table.name for each in training)],
        aside=(*others, *([held_out] if held_out else [])),
    )


_FILE = "\0file"
"""The column of the files in joined rows; no column of a table has this name."""


def _folder_labels(tree: Tree, file_filter: FileFilter, members: Sequence[Member]) -> Labels | None:
    """The folders of files as their classes; ``None`` if they lie in no folders of classes."""
    groups = arranged(tree, file_filter).groups
    if len(groups) < 2 or are_chunks(groups):
        return None
    folder_of = {each.name: name for name, group in groups.items() for each in group}
    folders = [folder_of.get(each.name, "") for each in members]
    present = [name for name in groups if name in {*folders}]
    if len(present) < 2:
        return None
    number = {name: at for at, name in enumerate(present)}
    return Labels(tuple(present), np.array([number.get(each, -1) for each in folders], np.int64))


def _classes(found: metadata.Metadata, folders: Labels | None) -> Callable[[str | None], Classes]:
    """Classes from a column; from the folders where no column is one, and none is asked for."""

    def classes(label: str | None) -> Classes:
        from_column = found.classes(label)
        if label is not None or from_column.labels is not None or folders is None:
            return from_column
        return Classes(folders)

    return classes


def _may_be_table(member: Member, file_filter: FileFilter) -> bool:
    path = PurePosixPath(member.inner)
    table = suffix_of(path.name) in SUFFIXES and not file_filter.fits(path.name)
    return table and len(path.parts) <= 2


def _of_held_out(table: Member) -> bool:
    """Whether a table is of a held-out part, or a sample of answers to one."""
    stem = PurePosixPath(table.inner).stem
    part = part_name(stem)
    held_out = part is not None and not part.training and part.rest.lower() in _OF_LABELS
    return held_out or _in_held_out(table) or "submission" in stem.lower()


def _about_files(
    tree: Tree, table: Member, resolver: Resolver, file_filter: FileFilter
) -> FileTable | None:
    lines = rows_of(tree.read(table.name), table.name)
    if not lines:
        return None
    if any(resolver.loose(cell) for cell in lines[0] if suffix_of(cell)):
        lines = header_as_row(lines)
    column = _column_of_files(lines, resolver, [*_OF_FILES, *file_filter.kinds])
    if not column:
        return None
    found = [resolver.loose(line.get(column, "")) for line in lines]
    names = [each.name for each in found if each is not None]
    if len(names) < MOST_NAMED * len(lines) or max(Counter(names).values()) > 1:
        return None
    rows = {
        each.name: {name: cell for name, cell in line.items() if name != column}
        for each, line in zip(found, lines, strict=True)
        if each is not None
    }
    unknown = tuple(
        line.get(column, "") for each, line in zip(found, lines, strict=True) if each is None
    )
    return FileTable(table, column, rows, unknown)


def _column_of_files(lines: Sequence[TableLine], resolver: Resolver, hints: Sequence[str]) -> str:
    """The column whose cells name most files; empty if none names enough."""
    tried = lines[:: max(len(lines) // TRIED, 1)]
    best, most = "", MOST_NAMED * len(tried) - 1e-9
    for name in metadata.columns_of(lines):
        hinted = any(word in name.lower() for word in hints)
        cells = [line.get(name, "") for line in tried]
        if not hinted and all(cell.replace(".", "").isdigit() for cell in cells):
            continue  # numbers that happen to be names of files
        found = {each.name for cell in cells if (each := resolver.loose(cell)) is not None}
        if len(found) > most:
            best, most = name, len(found)
    return best


def _used(
    samples: Sequence[Member],
    named: set[str],
    only_held_out: set[str],
    tree: Tree,
    file_filter: FileFilter,
) -> tuple[list[Member], list[SetAside]]:
    """Files to use: those with a row, and others in folders of such; the rest with the reason."""
    folders = {str(PurePosixPath(each.inner).parent) for each in samples if each.name in named}
    candidates = [each for each in samples if each.name not in named]
    other_parts = {
        name for each in arranged(tree, file_filter).aside for name in each.names
    } - named
    held_out = [
        each.name
        for each in candidates
        if each.name in only_held_out or each.name in other_parts or _in_held_out(each)
    ]
    beside = [
        each.name
        for each in candidates
        if str(PurePosixPath(each.inner).parent) not in folders and each.name not in held_out
    ]
    left = {*held_out, *beside}
    used = [each for each in samples if each.name not in left]
    aside = [
        SetAside(held_out, "of a held-out part") if held_out else None,
        SetAside(beside, "without a row, in folders of which no file has one") if beside else None,
    ]
    return used, [each for each in aside if each is not None]


def _in_held_out(member: Member) -> bool:
    parents = PurePosixPath(member.inner).parts[:-1]
    return any((part := part_name(each)) is not None and not part.training for each in parents)


def _joined(tables: Sequence[FileTable], members: Sequence[Member]) -> list[TableLine]:
    """A row for each file, with the columns of all tables; a name that recurs gets the table's."""
    columns = [list(dict.fromkeys(name for row in t.rows.values() for name in row)) for t in tables]
    times = Counter(name for each in columns for name in each)
    lines: list[TableLine] = [{_FILE: each.name} for each in members]
    for table, mine in zip(tables, columns, strict=True):
        stem = PurePosixPath(table.table.inner).stem
        for name in mine:
            shown = f"{stem}_{name}" if times[name] > 1 else name
            for line in lines:
                line[shown] = table.rows.get(line[_FILE], {}).get(name, "")
    return lines


def _problems(
    tables: Sequence[FileTable], used_members: Sequence[Member], named: set[str]
) -> list[str]:
    problems: list[str] = []
    for each in tables:
        if each.unknown:
            shown = ", ".join(each.unknown[:3])
            problems.append(
                f"{len(each.unknown):,} rows of {each.table.inner} ignored, whose file does not "
                f"exist: {shown}"
            )
    bare = [each.name for each in used_members if each.name not in named]
    if bare:
        problems.append(f"{len(bare):,} files have no row in a table: {', '.join(bare[:3])}")
    return problems
