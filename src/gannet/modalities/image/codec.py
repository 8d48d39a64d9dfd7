"""Images: PNG, JPEG, WebP, GIF, BMP, TIFF files <-> ``(B, C, H, W)`` floats in [-1, 1]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from gannet.core.errors import DataError
from gannet.modalities.image.io.bit_depth import check_writable, save
from gannet.modalities.image.io.files import MODES, Item, PixelArray, upright


class ImageCodec(BaseModel):
    """Encodes images at one size.

    Attributes:
        height: In pixels.
        width: In pixels.
        channels: 1 grey, 2 grey with alpha, 3 colour, 4 colour with alpha. Without alpha in the
            codec, images with alpha are composited on white.
        resize: ``crop`` scales the image to cover the frame and keeps the centre; ``stretch``
            keeps all of it and changes its aspect ratio.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str] = "image"
    tolerance: ClassVar[float] = 0.0

    height: int = Field(ge=1, le=8192)
    width: int = Field(ge=1, le=8192)
    channels: Literal[1, 2, 3, 4] = 3
    resize: Literal["crop", "stretch"] = "crop"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one encoded image, ``(C, H, W)``."""
        return (self.channels, self.height, self.width)

    @classmethod
    def fit(cls, raws: Iterable[PixelArray]) -> Self:
        """Take the size of the first image.

        Raises:
            DataError: if there is no image.
        """
        for first in raws:
            height, width, channels = first.shape
            return cls.model_validate({"height": height, "width": width, "channels": channels})
        raise DataError("no images found", remedy="Point to a folder with .png or .jpg files.")

    def read(self, path: Path) -> PixelArray:
        """Load one file, fitted to this codec's size and channels.

        Raises:
            DataError: if the file is no image, broken, or too large to open safely.
        """
        return self.load_image(path, name=str(path))

    def load_image(self, item: Item, *, name: str) -> PixelArray:
        """Load one image of a data set, fitted to this codec's size and channels.

        Args:
            item: A file, the content of a file, or numbers ``(h, w[, c])`` of 0..255.
            name: Name in errors.

        Raises:
            DataError: if it is no image, broken, or too large to open safely.
        """
        goal = (self.height, self.width, self.channels)
        if isinstance(item, np.ndarray) and item.shape == goal:
            return item
        image = upright(item, name, min_size=(self.width, self.height))
        fitted = _in_channels(self._resized(image), self.channels)
        return np.array(fitted).reshape(goal)

    def write(self, raw: PixelArray, path: Path) -> None:
        """Save one image; the suffix chooses the format, lossless where possible.

        Raises:
            DataError: if images cannot be written with that suffix.
        """
        check_writable(path, raw.shape[2], bits=8)
        save(raw, path)

    def encode(self, raws: Sequence[PixelArray]) -> Tensor:
        """Images of 0..255 to samples of -1..1, ``(n, C, H, W)``."""
        if len(raws) == 0:
            return torch.zeros(0, *self.shape)
        pixels = torch.from_numpy(np.array(raws)).permute(0, 3, 1, 2)
        return pixels.to(torch.float32).div_(127.5).sub_(1)

    def decode(self, samples: Tensor) -> list[PixelArray]:
        """Samples to images of 0..255, rounded; values outside [-1, 1] are clipped."""
        pixels = ((samples.detach().cpu().float() + 1) * 127.5).clamp(0, 255).round()
        return list(pixels.to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy())

    def squash(self, output: Tensor) -> Tensor:
        """Any number into [-1, 1], by tanh."""
        return output.tanh()

    def _resized(self, image: Image.Image) -> Image.Image:
        goal = (self.width, self.height)
        if image.size == goal:
            return image
        wide, high = float(image.width), float(image.height)
        if self.resize == "crop":
            scale = min(wide / self.width, high / self.height)
            wide, high = self.width * scale, self.height * scale
        left, top = max(0.0, (image.width - wide) / 2), max(0.0, (image.height - high) / 2)
        box = (left, top, min(left + wide, image.width), min(top + high, image.height))
        return image.resize(goal, Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


def _in_channels(image: Image.Image, channels: int) -> Image.Image:
    if image.mode == MODES[channels]:
        return image
    if channels in {1, 3} and image.mode in {"LA", "RGBA"}:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert(MODES[channels])
