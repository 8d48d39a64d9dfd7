"""Pairs of files: an input and its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.data.containers.cells import CellTable, FileFilter, SetAside, suffixes_of
from gannet.data.containers.layouts import pair_names
from gannet.data.containers.layouts.arranged import Arrangement, arranged
from gannet.data.containers.layouts.resolver import Resolver
from gannet.data.containers.layouts.tree import Member, Tree, plain_path
from gannet.data.containers.metadata import csv_lines
from gannet.modalities.reading import ColumnView

COLUMNS = ("given", "target")
SIDES = len(COLUMNS)
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


@dataclass(frozen=True, slots=True)
class Halves:
    """The two sides of pairs, before they are matched.

    Attributes:
        names: What the sides are called, the inputs first.
        given: Inputs.
        target: Targets.
    """

    names: tuple[str, str]
    given: Sequence[Member]
    target: Sequence[Member]


def from_pairs_table(tree: Tree, sides: PairSides) -> CellTable:
    """A folder with ``pairs.csv``, which names both files of each pair.

    Raises:
        DataError: if the table is damaged, or names files that are missing.
    """
    table = pairs_table(tree)
    where = tree.path / (table.name if table else TABLE)
    lines = csv_lines(where)
    columns = _columns(lines)
    if not columns:
        raise DataError(
            f"no rows with the columns {' and '.join(COLUMNS)}",
            where=str(where),
            remedy=sides.remedy,
        )
    resolver = Resolver(tree.members)
    found: list[list[Member]] = []
    missing: list[str] = []
    for number, line in enumerate(lines, start=1):
        pair: list[Member] = []
        for name in columns:
            file = PurePath(plain_path(line[name]))
            if not line[name].strip() or file.is_absolute() or ".." in file.parts:
                raise DataError(
                    f"{name} {line[name]!r} is not a path inside the folder",
                    where=f"{where}, row {number}",
                    remedy="Use paths relative to the folder of the table.",
                )
            each = resolver.exact(line[name])
            pair += [each] if each else []
            missing += [] if each else [line[name]]
        found.append(pair)
    if missing:
        raise DataError(
            f"{len(missing)} files do not exist: {first_few(missing)}",
            where=str(where),
            remedy="Correct the names, which are relative to the table.",
        )
    pairs = [(pair[0], pair[1]) for pair in found]
    used = {each.name for pair in pairs for each in pair}
    either = sides.either
    bare = [each.name for each in tree.members if either.fits(each.name) and each.name not in used]
    aside = (SetAside(bare, f"without a row in {TABLE}"),) if bare else ()
    named = [table.name] if table else []
    return _of_files(tree, pairs, f"pairs of {TABLE}", aside, named)


def _columns(lines: Sequence[dict[str, str]]) -> tuple[str, ...]:
    """The columns of inputs and of targets: of these names, or the only two; else none."""
    names = tuple(lines[0]) if lines else ()
    if all(name in names for name in COLUMNS):
        return COLUMNS
    known = any(name.lower() in pair_names.INPUTS | pair_names.TARGETS for name in names)
    return pair_names.in_order(names) if known and len(names) == SIDES else ()


def pairs_table(tree: Tree) -> Member | None:
    """The table of pairs of a tree; ``None`` if there is none."""
    return next((each for each in tree.members if each.inner == TABLE), None)


def from_two_folders(found: Arrangement, given: str, sides: PairSides) -> CellTable:
    """Two folders in which files that share their names form pairs.

    Args:
        found: The files, by folder.
        given: Which folder holds the inputs; by default the one whose name says so, else the first.
        sides: Which files count in each.

    Raises:
        DataError: if there are not two, or most files have no partner.
    """
    one, other = _chosen(found, given, sides)
    groups = found.groups
    halves = Halves(
        (one, other),
        [each for each in groups[one] if sides.given.fits(each.name)],
        [each for each in groups[other] if sides.target.fits(each.name)],
    )
    many = sides.either.many
    remedy = f"Give the {many} of a pair in {one} and {other} equal names, or name them in {TABLE}."
    layout = f"pairs of {one} and {other}"
    return _matched(found, halves, layout, remedy, many, folders=True)


def lie_beside(found: Arrangement, sides: PairSides) -> bool:
    """Whether inputs lie beside their targets, with the same names and other suffixes."""
    if sides.given.suffixes & sides.target.suffixes:
        return False
    named = [
        {_stem(each) for each in found.flat if side.fits(each.name)}
        for side in (sides.given, sides.target)
    ]
    return bool(named[0] & named[1])


def from_one_folder(found: Arrangement, sides: PairSides) -> CellTable:
    """A folder in which each input lies beside its target, with the same name.

    Raises:
        DataError: if two files of one side have the same name, or most have no partner.
    """
    halves = Halves(
        (sides.given.many, sides.target.many),
        [each for each in found.flat if sides.given.fits(each.name)],
        [each for each in found.flat if sides.target.fits(each.name)],
    )
    layout = f"{sides.target.many}, each beside its input"
    return _matched(found, halves, layout, "Give the files of a pair equal names.", "files")


def with_endings(found: Arrangement, given: str, sides: PairSides) -> Halves | None:
    """Files of one folder that differ in a word only, as ``1_A.png`` and ``1_B.png``.

    ``None`` if most files have no such partner.
    """
    both = [each for each in found.flat if sides.either.fits(each.name)]
    parted = pair_names.by_word([_stem(each) for each in both])
    if parted is None:
        return None
    markers = pair_names.in_order(parted, given)
    groups = {word: [both[at] for at in parted[word]] for word in markers}
    return Halves(markers, groups[markers[0]], groups[markers[1]])


def from_endings(found: Arrangement, halves: Halves) -> CellTable:
    """The pairs of files that differ in a word only; see ``with_endings``.

    Raises:
        DataError: if most have no partner.
    """
    one, other = halves.names
    layout = f"pairs of names with {one or 'no word'} and {other or 'no word'}"
    remedy = "Give the files of a pair names that differ in that word alone."
    return _matched(found, halves, layout, remedy, "files")


def _matched(
    found: Arrangement,
    halves: Halves,
    layout: str,
    remedy: str,
    many: str,
    *,
    folders: bool = False,
) -> CellTable:
    """Inputs and targets of equal names; the others are named, unless they are most."""
    mine, theirs = (
        _by_key(found.tree, side, many, folders=folders) for side in (halves.given, halves.target)
    )
    notes: list[str] = []
    if 2 * len(mine.keys() & theirs.keys()) < min(len(mine), len(theirs)):
        mine, theirs = pair_names.without_markers(mine), pair_names.without_markers(theirs)
        if both := sorted(mine.keys() & theirs.keys()):
            first = [PurePosixPath(side[both[0]].inner).name for side in (mine, theirs)]
            notes = [f"names differ in a word; paired were {first[0]} and {first[1]}, and so on"]
    both = sorted(mine.keys() & theirs.keys())
    lone = sorted(
        one[key].inner
        for one, other in ((mine, theirs), (theirs, mine))
        for key in one.keys() - other.keys()
    )
    if len(lone) > len(both):
        raise DataError(
            f"{len(both)} pairs, and {len(lone)} {many} without a partner of the same name: "
            f"{first_few(lone)}",
            where=str(found.tree.path),
            remedy=remedy,
        )
    pairs = [(mine[key], theirs[key]) for key in both]
    unpaired = [side[key].name for side in (mine, theirs) for key in side if key not in {*both}]
    aside = (SetAside(sorted(unpaired), "without a partner"),) if unpaired else ()
    table = _of_files(found.tree, pairs, layout, (*found.aside, *aside), ())
    return replace(table, problems=tuple(notes))


def _by_key(
    tree: Tree, members: Sequence[Member], many: str, *, folders: bool
) -> dict[str, Member]:
    """Files by their path in the folder of their side, without suffix and word.

    Raises:
        DataError: if two files have the same name.
    """
    named: dict[str, Member] = {}
    twice: list[str] = []
    for each in members:
        inner = each.inner.partition("/")[2] if folders else each.inner
        key = plain_path(str(PurePosixPath(inner).with_suffix("")))
        if key in named:
            twice.append(f"{PurePosixPath(named[key].inner).name} and {PurePosixPath(inner).name}")
        named[key] = each
    if twice:
        folder = PurePosixPath(members[0].name).parent
        raise DataError(
            f"{len(twice)} names shared by two {many}: {first_few(twice)}",
            where=str(tree.path / folder),
            remedy="Keep one of each.",
        )
    return named


def _chosen(found: Arrangement, given: str, sides: PairSides) -> tuple[str, str]:
    """The folder of inputs and that of targets.

    Raises:
        DataError: if there are not two with matching files, or none has the name ``given``.
    """
    names = list(found.groups)
    many = sides.either.many
    if len(names) != SIDES:
        raise DataError(
            f"{len(names)} folders of {many} ({first_few(names) or 'none'}), expected two",
            where=str(found.tree.path),
            remedy=sides.remedy,
        )
    if given and given not in names:
        raise DataError(
            f"no folder {given} that could hold the inputs",
            where=str(found.tree.path),
            remedy=f"Name {' or '.join(names)}.",
        )
    first, second = pair_names.in_order(names, given)
    if not given and not _fit(found, first, second, sides) and _fit(found, second, first, sides):
        return second, first
    return first, second


def _fit(found: Arrangement, one: str, other: str, sides: PairSides) -> bool:
    inputs = any(sides.given.fits(each.name) for each in found.groups[one])
    return inputs and any(sides.target.fits(each.name) for each in found.groups[other])


def check_no_empty_side(path: Path, sides: PairSides) -> None:
    """Refuse two folders of which one holds no files.

    Raises:
        DataError: naming the empty one.
    """
    inside = [each for each in sorted(path.iterdir()) if each.is_dir()]
    full = [
        each.name for each in inside if any(sides.either.fits(file.name) for file in each.iterdir())
    ]
    if len(full) == 1 and len(inside) == 2:
        [empty] = [each.name for each in inside if each.name not in full]
        one, many = sides.either.one, sides.either.many
        raise DataError(
            f"no {many} in it, so nothing pairs with those in {full[0]}",
            where=str(path / empty),
            remedy=f"Put one {one} there for each in {full[0]}, with the same name.",
        )


def arranged_pairs(tree: Tree, sides: PairSides) -> Arrangement:
    """The files of both sides, those to train on, flat or by folder."""
    return arranged(tree, sides.either)


def _stem(member: Member) -> str:
    return plain_path(PurePosixPath(member.inner).stem)


def _of_files(
    tree: Tree,
    pairs: Sequence[tuple[Member, Member]],
    layout: str,
    aside: tuple[SetAside, ...],
    also: Sequence[str],
) -> CellTable:
    given, target = ([pair[side].name for pair in pairs] for side in (0, 1))
    names = [each for pair in zip(given, target, strict=True) for each in pair]
    return CellTable(
        path=tree.path,
        layout=layout.replace("{", "{{").replace("}", "}}"),
        names=target,
        views=(_column(tree, COLUMNS[1], target), _column(tree, COLUMNS[0], given)),
        files=tree.files_of(names),
        members={*names, *also},
        aside=aside,
    )


def _column(tree: Tree, name: str, names: Sequence[str]) -> ColumnView:
    return ColumnView(
        name, "files", suffixes_of(names), cell=lambda at: tree.cell(names[at]), names=names
    )
