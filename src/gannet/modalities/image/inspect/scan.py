"""A look at each picture: its size, what its channels hold, and marks to find its doubles by."""

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
from gannet.modalities.image.io.files import look, upright

_SMALL = 64
_COLOR = 8
_CLEAR = 250


@dataclass(frozen=True, slots=True)
class Glance:
    """What one picture is.

    Attributes:
        index: Its number in the source.
        width: In pixels, upright.
        height: In pixels, upright.
        mode: In words, as stored: grey, colour, palette, CMYK, 16 bit, with alpha.
        channels: That hold all it shows: a grey picture stored as colour has one, alpha that is
            opaque everywhere counts for nothing.
        look: Fingerprint of its pixels.
        hash: Difference hash.
        thumb: ``(16, 16)`` grey.
    """

    index: int
    width: int
    height: int
    mode: str
    channels: int
    look: int
    hash: int
    thumb: NDArray[np.uint8]


def glances(source: Source, indices: Sequence[int]) -> tuple[list[Glance], list[tuple[str, str]]]:
    """ImageHeader at some pictures.

    Returns:
        What could be read, and names with reasons of what could not.
    """

    def one(index: int) -> Glance | str:
        try:
            return glance(source, index)
        except DataError as error:
            return error.problem

    seen: list[Glance] = []
    broken: list[tuple[str, str]] = []
    for index, found in zip(indices, in_order(one, indices), strict=True):
        if isinstance(found, str):
            broken.append((source.names[index], found))
        else:
            seen.append(found)
    return seen, broken


def glance(source: Source, index: int) -> Glance:
    """ImageHeader at one picture, decoded at a reduced scale where its format allows.

    Raises:
        DataError: if it is broken.
    """
    name, item = source.names[index], source.raw(index)
    header = look(item, name)
    image = upright(item, name, least=(_SMALL, _SMALL))
    pixels = f"{header.width} {header.height} {image.mode}".encode() + image.tobytes()
    flat = _on_white(image)
    return Glance(
        index=index,
        width=header.width,
        height=header.height,
        mode=header.mode,
        channels=shown_channels(image),
        look=fingerprint(pixels),
        hash=difference_hash(flat),
        thumb=thumb(flat),
    )


def shown_channels(image: Image.Image) -> int:
    """How many channels a picture needs: 1 grey, 2 with alpha, 3 colour, 4 with alpha."""
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
