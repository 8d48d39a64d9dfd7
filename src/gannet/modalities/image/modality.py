"""Images as a kind of data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL
from torch import Tensor

from gannet.modalities.image.augment import augment
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.inspect.inspection import inspect
from gannet.modalities.image.io.files import SUFFIXES, Item, Picture, content, upright
from gannet.modalities.image.reading.arrays import SHAPES, adopt, claim
from gannet.modalities.image.reading.crops import cut
from gannet.modalities.image.reading.pairs import PAIRING
from gannet.modalities.image.reading.sizing import ImageOptions, choose_codec
from gannet.modalities.image.thumbnail import thumbnail
from gannet.modalities.modality import Modality, MonitorDefaults
from gannet.modalities.reading import Reading


def load(item: Item, name: str, codec: ImageCodec | None) -> Picture:
    """A picture, fitted to the size of a codec if there is one."""
    if codec is not None:
        return codec.picture(item, name=name)
    pixels = np.asarray(upright(item, name))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def pixels_of(path: Path) -> Picture:
    """A picture at the size that it has."""
    return load(path, str(path), None)


def pack(codec: ImageCodec, pictures: Sequence[Picture]) -> Picture:
    """Pictures ``(n, H, W, C)`` of 8 bit, a quarter of what they are when encoded."""
    shape = (len(pictures), codec.height, codec.width, codec.channels)
    return np.asarray(pictures, np.uint8).reshape(shape)


def unpack(codec: ImageCodec, packed: Picture) -> Tensor:
    """Pictures of 8 bit to samples ``(n, C, H, W)``."""
    return codec.encode(packed)  # pyright: ignore[reportArgumentType]  # one array for many


def cost(shape: tuple[int, ...]) -> float:
    """Of a picture ``(C, H, W)`` in training, relative to one of 32 x 32."""
    _, height, width = shape
    return height * width / 32**2


modality = Modality(
    name="image",
    noun=("picture", "pictures"),
    axes=("channel", "height", "width"),
    values="signed",
    codec=ImageCodec,
    readers=dict.fromkeys(sorted(SUFFIXES), pixels_of),
    options=ImageOptions,
    claim=claim,
    pack=pack,
    unpack=unpack,
    reading=Reading(
        adopt=adopt,
        arrays=SHAPES,
        load=load,
        content=content,
        decoder=f"Pillow {PIL.__version__}",
        crop=cut,
        codec=choose_codec,
        inspect=inspect,
        pseudo_classes=True,
        pairing=PAIRING,
    ),
    thumbnail=thumbnail,
    augment=augment,
    channels_last=True,
    monitor=MonitorDefaults(samples=256, validation_samples=96, near_copies=True),
    cost=cost,
    item_suffix=".png",
    tags=("image-generation",),
    pipeline="unconditional-image-generation",
)
