"""Split samples into training and held-out ones by content, so that growing data keep the split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gannet.core.seeding import derive_seed
from gannet.core.types import IntArray

MIN_HELD_OUT = 64
"""Fewer held-out samples are too few to monitor training."""

MAX_HELD_OUT = 5_000
"""More held-out samples would not make measurements better."""

MIN_DIFFERENT = 2
"""Minimum number of distinct held-out samples."""

LARGEST_GROUP = 3
"""A group of copies of more than the held-out samples over this is a mode, and on both sides."""

FEW_COPIES = 4
"""So few copies are never on both sides."""


def held_out_count(count: int, fraction: float) -> int:
    """How many of ``count`` to hold out: ``fraction``, at least 64 or a fifth, at most 5,000.

    >>> [held_out_count(count, 0.1) for count in (2, 10, 100, 500, 2_000, 200_000)]
    [1, 2, 20, 64, 200, 5000]
    """
    low = min(MIN_HELD_OUT, count // 5)
    return max(1, min(max(round(fraction * count), low), MAX_HELD_OUT, count - 1))


def split(
    contents: NDArray[np.uint64],
    fingerprints: NDArray[np.uint64],
    labels: IntArray,
    *,
    fraction: float,
    seed: int,
    stratify: bool = True,
) -> tuple[IntArray, IntArray]:
    """Indices of training and of held-out samples.

    Copies stay together, so that no duplicate of a training sample is held out. A group of more
    than a third of the held-out samples is a mode of its own, which must be absent from neither
    side: its copies are on both, in proportion. Within each class the samples with the lowest
    fingerprints are held out, so that new samples change the split little.

    Args:
        contents: ``(n,)`` fingerprints that order the samples.
        fingerprints: ``(n,)`` numbers that are equal for copies.
        labels: ``(n,)`` class numbers, -1 for unknown.
        fraction: Fraction of the samples to hold out.
        seed: Other seeds give other splits.
        stratify: Whether large groups may be on both sides.
    """
    _, group = np.unique(fingerprints, return_inverse=True)
    keys = _mixed(contents, seed)
    goal = held_out_count(len(contents), fraction)
    is_held_out = np.zeros(len(contents), np.bool_)
    large = np.bincount(group) > max(goal // LARGEST_GROUP, FEW_COPIES)
    rest = np.ones(len(contents), np.bool_)
    if stratify and large.any():
        rest = ~large[group]
        is_held_out[_stratified(group, keys, labels, ~rest, goal)] = True
    if rest.any():
        room = max(goal - int(is_held_out.sum()), 0)
        small = np.flatnonzero(rest)
        chosen = _whole_groups(group[small], keys[small], labels[small], room, bool(rest.all()))
        is_held_out[small[chosen]] = True
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _stratified(
    group: IntArray, keys: NDArray[np.uint64], labels: IntArray, large: NDArray[np.bool_], goal: int
) -> IntArray:
    """Indices to hold out of large groups: of each, and of each label in it, its share."""
    found: list[IntArray] = []
    for number in np.unique(group[large]):
        members = np.flatnonzero(group == number)
        members = members[np.lexsort((keys[members], labels[members]))]
        count = min(max(round(goal * len(members) / len(group)), 1), len(members) - 1)
        # Evenly over the classes, which follow each other; within one, the lowest fingerprints.
        _, starts, sizes = np.unique(labels[members], return_index=True, return_counts=True)
        ends = np.floor(np.cumsum(sizes) * count / len(members) + 1e-9).astype(np.int64)
        for start, many in zip(starts, np.diff(ends, prepend=0), strict=True):
            found.append(members[start : start + many])
    return np.concatenate(found)


def _whole_groups(
    fingerprints: IntArray, keys: NDArray[np.uint64], labels: IntArray, goal: int, alone: bool
) -> NDArray[np.bool_]:
    """Which samples to hold out, in whole groups; at least one group if it is ``alone``."""
    _, group = np.unique(fingerprints, return_inverse=True)
    size = np.bincount(group)
    key = np.full(len(size), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(key, group, keys)
    label = np.full(len(size), -1, np.int64)
    np.maximum.at(label, group, labels)
    chosen = _choose(key, size, label, goal)
    if not chosen.any() and goal:  # each class has only one member
        chosen = _choose(key, size, np.full_like(label, -1), goal)
    if not chosen.any() and alone:  # all groups are larger than the goal
        chosen[np.argmin(size)] = True
    if alone:
        _complete(chosen, key, size)
    return chosen[group]


def _complete(chosen: NDArray[np.bool_], key: NDArray[np.uint64], size: IntArray) -> None:
    """If four or more samples differ, hold out at least two, which pairwise distances need."""
    if chosen.sum() >= MIN_DIFFERENT or len(chosen) < 2 * MIN_DIFFERENT:
        return
    for group in np.lexsort((key, size)):
        chosen[group] = True
        if chosen.sum() >= MIN_DIFFERENT:
            break


def _choose(
    key: NDArray[np.uint64], size: IntArray, label: IntArray, goal: int
) -> NDArray[np.bool_]:
    chosen = np.zeros(len(key), np.bool_)
    quota = _quotas(size, label, goal)
    for name, room in quota.items():
        groups = np.flatnonzero(label == name)
        for group in groups[np.argsort(key[groups], kind="stable")]:
            if size[group] <= room:
                chosen[group] = True
                room -= int(size[group])
            if room <= 0:
                break
    return chosen


def _quotas(size: IntArray, label: IntArray, goal: int) -> dict[int, int]:
    """Samples to hold out per class, in proportion; at least one of each stays in training."""
    names, group = np.unique(label, return_inverse=True)
    counts = np.bincount(group, weights=size).astype(np.int64)
    groups = np.bincount(group)
    exact = goal * counts / counts.sum()
    quota = np.floor(exact).astype(np.int64)
    largest_remainders = np.argsort(-(exact - quota), kind="stable")[: goal - int(quota.sum())]
    quota[largest_remainders] += 1
    quota = np.where(groups > 1, np.minimum(quota, counts - 1), 0)
    return dict(zip(names.tolist(), quota.tolist(), strict=True))


def _mixed(contents: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Hash fingerprints with a seed: the finaliser of SplitMix64 (Steele 2014)."""
    bits = contents ^ np.uint64(derive_seed(seed))
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
