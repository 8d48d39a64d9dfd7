"""How samples lie in folders: wrapped in one, in parts of a data set, in a folder per class."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.core.source import Labels
from gannet.data.containers.cells import (
    CellTable,
    Classes,
    FileFilter,
    SetAside,
    suffixes_of,
)
from gannet.data.containers.layouts.pair_names import without_markers
from gannet.data.containers.layouts.parts import THINGS, DataParts, parts_of
from gannet.data.containers.layouts.tree import Member, Tree
from gannet.modalities.reading import ColumnView

CHUNK_NAME = re.compile(r"\d{4,}")
"""Folders that split a long series of files have such names."""

PART_NAME = re.compile(rf"(.*(?:{THINGS}|chunk|batch|volume))[-_ .]*\d+", re.IGNORECASE)
"""Or such, if all but the number is the same and there are more than two, which may be sides."""

SURE_PART_NAME = re.compile(r"(.*(?:part|split|shard|chunk|batch|volume))[-_ .]*\d+", re.IGNORECASE)
"""The same of two."""

PAIR = ("given", "target")
"""The two sides of pairs."""

_LAST_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The samples to train on, and what was found on the way to them.

    Attributes:
        tree: The files that are left, such as those of the training part.
        flat: Samples that lie in no folder.
        groups: Samples by the folder of their group; at least two groups, or none.
        aside: Samples that are not used.
    """

    tree: Tree
    flat: Sequence[Member]
    groups: Mapping[str, Sequence[Member]]
    aside: tuple[SetAside, ...] = ()

    @property
    def samples(self) -> list[Member]:
        """All samples, in the order of their groups."""
        return [*self.flat, *(each for group in self.groups.values() for each in group)]


def part_below(tree: Tree, fits: Callable[[str], bool]) -> tuple[Tree, tuple[SetAside, ...]] | None:
    """The only folder with such files, or the training part; ``None`` without such a folder.

    Returns:
        The files below it, and those that it leaves aside.
    """
    samples = [each for each in tree.members if fits(each.name)]
    groups = tree.folders(samples)
    if not groups or any("/" not in each.inner for each in samples):
        return None
    parts = parts_of(groups)
    if parts is not None and len(parts.training) == 1:
        [names] = parts.training.values()
        return tree.below(names), held_out(parts, groups)
    if len(groups) == 1:
        return tree.below(groups), ()
    return None


def held_out(parts: DataParts, groups: Mapping[str, Sequence[Member]]) -> tuple[SetAside, ...]:
    """The held-out parts as samples that are not used; none if there are none."""
    names = [each.name for part in parts.held_out for each in groups[part]]
    what = ", ".join(parts.held_out)
    return (SetAside(names, parts.why, what),) if names else ()


def arranged(tree: Tree, file_filter: FileFilter) -> Arrangement:
    """The samples of a tree: flat, or in groups; only those to train on."""
    aside: tuple[SetAside, ...] = ()
    while (below := part_below(tree, file_filter.fits)) is not None:
        tree, aside = below[0], (*aside, *below[1])
    samples = [each for each in tree.members if file_filter.fits(each.name)]
    flat = [each for each in samples if "/" not in each.inner]
    groups = tree.folders(samples)
    if flat and groups:
        return _larger_side(Arrangement(tree, flat, groups, aside), file_filter)
    if (parts := parts_of(groups) if groups else None) is not None:  # such as trainA and trainB
        aside = (*aside, *held_out(parts, groups))
        groups = {
            rest or names[0]: [each for name in names for each in groups[name]]
            for rest, names in parts.training.items()
        }
    else:
        groups, further = _training_parts_within(groups)
        aside = (*aside, *further)
    return Arrangement(tree, flat, groups, aside)


def _larger_side(both: Arrangement, file_filter: FileFilter) -> Arrangement:
    """Samples beside folders, or those in the folders: whichever are more."""
    inside = [each for group in both.groups.values() for each in group]
    many = file_filter.many
    if len(both.flat) < len(inside):
        reason = f"there are more {many} in the folders beside them"
        other = SetAside([each.name for each in both.flat], reason)
        rest = [each for each in both.tree.members if "/" in each.inner]
        found = arranged(replace(both.tree, members=rest), file_filter)
        return replace(found, aside=(*both.aside, *found.aside, other))
    reason = f"there are {many} beside these folders"
    other = SetAside([each.name for each in inside], reason)
    return replace(both, groups={}, aside=(*both.aside, other))


def _training_parts_within(
    groups: Mapping[str, Sequence[Member]],
) -> tuple[dict[str, list[Member]], tuple[SetAside, ...]]:
    """Groups of which each has parts of its own, as in ``cat/train`` and ``cat/test``."""
    used: dict[str, list[Member]] = {}
    aside: list[str] = []
    for name, members in groups.items():
        inside: dict[str, list[Member]] = {}
        for each in members:
            inside.setdefault(each.inner.split("/")[1], []).append(each)
        nested = all(each.inner.count("/") > 1 for each in members)
        parts = parts_of(inside) if nested else None
        if parts is None or not parts.held_out:
            used[name] = list(members)
            continue
        training = [folder for names in parts.training.values() for folder in names]
        used[name] = [each for folder in training for each in inside[folder]]
        aside += [each.name for folder in parts.held_out for each in inside[folder]]
    why = "only the training part of each folder is used"
    return used, (SetAside(aside, why),) if aside else ()


def are_chunks(groups: Mapping[str, Sequence[Member]]) -> bool:
    """Whether folders only split a long series of files: numbered ones, in which numbers go on.

    Such as ``00000/00000.png`` to ``00000/00999.png`` and ``01000/01000.png``; or folders that are
    called parts, as ``images_001`` and ``images_002``.
    """
    pattern = PART_NAME if len(groups) > 2 else SURE_PART_NAME
    parts = [pattern.fullmatch(name) for name in groups]
    if len(groups) > 1 and len({each[1].lower() if each else "" for each in parts} - {""}) == 1:
        return all(parts)
    if len(groups) < 2 or not all(map(CHUNK_NAME.fullmatch, groups)):
        return False
    ranges: list[tuple[int, int]] = []
    for members in groups.values():
        found = [_LAST_NUMBER.search(each.inner.rpartition("/")[2]) for each in members]
        if any(each is None for each in found):
            return False
        numbers = [int(each[1]) for each in found if each is not None]
        ranges.append((min(numbers), max(numbers)))
    ranges.sort()
    return all(low > high for (_, high), (low, _) in pairwise(ranges))


def alike(one: Sequence[Member], other: Sequence[Member]) -> bool:
    """Whether two folders hold files of the same names, which are more than counted up."""
    stems = [{PurePosixPath(each.inner).stem: each for each in side} for side in (one, other)]
    if any(name.isdigit() for name in stems[0]):
        return False
    short = [set(without_markers(each)) for each in stems]
    return set(stems[0]) == set(stems[1]) or (short[0] == short[1] and len(short[0]) > 1)


def from_files(tree: Tree, file_filter: FileFilter) -> CellTable:
    """Files that lie flat, or in a folder per class; held-out parts are left aside."""
    found = arranged(tree, file_filter)
    groups = dict(found.groups) if len(found.groups) > 1 else {}
    problems: tuple[str, ...] = ()
    if are_chunks(groups):
        shown = first_few(list(groups), 3)
        problems = (f"{shown} are taken for parts of one series of {file_filter.many}, no classes",)
        groups.clear()
    elif len(groups) == len(PAIR) and alike(*groups.values()):
        one, other = groups
        problems = (f"{one} and {other} hold files of the same names: perhaps pairs, no classes",)
    layout = "class folders" if groups and tree.noun == "folder" else f"{tree.noun} of {{}}"
    labels = labels_of(groups) if groups else None
    return replace(
        of_members(tree, found.samples, layout),
        classes=_classes(tree, file_filter, labels),
        problems=problems,
        aside=found.aside,
    )


def of_members(tree: Tree, members: Sequence[Member], layout: str) -> CellTable:
    """Files of a tree as the only column."""
    names = [each.name for each in members]
    view = ColumnView("", "files", suffixes_of(names), cell=lambda at: tree.cell(names[at]))
    files = tree.files_of(names)
    return CellTable(tree.path, layout, names, (view,), files=files, members=names)


def labels_of(groups: Mapping[str, Sequence[Member]]) -> Labels:
    """The folders of files as their classes."""
    numbers = np.repeat(np.arange(len(groups)), [len(group) for group in groups.values()])
    return Labels(tuple(groups), numbers)


def _classes(
    tree: Tree, file_filter: FileFilter, labels: Labels | None
) -> Callable[[str | None], Classes]:
    def classes(label: str | None) -> Classes:
        if label:
            raise DataError(
                f"no column {label!r}: the {file_filter.many} have no table",
                where=str(tree.path),
                remedy="Put metadata.csv with file_name and that column beside them, or leave out "
                "--label.",
            )
        return Classes(labels if label is None else None)

    return classes


def plain_text(name: str) -> str:
    """A name as part of a layout, which is a pattern for the noun of the files."""
    return name.replace("{", "{{").replace("}", "}}")
