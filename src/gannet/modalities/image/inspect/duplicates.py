"""Duplicates and near-duplicates, found without comparing all pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMB = 16
"""Side of the grey thumbnails that confirm near-duplicates of similar hash."""

DISTANCE = 3
"""Maximum Hamming distance of 64-bit hashes of near-duplicates."""

_BANDS = 4  # more bands than differing bits, so that at least one band agrees
_WINDOW = 16
_NOISE = 6.0
_CONTRAST_FRACTION = 0.12


def thumb(image: Image.Image) -> NDArray[np.uint8]:
    """A small grey copy, ``(16, 16)``."""
    gray = image.convert("L").resize((THUMB, THUMB), Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(gray)


def difference_hash(image: Image.Image) -> int:
    """dHash: 64 bits that say where an image grows brighter from left to right.

    Robust to resizing, recompression and mild changes of colour.
    Source: Krawetz 2013, "Kind of Like That", hackerfactor.com.
    """
    gray = image.convert("L").resize((9, 8), Image.Resampling.BOX, reducing_gap=2.0)
    values = np.asarray(gray).astype(np.int16)
    return int.from_bytes(np.packbits(values[:, 1:] > values[:, :-1]).tobytes(), "big")


def equal_groups(prints: Sequence[Hashable]) -> list[list[int]]:
    """Groups of two or more indices with equal values.

    >>> equal_groups(["a", "b", "a"])
    [[0, 2]]
    """
    indices: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, each in enumerate(prints):
        indices[each].append(index)
    return [group for group in indices.values() if len(group) > 1]


def near_pairs(hashes: NDArray[np.uint64], thumbs: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Pairs of indices of near-duplicates, the smaller index first.

    Sorts by each quarter of the hash and compares 16 neighbours, so that time grows as n log n.
    In very large groups of near-duplicates some pairs are missed, but hardly an image.

    Args:
        hashes: ``(n,)`` difference hashes.
        thumbs: ``(n, 16, 16)`` grey thumbnails, which confirm pairs of similar hash.
    """
    near: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        part = (hashes >> np.uint64(16 * band)) & np.uint64(0xFFFF)
        order = np.lexsort((hashes, part))
        for step in range(1, min(_WINDOW, len(hashes) - 1) + 1):
            one, other = order[:-step], order[step:]
            close = np.bitwise_count(hashes[one] ^ hashes[other]) <= DISTANCE
            close &= part[one] == part[other]
            one, other = one[close], other[close]
            same = _confirmed(thumbs[one], thumbs[other])
            pairs = zip(one[same].tolist(), other[same].tolist(), strict=True)
            near.update((min(pair), max(pair)) for pair in pairs)
    return sorted(near)


def _confirmed(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Compare thumbnails: different images on a plain background may have similar hashes."""
    flat = [each.reshape(-1, THUMB * THUMB).astype(np.float32) for each in (one, other)]
    gap = np.sqrt(np.square(flat[0] - flat[1]).mean(1))
    return (gap <= _NOISE) & (gap <= _CONTRAST_FRACTION * flat[0].std(1) + 0.5)
