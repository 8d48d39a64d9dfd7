"""Are fakes copies? Their nearest training neighbours, against those of held-out reals."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

OTHERS = 10
"""Further neighbours that say how far apart training samples lie around here."""

RARE = 0.01
"""Share of held-out reals that lie as close to a training sample as a suspect does."""


def closest(
    queries: Tensor, blocks: Iterable[Tensor], k: int = OTHERS + 1
) -> tuple[Tensor, Tensor]:
    """Nearest rows in a heap that comes in blocks, so that it need not fit into memory.

    Args:
        queries: ``(N, F)``.
        blocks: Of rows ``(m, F)``; row numbers count on from block to block.
        k: How many; fewer if the heap is smaller.

    Returns:
        Distances ``(N, k)``, rising, and row numbers ``(N, k)``.
    """
    distances = torch.zeros(len(queries), 0, dtype=torch.float64)
    rows = torch.zeros(len(queries), 0, dtype=torch.int64)
    start, centre = 0, queries.double().mean(0)
    left = queries.double() - centre  # distances by matrix products cancel far from zero
    for block in blocks:
        near, which = torch.cdist(left, block.double() - centre).topk(
            min(k, len(block)), largest=False
        )
        merged = torch.cat([distances, near], 1)
        numbers = torch.cat([rows, which + start], 1)
        kept = merged.topk(min(k, merged.shape[1]), largest=False)
        distances, rows = kept.values, numbers.gather(1, kept.indices)
        start += len(block)
    return distances, rows


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
