"""How near an answer is to the picture that it should be: one number per picture."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

WINDOW, DEVIATION = 11, 1.5
"""Side and deviation in pixels of the window of the structural similarity."""

STABILIZERS = (0.01, 0.03)
"""Keep its quotients finite where pictures are flat; shares of the range."""

TOGETHER = 64
"""Pictures whose windows are held at once."""

FLAT = 1e-3
"""Length of a picture's edges, all in all, below which it has none: rounding, in 0..255."""

MAX_PSNR = 10 * math.log10(4 / ((2 / 255) ** 2 / 12))
"""Decibels between a picture and itself in 8 bit: what a file allows, 58.9."""

HIGH_FREQUENCY = 0.125
"""Cycles per pixel from which detail is fine: what a picture shrunk to a quarter cannot hold."""

LUMINANCE = (65.481, 128.553, 24.966)
"""Weights of red, green and blue in 0..1; ITU-R BT.601, to 16..235."""


def luminance(images: Tensor) -> Tensor:
    """``(B, 1 or 3, H, W)`` in [-1, 1] to brightness ``(B, 1, H, W)`` in 0..255."""
    bright = (images.float() + 1) / 2
    if bright.shape[1] < len(LUMINANCE):
        return bright[:, :1] * 255
    weights = bright.new_tensor(LUMINANCE).view(1, 3, 1, 1)
    return (bright[:, :3] * weights).sum(1, keepdim=True) + 16


def psnr(one: Tensor, other: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibels of pictures ``(B, C, H, W)`` in [-1, 1], ``(B,)``.

    At most that of rounding to 8 bit.
    """
    error = (one.float() - other.float()).square().flatten(1).mean(1)
    return (10 * (4 / error.clamp_min(1e-12)).log10()).clamp_max(MAX_PSNR)


def ssim(one: Tensor, other: Tensor) -> Tensor:
    """Structural similarity of pictures ``(B, C, H, W)`` in [-1, 1], ``(B,)``; 1 for equal ones.

    Brightness counts from black, as pixels in 0..255 do: the quotients of means depend on where
    zero lies. Windows are Gaussian, variances divide by their weight, and only windows within the
    picture count: scikit-image's ``structural_similarity`` with ``gaussian_weights``, sigma 1.5,
    without ``use_sample_covariance`` and with a ``data_range`` of 255, the mean over channels.

    Source: Wang et al. 2004, Image quality assessment, eq. 13, the mean over channels and windows.
    Differs: pictures with a side below 11 have windows of that side, where scikit-image refuses.
    """
    parts = [slice(at, at + TOGETHER) for at in range(0, len(one), TOGETHER)]
    return torch.cat([_ssim(one[part], other[part]) for part in parts])


def _ssim(one: Tensor, other: Tensor) -> Tensor:
    """Of few pictures."""
    a, b = ((each.double() + 1) / 2 for each in (one, other))
    channels = a.shape[1]
    side = min(WINDOW, *a.shape[2:])
    offsets = torch.arange(side, dtype=a.dtype, device=a.device) - (side - 1) / 2
    line = (-offsets.square() / (2 * DEVIATION**2)).exp()
    line = (line / line.sum()).expand(channels, 1, 1, -1)

    def smooth(x: Tensor) -> Tensor:
        return conv2d(conv2d(x, line, groups=channels), line.mT, groups=channels)

    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    covariance = smooth(a * b) - mean_a * mean_b
    c1, c2 = (each**2 for each in STABILIZERS)
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity = similarity / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return similarity.flatten(1).mean(1).float()


def high_frequency_energy(images: Tensor) -> Tensor:
    """Decimal logarithm of the energy of fine detail, ``(B,)``, of pictures ``(B, C, H, W)``."""
    gray = luminance(images)[:, 0].double()
    high, wide = gray.shape[1:]
    window = torch.hann_window(high, periodic=False)[:, None] * torch.hann_window(
        wide, periodic=False
    )
    gray = (gray - gray.mean((1, 2), keepdim=True)) * window.to(gray.device)
    # The whole plane: in half of it detail along one axis would weigh twice as much.
    power = torch.fft.fft2(gray).abs().square()
    radius = (torch.fft.fftfreq(high)[:, None] ** 2 + torch.fft.fftfreq(wide) ** 2).sqrt()
    energy = (power * (radius >= HIGH_FREQUENCY).to(gray.device)).sum((1, 2))
    return energy.clamp_min(1e-3).log10().float()


def high_frequency_error(one: Tensor, other: Tensor) -> Tensor:
    """Powers of ten by which the energy of fine detail differs, ``(B,)``; 0 for equal ones."""
    return (high_frequency_energy(one) - high_frequency_energy(other)).abs()


def edges(images: Tensor) -> Tensor:
    """Length of the brightness's slope at each pixel, ``(B, 1, H, W)``, by Sobel's kernels."""
    gray = pad(luminance(images), (1, 1, 1, 1), mode="replicate")
    kernel = gray.new_tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    both = torch.stack([kernel, kernel.T])[:, None] / 8
    return conv2d(gray, both).square().sum(1, keepdim=True).sqrt()


def edge_correlation(one: Tensor, other: Tensor) -> Tensor:
    """Correlation of the edges of pictures ``(B, C, H, W)``, ``(B,)``; 1 where they agree.

    Two pictures without edges agree; one without and one with have nothing in common: 0.
    """
    a, b = edges(one).flatten(1), edges(other).flatten(1)
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    left, right = (each.square().sum(1).sqrt() for each in (a, b))
    similarity = (a * b).sum(1) / (left * right).clamp_min(1e-9)
    blank = (left < FLAT, right < FLAT)
    similarity = torch.where(blank[0] | blank[1], torch.zeros_like(similarity), similarity)
    return torch.where(blank[0] & blank[1], torch.ones_like(similarity), similarity)
