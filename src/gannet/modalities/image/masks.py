"""Holes in pictures: strokes and rectangles of chance, and the plainest way to fill them."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

TRIES = 24
"""Most strokes and rectangles that are tried for one picture's holes."""

NEARLY = 0.85
"""Share of a goal that counts as reached; as much more is too much."""

HELD_OUT = 0.25
"""Share of a picture in holes where answers are scored."""

ROUNDS = 60
"""Of smoothing at each size, when holes are filled by diffusion."""


def drawn(pictures: Tensor, rng: torch.Generator, most: float) -> Tensor:
    """Holes ``(B, 1, H, W)``, ones in holes, of at most about a share ``most`` of each picture."""
    count, high, wide = len(pictures), pictures.shape[2], pictures.shape[3]
    device = pictures.device
    seeds: list[int] = torch.randint(1 << 31, (count,), generator=rng, device=device).tolist()
    masks = [_holes(high, wide, np.random.default_rng(seed), most) for seed in seeds]
    return torch.from_numpy(np.stack(masks))[:, None].to(device)


def fixed(pictures: Tensor) -> Tensor:
    """Holes ``(B, 1, H, W)`` of about a quarter, which follow from each picture alone."""
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
    """Strokes and rectangles until nearly a share between ``least`` and ``most`` is covered.

    One that would cover much more is left out.
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
    """Pictures ``(B, C, H, W)`` whose holes are as smooth as their rims allow.

    The plainest of all fills: Laplace's equation, from coarse to fine.

    Args:
        known: Pictures; what stands in holes does not matter.
        holes: ``(B, 1, H, W)``, above 0 in holes.
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
