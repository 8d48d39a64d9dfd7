"""StyleGAN's ``dataset.json``, ``{"labels": [[name, int], ...]}``, beside the files it names."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, cast

from gannet.core.errors import DataError
from gannet.core.source import Labels
from gannet.data.containers.cells import CellTable, Classes, FileFilter
from gannet.data.containers.layouts.arranged import of_members
from gannet.data.containers.layouts.tree import Member, Tree, plain_path
from gannet.data.labels import from_numbers

FILE = "dataset.json"


def read(tree: Tree, file_filter: FileFilter) -> CellTable | None:
    """Files with such labels; their folders are no classes. ``None`` without such a file.

    Raises:
        DataError: if the labels are damaged, are no whole numbers, or name files that are missing.
    """
    samples = [each for each in tree.members if file_filter.fits(each.name)]
    classes = classes_of(tree, samples) if samples else None
    if classes is None:
        return None
    layout = f"{tree.noun} of {{}}" + f" with {FILE}" * (tree.noun == "folder")
    found = of_members(tree, samples, layout)
    return replace(found, classes=classes, members=[*found.members, *labels_file(tree)])


def classes_of(tree: Tree, members: Sequence[Member]) -> Callable[[str | None], Classes] | None:
    """The classes of some files of a tree from its ``dataset.json``; ``None`` without labels."""
    tables = labels_file(tree)
    if not tables:
        return None
    where = f"{tree.path}, {tables[0]}"
    pairs = _pairs(tree.read(tables[0]), where)
    if pairs is _NO_LABELS:
        return None
    inner = [each.inner for each in members]
    known = {plain_path(each.inner) for each in tree.members}

    def classes(label: str | None) -> Classes:
        if label:
            raise DataError(
                f"no labels {label!r}",
                where=str(tree.path),
                remedy=f"Its only labels are those of {FILE}; leave out --label.",
            )
        return Classes(None if label == "" else _labels(pairs, inner, known, where))

    return classes


def labels_file(tree: Tree) -> list[str]:
    """The name of the ``dataset.json`` of a tree; nothing if there is none."""
    return [each.name for each in tree.members if each.inner == FILE]


_NO_LABELS: list[object] = []
"""In place of labels where the file says nothing about them."""


def _pairs(content: bytes, where: str) -> list[object] | None:
    """The list of labels; ``None`` where it says that there are none."""
    try:
        table: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"not JSON ({error})", where=where, remedy="Write it with a JSON library, or remove it."
        ) from None
    if not isinstance(table, dict) or "labels" not in table:
        return _NO_LABELS
    pairs: Any = cast(dict[str, object], table)["labels"]
    if isinstance(pairs, dict):
        named = cast(dict[str, object], pairs)
        return [[name, number] for name, number in named.items()]
    return pairs if pairs is None or isinstance(pairs, list) else [pairs]


def _labels(
    pairs: list[object] | None, inner: Sequence[str], known: Collection[str], where: str
) -> Labels | None:
    if pairs is None:
        return None
    numbers: dict[str, int] = {}
    for pair in pairs:
        name, number = _checked(pair, where)
        if numbers.setdefault(name, number) != number:
            raise DataError(
                f"{name} has two labels, {numbers[name]} and {number}",
                where=where,
                remedy="Keep one of them.",
            )
    if missing := sorted(name for name in numbers if name not in known):
        raise DataError(
            f"{len(missing)} labelled files are not there, the first is {missing[0]}",
            where=where,
            remedy="Correct the names.",
        )
    return from_numbers([numbers.get(plain_path(name)) for name in inner], (), where=where)


def _checked(pair: object, where: str) -> tuple[str, int]:
    remedy = 'Write {"labels": [["img0.png", 3], ...]}.'
    match pair:
        case [str(name), bool()]:
            problem = f"the label of {name} is true or false"
        case [str(name), int(number)]:
            return plain_path(name), number
        case [str(name), list()]:
            count = len(cast(list[list[object]], pair)[1])
            problem = f"the label of {name} holds {count} numbers, expected one class number"
            remedy = (
                "Several labels for each file are no classes: give one number, or a metadata.csv "
                "with a column for each."
            )
        case _:
            problem = f"{pair!r}, expected [name, class number]"[:200]
    raise DataError(problem, where=where, remedy=remedy)
