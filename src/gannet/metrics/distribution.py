"""Distances between two heaps of features: no files, no networks, memory bounded by chunks.

All take ``real (N, F)`` and ``fake (M, F)`` and compute in 64 bit. ``better`` of each stands in
``gannet.metrics.METRICS``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

CELLS = 1 << 21
"""Largest number of pairs held at once: 16 MiB in 64 bit."""

NEIGHBOURS = 5
"""k of density and coverage (Naeem 2020, sec. 4.3)."""

MANIFOLD_NEIGHBOURS = 3
"""k of precision and recall (Kynkaanniemi 2019, sec. 3)."""


def chunks(rows: int, columns: int, cells: int = CELLS) -> Iterator[slice]:
    """Consecutive slices over ``rows`` that each hold at most ``cells`` pairs, but one row.

    >>> [(part.start, part.stop) for part in chunks(5, 10, cells=20)]
    [(0, 2), (2, 4), (4, 5)]
    """
    size = max(cells // max(columns, 1), 1)
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """Squared Euclidean distances ``(N, M)`` between the rows of ``(N, F)`` and ``(M, F)``."""
    both = (left * left).sum(1)[:, None] + (right * right).sum(1)
    return torch.addmm(both, left, right.T, alpha=-2).clamp_min_(0)


def nearest(
    queries: Tensor, targets: Tensor, k: int = 1, *, same: bool = False, cells: int = CELLS
) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest targets of each query.

    Args:
        queries: ``(N, F)``.
        targets: ``(M, F)``.
        k: How many; fewer if there are fewer targets.
        same: Whether both are one set in one order, so that a row is no neighbour of itself.
        cells: Largest number of pairs held at once.

    Returns:
        Distances ``(N, k)``, rising, and rows of ``targets`` ``(N, k)``.
    """
    assert len(targets) > same, "nobody to be a neighbour"
    left, right = _centred_alike(queries, targets)
    k = min(k, len(targets) - same)
    distances: list[Tensor] = []
    rows: list[Tensor] = []
    for part in chunks(len(left), len(right), cells):
        gaps = squared_distances(left[part], right)
        if same:
            gaps[torch.arange(len(gaps)), torch.arange(part.start, part.stop)] = torch.inf
        found = gaps.topk(k, largest=False)
        distances.append(found.values.sqrt())
        rows.append(found.indices)
    return torch.cat(distances), torch.cat(rows)


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """How far apart the two heaps are if each were one Gaussian; 0 for equal moments.

    Biased upwards by about trace / N for few samples: compare it with a floor of the same counts.

    Source: Heusel 2017, arXiv:1706.08500, eq. 6; Dowson and Landau 1982.
    Differs: the trace of the root of the product of covariances is computed as the sum of singular
        values of a product of their factors, because that needs no root of a nearly singular,
        unsymmetric matrix and stays exact when there are fewer samples than features.
    """
    left, right = real.double(), fake.double()
    gap = left.mean(0) - right.mean(0)
    first, second = _factor(left), _factor(right)
    squares = gap.square().sum() + first.square().sum() + second.square().sum()
    return max(float(squares) - 2 * float(_nuclear_norm(first @ second.T)), 0.0)


def kernel_distance(real: Tensor, fake: Tensor, *, cells: int = CELLS) -> float:
    """Squared maximum mean discrepancy under a cubic kernel; about 0, even below, when alike.

    Unbiased: its expectation does not depend on the number of samples.

    Source: Binkowski 2018, arXiv:1801.01401, sec. 4, kernel (x·y / F + 1)³; Gretton 2012, eq. 3.
    Differs: one estimate from all samples instead of a mean over subsets, because the variance is
        lower and the expectation the same.
    """
    left, right = real.double(), fake.double()
    return (
        _kept(_within_cubic, left, cells)
        + _kept(_within_cubic, right, cells)
        - 2 * _between(left, right, _cubic, cells)
    )


def energy_distance(real: Tensor, fake: Tensor, *, cells: int = CELLS) -> float:
    """Twice the mean distance across minus those within; about 0, even below, when alike.

    Sees any difference of distributions in the features, and has no setting.

    Source: Szekely and Rizzo 2013, Energy statistics, J. Stat. Plan. Inference 143, eq. 2.
    Differs: pairs of a row with itself are left out, so that it is unbiased.
    """
    first, second = real.double(), fake.double()
    across = 2 * _between(*_centred_alike(first, second), _distance, cells)
    return across - sum(_kept(_within_distance, each, cells) for each in (first, second))


def precision(real: Tensor, fake: Tensor) -> float:
    """Share of fakes that lie among the reals, 0..1: how believable single samples are.

    Source: Kynkaanniemi 2019, arXiv:1904.06991, eqs. 1 and 2, k = 3.
    """
    return float(_covered(fake, real, _radii(real, MANIFOLD_NEIGHBOURS)).double().mean())


def recall(real: Tensor, fake: Tensor) -> float:
    """Share of reals that lie among the fakes, 0..1: how much of the variety is reached.

    Source: Kynkaanniemi 2019, arXiv:1904.06991, eqs. 1 and 2, k = 3.
    """
    return precision(fake, real)


def density(real: Tensor, fake: Tensor) -> float:
    """Mean number of real neighbourhoods a fake lies in, over k; about 1 when alike.

    Unlike precision it is not fooled by one outlying real with a huge neighbourhood.

    Source: Naeem 2020, arXiv:2002.09797, eq. 4, k = 5.
    """
    radii = _radii(real, NEIGHBOURS)
    left, right = _centred_alike(fake, real)
    hits = 0
    for part in chunks(len(left), len(right)):
        hits += int((squared_distances(left[part], right) <= radii.square()).sum())
    return hits / (min(NEIGHBOURS, len(real) - 1) * len(fake))


def coverage(real: Tensor, fake: Tensor) -> float:
    """Share of reals with a fake in their neighbourhood, 0..1: how few modes are missing.

    Source: Naeem 2020, arXiv:2002.09797, eq. 5, k = 5.
    """
    gaps, _ = nearest(real, fake)
    return float((gaps[:, 0] <= _radii(real, NEIGHBOURS)).double().mean())


def _centred_alike(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    # Distances by a matrix product cancel badly when the mean is far from zero.
    centre = other.double().mean(0)
    return one.double() - centre, other.double() - centre


def _nuclear_norm(matrix: Tensor) -> Tensor:
    return torch.linalg.svdvals(matrix).sum()


def _factor(rows: Tensor) -> Tensor:
    """A matrix whose Gram matrix over features is the covariance, of min(N, F) rows."""
    centred = (rows - rows.mean(0)) / max(len(rows) - 1, 1) ** 0.5
    if len(rows) <= rows.shape[1]:
        return centred
    return torch.linalg.qr(centred, mode="r").R


def _cubic(one: Tensor, other: Tensor) -> Tensor:
    return (one @ other.T / one.shape[1] + 1).pow_(3)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return squared_distances(one, other).sqrt_()


def _within_cubic(rows: Tensor, cells: int) -> float:
    return _within(rows, _cubic, cells)


def _within_distance(rows: Tensor, cells: int) -> float:
    # Not its place but its mean counts, and sums stay exact near zero.
    return _within(rows - rows.mean(0), _distance, cells)


def _all_radii(rows: Tensor, k: int) -> Tensor:
    return nearest(rows, rows, k, same=True)[0]


def nearest_others(rows: Tensor) -> Tensor:
    """Distance of each row ``(N, F)`` to the nearest other, ``(N,)``."""
    return _kept(_all_radii, rows.double(), NEIGHBOURS)[:, 0]


def _radii(rows: Tensor, k: int) -> Tensor:
    """Distance of each row to its ``k``-th neighbour ``(N,)``."""
    found = _kept(_all_radii, rows.double(), NEIGHBOURS)
    return found[:, min(k, found.shape[1]) - 1]


def forget() -> None:
    """Let go of the heaps that results are kept of; their room is worth having back."""
    _LATEST.clear()


T = TypeVar("T")


def _kept(function: Callable[[Tensor, int], T], rows: Tensor, argument: int) -> T:
    """What a function makes of one heap, once for all metrics that ask in a row.

    An evaluation asks for the same of the same reals seven times over, which is most of its time.
    """
    key = (function, id(rows), rows._version, argument)
    for known, heap, value in _LATEST:
        if known == key and heap is rows:
            return cast("T", value)
    value = function(rows, argument)
    _LATEST.append((key, rows, value))
    return value


_LATEST: deque[tuple[tuple[Any, ...], Tensor, Any]] = deque(maxlen=12)
"""The last results, each with the heap it is of, which thereby stays alive and itself."""


def _covered(queries: Tensor, targets: Tensor, radii: Tensor) -> Tensor:
    left, right = _centred_alike(queries, targets)
    limits = radii.square()
    inside = [
        (squared_distances(left[part], right) <= limits).any(1)
        for part in chunks(len(left), len(right))
    ]
    return torch.cat(inside)


def _between(
    left: Tensor, right: Tensor, pair: Callable[[Tensor, Tensor], Tensor], cells: int
) -> float:
    total = 0.0
    for part in chunks(len(left), len(right), cells):
        total += float(pair(left[part], right).sum())
    return total / (len(left) * len(right))


def _within(rows: Tensor, pair: Callable[[Tensor, Tensor], Tensor], cells: int) -> float:
    """Mean over all pairs of different rows; each is counted once, since pairs are symmetric."""
    total, count = 0.0, len(rows)
    assert count > 1, "one sample has no pairs"
    for part in chunks(count, count, cells):
        inner = pair(rows[part], rows[part])
        total += float(inner.sum() - inner.diagonal().sum())
        if part.stop < count:
            total += 2 * float(pair(rows[part], rows[part.stop :]).sum())
    return total / (count * (count - 1))
