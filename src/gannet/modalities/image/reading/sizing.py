"""The size at which pictures are trained on: theirs, asked for, or what time and memory allow."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gannet.core.errors import ConfigError, DataError
from gannet.core.source import Source
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.inspect.sizes import Size, suggest_size
from gannet.modalities.image.io.files import look
from gannet.modalities.reading import Budget

SMALLEST_SIDE = 16
"""How small pictures may become where time is short."""

COLOR = 3
"""Channels of a picture in colour."""

SHOWN = 3
"""Names that an error lists."""


class ImageOptions(BaseModel):
    """Flags of pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resolution: int | None = Field(
        None, ge=8, le=1024, description="shorter side in pixels; chosen from the data by default"
    )


def choose_codec(source: Source, options: ImageOptions, budget: Budget) -> tuple[ImageCodec, str]:
    """The codec that suits pictures, and why they get the size they get.

    Raises:
        DataError: if no picture can be read, or they are smaller than networks can see.
        ConfigError: if a size was asked for where there is no choice.
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


def affordable(size: Size, budget: Budget) -> Size:
    """The size at which there is time for enough steps: ``size``, or half or a quarter of it."""
    whole = size
    while True:
        steps = budget.steps((size.channels, size.height, size.width))
        if size is not whole:
            reason = (
                f"{whole.reason}; in {budget.minutes:g} minutes there is time for {steps:.0f} steps"
            )
            size = size.model_copy(update={"reason": reason})
        if steps >= budget.fewest or min(size.height, size.width) < 2 * SMALLEST_SIDE:
            return size
        halves = {"height": size.height // 8 * 4, "width": size.width // 8 * 4}
        size = size.model_copy(update=halves)


def _resized(size: Size, resolution: int) -> Size:
    share = resolution / min(size.height, size.width)
    sides = (max(round(size.height * share), 4), max(round(size.width * share), 4))
    return size.model_copy(update={"height": sides[0], "width": sides[1], "reason": "as asked for"})


def _of_crops(source: Source, options: ImageOptions, budget: Budget) -> ImageCodec:
    if options.resolution is not None:
        raise ConfigError(
            "--resolution: this recipe trains on pieces of pictures at their own size",
            remedy="Leave it out; --crop-size sets the size of the pieces.",
        )
    if budget.crop < budget.smallest:
        raise ConfigError(
            f"--crop-size: {budget.networks} need {budget.smallest} pixels each way at least, got "
            f"{budget.crop}"
        )
    channels: Literal[1, 3] = 1 if suggest_size(source).channels < COLOR else COLOR
    return ImageCodec(height=budget.crop, width=budget.crop, channels=channels)


def _check_size(source: Source, codec: ImageCodec, budget: Budget) -> None:
    """Refuse pictures that are smaller than the recipe's networks can see."""
    least = budget.smallest
    if min(codec.height, codec.width) >= least:
        return
    small: list[str] = []
    for at, name in enumerate(source.names[:SHOWN]):
        with suppress(DataError):  # there are others to name
            size = look(source.raw(at), name)
            small.append(f"{name} ({size.width}x{size.height})")
    raise DataError(
        f"pictures such as {', '.join(small)} would be trained on at {codec.width}x{codec.height} "
        f"pixels, and {budget.networks} need {least} each way",
        where=str(source.path),
        remedy=f"Give larger pictures, or have them enlarged by --resolution {least}.",
    )
