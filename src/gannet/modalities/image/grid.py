"""Image grids as PNG, and outputs beside their inputs and targets."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from gannet.core.io.files import write_whole
from gannet.modalities.hooks import Exhibit, SampleGrid

COLORS = 3

MAX_EXHIBIT_SIDE = 160
"""Largest side of images on an HTML page; larger ones are shrunk, which keeps it below 12 MB."""


def grid_png(images: Tensor, path: Path, columns: int = 0) -> None:
    """Save an image grid, with thin lines between, atomically.

    Args:
        images: ``(N, 1 to 4, H, W)`` in [-1, 1]; grey, grey + alpha, colour, colour + alpha.
        path: The PNG.
        columns: Images per row; 0 for an about square grid.

    Raises:
        GannetError: if the file cannot be written.
    """
    write_whole(path, encode_grid(images, columns))


def encode_grid(images: Tensor, columns: int = 0) -> bytes:
    """An image grid as a PNG, see ``grid_png``."""
    count, channels, height, width = images.shape
    columns = columns or max(math.ceil(math.sqrt(count)), 1)
    rows = max(math.ceil(count / columns), 1)
    # Small images are enlarged by an integer factor: a digit of 28 pixels is a speck on a screen.
    factor = max(1, round(56 / max(height, width, 1)))
    bytes_ = (images.detach().float().clamp(-1, 1) + 1).mul(127.5).round().to(torch.uint8).cpu()
    bytes_ = bytes_.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    high, wide = height * factor + 2, width * factor + 2
    canvas = torch.full((channels, rows * high + 2, columns * wide + 2), 128, dtype=torch.uint8)
    if channels in (2, 4):
        canvas[-1] = 255
    for index, image in enumerate(bytes_):
        top, left = index // columns * high + 2, index % columns * wide + 2
        canvas[:, top : top + high - 2, left : left + wide - 2] = image
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    array = canvas.permute(1, 2, 0).contiguous().numpy()
    packed = io.BytesIO()
    Image.fromarray(array[..., 0] if mode == "L" else array, mode).save(packed, "PNG")
    return packed.getvalue()


def bounded(images: Tensor, side: int) -> Tensor:
    """Images ``(N, C, H, W)`` shrunk to at most ``side`` pixels; small ones stay as they are."""
    scale = side / max(images.shape[2:])
    if scale >= 1:
        return images
    size = [max(round(each * scale), 1) for each in images.shape[2:]]
    return interpolate(images.float(), size, mode="area")


def comparison_columns(inputs: Tensor, outputs: Sequence[Tensor], targets: Tensor) -> list[Tensor]:
    """Inputs, outputs and targets, each ``(N, 1 or 3, H, W)``, in the size of the targets.

    Channels after the colours, such as alpha or a mask, are left out.

    Args:
        inputs: ``(N, C, H, W)``.
        outputs: Outputs, each ``(N, C, H, W)``, one per input.
        targets: ``(N, C, H, W)``.
    """
    colors = 1 if max(targets.shape[1], inputs.shape[1]) < COLORS else COLORS
    inputs = interpolate(inputs.float(), list(targets.shape[2:]), mode="nearest-exact")
    columns = [inputs, *(output.clamp(-1, 1) for output in outputs), targets.float()]
    return [
        each[:, : colors if each.shape[1] >= colors else 1].expand(-1, colors, -1, -1)
        for each in columns
    ]


def conditional_grid(
    inputs: Tensor, outputs: Sequence[Tensor], targets: Tensor, across: int = 1
) -> bytes:
    """A PNG with rows of inputs, outputs and targets.

    Args:
        inputs: ``(N, C, H, W)``.
        outputs: Outputs, each ``(N, C, H, W)``, one per input.
        targets: ``(N, C, H, W)``.
        across: Inputs per row.
    """
    every = torch.stack(comparison_columns(inputs, outputs, targets), 1)
    return encode_grid(every.flatten(0, 1), every.shape[1] * min(across, max(len(every), 1)))


def exhibit(raw: Any) -> Exhibit:
    """An image ``(H, W, C)`` of 0..255 as a PNG for an HTML page."""
    return _to_exhibit(_tensors([raw]))


def image_grid(raws: Sequence[Any], columns: int) -> SampleGrid:
    """A grid of images ``(H, W, C)`` of 0..255."""
    return SampleGrid(".png", encode_grid(_tensors(raws), columns))


def compared(
    inputs: Tensor, outputs: Sequence[Tensor], targets: Tensor
) -> Sequence[tuple[Exhibit, ...]]:
    """For each input: the input, the outputs and the target."""
    columns = comparison_columns(inputs, outputs, targets)
    return [
        tuple(_to_exhibit(each[row : row + 1]) for each in columns) for row in range(len(inputs))
    ]


def conditional_grid_file(
    inputs: Tensor, outputs: Sequence[Tensor], targets: Tensor, across: int
) -> SampleGrid:
    """A PNG with rows of inputs, outputs and targets, as a file."""
    return SampleGrid(".png", conditional_grid(inputs, outputs, targets, across))


def _to_exhibit(image: Tensor) -> Exhibit:
    return Exhibit("png", encode_grid(bounded(image, MAX_EXHIBIT_SIDE)))


def _tensors(raws: Sequence[Any]) -> Tensor:
    return torch.from_numpy(np.stack(raws)).permute(0, 3, 1, 2).float() / 127.5 - 1
