"""Are fakes copies? Their nearest training neighbours, against those of held-out reals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gannet.core.scores import NearestPair, TrainingDistance

OTHERS = 10
"""Further neighbours that say how far apart training samples lie around here."""

PART = 2_000
"""Queries looked at together."""

FEW = 512
"""Pairs whose differences are held at once, few enough to stay in a cache."""

SPARE = 5
"""Rows looked at exactly beyond those that are asked for."""

ROUNDING = 1e-5
"""More than 32-bit products can be wrong, in squared lengths of the rows."""

SHOWN = 16
"""Pairs of fake and nearest training sample that a report names."""

LEVELS = tuple(at / 100 for at in range(101))
"""Shares at which distances are told."""

RARE = 0.01
"""Share of held-out reals that lie as close to a training sample as a suspect does."""


def closest(
    queries: Tensor, blocks: Iterable[Tensor], k: int = OTHERS + 1
) -> tuple[Tensor, Tensor]:
    """Nearest rows in a heap that comes in blocks, so that it need not fit into memory.

    Matrix products in 32 bit choose the candidates, of which the distances are then taken from
    differences: twice as fast as 64 bit, and 0 for a copy.

    Args:
        queries: ``(N, F)``.
        blocks: Of rows ``(m, F)``; row numbers count on from block to block.
        k: How many; fewer if the heap is smaller.

    Returns:
        Distances ``(N, k)``, rising, and row numbers ``(N, k)``.
    """
    squares = torch.full((len(queries), k), torch.inf, dtype=torch.float64)
    rows = torch.full((len(queries), k), -1, dtype=torch.int64)
    start, center = 0, queries.double().mean(0)
    left = (queries.double() - center).float()  # products cancel far from zero
    for block in blocks:
        right = (block.double() - center).float()
        for at in range(0, len(left), PART):
            part = slice(at, at + PART)
            near, which = _candidates(left[part], right, k, squares[part, -1:])
            merged = torch.cat([squares[part], near], 1)
            numbers = torch.cat([rows[part], which + start], 1)
            kept = merged.topk(k, largest=False)
            squares[part], rows[part] = kept.values, numbers.gather(1, kept.indices)
        start += len(block)
    found = min(k, start)
    return squares[:, :found].sqrt(), rows[:, :found]


def _candidates(left: Tensor, right: Tensor, k: int, limits: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances to the rows that may be nearest, infinite beyond ``limits``, and which."""
    lengths, others = left.square().sum(1, keepdim=True), right.square().sum(1)
    products = torch.addmm(lengths + others, left, right.T, alpha=-2)
    gaps, which = products.topk(min(k + SPARE, len(right)), largest=False)
    slack = ROUNDING * (lengths + others.amax())
    at, column = (gaps <= limits + slack).nonzero(as_tuple=True)
    exact = torch.full(gaps.shape, torch.inf, dtype=torch.float64)
    others = which[at, column]
    for start in range(0, len(at), FEW):
        some = slice(start, start + FEW)
        squares = (left[at[some]] - right[others[some]]).square_().sum(1)
        exact[at[some], column[some]] = squares.double()
    return exact, which


def suspects(fake: Tensor, held_out: Tensor) -> Tensor:
    """Which fakes lie oddly close to one training sample, ``(N,)`` booleans.

    A suspect is closer to its nearest training sample than 99 % of held-out reals are to theirs,
    both in distance and in distance over the mean of those to the next ten. The second keeps
    blurred fakes from being suspected, which are near to many samples but a copy of none.

    Args:
        fake: ``(N, k)`` rising distances to training samples.
        held_out: ``(M, k)`` the same of held-out reals.

    Source: Meehan 2020, arXiv:2004.05675 (held-out reals as the scale); Yoon 2023,
        Diffusion Probabilistic Models Generalize when They Fail to Memorize (the ratio).
    """
    distance_limit = held_out[:, 0].quantile(RARE)
    ratio_limit = ratio(held_out).quantile(RARE)
    return (fake[:, 0] <= distance_limit) & (ratio(fake) <= ratio_limit)


def ratio(distances: Tensor) -> Tensor:
    """Nearest distance over the mean of the further ones, ``(N,)``; about 0 for a copy."""
    if distances.shape[1] < 2:
        return distances[:, 0]
    return distances[:, 0] / distances[:, 1:].mean(1).clamp(min=1e-12)


@dataclass(frozen=True)
class NearestNeighbors:
    """What was found near the fakes of a table.

    Attributes:
        suspects: The pairs nearest to each other, the most suspect first.
        examples: The first pairs, not chosen.
        training_distance: All distances, in quantiles.
    """

    suspects: tuple[NearestPair, ...]
    examples: tuple[NearestPair, ...]
    training_distance: TrainingDistance


def pairs_of(distances: Tensor, train: Sequence[int], flags: Tensor) -> tuple[NearestPair, ...]:
    """Each fake and its nearest training sample.

    Args:
        distances: ``(N, k)`` rising, from each fake to its nearest training samples.
        train: ``(N,)`` rows of the nearest.
        flags: ``(N,)`` which are suspect.
    """
    return tuple(
        NearestPair(
            fake=row,
            train=train[row],
            distance=float(distances[row, 0]),
            ratio=float(share),
            suspect=bool(flags[row]),
        )
        for row, share in enumerate(ratio(distances))
    )


def worst_pairs(pairs: Sequence[NearestPair]) -> tuple[NearestPair, ...]:
    """Suspects first, then by how much nearer the nearest is than others are."""
    return tuple(sorted(pairs, key=lambda each: (not each.suspect, each.ratio))[:SHOWN])


def training_distance_of(
    metric: str, fake: Tensor, held_out: Tensor, searched: int
) -> TrainingDistance:
    """Quantiles of the distances ``(N,)`` of fakes and ``(M,)`` of held-out reals."""
    told = [tuple(np.quantile(each.double().numpy(), LEVELS).tolist()) for each in (fake, held_out)]
    return TrainingDistance(
        metric=metric, levels=LEVELS, fake=told[0], held_out=told[1], searched=searched
    )
