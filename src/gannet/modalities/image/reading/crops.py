"""Square crops of images at full resolution, for recipes that learn fine detail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.core.source import Source
from gannet.modalities.image.io.files import PixelArray, read_header, upright

MAX_CROPS = 20_000
"""Maximum number of crops in all; with many images, each gives fewer."""

CACHED_IMAGES = 8
"""Number of decoded images that are cached, since crops are read one after the other."""

CropPosition = tuple[int, int, int]
"""Index of an image, and the left and top offset of a crop."""


def cut_crops(source: Source, side: int, *, max_crops: int = MAX_CROPS) -> Source:
    """A source of crops of the images of another source.

    Crops are evenly spaced and overlap by half. Those of one image form a group, so that they are
    trained on or held out together.

    Args:
        source: Images; their headers are read.
        side: Side of a crop, in pixels.
        max_crops: Maximum number of crops in all, but at least one of each image.

    Raises:
        DataError: if no image is large enough.
    """
    items, small, unread = _crop_positions(source, side, max_crops)
    named = first_few(small)
    if not items:
        raise DataError(
            f"no image has {side} pixels each way: {named or 'none can be read'}",
            where=str(source.path),
            remedy=f"Add larger images, or lower --crop-size from {side}.",
        )
    problems = [*source.problems]
    if small:
        problems.append(f"{len(small)} smaller than {side} pixels left out: {named}")
    if unread:
        problems.append(f"{len(unread)} that cannot be read left out: {first_few(unread)}")
    return replace(
        source,
        layout=f"{source.layout}, cropped to {side}x{side}",
        names=[f"{source.names[index]} at {left},{top}" for index, left, top in items],
        raw=_reader(source, side, items),
        labels=source.labels[[index for index, _, _ in items]],
        problems=tuple(problems),
        groups=np.array([index for index, _, _ in items], np.int64),
    )


def _crop_positions(
    source: Source, side: int, max_crops: int
) -> tuple[list[CropPosition], list[str], list[str]]:
    """Positions of the crops; names of images that are too small; of unreadable ones."""
    per_image = max(max_crops // max(source.count, 1), 1)
    items: list[CropPosition] = []
    small: list[str] = []
    unread: list[str] = []
    for index in range(source.count):
        try:
            size = read_header(source.raw(index), source.names[index])
        except DataError:
            unread.append(source.names[index])
            continue
        if min(size.width, size.height) < side:
            small.append(f"{source.names[index]} ({size.width}x{size.height})")
            continue
        positions = [
            (index, left, top)
            for top in _starts(size.height, side)
            for left in _starts(size.width, side)
        ]
        step = -(-len(positions) // per_image)
        items += positions[index % step :: step]
    return items, small, unread


def _reader(
    source: Source, side: int, items: Sequence[CropPosition]
) -> Callable[[int], PixelArray]:
    """A function from the index of a crop to its pixels; caches decoded images."""

    @lru_cache(CACHED_IMAGES)
    def decoded(index: int) -> PixelArray:
        image = upright(source.raw(index), source.names[index])
        pixels = np.asarray(image)
        return pixels[..., None] if pixels.ndim == 2 else pixels

    def crop(number: int) -> PixelArray:
        index, left, top = items[number]
        return np.ascontiguousarray(decoded(index)[top : top + side, left : left + side])

    return crop


def _starts(length: int, side: int) -> list[int]:
    """Offsets of crops along an axis, evenly spaced and about half a side apart.

    >>> _starts(10, 4), _starts(4, 4)
    ([0, 2, 4, 6], [0])
    """
    count = -(-2 * (length - side) // side) + 1
    return [round(start) for start in np.linspace(0, length - side, count).tolist()]
