"""Pairs of files: an input and its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.data.containers.cells import CellTable, FileFilter, suffixes_of
from gannet.data.containers.folders import entries
from gannet.data.containers.metadata import csv_lines
from gannet.modalities.reading import ColumnView

COLUMNS = ("given", "target")
TABLE = "pairs.csv"


@dataclass(frozen=True, slots=True)
class PairSides:
    """Which files count as inputs and as targets.

    Attributes:
        given: Filter of input files.
        target: Filter of target files.
        remedy: The possible layouts of pairs, for errors.
    """

    given: FileFilter
    target: FileFilter
    remedy: str

    @property
    def either(self) -> FileFilter:
        """A filter of the files of both sides."""
        one, other = self.given, self.target
        if one == other:
            return one
        return FileFilter(
            one.suffixes | other.suffixes,
            f"{one.one} or {other.one}",
            f"{one.many} or {other.many}",
        )


def from_pairs_table(path: Path, sides: PairSides) -> CellTable:
    """A folder with ``pairs.csv``, which names both files of each pair.

    Raises:
        DataError: if the table is damaged, or names files that are missing.
    """
    table = path / TABLE
    lines = csv_lines(table)
    if not lines or any(name not in lines[0] for name in COLUMNS):
        raise DataError(
            f"no rows with the columns {' and '.join(COLUMNS)}",
            where=str(table),
            remedy=sides.remedy,
        )
    for number, line in enumerate(lines, start=1):
        for name in COLUMNS:
            file = PurePath(line[name])
            if not line[name].strip() or file.is_absolute() or ".." in file.parts:
                raise DataError(
                    f"{name} {line[name]!r} is not a path inside the folder",
                    where=f"{table}, row {number}",
                    remedy="Use paths relative to the folder of the table.",
                )
    pairs = [(path / line["given"], path / line["target"]) for line in lines]
    missing = [str(each.relative_to(path)) for pair in pairs for each in pair if not each.is_file()]
    if missing:
        raise DataError(
            f"{len(missing)} files do not exist: {first_few(missing)}",
            where=str(table),
            remedy="Correct the names, which are relative to the table.",
        )
    return _of_files(path, pairs, f"pairs of {TABLE}", ())


def from_two_folders(path: Path, given: str, sides: PairSides) -> CellTable:
    """Two folders in which files of the same name form pairs.

    Args:
        path: The folder of both.
        given: Which of them holds the inputs; by default the first by name.
        sides: Which files count in each.

    Raises:
        DataError: if there are not two, or most files have no partner.
    """
    one, other = _chosen(path, given, sides)
    named = [_by_name(one, sides.given), _by_name(other, sides.target)]
    many = sides.either.many
    unpaired = sorted(
        f"{folder.name}/{mine[name].name}"
        for folder, mine, theirs in ((one, *named), (other, *reversed(named)))
        for name in mine.keys() - theirs.keys()
    )
    remedy = f"Give the {many} of a pair in {one.name} and {other.name} equal names."
    return _joined(path, named, unpaired, f"pairs of {one.name} and {other.name}", remedy, many)


def _joined(
    path: Path,
    named: Sequence[dict[str, Path]],
    unpaired: Sequence[str],
    layout: str,
    remedy: str = "Give the files of a pair equal names.",
    many: str = "files",
) -> CellTable:
    """Inputs and targets of equal names; the others are ignored, unless they are most."""
    both = sorted(named[0].keys() & named[1].keys())
    if len(unpaired) > len(both):
        raise DataError(
            f"{len(both)} pairs, and {len(unpaired)} {many} without a partner of the same name: "
            f"{first_few(unpaired)}",
            where=str(path),
            remedy=remedy,
        )
    problems = (
        (f"{len(unpaired)} without a partner ignored: {first_few(unpaired)}",) if unpaired else ()
    )
    pairs = [(named[0][name], named[1][name]) for name in both]
    return _of_files(path, pairs, layout, problems)


def lie_beside(path: Path, sides: PairSides) -> bool:
    """Whether inputs lie beside their targets, with the same names and other suffixes."""
    if sides.given.suffixes & sides.target.suffixes:
        return False
    named = [{each.stem for each in files_in(path, side)} for side in (sides.given, sides.target)]
    return bool(named[0] & named[1])


def from_one_folder(path: Path, sides: PairSides) -> CellTable:
    """A folder in which each input lies beside its target, with the same name.

    Raises:
        DataError: if two files of one side have the same name, or most have no partner.
    """
    named = [_by_name(path, sides.given), _by_name(path, sides.target)]
    unpaired = sorted(
        mine[name].name
        for mine, theirs in (named, reversed(named))
        for name in mine.keys() - theirs.keys()
    )
    return _joined(path, named, unpaired, f"{sides.target.many}, each beside its input")


def files_in(folder: Path, file_filter: FileFilter) -> list[Path]:
    """The matching files of a folder."""
    return [Path(each.path) for each in entries(folder) if file_filter.fits(each.name)]


def _chosen(path: Path, given: str, sides: PairSides) -> tuple[Path, Path]:
    """The folder of inputs and that of targets, both in ``path``.

    Raises:
        DataError: if there are not two with matching files, or none has the name ``given``.
    """
    inside = [Path(each.path) for each in entries(path) if each.is_dir()]
    folders = [each for each in inside if files_in(each, sides.either)]
    names = [each.name for each in folders]
    one, many = sides.either.one, sides.either.many
    if len(folders) == 1 and len(inside) == 2:
        [empty] = [each.name for each in inside if each.name not in names]
        raise DataError(
            f"no {many} in it, so nothing pairs with those in " + names[0],
            where=str(path / empty),
            remedy=f"Put one {one} there for each in {names[0]}, with the same name.",
        )
    if len(folders) != 2:
        raise DataError(
            f"{len(folders)} folders of {many} ({first_few(names) or 'none'}), expected two",
            where=str(path),
            remedy=sides.remedy,
        )
    if given and given not in names:
        raise DataError(
            f"no folder {given} that could hold the inputs",
            where=str(path),
            remedy=f"Name {' or '.join(names)}.",
        )
    first = names.index(given) if given else 0
    fits = [
        bool(files_in(folders[at], sides.given) and files_in(folders[1 - at], sides.target))
        for at in (0, 1)
    ]
    if not given and not fits[0] and fits[1]:
        first = 1
    return folders[first], folders[1 - first]


def _by_name(folder: Path, file_filter: FileFilter) -> dict[str, Path]:
    """Files by their names without suffix.

    Raises:
        DataError: if two files have the same name.
    """
    by_stem: dict[str, Path] = {}
    twice: list[str] = []
    for file in files_in(folder, file_filter):
        if file.stem in by_stem:
            twice.append(f"{by_stem[file.stem].name} and {file.name}")
        by_stem[file.stem] = file
    if twice:
        raise DataError(
            f"{len(twice)} names shared by two {file_filter.many}: {first_few(twice)}",
            where=str(folder),
            remedy="Keep one of each.",
        )
    return by_stem


def _of_files(
    path: Path, pairs: Sequence[tuple[Path, Path]], layout: str, problems: tuple[str, ...]
) -> CellTable:
    given, target = ([pair[side] for pair in pairs] for side in (0, 1))
    return CellTable(
        path=path,
        layout=layout,
        names=[str(file.relative_to(path)) for file in target],
        views=(_column(path, COLUMNS[1], target), _column(path, COLUMNS[0], given)),
        problems=problems,
        files=[file for pair in pairs for file in pair],
    )


def _column(path: Path, name: str, files: Sequence[Path]) -> ColumnView:
    names = [str(file.relative_to(path)) for file in files]
    return ColumnView(name, "files", suffixes_of(names), cell=files.__getitem__, names=names)
