"""Sizes of images, and the one to train at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from gannet.core.errors import DataError
from gannet.core.source import Source
from gannet.modalities.image.inspect.scan import scan_image
from gannet.modalities.image.io.files import read_header
from gannet.modalities.modality import evenly

LARGEST = 64
"""Default limit of a suggested size: side of a square of as many pixels."""

_HEADERS = 2_000
_DECODED = 128
_CHANNEL_NAMES = {1: "grey", 2: "grey with alpha", 3: "colour", 4: "colour with alpha"}


class Size(BaseModel):
    """A size to train at.

    Attributes:
        height: In pixels, a multiple of 4.
        width: In pixels, a multiple of 4.
        channels: 1 grey, 2 grey with alpha, 3 colour, 4 colour with alpha.
        reason: Why, as text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int
    width: int
    channels: Literal[1, 2, 3, 4]
    reason: str


class ImageSizes(BaseModel):
    """Sizes of the images, in pixels as ``(width, height)``.

    Attributes:
        distinct: How many different sizes there are.
        smallest: The one with the fewest pixels.
        median: Median width and median height.
        largest: The one with the most pixels.
        aspect: Lowest, median and highest width over height.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    distinct: int
    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    aspect: tuple[float, float, float]


def suggest_size(source: Source, *, largest: int = LARGEST) -> Size:
    """Suggest a size to train at.

    Images of one aspect ratio keep it, others are cropped to squares. The side follows from the
    median of the shorter sides, in multiples of 4; the area is at most ``largest`` squared.

    Args:
        source: Images; up to 2,000 headers are read and 128 images decoded.
        largest: Side of the square whose pixels must not be exceeded.

    Raises:
        DataError: if no image can be read.
    """
    sizes: list[tuple[int, int]] = []
    channels: list[int] = []
    looked_at = evenly(source.count, _HEADERS)
    broken: list[DataError] = []
    for index in looked_at:
        try:
            header = read_header(source.raw(index), source.names[index])
        except DataError as error:
            broken.append(error)
        else:
            sizes.append((header.width, header.height))
    if not sizes:
        raise _none_readable(source, len(looked_at), broken)
    looked_at = evenly(source.count, _DECODED)
    broken = []
    for index in looked_at:
        try:
            channels.append(scan_image(source, index).channels)
        except DataError as error:
            broken.append(error)
    if not channels:
        raise _none_readable(source, len(looked_at), broken)
    return size_for(sizes, channels, largest)


def _none_readable(source: Source, looked_at: int, broken: Sequence[DataError]) -> DataError:
    """One error about the whole folder, with the number of unreadable images."""
    if not broken:
        return DataError("no images found", where=str(source.path))
    some = f" looked at (of {source.count:,})" if looked_at < source.count else ""
    first = broken[0]
    example = f"{first.where}: {first.problem}" if first.where else first.problem
    alike = len(broken) > 1 and {each.problem for each in broken} == {first.problem}
    return DataError(
        f"{len(broken):,} of {looked_at:,} images{some} cannot be read; the first is {example}",
        where=str(source.path),
        remedy=first.remedy if alike else "Replace them, or give another folder.",
    )


def size_for(
    sizes: Sequence[tuple[int, int]], channels: Sequence[int], largest: int = LARGEST
) -> Size:
    """The size to train at, for sizes ``(width, height)`` and channels of images."""
    wide, high = np.array(sizes, np.float64).T
    aspect = float(np.median(wide / high))
    one_shape = float(np.ptp(wide / high)) <= 0.02 * aspect and 1 / 3 <= aspect <= 3
    side = float(np.median(np.minimum(wide, high)))
    width, height = (float(np.median(wide)), float(np.median(high))) if one_shape else (side, side)
    scale = min(1.0, largest / (width * height) ** 0.5)
    if one_shape:
        reason = f"the images are {width:.0f}x{height:.0f}"
    else:
        reason = (
            f"their shorter side is {side:.0f} in the median; their shapes differ, so the middle "
            "square is kept"
        )
    if scale < 1:
        reason += f"; reduced to {largest * largest:,} pixels at most"
    number = _channels(channels)
    return Size.model_validate(
        {
            "height": _multiple_of_four(scale * height, down=scale < 1),
            "width": _multiple_of_four(scale * width, down=scale < 1),
            "channels": number,
            "reason": f"{reason}; {_CHANNEL_NAMES[number]}",
        }
    )


def _channels(counts: Sequence[int]) -> int:
    """Colour if any image has it; alpha if more than a tenth have it, else composited on white."""
    alpha = sum(count in {2, 4} for count in counts) > 0.1 * len(counts)
    return (3 if max(counts) > 2 else 1) + int(alpha)


def _multiple_of_four(length: float, *, down: bool) -> int:
    return max(4, 4 * (int(length / 4 + 1e-6) if down else round(length / 4)))


def measure(sizes: Sequence[tuple[int, int]]) -> ImageSizes:
    """Summary of sizes ``(width, height)``, at least one."""
    wide, high = np.array(sizes, np.float64).T
    aspect = wide / high
    by_area = sorted(sizes, key=lambda size: size[0] * size[1])
    return ImageSizes(
        distinct=len(set(sizes)),
        smallest=by_area[0],
        median=(round(float(np.median(wide))), round(float(np.median(high)))),
        largest=by_area[-1],
        aspect=(float(aspect.min()), float(np.median(aspect)), float(aspect.max())),
    )
