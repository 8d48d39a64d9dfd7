"""Images as inputs and outputs of a network: channels, range, size."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from gannet.core.types import Float32Array
from gannet.modalities.image.tiling import GRAY

COARSE = 16
"""Side of thumbnails, in cells."""


def thumbnail(images: Tensor) -> Tensor:
    """Images ``(N, C, H, W)`` as thumbnails ``(N, F)`` of at most 16 cells a side."""
    scale = COARSE / max(images.shape[2:])
    if scale < 1:
        size = [max(round(side * scale), 1) for side in images.shape[2:]]
        images = interpolate(images, size, mode="area")
    return images.flatten(1).float()


def in_channels(image: Float32Array, channels: int) -> Float32Array:
    """Convert an image ``(H, W, C)`` in 0..1 to 1 or 3 channels, or 2 or 4 with alpha.

    Without alpha in the output, it is composited on white, as by a codec.
    """
    count = image.shape[2]
    if count in (2, 4):
        colors, alpha = image[..., :-1], image[..., -1:]
    else:
        colors, alpha = image, np.ones_like(image[..., :1])
    if channels in (1, 3):
        colors = colors * alpha + (1 - alpha)
    color_channels = 1 if channels < 3 else 3
    if colors.shape[2] > color_channels:
        colors = colors @ GRAY[:, None]
    colors = np.repeat(colors, color_channels // colors.shape[2], 2)
    result = colors if channels in (1, 3) else np.concatenate([colors, alpha], 2)
    return result.astype(np.float32)


def encoded(image: Float32Array, channels: int) -> Tensor:
    """An image as a network's input, ``(1, channels, H, W)`` in [-1, 1]."""
    array = np.ascontiguousarray(in_channels(image, channels).transpose(2, 0, 1))
    return torch.from_numpy(array)[None] * 2 - 1


def decoded(output: Tensor) -> NDArray[np.float32]:
    """An output ``(1, C, H, W)`` in 0..1 as an image ``(H, W, C)``."""
    return output[0].movedim(0, -1).contiguous().numpy()


def scaled_to(given: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Resize an image ``(1, C, H, W)`` to the shorter side of ``shape``."""
    scale = min(shape[1:]) / min(given.shape[2:])
    if scale == 1:
        return given
    size = [max(round(side * scale), 1) for side in given.shape[2:]]
    return interpolate(given, size, mode="bicubic", antialias=True, align_corners=False).clamp(
        -1, 1
    )


def sized(image: Float32Array, like: Float32Array) -> Float32Array:
    """An image ``(h, w, C)`` in 0..1 at the size of another, by bicubic resampling."""
    return resampled(image, like.shape[0], like.shape[1])


def resampled(image: Float32Array, height: int, width: int) -> Float32Array:
    """An image ``(h, w, C)`` in 0..1 at another size, by antialiased bicubic resampling."""
    if image.shape[:2] == (height, width):
        return image
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
    size = [height, width]
    scaled = interpolate(tensor, size, mode="bicubic", antialias=True, align_corners=False)
    return decoded(scaled.clamp(0, 1))


def with_alpha_of(image: Float32Array, like: Float32Array) -> Float32Array:
    """An image of 1 or 3 channels with the alpha of another of the same size, if that has any."""
    if like.shape[2] not in (2, 4) or image.shape[2] not in (1, 3):
        return image
    return np.concatenate([image, like[..., -1:]], 2)
