"""Inpainting masks: random strokes and rectangles, and a baseline fill by diffusion."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

TRIES = 24
"""Maximum number of strokes and rectangles that are tried for one mask."""

NEARLY = 0.85
"""Tolerance of the mask ratio: this fraction of the goal is enough; its inverse is the limit."""

HELD_OUT = 0.25
"""Mask ratio of evaluation."""

ROUNDS = 60
"""Smoothing iterations at each scale of the diffusion fill."""


def drawn(pictures: Tensor, rng: torch.Generator, most: float) -> Tensor:
    """Random masks ``(B, 1, H, W)``, 1 where missing, of a mask ratio up to about ``most``."""
    count, high, wide = len(pictures), pictures.shape[2], pictures.shape[3]
    device = pictures.device
    seeds: list[int] = torch.randint(1 << 31, (count,), generator=rng, device=device).tolist()
    masks = [_holes(high, wide, np.random.default_rng(seed), most) for seed in seeds]
    return torch.from_numpy(np.stack(masks))[:, None].to(device)


def fixed(pictures: Tensor) -> Tensor:
    """Masks ``(B, 1, H, W)`` of about a quarter, seeded by the content of each image."""
    high, wide = pictures.shape[2:]
    masks: list[NDArray[np.float32]] = []
    for picture in pictures.detach().cpu():
        held = picture.mul(127.5).round().to(torch.int16).numpy().tobytes()
        seed = int.from_bytes(hashlib.blake2b(held, digest_size=4).digest(), "little")
        masks.append(_holes(high, wide, np.random.default_rng(seed), HELD_OUT, least=HELD_OUT))
    return torch.from_numpy(np.stack(masks))[:, None].to(pictures.device)


def _holes(
    high: int, wide: int, chance: np.random.Generator, most: float, least: float = 0.0
) -> NDArray[np.float32]:
    """Add strokes and rectangles until the mask ratio is reached: ``least``, or random to ``most``.

    One that would exceed it by much is skipped.
    """
    whole = np.zeros((high, wide), np.float32)
    goal = least or chance.uniform(0.05, most)
    y, x = np.mgrid[:high, :wide]
    side = min(high, wide)
    for _ in range(TRIES):
        if whole.mean() >= NEARLY * goal:
            break
        mask = whole.copy()
        if chance.random() < 0.5:
            tall, broad = (chance.uniform(0.15, 0.5, 2) * side).astype(int) + 1
            top, left = chance.integers(0, high - tall + 1), chance.integers(0, wide - broad + 1)
            mask[top : top + tall, left : left + broad] = 1
        else:
            thick = chance.uniform(0.04, 0.1) * side + 1
            for one, other in pairwise(chance.random((4, 2)) * (high, wide)):
                along = other - one
                share = (y - one[0]) * along[0] + (x - one[1]) * along[1]
                share = (share / max(along @ along, 1e-9)).clip(0, 1)
                off = np.hypot(y - one[0] - share * along[0], x - one[1] - share * along[1])
                mask[off <= thick] = 1
        if mask.mean() <= goal / NEARLY:
            whole = mask
    return whole


def diffused(known: Tensor, holes: Tensor) -> Tensor:
    """Images ``(B, C, H, W)`` with missing pixels filled smoothly.

    The simplest baseline: Laplace's equation, from coarse to fine.

    Args:
        known: Images; their values at missing pixels do not matter.
        holes: ``(B, 1, H, W)``, above 0 where missing.
    """
    gone = (holes > 0).to(known.dtype)
    if min(known.shape[2:]) >= 4:
        share = avg_pool2d(1 - gone, 2, ceil_mode=True)
        coarse = avg_pool2d(known * (1 - gone), 2, ceil_mode=True) / share.clamp_min(1e-6)
        start = diffused(coarse, (share == 0).to(known.dtype))
        start = interpolate(start, list(known.shape[2:]), mode="bilinear", align_corners=False)
    else:
        total = (1 - gone).sum((2, 3), keepdim=True).clamp_min(1e-6)
        start = ((known * (1 - gone)).sum((2, 3), keepdim=True) / total).expand_as(known)
    filled = torch.where(gone > 0, start, known)
    kernel = known.new_tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]]).div(4)[None, None]
    kernel = kernel.expand(known.shape[1], 1, 3, 3)
    for _ in range(ROUNDS):
        around = conv2d(pad(filled, (1, 1, 1, 1), mode="replicate"), kernel, groups=known.shape[1])
        filled = torch.where(gone > 0, around, known)
    return filled
