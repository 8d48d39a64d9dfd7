"""Names of the parts of a data set: which are for training, which are held out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

THINGS = (
    "set|sets|data|dataset|image|images|img|imgs|picture|pictures|photo|photos|sample|samples|"
    "file|files|folder|part|split|shard|only|full|final|ing"
)
"""What parts are parts of, in names."""

_TRAIN = re.compile(rf"(?:train|training|trn|trainval|learn|learning)({THINGS})?")
_HELD_OUT = re.compile(
    rf"(?:val|valid|validation|validate|vali|dev|devel|test|testing|tst|eval|evaluation|holdout|"
    rf"heldout|t10k)({THINGS})?"
)
_LETTERED = re.compile(r"(train|test|val)([a-z])")
"""A part and the letter of a domain in one word, as in ``traina``."""

_FILLERS = re.compile(THINGS)

TRAINING_CELLS = frozenset({"train", "training", "trn", "trainval", "tr"})
"""Cells of a column of parts that say: for training."""

HELD_OUT_CELLS = frozenset(
    {"val", "valid", "validation", "dev", "test", "testing", "tst", "eval", "holdout"}
)
"""Cells of such a column that say: held out."""

OTHER_CELLS = frozenset({"unlabeled", "unlabelled", "extra"})
"""Further cells of such a column, for neither."""

PART_COLUMNS = ("split", "partition", "subset", "set", "part", "phase", "usage", "data set")
"""Names of such a column."""


@dataclass(frozen=True, slots=True)
class PartName:
    """The name of a folder or file that holds a part of a data set.

    Attributes:
        training: Whether the part is for training; else it is held out.
        rest: What else the name says, such as the ``A`` of ``trainA``; empty if nothing.
    """

    training: bool
    rest: str


def part_name(name: str) -> PartName | None:
    """What a name says about a part of a data set; ``None`` if it names no part.

    >>> part_name("Training"), part_name("seg_test")
    (PartName(training=True, rest=''), PartName(training=False, rest='seg'))
    >>> part_name("trainA").rest, part_name("train_set").rest, part_name("val2017").rest
    ('A', '', '')
    >>> part_name("cat") is part_name("trainer") is None
    True
    """
    tokens = _WORD.findall(name)
    lower = [word.lower() for word in tokens]
    if len(lower) == 1 and (both := _LETTERED.fullmatch(lower[0])):
        return PartName(both[1] == "train", both[2])
    training = [bool(_TRAIN.fullmatch(word)) for word in lower]
    held_out = [bool(_HELD_OUT.fullmatch(word)) for word in lower]
    if "".join(lower) in {"holdout", "heldout"}:
        return PartName(training=False, rest="")
    if not any(training) and not any(held_out):
        return None
    rest = [
        word
        for word, *part in zip(tokens, training, held_out, strict=True)
        if not any(part) and not word.isdigit() and not _FILLERS.fullmatch(word.lower())
    ]
    return PartName(any(training), "_".join(rest))


def without_part(name: str) -> str:
    """All words of a name but those that name a part.

    >>> without_part("train_images"), without_part("x_train")
    ('images', 'x')
    """
    tokens = _WORD.findall(name)
    return "_".join(
        word
        for word in tokens
        if not _TRAIN.fullmatch(word.lower()) and not _HELD_OUT.fullmatch(word.lower())
    )


@dataclass(frozen=True, slots=True)
class DataParts:
    """Folders, or files, of which some are for training.

    Attributes:
        training: What else a name says -> names of training parts with that rest.
        held_out: Names of the others.
        why: Why the others are not used.
    """

    training: dict[str, list[str]]
    held_out: tuple[str, ...]
    why: str


def parts_of(names: Collection[str]) -> DataParts | None:
    """The parts of a data set among the names of folders; ``None`` if they are something else.

    All of them must name parts; or one is for training and another of the same rest held out, and
    then whatever else lies there is no part. Without a training part, all held-out ones are used.

    >>> parts_of(["train", "test"]).training, parts_of(["cat", "dog"])
    ({'': ['train']}, None)
    >>> sorted(parts_of(["trainA", "trainB", "testA", "testB"]).training)
    ['A', 'B']
    """
    found = {name: part for name in names if (part := part_name(name)) is not None}
    training = {name: part.rest for name, part in found.items() if part.training}
    held_out = {name: part.rest for name, part in found.items() if not part.training}
    same_rest = {rest.lower() for rest in training.values()} & {
        rest.lower() for rest in held_out.values()
    }
    if not found or (len(found) < len(names) and not same_rest):
        return None
    if training and held_out and not same_rest and len(names) == len(found) == 2:
        return None  # two classes, such as steam_train and test_tube
    used = training or held_out
    by_rest: dict[str, list[str]] = {}
    for name, rest in used.items():
        by_rest.setdefault(rest, []).append(name)
    others = tuple(name for name in names if name not in used)
    shown = ", ".join(used)
    why = f"only {shown} {'is' if len(used) == 1 else 'are'} used for training"
    return DataParts(by_rest, others, why)


def is_held_out(name: str) -> bool:
    """Whether a path, by its folders and its stem, belongs to a held-out part."""
    path = PurePosixPath(name)
    sides = [part for each in (*path.parts[:-1], path.stem) if (part := part_name(each))]
    return bool(sides) and not sides[-1].training


def is_training(name: str) -> bool:
    """Whether a path, by its folders and its stem, belongs to a training part."""
    path = PurePosixPath(name)
    sides = [part for each in (*path.parts[:-1], path.stem) if (part := part_name(each))]
    return bool(sides) and sides[-1].training


def training_names(names: Sequence[str]) -> list[str]:
    """Those of some files to train on: of a training part if there is one, else not held out."""
    train = [name for name in names if is_training(name)]
    return train or [name for name in names if not is_held_out(name)] or list(names)


def training_rows(columns: Iterable[str], cells_of: dict[str, list[str]]) -> tuple[str, list[bool]]:
    """The column that tells the part of each row, and which rows are for training.

    Words such as ``train`` and ``test``; or, in a column called ``partition`` or ``split``, the
    numbers 0, 1 and 2 for training, validation and test.

    Returns:
        The column and one truth value per row; ``""`` and nothing if there is no such column.
    """
    for column in columns:
        plain = column.strip().lower().replace("_", " ").replace("-", " ")
        cells = [cell.strip().lower() for cell in cells_of[column]]
        values = {cell for cell in cells if cell}
        named = plain in PART_COLUMNS and bool(values & TRAINING_CELLS)
        if named and values <= TRAINING_CELLS | HELD_OUT_CELLS | OTHER_CELLS:
            return column, [cell in TRAINING_CELLS for cell in cells]
        numbered = plain in ("partition", "split") and values <= {"0", "1", "2"} and "0" in values
        if numbered and len(values) > 1:
            return column, [cell == "0" for cell in cells]
        flags = {"true", "false"}, {"1", "0"}, {"yes", "no"}
        if plain in ("is train", "is training") and values in flags:
            return column, [cell in {"true", "1", "yes"} for cell in cells]
    return "", []
