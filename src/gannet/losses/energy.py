"""Energy distance between two batches, as a loss of a generator."""

from __future__ import annotations

import torch
from torch import Tensor


def energy_distance_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Unbiased energy distance of fakes to reals without the part that only reals have; a scalar.

    ``2 E|x - y| - E|y - y'|`` for reals ``x`` and fakes ``y``. Its gradient pulls each fake to the
    reals and pushes it from the other fakes, as strongly within a cluster as between clusters,
    since distances have no scale of their own.

    Source: Székely and Rizzo 2013, doi:10.1016/j.jspi.2013.03.018; as a loss of a generator,
    Bellemare et al. 2017, arXiv:1705.10743, section 4. Differs: on the samples themselves instead
    of learnt features.

    Args:
        real: ``(N, *shape)``.
        fake: ``(M, *shape)``, at least two.
    """
    x, y = real.flatten(1).float(), fake.flatten(1).float()
    count = len(y)
    across = torch.cdist(x, y).mean()
    within = torch.cdist(y, y).sum() / max(count * (count - 1), 1)
    return 2 * across - within
