"""Degradation model of super-resolution (Real-ESRGAN): flip, blur, shrink, noise, JPEG."""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import conv2d, pad

from gannet.networks.super_resolution import as_stored, shrunk

BLUR = (0.2, 1.6)
"""Range of the standard deviation of the blur, in pixels of the small image.

Source of the sequence: Wang et al. 2021, arXiv:2107.10833, section 3.1 (first order only).
"""

NOISE = (0.0, 0.08)
"""Range of the standard deviation of the noise, for images in [-1, 1]."""

JPEG = (40, 95)
"""Range of the JPEG quality."""

UNTOUCHED = 0.2
"""Probability of skipping each step."""


def flipped(images: Tensor, rng: torch.Generator) -> Tensor:
    """Square images ``(B, C, H, H)``, each in a random one of its eight orientations.

    Others are only flipped horizontally.
    """
    device = images.device
    left, top, transposed = torch.rand(3, len(images), 1, 1, 1, generator=rng, device=device) < 0.5
    oriented = torch.where(left, images.flip(3), images)
    if images.shape[2] != images.shape[3]:
        return oriented
    oriented = torch.where(top, oriented.flip(2), oriented)
    return torch.where(transposed, oriented.transpose(2, 3), oriented)


def degraded(sharp: Tensor, scale: int, rng: torch.Generator) -> Tensor:
    """Degraded low-resolution images: blurred, shrunk, noisy, JPEG-compressed.

    Args:
        sharp: ``(B, C, H, W)`` in [-1, 1].
        scale: Downsampling factor.
        rng: Random generator.
    """
    uniforms = torch.rand(len(sharp), 6, generator=rng, device=sharp.device).cpu()
    noise = torch.randn(
        len(sharp), sharp.shape[1], sharp.shape[2] // scale, sharp.shape[3] // scale,
        generator=rng, device=sharp.device,
    )  # fmt: skip
    degraded_images: list[Tensor] = []
    uniform_rows: list[list[float]] = uniforms.tolist()
    for one, grain, values in zip(sharp, noise, uniform_rows, strict=True):
        low, skip = one[None], [uniform < UNTOUCHED for uniform in values[3:]]
        if not skip[0]:
            low = blurred(low, scale * _between(BLUR, values[0]))
        low = shrunk(low, scale)
        if not skip[1]:
            low = low + _between(NOISE, values[1]) * grain
        low = as_stored(low)
        degraded_images.append(low if skip[2] else _jpeg(low, round(_between(JPEG, values[2]))))
    return torch.cat(degraded_images)


def blurred(images: Tensor, deviation: float) -> Tensor:
    """Gaussian blur of images ``(B, C, H, W)``; ``deviation`` in pixels."""
    radius = min(math.ceil(3 * deviation), min(images.shape[2:]) - 1)
    offsets = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = (-offsets.square() / (2 * deviation**2)).exp()
    kernel = kernel / kernel.sum()
    flat = images.flatten(0, 1)[:, None]
    wide = conv2d(pad(flat, (radius, radius, 0, 0), mode="reflect"), kernel.view(1, 1, 1, -1))
    both = conv2d(pad(wide, (0, 0, radius, radius), mode="reflect"), kernel.view(1, 1, -1, 1))
    return both.view_as(images)


def _between(bounds: tuple[float, float], fraction: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * fraction


def _jpeg(sample: Tensor, quality: int) -> Tensor:
    """JPEG-compress one image ``(1, C, h, w)``; one with alpha stays as it is."""
    if sample.shape[1] not in (1, 3):
        return sample
    pixels = ((sample[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.save(buffer, "JPEG", quality=quality)
    again = np.array(Image.open(buffer)).reshape(pixels.shape)
    back = torch.from_numpy(again).permute(2, 0, 1)[None].to(sample.device)
    return back.float() / 127.5 - 1
