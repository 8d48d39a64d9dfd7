"""Which samples are held out of training: decided by content, so that it stays when data grow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gannet.core.seeding import derive_seed
from gannet.core.types import IntArray

LEAST = 64
"""Held-out samples below which health would be guesswork."""

MOST = 5_000
"""Held-out samples beyond which nothing is learnt from more of them."""

DIFFERENT = 2
"""Least number of held-out samples that differ from each other."""


def wanted(count: int, share: float) -> int:
    """How many of ``count`` to hold out: the share, within 64 to 5,000, at most a fifth, never 0.

    >>> [wanted(count, 0.1) for count in (2, 10, 100, 500, 2_000, 200_000)]
    [1, 2, 20, 64, 200, 5000]
    """
    low = min(LEAST, count // 5)
    return max(1, min(max(round(share * count), low), MOST, count - 1))


def split(
    contents: NDArray[np.uint64],
    evaluations: NDArray[np.uint64],
    labels: IntArray,
    *,
    share: float,
    seed: int,
) -> tuple[IntArray, IntArray]:
    """Places of training and of held-out samples.

    Equal samples stay together, so that no duplicate of a training sample is held out. Within
    each class the samples of lowest fingerprint are held out, so that new samples displace few.

    Args:
        contents: ``(n,)`` fingerprints that order the samples.
        evaluations: ``(n,)`` fingerprints that are equal for equal samples.
        labels: ``(n,)`` class numbers, -1 for not known.
        share: Of the samples to hold out.
        seed: Another seed, another split.
    """
    _, group = np.unique(evaluations, return_inverse=True)
    size = np.bincount(group)
    key = np.full(len(size), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(key, group, _mixed(contents, seed))
    label = np.full(len(size), -1, np.int64)
    np.maximum.at(label, group, labels)
    goal = wanted(len(contents), share)
    chosen = _choose(key, size, label, goal)
    if not chosen.any():  # each class has but one member
        chosen = _choose(key, size, np.full_like(label, -1), goal)
    if not chosen.any():  # all groups are larger than the goal
        chosen[np.argmin(size)] = True
    _complete(chosen, key, size)
    held = chosen[group]
    return np.flatnonzero(~held), np.flatnonzero(held)


def _complete(chosen: NDArray[np.bool_], key: NDArray[np.uint64], size: IntArray) -> None:
    """Hold out two different samples, since one has no distance to another, where four differ."""
    if chosen.sum() >= DIFFERENT or len(chosen) < 2 * DIFFERENT:
        return
    for place in np.lexsort((key, size)):
        chosen[place] = True
        if chosen.sum() >= DIFFERENT:
            break


def _choose(
    key: NDArray[np.uint64], size: IntArray, label: IntArray, goal: int
) -> NDArray[np.bool_]:
    chosen = np.zeros(len(key), np.bool_)
    quota = _quotas(size, label, goal)
    for name, room in quota.items():
        places = np.flatnonzero(label == name)
        for group in places[np.argsort(key[places], kind="stable")]:
            if size[group] <= room:
                chosen[group] = True
                room -= int(size[group])
            if room <= 0:
                break
    return chosen


def _quotas(size: IntArray, label: IntArray, goal: int) -> dict[int, int]:
    """Samples to hold out of each class, in proportion; at least one stays in training."""
    names, group = np.unique(label, return_inverse=True)
    counts = np.bincount(group, weights=size).astype(np.int64)
    groups = np.bincount(group)
    exact = goal * counts / counts.sum()
    quota = np.floor(exact).astype(np.int64)
    rest = np.argsort(-(exact - quota), kind="stable")[: goal - int(quota.sum())]
    quota[rest] += 1
    quota = np.where(groups > 1, np.minimum(quota, counts - 1), 0)
    return dict(zip(names.tolist(), quota.tolist(), strict=True))


def _mixed(contents: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Fingerprints stirred with a seed: the finaliser of SplitMix64 (Steele 2014)."""
    bits = contents ^ np.uint64(derive_seed(seed))
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
