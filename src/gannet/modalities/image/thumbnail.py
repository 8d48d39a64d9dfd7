"""Images as few numbers in which likeness is cheap to measure."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate

COARSE = 16
"""Cells a side at which likeness is measured."""


def thumbnail(samples: Tensor) -> Tensor:
    """Images ``(n, C, H, W)`` shrunk to at most 16 cells a side, as rows ``(n, F)``."""
    if max(samples.shape[2:]) > COARSE:
        share = COARSE / max(samples.shape[2:])
        size = [max(round(side * share), 1) for side in samples.shape[2:]]
        samples = interpolate(samples, size, mode="area")
    return samples.flatten(1).float()
