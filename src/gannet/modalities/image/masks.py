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

EVALUATION_FRACTION = 0.25
"""Mask ratio of evaluation."""

HALF = 0.5
"""Brightness of a mask, relative to its brightest pixel, above which a pixel is marked."""

FEW_LABELS = 0.1
"""Brightness up to which a mask is taken to hold numbers from 0, not shades."""

ROUNDS = 60
"""Smoothing iterations at each scale of the diffusion fill."""


def random_masks(images: Tensor, rng: torch.Generator, max_fraction: float) -> Tensor:
    """Random masks ``(B, 1, H, W)``, 1 where missing; ``max_fraction`` bounds the mask ratio."""
    count, high, wide = len(images), images.shape[2], images.shape[3]
    device = images.device
    if device.type == "cpu":
        seeds: list[int] = torch.randint(1 << 31, (count,), generator=rng).tolist()
    else:
        seeds = seeds_of_state(count, rng)
    masks = [_random_mask(high, wide, np.random.default_rng(seed), max_fraction) for seed in seeds]
    return torch.from_numpy(np.stack(masks))[:, None].to(device)


def seeds_of_state(count: int, rng: torch.Generator) -> list[int]:
    """Seeds that follow from the state of a generator, which moves on.

    Numbers that are drawn on a GPU could only be read once it has done all that was asked of it
    before; its generator's state is kept outside of it.
    """
    state = hashlib.blake2b(rng.get_state().numpy().tobytes(), digest_size=8).digest()
    torch.rand(1, generator=rng, device=rng.device)
    drawn = np.random.default_rng(int.from_bytes(state, "little")).integers(1 << 31, size=count)
    seeds: list[int] = drawn.tolist()
    return seeds


def content_masks(images: Tensor) -> Tensor:
    """Masks ``(B, 1, H, W)`` of about a quarter, seeded by the content of each image."""
    high, wide = images.shape[2:]
    masks: list[NDArray[np.float32]] = []
    for image in images.detach().cpu():
        data = image.mul(127.5).round().to(torch.int16).numpy().tobytes()
        seed = int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "little")
        masks.append(
            _random_mask(
                high,
                wide,
                np.random.default_rng(seed),
                EVALUATION_FRACTION,
                min_fraction=EVALUATION_FRACTION,
            )
        )
    return torch.from_numpy(np.stack(masks))[:, None].to(images.device)


def _random_mask(
    high: int, wide: int, rng: np.random.Generator, max_fraction: float, min_fraction: float = 0.0
) -> NDArray[np.float32]:
    """Add strokes and rectangles until the mask ratio is reached.

    The ratio is ``min_fraction`` or, if that is 0, random from 0.05 to ``max_fraction``.
    A shape that would exceed it by much is skipped.
    """
    whole = np.zeros((high, wide), np.float32)
    goal = min_fraction or rng.uniform(0.05, max_fraction)
    y, x = np.mgrid[:high, :wide]
    side = min(high, wide)
    for _ in range(TRIES):
        if whole.mean() >= NEARLY * goal:
            break
        mask = whole.copy()
        if rng.random() < 0.5:
            tall, broad = (rng.uniform(0.15, 0.5, 2) * side).astype(int) + 1
            top, left = rng.integers(0, high - tall + 1), rng.integers(0, wide - broad + 1)
            mask[top : top + tall, left : left + broad] = 1
        else:
            thick = rng.uniform(0.04, 0.1) * side + 1
            for one, other in pairwise(rng.random((4, 2)) * (high, wide)):
                segment = other - one
                t = (y - one[0]) * segment[0] + (x - one[1]) * segment[1]
                t = (t / max(segment @ segment, 1e-9)).clip(0, 1)
                off = np.hypot(y - one[0] - t * segment[0], x - one[1] - t * segment[1])
                mask[off <= thick] = 1
        if mask.mean() <= goal / NEARLY:
            whole = mask
    return whole


def marked_pixels(mask: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pixels a mask image marks, ``(H, W)``, however it was made.

    A mask is white, or of any other brush, on black, with values of 0 and 255, of 0 and 1, or of a
    few numbers; or a brush of any colour on a see-through ground, or a see-through hole in an
    opaque picture: of see-through and opaque parts the smaller one is marked. Soft edges count
    from the middle.

    Args:
        mask: ``(H, W, C)`` in 0..1: grey or colour, with or without alpha.
    """
    count = mask.shape[2]
    if count in (2, 4):
        opaque = mask[..., -1] > HALF
        if 0 < opaque.mean() < 1:
            return opaque if opaque.mean() <= HALF else ~opaque
        mask = mask[..., :-1]
    brightness = mask.max(2)
    highest = float(brightness.max())
    # Numbers such as 0 and 1, or labels, look black: there every one but 0 marks.
    return brightness > (HALF * highest if highest > FEW_LABELS else 0.0)


def fill_by_diffusion(images: Tensor, mask: Tensor) -> Tensor:
    """Images ``(B, C, H, W)`` with missing pixels filled smoothly.

    The simplest baseline: Laplace's equation, from coarse to fine.

    Args:
        images: Images; their values at missing pixels do not matter.
        mask: ``(B, 1, H, W)``, above 0 where missing.
    """
    missing = (mask > 0).to(images.dtype)
    if min(images.shape[2:]) >= 4:
        observed = avg_pool2d(1 - missing, 2, ceil_mode=True)
        coarse = avg_pool2d(images * (1 - missing), 2, ceil_mode=True) / observed.clamp_min(1e-6)
        start = fill_by_diffusion(coarse, (observed == 0).to(images.dtype))
        start = interpolate(start, list(images.shape[2:]), mode="bilinear", align_corners=False)
    else:
        total = (1 - missing).sum((2, 3), keepdim=True).clamp_min(1e-6)
        start = ((images * (1 - missing)).sum((2, 3), keepdim=True) / total).expand_as(images)
    filled = torch.where(missing > 0, start, images)
    kernel = images.new_tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]]).div(4)[None, None]
    kernel = kernel.expand(images.shape[1], 1, 3, 3)
    for _ in range(ROUNDS):
        around = conv2d(pad(filled, (1, 1, 1, 1), mode="replicate"), kernel, groups=images.shape[1])
        filled = torch.where(missing > 0, around, images)
    return filled
