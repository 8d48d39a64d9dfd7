"""What the judge of a run on images learns from, and what it calls a stranger."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from gannet.core.codec import Codec
from gannet.modalities.image.io.files import PixelArray, upright
from gannet.modalities.inference import ReadTable
from gannet.modalities.judging import Fact, JudgingHooks

GRAY_SLACK = 0.1
"""How far beyond the range of training the mean saturation or transparency is still usual."""

SIDE_SLACK = 2.0
"""How many times the longest side in training a side may have, or the shortest be divided by."""


def facts(image: Any) -> Mapping[str, Fact]:
    """Size, saturation and transparency of an image ``(h, w[, c])`` of 0..255."""
    pixels: NDArray[Any] = np.asarray(image)
    height, width = pixels.shape[:2]
    channels = pixels.reshape(height, width, -1)
    scale = 65_535 if pixels.dtype == np.uint16 else 255
    colors, clear = channels, 0.0
    if channels.shape[2] in (2, 4):
        clear = 1 - float(channels[..., -1].mean()) / scale
        colors = channels[..., :-1]
    saturation = float((colors.max(2).astype(np.float64) - colors.min(2)).mean()) / scale
    return {
        "its width in pixels": Fact(float(width), SIDE_SLACK, ratio=True),
        "its height in pixels": Fact(float(height), SIDE_SLACK, ratio=True),
        "its mean saturation": Fact(saturation, GRAY_SLACK),
        "its transparency": Fact(clear, 3 * GRAY_SLACK),
    }


def other_images(images: Tensor, rng: torch.Generator) -> Tensor:
    """Images of no kind in particular, ``(n, C, H, W)``.

    By turns: noise of a random coarseness, a smooth gradient, one flat colour, shapes on a flat
    ground, and a negative of a given one.
    """
    count, channels, height, width = images.shape
    generated = torch.empty_like(images, dtype=torch.float32)
    start = int(torch.randint(5, (1,), generator=rng))
    for at in range(count):
        match (at + start) % 5:
            case 0:
                cells = int(torch.randint(2, max(min(height, width), 3), (1,), generator=rng))
                noise = torch.randn(1, channels, cells, cells, generator=rng)
                generated[at] = _stretched(noise, (height, width))
            case 1:
                corners = 2 * torch.rand(1, channels, 2, 2, generator=rng) - 1
                generated[at] = _stretched(corners, (height, width))
            case 2:
                generated[at] = 2 * torch.rand(channels, 1, 1, generator=rng) - 1
            case 3:
                generated[at] = _shapes(channels, height, width, rng)
            case _:
                generated[at] = -images[at].float()
    return generated.clamp(-1, 1)


def _shapes(channels: int, height: int, width: int, rng: torch.Generator) -> Tensor:
    """Some ellipses and bars of even colours on a flat ground, ``(C, H, W)``."""
    count = int(torch.randint(1, 6, (1,), generator=rng))
    colors = 2 * torch.rand(count + 1, channels, 1, 1, generator=rng) - 1
    down: Tensor = torch.linspace(-1, 1, height)[:, None]
    across: Tensor = torch.linspace(-1, 1, width)
    picture = colors[0].expand(channels, height, width)
    drawn: list[list[float]] = torch.rand(count, 6, generator=rng).tolist()
    for color, given in zip(colors[1:], drawn, strict=True):
        y, x, turn = down - 1.4 * given[0] + 0.7, across - 1.4 * given[1] + 0.7, 3.1416 * given[2]
        along: Tensor = (math.cos(turn) * x + math.sin(turn) * y) / (0.1 + 0.7 * given[3])
        beside: Tensor = (math.cos(turn) * y - math.sin(turn) * x) / (0.05 + 0.4 * given[4])
        round_one = (along.square() + beside.square()).sqrt()
        size = round_one if given[5] < 0.5 else torch.maximum(along.abs(), beside.abs())
        picture = torch.where(size < 1, color, picture)
    return picture


def _stretched(small: Tensor, size: tuple[int, int]) -> Tensor:
    return interpolate(small, size, mode="bilinear", align_corners=False)[0]


def raws(_codec: Codec[Any], path: Path, read_table: ReadTable) -> Sequence[PixelArray]:  # noqa: ARG001
    """The image of a file, at its own size."""
    return [np.asarray(upright(path, str(path)))]


JUDGING = JudgingHooks(others=other_images, facts=facts, raws=raws)
"""Hooks of the judge for images."""
