"""Folders of files that each hold many samples: tables, Parquet, arrays, tars."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from gannet.core.io.names import first_few
from gannet.core.io.pointers import check_no_pointer
from gannet.data.containers import archives, frames, parquet, tables
from gannet.data.containers.arrays import hdf5, idx, npy, npz
from gannet.data.containers.cells import (
    CellTable,
    FileFilter,
    SetAside,
    UnclaimedError,
    suffix_of,
    suffixes_of,
)
from gannet.data.containers.layouts.parts import is_held_out, is_training, part_name
from gannet.data.containers.layouts.tree import Tree
from gannet.modalities.reading import MIN_SAMPLES

ARRAYS: Mapping[str, Callable[[Path, Collection[str]], CellTable]] = {
    ".npz": npz.from_npz,
    ".npy": lambda path, _: npy.from_npy(path),
    **dict.fromkeys(hdf5.SUFFIXES, hdf5.from_hdf5),
}
"""Suffixes of files of arrays -> how they are read."""

TREES: Mapping[str, Callable[[Path], Tree]] = {
    ".zip": archives.tree_of_zip,
    ".tar": archives.tree_of_tar,
}
"""Suffixes of archives -> how their files are listed."""

NOTES = (".txt", ".data")
"""Suffixes of tables that, beside other files, are more likely notes."""

DATA_FILES = {*frames.SUFFIXES, *ARRAYS, *TREES}
"""Suffixes of files that may hold many samples."""

PLAIN_FOLDERS = ("data", "default", "partial-train", "plain_text", "raw")
"""Folders of the Hugging Face hub that are no configuration of a data set."""


def is_data_file(name: str) -> bool:
    """Whether a file, by its name, holds many samples."""
    return suffix_of(name) in DATA_FILES - {*NOTES} or idx.is_idx(name)


def read(
    tree: Tree, file_filter: FileFilter, of_file: Callable[[Path], CellTable]
) -> CellTable | None:
    """The table, or the arrays, that the data files of a folder hold together.

    ``None`` if there are none, or if there are samples beside or below them.

    Args:
        tree: The files of the folder.
        file_filter: Which files count as samples.
        of_file: Reads a single file.

    Raises:
        UnclaimedError: if there are several data files that do not belong together.
    """
    if tree.noun != "folder":
        return None
    flat = [each.name for each in tree.flat()]
    at = {name: tree.path / name for name in flat}
    for name in flat:
        if suffix_of(name) in DATA_FILES - {*NOTES} and not file_filter.fits(name):
            check_no_pointer(at[name])
    contents = [name for name in flat if suffix_of(name) == ".parquet"]
    if contents and not all(tables.is_table(at[name]) for name in contents):
        return _of_parquet(tree, contents)
    below = [each.name for each in tree.members if "/" in each.inner]
    if _are_samples(flat, below, file_filter):
        return None
    images = [name for name in flat if idx.is_idx(name)]
    if images:
        return idx.from_idx(tree.path, images, file_filter.kinds)
    names = [name for name in flat if suffix_of(name) in DATA_FILES - {*NOTES}]
    if not names:
        return None
    paths = [at[name] for name in names]
    if tables.folder_of_tables(paths):
        table = tables.from_files(tree.path, paths)
        return _accounted(tree, table, names)
    if {suffix_of(name) for name in names} == {".npy"} and len(names) > 1:
        return npy.from_npys(tree.path, names, file_filter.kinds)
    if len(names) > 1:
        return _one_of_several(tree, names, of_file)
    table = of_file(paths[0])
    return replace(table, members=[names[0]])


def of_configuration(tree: Tree, file_filter: FileFilter) -> CellTable | None:
    """Parquet in folders below, as the Hugging Face hub lays it out; ``None`` without it.

    ``NAME/train-00000-of-00001.parquet``, ``data/train-*.parquet``, ``NAME/train/0000.parquet``.

    Raises:
        UnclaimedError: if there is more than one configuration.
    """
    names = [each.name for each in tree.members if suffix_of(each.inner) == ".parquet"]
    if tree.noun != "folder" or not names or any(map(file_filter.fits, tree.names)):
        return None
    folders = {name: _configuration(name) for name in names}
    several = sorted(set(folders.values()))
    if len(several) > 1:
        raise UnclaimedError(
            f"more than one set of Parquet files: {first_few(several)}",
            where=str(tree.path),
            remedy=f"Give the path of one, such as {tree.path / several[0]}.",
        )
    if all(tables.is_table(tree.path / name) for name in names):
        table = tables.from_files(tree.path, _training(tree, names))
        return _accounted(tree, table, names)
    return _of_parquet(tree, names)


def _configuration(name: str) -> str:
    """The folders of a file that name a configuration, without those of parts."""
    parents = PurePosixPath(name).parts[:-1]
    configuration = [each for each in parents if part_name(each) is None]
    return (
        "/".join(each for each in configuration if each not in PLAIN_FOLDERS)
        or "/".join(configuration)
        or "."
    )


def _of_parquet(tree: Tree, names: Sequence[str]) -> CellTable:
    table = parquet.from_parquet(tree.path, _training(tree, names))
    found = _accounted(tree, table, names)
    also = {each.inner: each.name for each in tree.members}
    beside = [also[name] for name in ("classes.txt", "labels.txt") if name in also]
    return replace(found, members={*found.members, *beside})


def _training(tree: Tree, names: Sequence[str]) -> list[Path]:
    """The files of the training part, by their names and folders."""
    train = [name for name in names if is_training(name)]
    train = train or [name for name in names if not is_held_out(name)] or list(names)
    return [tree.path / name for name in train]


def _accounted(tree: Tree, table: CellTable, names: Sequence[str]) -> CellTable:
    """The table, with what of its files is used."""
    used = {str(file.relative_to(tree.path)) for file in table.files}
    others = [name for name in names if name not in used]
    what = first_few([PurePosixPath(name).name for name in others])
    reason = "only files of the training part are used"
    aside = (SetAside(others, reason, what),) if others else ()
    return replace(table, members=used, aside=aside, problems=())


def _one_of_several(
    tree: Tree, names: Sequence[str], of_file: Callable[[Path], CellTable]
) -> CellTable:
    """The only file of the training part; or the files of several tars.

    Raises:
        UnclaimedError: if no file stands out.
    """
    if {suffix_of(name) for name in names} == {".tar"}:
        return of_file(tree.path)
    training = [name for name in names if is_training(name)]
    rest = [name for name in names if not is_held_out(name)]
    for some in (training, rest):
        if len(some) == 1:
            table = of_file(tree.path / some[0])
            others = [name for name in names if name not in some]
            reason = f"only {some[0]} is used for training"
            return replace(table, members=some, aside=(SetAside(others, reason),))
    raise UnclaimedError(
        f"more than one data file: {first_few(names)}",
        where=str(tree.path),
        remedy="Give the path of one.",
    )


def may_hold_many(suffix: str, file_filter: FileFilter) -> bool:
    """Whether a single file is read as a table or array, although a kind reads samples from it."""
    return suffix in DATA_FILES and suffix not in file_filter.only


def _are_samples(flat: Sequence[str], below: Sequence[str], file_filter: FileFilter) -> bool:
    """Whether files of a folder are samples of a kind that reads them.

    A single file beside a table is more likely about it. Of files that could also be tables or
    arrays, only two or more of a suffix are samples, and those that are more likely notes only if
    there is no table. In folders below a data file, only enough samples to learn from count.
    """
    counts = suffixes_of(filter(file_filter.fits, flat))
    data = DATA_FILES - {*NOTES} - file_filter.only
    tables_there = any(suffix_of(name) in data for name in flat)
    sure = sum(n for suffix, n in counts.items() if not may_hold_many(suffix, file_filter))
    deep = suffixes_of(filter(file_filter.fits, below))
    deeper = sum(n for suffix, n in deep.items() if not may_hold_many(suffix, file_filter))
    return (
        sure > int(tables_there)
        or deeper >= MIN_SAMPLES
        or any(
            count > 1 and not (suffix in NOTES and tables_there) for suffix, count in counts.items()
        )
    )
