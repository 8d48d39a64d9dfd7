"""How much two images differ after small crops, brightness and contrast were taken away."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, affine_grid, grid_sample, interpolate

from gannet.metrics.linear_algebra import solve
from gannet.modalities.image.tensors import thumbnail

SIDE = 24
"""Side at which images are compared; noise and recompression average out."""

FLAT = 0.02
"""Standard deviation, in a range of 2, below which an image has no contrast to compare."""

ROUNDS = 3
"""Steps of the alignment."""

LARGEST_MOVE = 0.13
"""Largest shift or zoom, in half sides: a crop of five per cent with some room."""

GAIN = (0.5, 2.0)
"""Range of the factor of contrast."""

PARTS = 4
"""Parts along a side, of which the one that differs most counts: a changed hand of a clock does not
vanish in the mean over the face, while noise and traces of compression do."""

DIFFERENT = 9.0
"""What images that cannot be aligned differ by."""


def keys(images: Tensor) -> Tensor:
    """Thumbnails of ``(n, C, H, W)`` without brightness and contrast, ``(n, F)`` of length 1."""
    rows = thumbnail(images)
    rows = rows - rows.mean(1, keepdim=True)
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(FLAT * rows.shape[1] ** 0.5)


def unlike(one: Tensor, other: Tensor) -> Tensor:
    """How much images ``(m, C, H, W)`` differ, ``(m,)``, over the contrast of the weaker one.

    The first is moved, zoomed and changed in brightness and contrast until it is most like the
    second, each step a regression on its gradient. Flat images differ by their brightness.

    Source: Lucas and Kanade 1981, An Iterative Image Registration Technique, IJCAI, sec. 4.
    """
    first, second = _shrunk(one), _shrunk(other)
    deviations = first.flatten(1).std(1), second.flatten(1).std(1)
    contrast = torch.minimum(*deviations).clamp_min(FLAT)
    moved, total = first, torch.zeros(len(first), 3, dtype=torch.float32)
    best = torch.full((len(first),), DIFFERENT, dtype=torch.float32)
    for number in range(ROUNDS):
        gain, move, rest = _fitted(moved, second, (first + second) / 2 if not number else moved)
        total = total + move
        allowed = (total.abs().amax(1) <= LARGEST_MOVE) & (gain > GAIN[0]) & (gain < GAIN[1])
        best = torch.where(allowed, torch.minimum(best, rest / contrast), best)
        total = total.clamp(-LARGEST_MOVE, LARGEST_MOVE)
        moved = _moved(first, total)
    plain = _size(first - second) / contrast
    flat = torch.maximum(*deviations) <= FLAT
    return torch.where(flat, plain / 10, torch.minimum(best, plain))


def _shrunk(images: Tensor) -> Tensor:
    scale = SIDE / max(images.shape[2:])
    size = [max(round(side * scale), 1) for side in images.shape[2:]]
    return interpolate(images.float(), size, mode="area") if scale < 1 else images.float()


def _fitted(moved: Tensor, target: Tensor, middle: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gain ``(m,)``, further shifts and zoom ``(m, 3)``, and what is left unexplained ``(m,)``."""
    _, _, height, width = moved.shape
    down, right = _gradient(middle, 2) * height / 2, _gradient(middle, 3) * width / 2
    y, x = _coordinates(height)[:, None], _coordinates(width)
    parts = [moved, torch.ones_like(moved), down, right, down * y + right * x]
    known: Tensor = torch.stack([part.flatten(1) for part in parts], 2)
    wanted: Tensor = target.flatten(1)[..., None]
    squares: Tensor = torch.einsum("mpi,mpj->mij", known, known)
    ridge = torch.diag_embed(squares.diagonal(dim1=1, dim2=2) * 1e-4 + 1e-9)
    weights = solve(squares + ridge, torch.einsum("mpi,mpk->mik", known, wanted))
    fitted = torch.einsum("mpi,mik->mpk", known, weights)
    gain = weights[:, 0, 0]
    rest = (wanted - fitted).reshape(moved.shape)
    return gain, weights[:, 2:, 0] / gain.clamp_min(0.1)[:, None], _size(rest)


def _size(rest: Tensor) -> Tensor:
    """The root mean square of differences ``(m, C, H, W)``, or that of the worst part, ``(m,)``."""
    worst = adaptive_avg_pool2d(rest, PARTS).abs().amax((1, 2, 3))
    return torch.maximum(rest.flatten(1).square().mean(1).sqrt(), worst)


def _gradient(images: Tensor, axis: int) -> Tensor:
    if images.shape[axis] < 2:
        return torch.zeros_like(images)
    (gradient,) = torch.gradient(images, dim=[axis])
    return gradient


def _coordinates(count: int) -> Tensor:
    return (torch.arange(count, dtype=torch.float32) * 2 + 1) / count - 1


def _moved(images: Tensor, by: Tensor) -> Tensor:
    """Images shifted down and right and zoomed, ``by`` ``(m, 3)`` in half sides."""
    matrix = torch.zeros(len(images), 2, 3, dtype=images.dtype)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1 + by[:, 2]
    matrix[:, 0, 2], matrix[:, 1, 2] = by[:, 1], by[:, 0]
    grid = affine_grid(matrix, list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)
