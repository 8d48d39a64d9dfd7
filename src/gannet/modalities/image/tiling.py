"""Convolutional networks on large images, in overlapping tiles without seams."""

from __future__ import annotations

import gc
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gannet.core.errors import GannetError
from gannet.core.types import Float32Array
from gannet.modalities.image.masks import fill_by_diffusion

TILE = 256
"""Side of a tile without its overlap, in pixels of the input."""

SMALLEST = 16
"""Minimum side of a tile; smaller ones would be nearly all overlap."""

GRAY = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grey; ITU-R BT.601."""


def planes(image: Float32Array, channels: int) -> list[Tensor]:
    """Split an image ``(H, W, C)`` in 0..1 into inputs of a network with so many channels.

    Returns:
        ``(1, channels, H, W)`` in [-1, 1] each: the colours, and alpha if there is any. Grey is
        repeated for a colour network; a grey network gets each colour separately.
    """
    whole = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None] * 2 - 1
    count = image.shape[2]
    colors = _without_fringe(whole) if count in (2, 4) else whole
    parts: list[Tensor] = [colors]
    if colors.shape[1] != channels:
        parts = [colors[:, at : at + 1] for at in range(colors.shape[1])]
    parts += [whole[:, -1:]] if count in (2, 4) else []
    return [
        part if part.shape[1] == channels else part.expand(-1, channels, -1, -1) for part in parts
    ]


def _without_fringe(whole: Tensor) -> Tensor:
    """Colours ``(1, C, H, W)`` of an image with alpha, continued where nothing is seen.

    Else the colour of see-through pixels, often black, would show as a fringe at the rim.
    """
    colors, unseen = whole[:, :-1], (whole[:, -1:] <= -1).float()
    if not 0 < unseen.mean() < 1:
        return colors
    return fill_by_diffusion(colors, unseen)


def of_planes(outputs: list[Tensor], given: Float32Array) -> Float32Array:
    """Join the outputs for ``planes`` into an image with the channels of the given one."""
    count = given.shape[2]
    color_channels = 1 if count < 3 else 3
    flat = [each[0].movedim(0, -1).numpy() for each in outputs]
    if flat[0].shape[2] == color_channels:
        colors, rest = flat[0], flat[1:]
    elif color_channels == 1:
        colors, rest = flat[0] @ GRAY[:, None], flat[1:]
    else:
        colors, rest = np.concatenate([each[..., :1] for each in flat[:3]], 2), flat[3:]
    alpha = [each.mean(2, keepdims=True) for each in rest]
    return np.concatenate([colors, *alpha], 2)


@torch.no_grad()
def in_tiles(
    network: Callable[[Tensor], Tensor],
    layers: list[Tensor],
    receptive_radius: int,
    *,
    scale: int = 1,
    unit: int = 1,
    tile: int = TILE,
) -> list[Tensor]:
    """Apply a convolutional network to images of any size.

    Each tile is padded with its receptive field, so the result equals that of the whole image.
    Where memory runs short, tiles become smaller.

    Args:
        network: ``(1, C, h, w)`` in [-1, 1] to ``(1, D, h * scale, w * scale)``.
        layers: Images ``(1, C, H, W)``.
        receptive_radius: Radius of the receptive field, in pixels of the input.
        scale: Size of the output relative to the input.
        unit: Tiles begin at multiples of it.
        tile: Side of a tile without its overlap.

    Returns:
        ``(1, D, H * scale, W * scale)`` in 0..1.

    Raises:
        GannetError: if memory does not suffice for the smallest tiles.
    """
    while True:
        try:
            return [_tiled(network, each, receptive_radius, scale, unit, tile) for each in layers]
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            if tile <= max(SMALLEST, unit):
                raise GannetError(
                    "not enough memory for this image", remedy="Shrink it, or free memory."
                ) from None
        gc.collect()
        tile = max(tile // 2 // unit, 1) * unit


def _tiled(
    network: Callable[[Tensor], Tensor],
    given: Tensor,
    receptive_radius: int,
    scale: int,
    unit: int,
    tile: int,
) -> Tensor:
    high, wide = given.shape[2:]
    around = -(-receptive_radius // unit) * unit
    if max(high, wide) <= tile:
        return _bounded(network(given))
    result: Tensor | None = None
    for top in range(0, high, tile):
        for left in range(0, wide, tile):
            low, right = min(top + tile, high), min(left + tile, wide)
            y, x = max(top - around, 0), max(left - around, 0)
            window = given[:, :, y : min(low + around, high), x : min(right + around, wide)]
            part = _bounded(network(window))
            if result is None:
                result = part.new_empty(1, part.shape[1], high * scale, wide * scale)
            own = part[:, :, (top - y) * scale : (low - y) * scale]
            own = own[:, :, :, (left - x) * scale : (right - x) * scale]
            result[:, :, top * scale : low * scale, left * scale : right * scale] = own
    assert result is not None
    return result


def _bounded(output: Tensor) -> Tensor:
    return output.float().add(1).mul(0.5).clamp(0, 1).cpu()


def _is_out_of_memory(error: Exception) -> bool:
    message = str(error).lower()
    phrases = ("not enough memory", "can't allocate", "out of memory", "bad_alloc")
    return isinstance(error, MemoryError) or any(each in message for each in phrases)
