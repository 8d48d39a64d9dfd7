"""The training size of images: their own, a given one, or what time and memory allow."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gannet.core.errors import ConfigError, DataError
from gannet.core.source import Source
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.inspect.sizes import Size, suggest_size
from gannet.modalities.image.io.files import read_header
from gannet.modalities.modality import evenly
from gannet.modalities.reading import Budget, Traits

SMALLEST_SIDE = 16
"""Minimum side of images that are shrunk to save time."""

COLOR = 3
"""Channels of a colour image."""

MEASURED = 500
"""Images whose sizes are read for their range, evenly chosen."""

MAX_NAMED = 3
"""Maximum number of names that an error lists."""


class ImageOptions(BaseModel):
    """Options of images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resolution: int | None = Field(
        None, ge=8, le=1024, description="shorter side in pixels; chosen from the data by default"
    )


def options_of(codec: ImageCodec) -> dict[str, int]:
    """The options that lead to a codec."""
    return {"resolution": min(codec.height, codec.width)}


def choose_codec(source: Source, options: ImageOptions, budget: Budget) -> tuple[ImageCodec, str]:
    """The codec for images, and the reason for its size.

    Raises:
        DataError: if no image can be read, or they are too small for the networks.
        ConfigError: if a resolution is given to a recipe that trains on crops.
    """
    if isinstance(budget.beside, ImageCodec):
        channels = suggest_size(source).channels
        return budget.beside.model_copy(update={"channels": channels}), ""
    if budget.crop:
        return _of_crops(source, options, budget), ""
    size = suggest_size(source, largest=budget.largest)
    if options.resolution is not None:
        size = _resized(size, options.resolution)
    else:
        size = affordable(size, budget)
    codec = ImageCodec(height=size.height, width=size.width, channels=size.channels)
    _check_size(source, codec, budget)
    return codec, f"resolution {size.width}x{size.height}: {size.reason}"


def traits(source: Source) -> Traits:
    """The ranges of width and height, and whether any image has colour.

    Raises:
        DataError: if no image can be read.
    """
    grey = suggest_size(source).channels < COLOR
    wide, high = list[int](), list[int]()
    for at in evenly(source.count, MEASURED):
        with suppress(DataError):  # decoding reports it
            header = read_header(source.raw(at), source.names[at])
            wide, high = [*wide, header.width], [*high, header.height]
    return {
        "width": [min(wide), max(wide)],
        "height": [min(high), max(high)],
        "colours": ["grey" if grey else "colour"],
    }


def affordable(size: Size, budget: Budget) -> Size:
    """The largest size with time for enough steps: ``size``, halved as often as needed."""
    whole = size
    while True:
        steps = budget.steps((size.channels, size.height, size.width))
        if size is not whole:
            reason = (
                f"{whole.reason}; in {budget.minutes:g} minutes there is time for {steps:.0f} steps"
            )
            size = size.model_copy(update={"reason": reason})
        if steps >= budget.min_steps or min(size.height, size.width) < 2 * SMALLEST_SIDE:
            return size
        halves = {"height": size.height // 8 * 4, "width": size.width // 8 * 4}
        size = size.model_copy(update=halves)


def _resized(size: Size, resolution: int) -> Size:
    scale = resolution / min(size.height, size.width)
    sides = (max(round(size.height * scale), 4), max(round(size.width * scale), 4))
    return size.model_copy(update={"height": sides[0], "width": sides[1], "reason": "as asked for"})


def _of_crops(source: Source, options: ImageOptions, budget: Budget) -> ImageCodec:
    if options.resolution is not None:
        raise ConfigError(
            "--resolution: this recipe trains on crops of images at full resolution",
            remedy="Leave it out; --crop-size sets the size of the crops.",
        )
    if budget.crop < budget.smallest:
        raise ConfigError(
            f"--crop-size: {budget.networks} need {budget.smallest} pixels each way at least, got "
            f"{budget.crop}"
        )
    channels: Literal[1, 3] = 1 if suggest_size(source).channels < COLOR else COLOR
    return ImageCodec(height=budget.crop, width=budget.crop, channels=channels)


def _check_size(source: Source, codec: ImageCodec, budget: Budget) -> None:
    """Refuse images that are too small for the recipe's networks."""
    min_side = budget.smallest
    if min(codec.height, codec.width) >= min_side:
        return
    small: list[str] = []
    for at, name in enumerate(source.names[:MAX_NAMED]):
        with suppress(DataError):  # name another one
            size = read_header(source.raw(at), name)
            small.append(f"{name} ({size.width}x{size.height})")
    raise DataError(
        f"images such as {', '.join(small)} would be trained on at {codec.width}x{codec.height} "
        f"pixels, and {budget.networks} need {min_side} each way",
        where=str(source.path),
        remedy=f"Give larger images, or have them enlarged by --resolution {min_side}.",
    )
