"""Near-duplicates: samples that are another one with noise, recompressed, cropped or brighter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core import device as processor
from gannet.core.codec import Codec
from gannet.core.seeding import derive_seed
from gannet.core.types import IntArray
from gannet.modalities.modality import Modality

EXACT = 10_000
"""Up to so many samples all pairs are compared; among more, those that fall into one cell."""

MOST = 100_000
"""Among more samples near-duplicates are not looked for."""

NEIGHBORS = 2
"""Nearest samples that are looked at; a chain of nearest ones joins a larger group."""

IN_CELL = 4
"""Samples that follow in a cell and are looked at."""

FAR = 0.75
"""Distance of keys of length 1 from which samples are not compared: correlation below .72."""

ROUNDING = 1e-3
"""Deviations within which rows of a kind that repeats itself are equal but for rounding."""

SUBSET = 128
"""Samples whose nearest neighbours tell how near honest samples are."""

FRACTION, DENSEST = 0.4, 0.05
"""Near-duplicates differ by less than this share of what the nearest twentieth of neighbours in the
subset differ by: in each set one class, such as ones or trousers, is far more alike than the rest.

Measured on portraits, paintings, digits of two makes, clothes, emoji and photos: noise of two grey
levels, JPEG of quality 75 and crops of 2 % are found nearly always, JPEG of quality 50 and crops of
5 % mostly; of honest digits, clothes and portraits one in a hundred is at most.
"""

COPIES = 0.2
"""Share of what the farthest neighbours differ by, below which these may be copies themselves."""

BOUNDS = (0.03, 0.22)
"""Bounds of that limit."""

FALSE_ALARM = 1e-3
"""Expected pairs per sample that are as near by chance, for kinds without a comparison."""

CHUNK = 1_000
"""Samples that are compared at once."""

TABLES = 6
"""Grids of cells, each shifted at random."""

COINCIDENCES = 10.0
"""Times as many pairs as independent columns would make equal, up to which equal rows of coarse
data are coincidences, since columns that depend on each other make more."""

Read = Callable[[IntArray], Tensor]
"""Indices ``(m,)`` to encoded samples ``(m, *shape)``."""


def near_groups(
    read: Read, fingerprints: NDArray[np.uint64], modality: Modality, codec: Codec[Any] | None
) -> IntArray:
    """Number of the group of each sample, ``(n,)``: equal for equal and for nearly equal samples.

    Depends on the samples and not on their order. Groups are chains: two samples may be in one
    because a third resembles both.

    Args:
        read: Reads samples.
        fingerprints: ``(n,)``, equal for equal samples.
        modality: Of the samples.
        codec: Of the samples, where it is known.
    """
    _, first, group = np.unique(fingerprints, return_index=True, return_inverse=True)
    if not 1 < len(first) <= MOST:
        return group
    with processor.threads(1):  # sums in one order, so that a resumed run finds the same groups
        keys = torch.cat(
            [_keys(read(part), modality, codec) for part in np.array_split(first, _parts(first))]
        )
        if modality.examination.unlike is None:
            pairs = _near_by_distance(_scaled(keys), repeats=modality.examination.repeats)
        else:
            pairs = _near_by_comparison(keys, lambda at: read(first[at]), modality)
    return _joined(len(first), pairs)[group]


def _parts(indices: IntArray) -> int:
    return math.ceil(len(indices) / CHUNK)


def _keys(samples: Tensor, modality: Modality, codec: Codec[Any] | None) -> Tensor:
    examination = modality.examination
    if examination.keys is not None:
        return examination.keys(samples)
    return examination.numbers(codec, samples)


def _scaled(rows: Tensor) -> Tensor:
    """Rows of numbers, each column of mean 0 and deviation 1; missing ones far away."""
    known = rows.double()
    missing = known.isnan()
    counts = (~missing).sum(0).clamp_min(1)
    mean = known.nan_to_num(0.0).sum(0) / counts
    centered = torch.where(missing, torch.zeros_like(known), known - mean)
    deviation = (centered.square().sum(0) / counts).sqrt()
    scaled = centered / torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    return torch.where(missing, torch.full_like(scaled, -3.0), scaled).float()


def _near_by_comparison(keys: Tensor, read: Read, modality: Modality) -> IntArray:
    """Pairs ``(p, 2)`` that hardly differ by the kind's own comparison."""
    unlike = modality.examination.unlike
    assert unlike is not None

    def compared(pairs: IntArray) -> NDArray[np.float32]:
        parts = [pairs[at : at + CHUNK] for at in range(0, len(pairs), CHUNK)]
        found = [unlike(read(part[:, 0]), read(part[:, 1])).numpy() for part in parts]
        return np.concatenate([np.zeros(0, np.float32), *found])

    some = np.sort(np.random.default_rng(0).permutation(len(keys))[: _subset(len(keys))])
    # By content and not by place, so that the order of the samples does not matter.
    some = np.lexsort(keys[:, : min(3, keys.shape[1])].double().numpy().T)[some]
    usual = compared(some[nearest(keys[torch.from_numpy(some)], 1)]).clip(max=1.0)
    honest = usual[usual > max(BOUNDS[0], COPIES * float(np.quantile(usual, 0.95)))]
    densest = float(np.quantile(honest, DENSEST)) if len(honest) else 0.0
    limit = float(np.clip(FRACTION * densest, *BOUNDS))
    pairs = candidates(keys)
    pairs = pairs[_distances(keys, pairs[:, 0], pairs[:, 1]) <= FAR]
    return pairs[compared(pairs) <= limit]


def _subset(count: int) -> int:
    """A third at most, so that copies mostly lie outside and honest neighbours are seen."""
    return max(min(SUBSET, count // 3), 2)


def _near_by_distance(rows: Tensor, *, repeats: bool) -> IntArray:
    """Pairs nearer than chance would bring them in data of this dimension.

    The share of pairs nearer than r grows as r to the power of the dimension (Grassberger and
    Procaccia 1983, Physica D 9, eq. 1.3); it is fitted to the distances of random pairs and
    extended to where fewer than ``FALSE_ALARM`` pairs per sample are expected.
    """
    count = len(rows)
    rng = np.random.default_rng(derive_seed(0, count))
    order = np.lexsort(rows.double().numpy().T)
    one, other = rng.integers(0, count, (2, 20_000))
    one, other = order[one[one != other]], order[other[one != other]]
    distances = _distances(rows, one, other)
    far = distances[distances > 1e-3 * np.median(distances)]
    if len(far) < 100:
        return np.zeros((0, 2), np.int64)
    low, high = np.quantile(far, [0.05, 0.25])
    dimension = max(math.log(5) / math.log(max(high / low, 1 + 1e-9)), 1.0)
    # Of the pairs: count ** 2 / 2 pairs, FALSE_ALARM * count expected.
    fraction = 2 * FALSE_ALARM / count
    limit = min(low * (fraction / 0.05) ** (1 / dimension), 0.2 * low)
    if repeats:  # such data are coarse: many rows are near each other by right
        limit = min(limit, ROUNDING * math.sqrt(rows.shape[1]))
    pairs = candidates(rows, limit)
    pairs = pairs[_distances(rows, pairs[:, 0], pairs[:, 1]) <= limit]
    coincident = repeats and len(pairs) <= COINCIDENCES * _equal_pairs(rows)
    return np.zeros((0, 2), np.int64) if coincident else pairs


def _equal_pairs(rows: Tensor) -> float:
    """Pairs of equal rows ``(n, F)`` to be expected if all columns were independent.

    >>> _equal_pairs(torch.tensor([[1.0], [1.0], [2.0], [3.0]]))
    1.0
    >>> _equal_pairs(torch.arange(4.0)[:, None])
    0.0
    """
    count = len(rows)
    pairs = count * (count - 1) / 2
    for column in rows.T.numpy():
        _, counts = np.unique(column, return_counts=True)
        pairs *= float((counts * (counts - 1)).sum()) / (count * (count - 1))
    return pairs


def _distances(rows: Tensor, one: IntArray, other: IntArray) -> NDArray[np.float64]:
    gap = rows[torch.from_numpy(one)] - rows[torch.from_numpy(other)]
    return gap.double().square().sum(1).sqrt().numpy()


def nearest(rows: Tensor, count: int) -> IntArray:
    """Each sample with its nearest others as pairs ``(p, 2)``, the smaller index first, once each.

    Args:
        rows: ``(n, F)``.
        count: Neighbours of each.
    """
    found: list[Tensor] = []
    norms = rows.square().sum(1)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        gap = norms - 2 * part @ rows.T
        gap[torch.arange(len(part)), torch.arange(start, start + len(part))] = torch.inf
        found.append(gap.topk(min(count, len(rows) - 1), largest=False).indices)
    neighbors = torch.cat(found).numpy()
    own = np.repeat(np.arange(len(rows)), neighbors.shape[1])
    return _once(np.stack([own, neighbors.ravel()], 1))


def candidates(rows: Tensor, width: float = 0.0) -> IntArray:
    """Pairs ``(p, 2)`` of rows ``(n, F)`` that may be near-duplicates.

    Few rows are compared with all others. Of many, those are that fall into one cell of a grid over
    eight random directions, and follow each other there; the grids are shifted at random.

    Source: Datar et al. 2004, Locality-sensitive hashing scheme based on p-stable distributions.
    """
    if len(rows) <= EXACT:
        return nearest(rows, NEIGHBORS)
    rng = np.random.default_rng(0)
    total_std = float(rows.std(0).square().sum().sqrt())
    side = 4 * (width or 0.1 * total_std)
    found: list[IntArray] = []
    for _ in range(TABLES):
        directions = rng.normal(size=(rows.shape[1], 8)) / math.sqrt(rows.shape[1])
        cell_side = side * max(1 / math.sqrt(rows.shape[1]), 0.1)
        coordinates = rows.double().numpy() @ directions
        cells = np.floor(coordinates / cell_side + rng.random(8)).astype(np.int64)
        hashed = (cells * (rng.integers(1, 2**62, 8, np.int64) | 1)).sum(1)
        order = np.lexsort((coordinates[:, 0], hashed))
        for step in range(1, IN_CELL + 1):
            one, other = order[:-step], order[step:]
            same = hashed[one] == hashed[other]
            found.append(np.stack([one[same], other[same]], 1))
    return _once(np.concatenate(found))


def _once(pairs: IntArray) -> IntArray:
    return np.unique(np.sort(pairs, 1), axis=0)


def _joined(count: int, pairs: IntArray) -> IntArray:
    """Number of the connected part of each of ``count`` nodes: the smallest index in it."""
    part = np.arange(count)
    while len(pairs):
        low = np.minimum(part[pairs[:, 0]], part[pairs[:, 1]])
        np.minimum.at(part, part[pairs[:, 0]], low)
        np.minimum.at(part, part[pairs[:, 1]], low)
        part = part[part]
        pairs = pairs[part[pairs[:, 0]] != part[pairs[:, 1]]]
    while (part != part[part]).any():
        part = part[part]
    return part
