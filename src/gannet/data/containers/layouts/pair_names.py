"""Names of the two files of a pair: what they share, and the word that tells the sides apart."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

Partner = TypeVar("Partner")

_LAST = re.compile(r"(.+?)[-_. ]([A-Za-z][A-Za-z0-9]*)")
_FIRST = re.compile(r"([A-Za-z][A-Za-z0-9]*)[-_. ](.+)")

TARGETS = frozenset(
    {"target", "targets", "output", "outputs", "after", "clean", "high", "hr", "gt", "truth"}
    | {"groundtruth", "ground_truth", "sharp", "result", "results", "edited", "b", "y"}
)
"""Names of sides that hold targets."""

INPUTS = frozenset(
    {"input", "inputs", "source", "sources", "given", "before", "noisy", "low", "lr", "blur"}
    | {"blurry", "blurred", "degraded", "sketch", "sketches", "edges", "original", "a", "x"}
    | {"leftimg8bit", "rainy", "hazy", "masked"}
)
"""Names of sides that hold inputs."""


def in_order(names: Collection[str], given: str = "") -> tuple[str, str]:
    """The side of inputs, then that of targets: as asked for, as the names say, or as sorted.

    Args:
        names: Of the two sides.
        given: The one with the inputs, if that was asked for.

    >>> in_order(["before", "after"]), in_order(["photo", "label"])
    (('before', 'after'), ('label', 'photo'))
    """
    one, other = sorted(names)
    if given in (one, other):
        return (given, other if given == one else one)
    turned = (other.lower() in INPUTS or one.lower() in TARGETS) and not (
        one.lower() in INPUTS or other.lower() in TARGETS
    )
    return (other, one) if turned else (one, other)


def by_word(stems: Sequence[str]) -> dict[str, list[int]] | None:
    """Names that differ in their last or first word: that word -> indices of its names.

    One side may have no word, as ``1.png`` beside ``1_mask.png``. ``None`` if most names have no
    partner.

    >>> by_word(["1_A", "1_B", "2_A", "2_B"])
    {'A': [0, 2], 'B': [1, 3]}
    """
    for pattern, word_at in ((_LAST, 2), (_FIRST, 1)):
        found = [pattern.fullmatch(stem) for stem in stems]
        markers = [each[word_at] if each else "" for each in found]
        rests = [
            each[3 - word_at] if each else stem for each, stem in zip(found, stems, strict=True)
        ]
        groups: dict[str, list[int]] = {}
        for at, word in enumerate(markers):
            groups.setdefault(word, []).append(at)
        if len(groups) != 2:
            continue
        one, other = ({rests[at] for at in group} for group in groups.values())
        if 2 * len(one & other) * 2 >= len(stems):
            return groups
    return None


def without_markers(named: Mapping[str, Partner]) -> dict[str, Partner]:
    """Names without the words that all of one side share at their beginning and end.

    Digits stay, since they tell samples apart. Unchanged if two names would become one.

    >>> list(without_markers({"image_a_1": 0, "image_a_12": 1}))
    ['1', '12']
    """
    stems = list(named)
    start = _shared_start(stems).rstrip("0123456789")
    end = _shared_start([stem[len(start) :][::-1] for stem in stems]).rstrip("0123456789")
    short = {stem[len(start) : len(stem) - len(end)]: named[stem] for stem in stems}
    return short if len(short) == len(named) and "" not in short else dict(named)


def _shared_start(texts: Sequence[str]) -> str:
    """The longest beginning that all texts share; empty if there are none."""
    one, other = min(texts, default=""), max(texts, default="")
    same = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return one[: next(same, min(len(one), len(other)))]
