"""Image quality against a target image: PSNR, SSIM, detail and edges, one number per image."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

WINDOW = 11
"""Side of the Gaussian window of SSIM, in pixels."""

DEVIATION = 1.5
"""Standard deviation of the Gaussian window of SSIM, in pixels."""

STEADY = (0.01, 0.03)
"""K1 and K2 of SSIM, relative to the range: keep its quotients finite in flat regions."""

ROUNDED = 10 * math.log10(4 / ((2 / 255) ** 2 / 12))
"""PSNR of an image against itself rounded to 8 bit, 58.9 dB: the most that a file allows."""

FINE = 0.125
"""Cycles per pixel from which detail is fine: an image shrunk to a quarter cannot hold it."""

LUMINANCE = (65.481, 128.553, 24.966)
"""Luma weights of red, green and blue in 0..1; ITU-R BT.601, to 16..235."""


def luminance(pictures: Tensor) -> Tensor:
    """Images ``(B, 1 or 3, H, W)`` in [-1, 1] to luminance ``(B, 1, H, W)`` in 0..255."""
    bright = (pictures.float() + 1) / 2
    if bright.shape[1] < len(LUMINANCE):
        return bright[:, :1] * 255
    weights = bright.new_tensor(LUMINANCE).view(1, 3, 1, 1)
    return (bright[:, :3] * weights).sum(1, keepdim=True) + 16


def psnr(one: Tensor, other: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibels of images ``(B, C, H, W)`` in [-1, 1], ``(B,)``.

    Capped at that of rounding to 8 bit.
    """
    error = (one.float() - other.float()).square().flatten(1).mean(1)
    return (10 * (4 / error.clamp_min(1e-12)).log10()).clamp_max(ROUNDED)


def ssim(one: Tensor, other: Tensor) -> Tensor:
    """Structural similarity (SSIM) of images ``(B, C, H, W)`` in [-1, 1], ``(B,)``; 1 if equal.

    Source: Wang et al. 2004, Image quality assessment, eq. 13, the mean over channels and windows.
    """
    channels = one.shape[1]
    side = min(WINDOW, *one.shape[2:])
    place = torch.arange(side, dtype=torch.float32, device=one.device) - (side - 1) / 2
    line = (-place.square() / (2 * DEVIATION**2)).exp()
    line = line / line.sum()
    kernel = (line[:, None] * line)[None, None].expand(channels, 1, -1, -1)

    def smooth(x: Tensor) -> Tensor:
        return conv2d(x, kernel, groups=channels)

    a, b = one.float(), other.float()
    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    both = smooth(a * b) - mean_a * mean_b
    flat, steady = ((2 * share) ** 2 for share in STEADY)
    likeness = (2 * mean_a * mean_b + flat) * (2 * both + steady)
    likeness = likeness / ((mean_a**2 + mean_b**2 + flat) * (var_a + var_b + steady))
    return likeness.flatten(1).mean(1)


def high_frequency_energy(pictures: Tensor) -> Tensor:
    """log10 of the energy at high frequencies, ``(B,)``, of images ``(B, C, H, W)``."""
    gray = luminance(pictures)[:, 0]
    high, wide = gray.shape[1:]
    window = torch.hann_window(high, periodic=False)[:, None] * torch.hann_window(
        wide, periodic=False
    )
    gray = (gray - gray.mean((1, 2), keepdim=True)) * window.to(gray.device)
    power = torch.fft.rfft2(gray).abs().square()
    radius = (torch.fft.fftfreq(high)[:, None] ** 2 + torch.fft.rfftfreq(wide) ** 2).sqrt()
    return (power * (radius >= FINE).to(gray.device)).sum((1, 2)).clamp_min(1e-3).log10()


def high_frequency_error(one: Tensor, other: Tensor) -> Tensor:
    """Difference of the high-frequency energy in powers of ten, ``(B,)``; 0 if equal."""
    return (high_frequency_energy(one) - high_frequency_energy(other)).abs()


def edges(pictures: Tensor) -> Tensor:
    """Sobel gradient magnitude of the luminance at each pixel, ``(B, 1, H, W)``."""
    gray = pad(luminance(pictures), (1, 1, 1, 1), mode="replicate")
    kernel = gray.new_tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    both = torch.stack([kernel, kernel.T])[:, None] / 8
    return conv2d(gray, both).square().sum(1, keepdim=True).sqrt()


def edge_correlation(one: Tensor, other: Tensor) -> Tensor:
    """Correlation of the edge maps of images ``(B, C, H, W)``, ``(B,)``; 1 if equal."""
    a, b = edges(one).flatten(1), edges(other).flatten(1)
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp_min(1e-9)
