"""Memorization: distances of fakes to training samples, against those of held-out reals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gannet.core.scores import NearestPair, TrainingDistance

REFERENCE_NEIGHBORS = 10
"""Further neighbours whose mean distance is the local scale of the training data."""

QUERY_CHUNK = 2_000
"""Queries per chunk."""

PAIR_CHUNK = 512
"""Pairs whose differences are computed at once, few enough to stay in the cache."""

EXTRA_CANDIDATES = 5
"""Candidates beyond ``k`` whose distances are computed exactly."""

ROUNDING = 1e-5
"""Bound of the rounding error of 32-bit products, relative to the squared norms of the rows."""

MAX_PAIRS = 16
"""Maximum pairs of fake and nearest training sample in a report."""

LEVELS = tuple(at / 100 for at in range(101))
"""Levels of the quantiles of distances."""

SUSPECT_QUANTILE = 0.01
"""Quantile of held-out reals that defines how close to a training sample is suspect."""


def closest(
    queries: Tensor, blocks: Iterable[Tensor], k: int = REFERENCE_NEIGHBORS + 1
) -> tuple[Tensor, Tensor]:
    """Nearest rows in a set that comes in blocks, so that it need not fit into memory.

    32-bit matrix products choose candidates, whose distances are then computed from differences:
    twice as fast as 64 bit, and exactly 0 for a copy.

    Args:
        queries: ``(N, F)``.
        blocks: Blocks of rows ``(m, F)``; row indices continue from block to block.
        k: How many; fewer if the set is smaller.

    Returns:
        Distances ``(N, k)``, ascending, and row indices ``(N, k)``.
    """
    squares = torch.full((len(queries), k), torch.inf, dtype=torch.float64)
    rows = torch.full((len(queries), k), -1, dtype=torch.int64)
    start, center = 0, queries.double().mean(0)
    left = (queries.double() - center).float()  # products cancel far from zero
    for block in blocks:
        right = (block.double() - center).float()
        for at in range(0, len(left), QUERY_CHUNK):
            part = slice(at, at + QUERY_CHUNK)
            near, which = _candidates(left[part], right, k, squares[part, -1:])
            merged = torch.cat([squares[part], near], 1)
            numbers = torch.cat([rows[part], which + start], 1)
            nearest = merged.topk(k, largest=False)
            squares[part], rows[part] = nearest.values, numbers.gather(1, nearest.indices)
        start += len(block)
    count = min(k, start)
    return squares[:, :count].sqrt(), rows[:, :count]


def _candidates(left: Tensor, right: Tensor, k: int, limits: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances to candidate rows, infinite beyond ``limits``, and their indices."""
    lengths, others = left.square().sum(1, keepdim=True), right.square().sum(1)
    products = torch.addmm(lengths + others, left, right.T, alpha=-2)
    gaps, which = products.topk(min(k + EXTRA_CANDIDATES, len(right)), largest=False)
    slack = ROUNDING * (lengths + others.amax())
    at, column = (gaps <= limits + slack).nonzero(as_tuple=True)
    exact = torch.full(gaps.shape, torch.inf, dtype=torch.float64)
    others = which[at, column]
    for start in range(0, len(at), PAIR_CHUNK):
        some = slice(start, start + PAIR_CHUNK)
        squares = (left[at[some]] - right[others[some]]).square_().sum(1)
        exact[at[some], column[some]] = squares.double()
    return exact, which


def suspects(fake: Tensor, held_out: Tensor) -> Tensor:
    """Which fakes are suspiciously close to one training sample, ``(N,)`` booleans.

    A suspect is closer to its nearest training sample than 99 % of held-out reals are to theirs,
    both in distance and in distance over the mean distance to the next ten. The ratio excludes
    blurred fakes, which are near many samples but copy none.

    Args:
        fake: ``(N, k)`` ascending distances to training samples.
        held_out: ``(M, k)`` the same of held-out reals.

    Source: Meehan 2020, arXiv:2004.05675 (held-out reals as the scale); Yoon 2023,
        Diffusion Probabilistic Models Generalize when They Fail to Memorize (the ratio).
    """
    distance_limit = held_out[:, 0].quantile(SUSPECT_QUANTILE)
    ratio_limit = ratio(held_out).quantile(SUSPECT_QUANTILE)
    return (fake[:, 0] <= distance_limit) & (ratio(fake) <= ratio_limit)


def ratio(distances: Tensor) -> Tensor:
    """Nearest distance over the mean of the further ones, ``(N,)``; about 0 for a copy."""
    if distances.shape[1] < 2:
        return distances[:, 0]
    return distances[:, 0] / distances[:, 1:].mean(1).clamp(min=1e-12)


@dataclass(frozen=True)
class NearestNeighbors:
    """Nearest training rows of the fakes of a table.

    Attributes:
        suspects: The nearest pairs, the most suspect first.
        examples: The first pairs, unselected.
        training_distance: Quantiles of all distances.
    """

    suspects: tuple[NearestPair, ...]
    examples: tuple[NearestPair, ...]
    training_distance: TrainingDistance


def pairs_of(distances: Tensor, train: Sequence[int], flags: Tensor) -> tuple[NearestPair, ...]:
    """Each fake and its nearest training sample.

    Args:
        distances: ``(N, k)``, ascending, from each fake to its nearest training samples.
        train: ``(N,)`` rows of the nearest.
        flags: ``(N,)`` whether each is suspect.
    """
    return tuple(
        NearestPair(
            fake=row,
            train=train[row],
            distance=float(distances[row, 0]),
            ratio=float(distance_ratio),
            suspect=bool(flags[row]),
        )
        for row, distance_ratio in enumerate(ratio(distances))
    )


def worst_pairs(pairs: Sequence[NearestPair]) -> tuple[NearestPair, ...]:
    """Suspects first, then by ascending distance ratio."""
    return tuple(sorted(pairs, key=lambda each: (not each.suspect, each.ratio))[:MAX_PAIRS])


def training_distance_of(
    metric: str, fake: Tensor, held_out: Tensor, searched: int
) -> TrainingDistance:
    """Quantiles of the distances ``(N,)`` of fakes and ``(M,)`` of held-out reals."""
    quantiles = [
        tuple(np.quantile(each.double().numpy(), LEVELS).tolist()) for each in (fake, held_out)
    ]
    return TrainingDistance(
        metric=metric, levels=LEVELS, fake=quantiles[0], held_out=quantiles[1], searched=searched
    )
