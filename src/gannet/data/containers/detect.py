"""The container at a path: by what a folder or an archive holds, or by a file's suffix."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.core.io.pointers import check_no_pointer
from gannet.core.io.regular import check_regular
from gannet.data.containers import archives, frames, parquet, tables
from gannet.data.containers.arrays import idx
from gannet.data.containers.cells import CellTable, FileFilter, UnclaimedError, suffix_of
from gannet.data.containers.folders import tree_of_folder
from gannet.data.containers.layouts import (
    data_files,
    metadata_file,
    numbered_labels,
    table_of_files,
    webdataset,
)
from gannet.data.containers.layouts.accounting import not_used
from gannet.data.containers.layouts.arranged import from_files, part_below
from gannet.data.containers.layouts.data_files import ARRAYS, TREES, may_hold_many
from gannet.data.containers.layouts.tree import Tree
from gannet.data.containers.layouts.unread import first_known, what_is
from gannet.modalities.registry import modalities

LayoutReader = Callable[[Tree, FileFilter], CellTable | None]
"""Reads one layout of files; ``None`` if files lie in another."""


def table_at(path: Path, file_filter: FileFilter, in_file: FileFilter | None = None) -> CellTable:
    """The container at a path.

    Args:
        path: A folder or a file.
        file_filter: Which files of a folder are samples.
        in_file: Which members of a single file are; by default the same.

    Raises:
        DataError: if nothing is there, or nothing that can be read.
    """
    if _is_folder(path):
        return table_of_tree(tree_of_folder(path), file_filter)
    return _file(path, in_file or file_filter)


def table_of_tree(tree: Tree, file_filter: FileFilter) -> CellTable:
    """What the files of a folder or an archive are, with a note on each that is not used.

    Raises:
        DataError: if there is nothing that can be read.
    """
    table = _read(tree, file_filter)
    if table is None:
        raise _empty(tree, file_filter)
    notes = not_used(tree, table, file_filter, unread_by_kinds)
    return replace(table, problems=(*table.problems, *notes))


def _read(tree: Tree, file_filter: FileFilter) -> CellTable | None:
    """The files as the first layout that fits reads them; ``None`` if none fits."""
    for reader in LAYOUTS:
        if (table := reader(tree, file_filter)) is not None:
            return table
    return None


def _of_data_files(tree: Tree, file_filter: FileFilter) -> CellTable | None:
    def of_file(path: Path) -> CellTable:
        if path != tree.path:
            return _file(path, file_filter)
        tars = [each.name for each in tree.flat() if suffix_of(each.name) == ".tar"]
        used = [name for name in tars if name in _training_of(tars)]
        table = _read(archives.joined_tars(path, used), file_filter)
        if table is None:
            raise _empty(tree, file_filter)
        return replace(table, members=used, aside=())

    return data_files.read(tree, file_filter, of_file)


def _training_of(names: list[str]) -> list[str]:
    return [str(each) for each in parquet.training_files([Path(name) for name in names])[0]]


def _of_part(tree: Tree, file_filter: FileFilter) -> CellTable | None:
    """The files of the only folder with samples, or of the training part, in any layout."""
    samples = any(map(file_filter.fits, tree.names))
    below = part_below(tree, file_filter.fits if samples else data_files.is_data_file)
    if below is None:
        return None
    inside, aside = below
    table = _read(inside, file_filter)
    return None if table is None else replace(table, aside=(*aside, *table.aside))


def _of_files(tree: Tree, file_filter: FileFilter) -> CellTable | None:
    """Files that lie flat or in a folder per class; ``None`` if there are none."""
    return from_files(tree, file_filter) if any(map(file_filter.fits, tree.names)) else None


def _without_suffix(tree: Tree, _file_filter: FileFilter) -> CellTable | None:
    """Files without a suffix whose first bytes a kind of data knows; ``None`` if none does."""
    bare = FileFilter(frozenset({""}), "file", "files")
    if not any(map(bare.fits, tree.names)):
        return None
    table = from_files(tree, bare)
    some = table.names[: parquet.SAMPLED_CELLS]
    first = tuple(tree.read(name)[: parquet.SAMPLED_BYTES] for name in some)
    view = replace(table.views[0], suffixes={}, first=first)
    known = any(each.claims(view) is not None for each in modalities())
    return replace(table, views=(view,)) if known else None


LAYOUTS: tuple[LayoutReader, ...] = (
    metadata_file.read,
    webdataset.read,
    numbered_labels.read,
    table_of_files.read,
    _of_data_files,
    _of_part,
    data_files.of_configuration,
    _of_files,
    _without_suffix,
)
"""Readers of layouts, the more particular ones first."""


def unread_by_kinds() -> Mapping[str, tuple[str, str]]:
    """Suffix -> what such a file is and the remedy, of all kinds of data that cannot read it."""
    return {suffix: note for each in modalities() for suffix, note in each.reading.unread.items()}


def _is_folder(path: Path) -> bool:
    try:
        if path.exists():
            return path.is_dir()
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    except PermissionError:
        raise DataError(
            "no permission to read it", where=str(path), remedy="Check its access rights."
        ) from None
    near = difflib.get_close_matches(path.name, beside, 1)
    raise DataError(
        "does not exist",
        where=str(path),
        remedy=f"Did you mean {path.parent / near[0]}?" if near else "Check the path.",
    )


def _check_file(path: Path) -> None:
    """Refuse pipes and devices, which would be waited for or read without end."""
    try:
        check_regular(path)
    except OSError as error:
        raise DataError(
            error.strerror or "cannot be read", where=str(path), remedy="Name a file or a folder."
        ) from None


def _file(path: Path, file_filter: FileFilter) -> CellTable:
    _check_file(path)
    check_no_pointer(path)
    suffix = suffix_of(path.name)
    if suffix in TREES:
        return table_of_tree(TREES[suffix](path), file_filter)
    if suffix in ARRAYS:
        return ARRAYS[suffix](path, file_filter.kinds)
    if idx.is_idx(path.name):
        return idx.from_idx(path, idx.beside(path), file_filter.kinds)
    if file_filter.fits(path.name) and not may_hold_many(suffix, file_filter):
        raise DataError(
            f"a single {file_filter.one} is not a dataset",
            where=str(path),
            remedy="Give its folder instead.",
        )
    if suffix in frames.SUFFIXES:
        if tables.is_table(path):
            return tables.from_files(path, [path])
        return parquet.from_parquet(path, [path])
    if (known := what_is(path.name, unread_by_kinds())) is not None:
        raise DataError(f"{known[0]}, which gannet cannot read", where=str(path), remedy=known[1])
    raise DataError(
        f"{suffix or 'a file without suffix'} is not a format that gannet can read",
        where=str(path),
        remedy=f"Use {layouts(file_filter.many)}.",
    )


def _empty(tree: Tree, file_filter: FileFilter) -> DataError:
    """The error for a tree without samples, with what lies there instead."""
    many, where = file_filter.many, str(tree.path)
    if not tree.members:
        hidden = [name for names in tree.unseen.values() for name in names]
        problem = f"the {tree.noun} is empty" + f" but for {first_few(hidden)}" * bool(hidden)
        remedy = f"Put {many} or a data file into it."
        if not hidden:
            return DataError(problem, where=where, remedy=remedy)
        return UnclaimedError(problem, where=where, remedy=remedy)
    known = first_known(tree.names, unread_by_kinds())
    if tree.noun == "folder":
        top = list(dict.fromkeys(each.inner.split("/")[0] for each in tree.members))
        problem = f"no {many} and no data file in it, only {first_few(top)}"
    else:
        problem = f"no {many} among its {len(tree.members)} files"
        if any(map(data_files.is_data_file, tree.names)) and known is None:
            known = ("", f"Unpack it: it holds {first_few(tree.names, 3)}.")
    if known is not None:
        problem += f"; {known[0]}" * bool(known[0])
        return UnclaimedError(problem, where=where, remedy=known[1])
    suffixes = ", ".join(sorted(file_filter.suffixes))
    return UnclaimedError(problem, where=where, remedy=f"{many.capitalize()} end in {suffixes}.")


def layouts(many: str) -> str:
    """The layouts that can be read, for error messages, with what many files are called."""
    return (
        f"a folder of {many}, class folders, a folder with metadata.csv or metadata.jsonl, a zip "
        f"or tar of {many}, Parquet, .npz, .npy, or a table (.csv, .tsv, .jsonl, .parquet)"
    )
