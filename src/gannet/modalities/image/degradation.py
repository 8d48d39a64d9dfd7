"""How sharp pictures become the ones that people have: turned about, shrunk, blurred, noisy."""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import conv2d, pad

from gannet.networks.super_resolution import as_stored, shrunk

BLUR, NOISE, JPEG = (0.2, 1.6), (0.0, 0.08), (40, 95)
"""Ranges: deviation of the blur in pixels of the small picture, of the noise in [-1, 1], quality.

Source of the sequence: Wang et al. 2021, arXiv:2107.10833, section 3.1 (the first order of it).
"""

UNTOUCHED = 0.2
"""Chance with which each of them is left out."""


def flipped(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Each of square pictures ``(B, C, H, H)`` in one of the eight ways in which it may lie.

    Others are only mirrored.
    """
    device = pictures.device
    left, top, turned = torch.rand(3, len(pictures), 1, 1, 1, generator=rng, device=device) < 0.5
    made = torch.where(left, pictures.flip(3), pictures)
    if pictures.shape[2] != pictures.shape[3]:
        return made
    made = torch.where(top, made.flip(2), made)
    return torch.where(turned, made.transpose(2, 3), made)


def degraded(sharp: Tensor, scale: int, rng: torch.Generator) -> Tensor:
    """Small pictures as they come from phones and pages: blurred, shrunk, noisy, kept as JPEG.

    Args:
        sharp: ``(B, C, H, W)`` in [-1, 1].
        scale: Times as many pixels each way.
        rng: Of all chance.
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
    """Pictures ``(B, C, H, W)`` under a Gaussian of so many pixels."""
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
    """One picture ``(1, C, h, w)`` through a JPEG file; one with alpha as it is."""
    if picture.shape[1] not in (1, 3):
        return picture
    pixels = ((picture[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    held = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.save(held, "JPEG", quality=quality)
    again = np.array(Image.open(held)).reshape(pixels.shape)
    back = torch.from_numpy(again).permute(2, 0, 1)[None].to(picture.device)
    return back.float() / 127.5 - 1
