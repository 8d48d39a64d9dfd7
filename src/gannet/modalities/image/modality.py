"""Images as a kind of data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gannet.metrics.kmeans import outline
from gannet.modalities.image.apply import apply_file, apply_value
from gannet.modalities.image.augment import augment
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.io.files import SUFFIXES, Picture, upright
from gannet.modalities.image.writers import WRITERS, ImageSampleOptions
from gannet.modalities.modality import Modality, MonitorDefaults


def cost(shape: tuple[int, ...]) -> float:
    """Of a picture ``(C, H, W)`` in training, relative to one of 32 x 32."""
    _, height, width = shape
    return height * width / 32**2


def read(path: Path) -> Picture:
    """One picture in full, the right way up.

    Raises:
        DataError: if it is no picture, broken, or too large to open safely.
    """
    return np.array(upright(path, str(path)))


modality = Modality(
    apply_file=apply_file,
    apply_value=apply_value,
    name="image",
    noun=("picture", "pictures"),
    axes=("channel", "height", "width"),
    values="signed",
    codec=ImageCodec,
    readers=dict.fromkeys(sorted(SUFFIXES), read),
    thumbnail=outline,
    augment=augment,
    channels_last=True,
    monitor=MonitorDefaults(samples=256, validation_samples=96, near_copies=True),
    cost=cost,
    sample_options=ImageSampleOptions,
    writers=WRITERS,
    item_suffix=".png",
    tags=("image-generation",),
    pipeline="unconditional-image-generation",
)
