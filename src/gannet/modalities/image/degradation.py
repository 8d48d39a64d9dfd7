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


def flipped(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Square images ``(B, C, H, H)``, each in a random one of its eight orientations.

    Others are only flipped horizontally.
    """
    device = pictures.device
    left, top, turned = torch.rand(3, len(pictures), 1, 1, 1, generator=rng, device=device) < 0.5
    made = torch.where(left, pictures.flip(3), pictures)
    if pictures.shape[2] != pictures.shape[3]:
        return made
    made = torch.where(top, made.flip(2), made)
    return torch.where(turned, made.transpose(2, 3), made)


def degraded(sharp: Tensor, scale: int, rng: torch.Generator) -> Tensor:
    """Degraded low-resolution images: blurred, shrunk, noisy, JPEG-compressed.

    Args:
        sharp: ``(B, C, H, W)`` in [-1, 1].
        scale: Downsampling factor.
        rng: Random generator.
    """
    chance = torch.rand(len(sharp), 6, generator=rng, device=sharp.device).cpu()
    noise = torch.randn(
        len(sharp), sharp.shape[1], sharp.shape[2] // scale, sharp.shape[3] // scale,
        generator=rng, device=sharp.device,
    )  # fmt: skip
    made: list[Tensor] = []
    lucks: list[list[float]] = chance.tolist()
    for one, grain, luck in zip(sharp, noise, lucks, strict=True):
        low, kept = one[None], [share < UNTOUCHED for share in luck[3:]]
        if not kept[0]:
            low = blurred(low, scale * _between(BLUR, luck[0]))
        low = shrunk(low, scale)
        if not kept[1]:
            low = low + _between(NOISE, luck[1]) * grain
        low = as_stored(low)
        made.append(low if kept[2] else _jpeg(low, round(_between(JPEG, luck[2]))))
    return torch.cat(made)


def blurred(pictures: Tensor, deviation: float) -> Tensor:
    """Gaussian blur of images ``(B, C, H, W)``; ``deviation`` in pixels."""
    reach = min(math.ceil(3 * deviation), min(pictures.shape[2:]) - 1)
    place = torch.arange(-reach, reach + 1, dtype=pictures.dtype, device=pictures.device)
    kernel = (-place.square() / (2 * deviation**2)).exp()
    kernel = kernel / kernel.sum()
    flat = pictures.flatten(0, 1)[:, None]
    wide = conv2d(pad(flat, (reach, reach, 0, 0), mode="reflect"), kernel.view(1, 1, 1, -1))
    both = conv2d(pad(wide, (0, 0, reach, reach), mode="reflect"), kernel.view(1, 1, -1, 1))
    return both.view_as(pictures)


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


def _jpeg(picture: Tensor, quality: int) -> Tensor:
    """JPEG-compress one image ``(1, C, h, w)``; one with alpha stays as it is."""
    if picture.shape[1] not in (1, 3):
        return picture
    pixels = ((picture[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    held = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.save(held, "JPEG", quality=quality)
    again = np.array(Image.open(held)).reshape(pixels.shape)
    back = torch.from_numpy(again).permute(2, 0, 1)[None].to(picture.device)
    return back.float() / 127.5 - 1
