"""Feature matching: fakes shall look to the discriminator's layers as reals do."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def feature_statistics(seen: Sequence[Tensor], classes: Tensor) -> list[Tensor]:
    """Mean and deviation of each channel of what a judge sees, per class; ``(2, K, C)`` per layer.

    Args:
        seen: ``(B, C, h, w)`` per layer.
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
    """How far what a judge sees in fakes is from what it sees in the reals beside; a scalar.

    Source: Wang et al. 2018, arXiv:1711.11585, eq. 4.
    """
    parts = [(one.detach() - other).abs().mean() for one, other in zip(real, fake, strict=True)]
    return torch.stack(parts).mean()
