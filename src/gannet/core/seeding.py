"""Seeds. All randomness in gannet is a function of a seed and keys: a step, a row, a round."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from gannet.core.config import is_whole

BLOCK = 256
"""Rows of noise that share a seed, so that deriving it costs next to nothing per row."""


MAX_SEED = 2**63
"""Seeds that users give are below it."""


def derive_seed(*keys: int) -> int:
    """Mix integers, such as ``(seed, step)``, into one 32-bit seed.

    Adding or shifting them would not do: neighbouring seeds would share streams, and PyTorch's
    generator for the CPU keeps only the lowest 32 bits of what it is given.

    >>> derive_seed(0, 1) != derive_seed(1, 0)
    True
    """
    return int(np.random.SeedSequence(keys).generate_state(1)[0])


def seed_fault(seed: int) -> str:
    """What is wrong with a seed; empty if nothing is.

    >>> seed_fault(-1), seed_fault(7)
    ('--seed: must be at least 0, got -1', '')
    """
    if not is_whole(seed):
        return f"--seed: must be a whole number, got {seed!r}"
    if seed < 0:
        return f"--seed: must be at least 0, got {seed}"
    return "" if seed < MAX_SEED else f"--seed: must be below 2**63, got {seed}"


def latents_at(seed: int, rows: Iterable[int], width: int) -> Tensor:
    """Standard normal latents ``(len(rows), width)``; row n depends on seed and n alone.

    Rows are drawn in blocks, each from a seed of its own: row n is row ``n % BLOCK`` of block
    ``n // BLOCK``.

    >>> bool((latents_at(3, range(5, 6), 8) == latents_at(3, range(9), 8)[5]).all())
    True
    """
    indices = np.fromiter(rows, np.int64)
    blocks, which = np.unique(indices // BLOCK, return_inverse=True)
    source = torch.Generator()
    latents = [
        torch.randn(BLOCK, width, generator=source.manual_seed(derive_seed(seed, block)))
        for block in blocks.tolist()
    ]
    if not latents:
        return torch.zeros(0, width)
    return torch.cat(latents)[torch.from_numpy(which * BLOCK + indices % BLOCK)]


def random_subset(total: int, count: int, seed: int) -> list[int]:
    """A random subset: ``count`` different numbers below ``total``, shuffled by the seed.

    Rows of a data set are often sorted by class; the first ones would all be of one class.

    >>> sorted(random_subset(5, 5, seed=1))
    [0, 1, 2, 3, 4]
    """
    source = torch.Generator().manual_seed(derive_seed(seed, total))
    subset: list[int] = torch.randperm(total, generator=source)[:count].tolist()
    return subset
