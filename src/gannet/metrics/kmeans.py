"""Sorting samples by likeness: kinds for data that come without labels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gannet.core.seeding import derive_seed

MOST, MEMBERS, FEWEST = 30, 100, 5
"""Most kinds, samples that each should have, and the number below which there are none."""


def first_of_each(rows: Tensor) -> Tensor:
    """Where each distinct row of ``(N, F)`` stands first, rising: ``(M,)``.

    >>> first_of_each(torch.tensor([[7.0], [5.0], [7.0]])).tolist()
    [0, 1]
    """
    _, first = np.unique(rows.cpu().numpy(), axis=0, return_index=True)
    return torch.from_numpy(np.sort(first))


def usual_count(samples: int) -> int:
    """How many kinds to sort so many samples into; 0 for none.

    >>> usual_count(60_000), usual_count(1_800), usual_count(400)
    (30, 18, 0)
    """
    count = min(samples // MEMBERS, MOST)
    return count if count >= FEWEST else 0


def centers(rows: Tensor, count: int, *, seed: int, rounds: int = 20) -> Tensor:
    """Middles of ``count`` heaps of rows that lie close together, by k-means.

    Source: Lloyd 1982; first centres: Arthur and Vassilvitskii 2007, k-means++.

    Args:
        rows: ``(N, F)``, at least ``count`` of them.
        count: Heaps.
        seed: Of the first centres.
        rounds: Of moving each centre to the middle of its heap.

    Returns:
        ``(count, F)``.
    """
    chance = torch.Generator().manual_seed(derive_seed(seed, count))
    found = rows[torch.randint(len(rows), (1,), generator=chance)]
    apart = (rows - found).square().sum(1)
    while len(found) < count:
        # Far rows are likely to be the next; where all lie on a centre, any will do.
        odds = apart.clamp_min(1e-12)
        new = rows[torch.multinomial(odds, 1, generator=chance)]
        found = torch.cat([found, new])
        apart = torch.minimum(apart, (rows - new).square().sum(1))
    for _ in range(rounds):
        nearest = assigned(rows, found)
        sums = torch.zeros_like(found).index_add_(0, nearest, rows)
        sizes = torch.bincount(nearest, minlength=count)[:, None]
        # A heap that has lost all its rows stays where it was.
        found = torch.where(sizes > 0, sums / sizes.clamp_min(1), found)
    return found


def assigned(rows: Tensor, middles: Tensor) -> Tensor:
    """The nearest of the middles ``(K, F)`` to each row ``(N, F)``, as numbers ``(N,)``."""
    # The rows' own lengths are the same for all middles and may be left out.
    return (middles.square().sum(1) - 2 * rows @ middles.T).argmin(1)
