"""Scan of images: size, channels, and hashes that find duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gannet.core.errors import DataError
from gannet.core.io.files import fingerprint
from gannet.core.io.prefetch import in_order
from gannet.core.source import Source
from gannet.modalities.image.inspect.duplicates import difference_hash, thumb
from gannet.modalities.image.io.files import read_header, upright

_SMALL = 64
_COLOR = 8
_CLEAR = 250


@dataclass(frozen=True, slots=True)
class ScannedImage:
    """Properties of one image.

    Attributes:
        index: Its index in the source.
        width: In pixels, upright.
        height: In pixels, upright.
        mode: Storage mode as text: grey, colour, palette, CMYK, 16 bit, with alpha.
        channels: Channels needed: 1 for a grey image stored as colour; alpha that is opaque
            everywhere does not count.
        fingerprint: Fingerprint of its pixels.
        hash: Difference hash.
        thumb: ``(16, 16)`` grey thumbnail.
    """

    index: int
    width: int
    height: int
    mode: str
    channels: int
    fingerprint: int
    hash: int
    thumb: NDArray[np.uint8]


def scan_images(
    source: Source, indices: Sequence[int]
) -> tuple[list[ScannedImage], list[tuple[str, str]]]:
    """Scan some images.

    Returns:
        Scans of the readable images, and names of the others with reasons.
    """

    def one(index: int) -> ScannedImage | str:
        try:
            return scan_image(source, index)
        except DataError as error:
            return error.problem

    scans: list[ScannedImage] = []
    broken: list[tuple[str, str]] = []
    for index, result in zip(indices, in_order(one, indices), strict=True):
        if isinstance(result, str):
            broken.append((source.names[index], result))
        else:
            scans.append(result)
    return scans, broken


def scan_image(source: Source, index: int) -> ScannedImage:
    """Scan one image, decoded at a reduced scale where its format allows.

    Raises:
        DataError: if it is broken.
    """
    name, item = source.names[index], source.raw(index)
    header = read_header(item, name)
    image = upright(item, name, min_size=(_SMALL, _SMALL))
    pixels = f"{header.width} {header.height} {image.mode}".encode() + image.tobytes()
    flat = _on_white(image)
    return ScannedImage(
        index=index,
        width=header.width,
        height=header.height,
        mode=header.mode,
        channels=visible_channels(image),
        fingerprint=fingerprint(pixels),
        hash=difference_hash(flat),
        thumb=thumb(flat),
    )


def visible_channels(image: Image.Image) -> int:
    """Number of channels that an image needs: 1 grey, 2 with alpha, 3 colour, 4 with alpha."""
    alpha = image.mode in {"LA", "RGBA"}
    if alpha:
        lowest = image.getchannel("A").getextrema()[0]
        alpha = isinstance(lowest, (int, float)) and lowest < _CLEAR
    if image.mode in {"L", "LA"}:
        return 1 + alpha
    small = image.convert("RGB").resize((_SMALL, _SMALL), Image.Resampling.BOX, reducing_gap=2.0)
    values = np.asarray(small).astype(np.int16)
    colorful = int((values.max(2) - values.min(2)).max()) > _COLOR
    return (3 if colorful else 1) + alpha


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in {"LA", "RGBA"}:
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA"))
