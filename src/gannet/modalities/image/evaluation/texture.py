"""Statistics of texture: what upsampling, noise and blur leave in a picture, as rows of numbers."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import unfold

from gannet.networks.features import in_chunks

BLOCK = 8
"""Side of the blocks whose frequencies are looked at."""

RINGS = 12
"""Bands of frequency, from the lowest to that of two pixels."""

SMALLEST = 1e-8


def texture_statistics(pictures: Tensor) -> Tensor:
    """Pictures ``(n, C, H, W)`` in [-1, 1] to ``(n, F)``: spectra, gradients, colors.

    Logarithms of the power in rings of frequency (Durall 2020, arXiv:2003.01826), of the variance
    of each frequency of 8 x 8 blocks (Frank 2020, arXiv:2003.08685: where upsampling leaves its
    grid), moments of differences of neighboring pixels, means, deviations and covariances of
    channels.
    """
    return in_chunks(_statistics, pictures, 256)


def _statistics(pictures: Tensor) -> Tensor:
    x = pictures.float()
    gray = x.mean(1)
    found = [_rings(gray), _blocks(gray), _differences(gray), _channels(x)]
    return torch.cat([each for each in found if each.shape[1]], 1)


def _rings(gray: Tensor) -> Tensor:
    """Log power in rings of frequency, ``(n, RINGS)``."""
    height, width = gray.shape[1:]
    power = torch.fft.fft2(gray - gray.mean((1, 2), keepdim=True)).abs().square() / (height * width)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    ring = np.minimum((radius * (RINGS / math.sqrt(0.5))).astype(np.int64), RINGS - 1)
    member = torch.eye(RINGS)[torch.from_numpy(ring.flatten())]
    return (power.flatten(1) @ member / member.sum(0).clamp(min=1) + SMALLEST).log()


def _blocks(gray: Tensor) -> Tensor:
    """Log variance of each cosine frequency of the blocks, ``(n, BLOCK ** 2)``; none if small."""
    if min(gray.shape[1:]) < BLOCK:
        return gray.new_zeros(len(gray), 0)
    steps = torch.arange(BLOCK)
    basis = (math.pi / BLOCK * (steps + 0.5) * steps[:, None]).cos()
    basis = basis / basis.norm(dim=1, keepdim=True)
    both = torch.einsum("ui,vj->uvij", basis, basis).reshape(BLOCK**2, BLOCK**2)
    blocks = unfold(gray[:, None], BLOCK, stride=BLOCK)
    return ((both @ blocks).square().mean(2) + SMALLEST).log()


def _differences(gray: Tensor) -> Tensor:
    """Moments of first and second differences, both ways, ``(n, 12)``; none if small."""
    if min(gray.shape[1:]) < 3:
        return gray.new_zeros(len(gray), 0)
    found: list[Tensor] = []
    for axis in (1, 2):
        for order in (1, 2):
            steps = gray.diff(n=order, dim=axis).flatten(1)
            size = steps.abs().mean(1)
            power = steps.square().mean(1)
            tails = steps.pow(4).mean(1) / (power.square() + SMALLEST)
            found += [(size + SMALLEST).log(), (power + SMALLEST).log(), (tails + SMALLEST).log()]
    return torch.stack(found, 1)


def _channels(pictures: Tensor) -> Tensor:
    """Means, deviations and covariances of channels, and shares of the darkest and brightest."""
    flat = pictures.flatten(2)
    mean = flat.mean(2)
    centered = flat - mean[..., None]
    covariance = centered @ centered.transpose(1, 2) / flat.shape[2]
    rows, columns = torch.triu_indices(pictures.shape[1], pictures.shape[1]).unbind()
    ends = [(flat < -0.98).float().mean(2), (flat > 0.98).float().mean(2)]
    return torch.cat([mean, covariance[:, rows, columns], *ends], 1)
