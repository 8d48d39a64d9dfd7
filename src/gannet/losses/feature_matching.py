"""Feature matching: fakes should have the same discriminator features as reals."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def feature_statistics(seen: Sequence[Tensor], classes: Tensor) -> list[Tensor]:
    """Mean and standard deviation of each channel and class; ``(2, K, C)`` per layer.

    Args:
        seen: Discriminator features ``(B, C, h, w)`` per layer.
        classes: ``(B, K)`` one-hot.
    """
    share = classes / classes.sum(0).clamp_min(1)
    found: list[Tensor] = []
    for layer in seen:
        flat = layer.float().flatten(2)
        mean, power = share.T @ flat.mean(2), share.T @ flat.square().mean(2)
        found.append(torch.stack([mean, (power - mean.square()).clamp_min(1e-6).sqrt()]))
    return found


def feature_matching_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of discriminator features of fakes and reals; a scalar.

    Source: Wang et al. 2018, arXiv:1711.11585, eq. 4.
    """
    parts = [(one.detach() - other).abs().mean() for one, other in zip(real, fake, strict=True)]
    return torch.stack(parts).mean()
