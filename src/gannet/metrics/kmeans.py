"""k-means clustering: pseudo-classes for data without labels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gannet.core.seeding import derive_seed

MOST = 30
"""Maximum number of clusters."""

MEMBERS = 100
"""Samples per cluster."""

FEWEST = 5
"""Number of clusters below which there is no clustering."""


def first_of_each(rows: Tensor) -> Tensor:
    """Index of the first occurrence of each distinct row of ``(N, F)``, ascending: ``(M,)``.

    >>> first_of_each(torch.tensor([[7.0], [5.0], [7.0]])).tolist()
    [0, 1]
    """
    _, first = np.unique(rows.cpu().numpy(), axis=0, return_index=True)
    return torch.from_numpy(np.sort(first))


def usual_count(samples: int) -> int:
    """Default number of clusters for so many samples; 0 for none.

    >>> usual_count(60_000), usual_count(1_800), usual_count(400)
    (30, 18, 0)
    """
    count = min(samples // MEMBERS, MOST)
    return count if count >= FEWEST else 0


def centers(rows: Tensor, count: int, *, seed: int, rounds: int = 20) -> Tensor:
    """Centroids of ``count`` clusters, by k-means.

    Source: Lloyd 1982; initial centroids: Arthur and Vassilvitskii 2007, k-means++.

    Args:
        rows: ``(N, F)``, at least ``count`` of them.
        count: Number of clusters.
        seed: Seed of the initial centroids.
        rounds: Iterations of Lloyd's algorithm.

    Returns:
        ``(count, F)``.
    """
    chance = torch.Generator().manual_seed(derive_seed(seed, count))
    found = rows[torch.randint(len(rows), (1,), generator=chance)]
    apart = (rows - found).square().sum(1)
    while len(found) < count:
        # k-means++: by squared distance; if every row coincides with a centroid, uniformly.
        odds = apart.clamp_min(1e-12)
        new = rows[torch.multinomial(odds, 1, generator=chance)]
        found = torch.cat([found, new])
        apart = torch.minimum(apart, (rows - new).square().sum(1))
    for _ in range(rounds):
        nearest = assigned(rows, found)
        sums = torch.zeros_like(found).index_add_(0, nearest, rows)
        sizes = torch.bincount(nearest, minlength=count)[:, None]
        # An empty cluster keeps its centroid.
        found = torch.where(sizes > 0, sums / sizes.clamp_min(1), found)
    return found


def assigned(rows: Tensor, middles: Tensor) -> Tensor:
    """Index of the nearest of the centroids ``(K, F)`` to each row ``(N, F)``, ``(N,)``."""
    # The rows' own norms are the same for all centroids and are left out.
    return (middles.square().sum(1) - 2 * rows @ middles.T).argmin(1)
