"""Sizes of pictures, and the one to train at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from gannet.core.errors import DataError
from gannet.core.source import Source
from gannet.modalities.image.inspect.scan import glance
from gannet.modalities.image.io.files import look

LARGEST = 64
"""Side of the square whose pixels a suggested size does not exceed, unless another is asked for."""

_HEADERS = 2_000
_DECODED = 128
_WORDS = {1: "grey", 2: "grey with alpha", 3: "colour", 4: "colour with alpha"}


class Size(BaseModel):
    """A size to train at.

    Attributes:
        height: In pixels, a multiple of 4.
        width: In pixels, a multiple of 4.
        channels: 1 grey, 2 grey with alpha, 3 colour, 4 colour with alpha.
        reason: Why, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int
    width: int
    channels: Literal[1, 2, 3, 4]
    reason: str


class ImageSizes(BaseModel):
    """Sizes of the pictures, in pixels as ``(width, height)``.

    Attributes:
        distinct: How many different sizes there are.
        smallest: The one of fewest pixels.
        median: Median width and median height.
        largest: The one of most pixels.
        aspect: Lowest, median and highest width over height.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    distinct: int
    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    aspect: tuple[float, float, float]


def suggest_size(source: Source, *, largest: int = LARGEST) -> Size:
    """A size that suits the pictures.

    Pictures of one shape keep it, others are cropped to squares. The side follows from the median
    of the shorter sides, in multiples of 4, and the area is at most ``largest`` squared.

    Args:
        source: Of pictures; a few thousand headers are read and about a hundred are decoded.
        largest: Side of the square whose pixels must not be exceeded.

    Raises:
        DataError: if not one picture can be read.
    """
    sizes: list[tuple[int, int]] = []
    channels: list[int] = []
    looked_at = evenly(source.count, _HEADERS)
    broken: list[DataError] = []
    for index in looked_at:
        try:
            header = look(source.picture(index), source.names[index])
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
            channels.append(glance(source, index).channels)
        except DataError as error:
            broken.append(error)
    if not channels:
        raise _none_readable(source, len(looked_at), broken)
    return size_for(sizes, channels, largest)


def _none_readable(source: Source, looked_at: int, broken: Sequence[DataError]) -> DataError:
    """One error about the whole folder: blaming a single file would hide how many there are."""
    if not broken:
        return DataError("no pictures found", where=str(source.path))
    some = f" looked at (of {source.count:,})" if looked_at < source.count else ""
    first = broken[0]
    example = f"{first.where}: {first.problem}" if first.where else first.problem
    return DataError(
        f"{len(broken):,} of {looked_at:,} pictures{some} cannot be read; the first is {example}",
        where=str(source.path),
        remedy="Replace them, or give another folder.",
    )


def size_for(
    sizes: Sequence[tuple[int, int]], channels: Sequence[int], largest: int = LARGEST
) -> Size:
    """The size that suits pictures of these sizes ``(width, height)`` and channels."""
    wide, high = np.array(sizes, np.float64).T
    aspect = float(np.median(wide / high))
    one_shape = float(np.ptp(wide / high)) <= 0.02 * aspect and 1 / 3 <= aspect <= 3
    side = float(np.median(np.minimum(wide, high)))
    width, height = (float(np.median(wide)), float(np.median(high))) if one_shape else (side, side)
    share = min(1.0, largest / (width * height) ** 0.5)
    if one_shape:
        reason = f"the pictures are {width:.0f}x{height:.0f}"
    else:
        reason = (
            f"their shorter side is {side:.0f} in the median; their shapes differ, so the middle "
            "square is kept"
        )
    if share < 1:
        reason += f"; reduced to {largest * largest:,} pixels at most"
    number = _channels(channels)
    return Size.model_validate(
        {
            "height": _of_four(share * height, down=share < 1),
            "width": _of_four(share * width, down=share < 1),
            "channels": number,
            "reason": f"{reason}; {_WORDS[number]}",
        }
    )


def _channels(counts: Sequence[int]) -> int:
    """Colour if any picture has it; alpha only if more than a tenth have it, else white shows."""
    alpha = sum(count in {2, 4} for count in counts) > 0.1 * len(counts)
    return (3 if max(counts) > 2 else 1) + int(alpha)


def _of_four(length: float, *, down: bool) -> int:
    return max(4, 4 * (int(length / 4 + 1e-6) if down else round(length / 4)))


def measure(sizes: Sequence[tuple[int, int]]) -> ImageSizes:
    """What there is to say about sizes ``(width, height)``, at least one."""
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


def evenly(count: int, most: int) -> list[int]:
    """At most ``most`` places out of ``count``, evenly spread.

    >>> evenly(10, 3)
    [0, 3, 6]
    """
    return [index * count // most for index in range(most)] if count > most else list(range(count))
