"""k-means clustering: pseudo-classes for data without labels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gannet.core.seeding import derive_seed

MAX_CLUSTERS = 30
"""Maximum number of clusters."""

SAMPLES_PER_CLUSTER = 100
"""Samples per cluster."""

MIN_CLUSTERS = 5
"""Number of clusters below which there is no clustering."""


MAX_TESTED = 4_000
"""Rows that a test for clusters is made on."""

GAP = 0.9
"""Ratio of unexplained variances, data to Gaussian, below which data count as clustered: of digits
and clothes below .8; of photos, patches of photos and portraits .95 to 1.05."""


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
    count = min(samples // SAMPLES_PER_CLUSTER, MAX_CLUSTERS)
    return count if count >= MIN_CLUSTERS else 0


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
    rng = torch.Generator().manual_seed(derive_seed(seed, count))
    centroids = rows[torch.randint(len(rows), (1,), generator=rng)]
    squared_distances = (rows - centroids).square().sum(1)
    while len(centroids) < count:
        # k-means++: by squared distance; if every row coincides with a centroid, uniformly.
        weights = squared_distances.clamp_min(1e-12)
        centroid = rows[torch.multinomial(weights, 1, generator=rng)]
        centroids = torch.cat([centroids, centroid])
        squared_distances = torch.minimum(squared_distances, (rows - centroid).square().sum(1))
    for _ in range(rounds):
        nearest = assigned(rows, centroids)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, rows)
        sizes = torch.bincount(nearest, minlength=count)[:, None]
        # An empty cluster keeps its centroid.
        centroids = torch.where(sizes > 0, sums / sizes.clamp_min(1), centroids)
    return centroids


def assigned(rows: Tensor, centroids: Tensor) -> Tensor:
    """Index of the nearest of the centroids ``(K, F)`` to each row ``(N, F)``, ``(N,)``."""
    # The rows' own norms are the same for all centroids and are left out.
    return (centroids.square().sum(1) - 2 * rows @ centroids.T).argmin(1)


def are_clustered(rows: Tensor, count: int, *, seed: int) -> bool:
    """Whether k-means finds more in the rows than in a Gaussian of the same covariance.

    What the clusters of one half leave unexplained in the other half is compared with the same for
    the Gaussian.

    Source: Tibshirani et al. 2001, doi:10.1111/1467-9868.00293 (the gap statistic). Differs:
    on held-out rows, against a Gaussian in place of a uniform distribution.

    Args:
        rows: ``(N, F)``.
        count: Number of clusters.
        seed: Of the clusters, and of the Gaussian.
    """
    rng = torch.Generator().manual_seed(derive_seed(seed, count, 1))
    rows = rows[torch.randperm(len(rows), generator=rng)[:MAX_TESTED]].flatten(1).float()
    rows = rows - rows.mean(0)
    # Random sums of the rows: a Gaussian of exactly their covariance.
    gaussian = torch.randn(len(rows), len(rows), generator=rng) @ rows / len(rows) ** 0.5
    return _unexplained(rows, count, seed) < GAP * _unexplained(gaussian, count, seed)


def _unexplained(rows: Tensor, count: int, seed: int) -> float:
    """Variance within clusters, which the first half gives, as a share of the second half's."""
    half = len(rows) // 2
    first, second = rows[:half], rows[half:]
    centroids = centers(first, count, seed=seed)
    within = (second - centroids[assigned(second, centroids)]).square().sum(1).mean()
    return float(within / second.square().sum(1).mean().clamp_min(1e-12))
