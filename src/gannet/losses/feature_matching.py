"""Feature matching: fakes should have the same discriminator features as reals."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def feature_statistics(features: Sequence[Tensor], classes: Tensor) -> list[Tensor]:
    """Mean and standard deviation of each channel and class; ``(2, K, C)`` per layer.

    Args:
        features: Discriminator features ``(B, C, h, w)`` per layer.
        classes: ``(B, K)`` one-hot.
    """
    weights = classes / classes.sum(0).clamp_min(1)
    statistics: list[Tensor] = []
    for layer in features:
        flat = layer.float().flatten(2)
        mean, power = weights.T @ flat.mean(2), weights.T @ flat.square().mean(2)
        statistics.append(torch.stack([mean, (power - mean.square()).clamp_min(1e-6).sqrt()]))
    return statistics


def feature_matching_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of discriminator features of fakes and reals; a scalar.

    Source: Wang et al. 2018, arXiv:1711.11585, eq. 4.
    """
    parts = [(one.detach() - other).abs().mean() for one, other in zip(real, fake, strict=True)]
    return torch.stack(parts).mean()
