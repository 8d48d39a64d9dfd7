"""Images as a kind of data."""

from __future__ import annotations

from gannet.metrics.kmeans import outline
from gannet.modalities.image.augment import augment
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.modality import Modality, MonitorDefaults


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
    thumbnail=outline,
    augment=augment,
    channels_last=True,
    monitor=MonitorDefaults(samples=256, validation_samples=96, near_copies=True),
    cost=cost,
    item_suffix=".png",
    tags=("image-generation",),
    pipeline="unconditional-image-generation",
)
