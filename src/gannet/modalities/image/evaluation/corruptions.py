"""Pictures made worse in a known way."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gannet.modalities.corruption import Corruption
from gannet.modalities.image.degradation import blurred

CELLS = 4
"""Parts along each side whose places are changed."""


def blur(pictures: Tensor, _rng: torch.Generator) -> Tensor:
    """A Gaussian blur of a fortieth of the side, .8 pixels at least."""
    return blurred(pictures, max(min(pictures.shape[2:]) / 40, 0.8))


def noise(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """White noise of a tenth of the range."""
    return (pictures + 0.1 * torch.randn(pictures.shape, generator=rng)).clamp(-1, 1)


def shuffled_parts(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """The parts of each picture in another order; what is no multiple of them stays."""
    count, channels, height, width = pictures.shape
    rows, columns = min(CELLS, height), min(CELLS, width)
    tall, wide = height // rows, width // columns
    body = pictures[:, :, : rows * tall, : columns * wide]
    parts = body.reshape(count, channels, rows, tall, columns, wide).permute(0, 2, 4, 1, 3, 5)
    flat = parts.reshape(count, rows * columns, channels, tall, wide)
    order = torch.rand(count, rows * columns, generator=rng).argsort(1)
    mixed = flat[torch.arange(count)[:, None], order]
    mixed = mixed.reshape(count, rows, columns, channels, tall, wide).permute(0, 3, 1, 4, 2, 5)
    found = pictures.clone()
    found[:, :, : rows * tall, : columns * wide] = mixed.reshape(body.shape)
    return found


CORRUPTIONS: Mapping[str, Corruption] = {
    "blur": blur,
    "noise": noise,
    "shuffled parts": shuffled_parts,
}
"""By name."""
