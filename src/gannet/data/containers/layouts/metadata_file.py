"""Files with a ``metadata.csv``, ``metadata.jsonl`` or ``metadata.parquet`` beside them."""

from __future__ import annotations

from dataclasses import replace

from gannet.core.errors import DataError
from gannet.data.containers import metadata
from gannet.data.containers.cells import CellTable, FileFilter, SetAside
from gannet.data.containers.layouts import numbered_labels
from gannet.data.containers.layouts.arranged import of_members
from gannet.data.containers.layouts.parts import training_rows
from gannet.data.containers.layouts.resolver import Resolver
from gannet.data.containers.layouts.tree import Member, Tree


def read(tree: Tree, file_filter: FileFilter) -> CellTable | None:
    """Files with such a table, which must name files that exist; ``None`` without one.

    A table in which no column is called ``file_name`` is left to the reader of any table.

    Raises:
        DataError: if there are two, or the table is damaged or names files that are missing.
    """
    tables = [each for each in tree.members if each.inner in metadata.TABLES]
    if len(tables) > 1:
        raise DataError(
            f"both {' and '.join(each.inner for each in tables)}",
            where=str(tree.path),
            remedy="Remove one.",
        )
    if not tables:
        return None
    [table] = tables
    where = str(tree.path / table.name) if tree.noun == "folder" else f"{tree.path}, {table.name}"
    try:
        lines = metadata.lines_of(tree.read(table.name), where)
        if lines and metadata.FILE not in metadata.columns_of(lines):
            return None
        found = metadata.Metadata.of_lines(lines, where, file_filter.one)
    except DataError:
        if tree.noun == "folder":
            raise
        return None  # in an archive it may be about something else
    return of_metadata(tree, found, table, file_filter)


def of_metadata(
    tree: Tree, found: metadata.Metadata, table: Member, file_filter: FileFilter
) -> CellTable:
    """The files that a table names, but for those that a column of it says are held out.

    Raises:
        DataError: if it names files that are missing.
    """
    resolver = Resolver(tree.members)
    of_name = {each.name: each for each in tree.members}
    named = {of_name[name] for name in found.files(resolver)}
    found, held_out = without_held_out(found, table.inner)
    names = found.files(resolver)
    members = [of_name[name] for name in names]
    further = {column: found.files(resolver, column) for column in found.further}
    used = {table.name, *names, *(name for files in further.values() for name in files)}
    rest = [
        each.name
        for each in tree.members
        if each not in named and each.name not in used and file_filter.fits(each.name)
    ]
    aside = [SetAside(rest, f"without a row in {table.inner}")] if rest else []
    if held_out is not None:
        resolved = [each.name for cell in held_out.names if (each := resolver.exact(cell))]
        aside.append(replace(held_out, names=resolved))
    base = of_members(tree, members, f"{tree.noun} of {{}} with {table.inner}")
    labeled = numbered_labels.classes_of(tree, members) if tree.noun != "folder" else None
    extra = numbered_labels.labels_file(tree) if labeled else []
    return replace(
        base,
        views=(replace(base.views[0], name=found.file), *found.views(tree.cell, further)),
        classes=labeled or found.classes,
        files=tree.files_of([table.name, *names]),
        members=[*used, *extra],
        aside=tuple(aside),
    )


def without_held_out(
    found: metadata.Metadata, table: str
) -> tuple[metadata.Metadata, SetAside | None]:
    """A table without rows that a column says are for validation or testing, and their files."""
    column, training = training_rows(
        found.values, {each: found.cells(each) for each in found.values}
    )
    if not column:
        return found, None
    lines = [line for line, used in zip(found.lines, training, strict=True) if used]
    others = [
        line.get(found.file, "")
        for line, used in zip(found.lines, training, strict=True)
        if not used
    ]
    values = tuple(each for each in found.values if each != column)
    reason = f"only rows for training, by the column {column!r} of {table}, are used"
    return replace(found, lines=lines, values=values), SetAside(others, reason)
