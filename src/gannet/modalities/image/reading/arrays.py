"""Arrays as images: channels first or last, in any unambiguous range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.io.names import Numbered
from gannet.core.source import Source
from gannet.modalities.image.io.files import PixelArray
from gannet.modalities.image.io.levels import default_levels, leveled, levels_of, note_of
from gannet.modalities.reading import Claim, ColumnView

SHAPES = "(N, H, W), (N, H, W, C), (N, C, H, W)"
CHANNELS = range(1, 5)

STARTS = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*"),
    *(b"P%d" % number for number in range(1, 7)),
)
"""Magic bytes of image files, except WebP, AVIF and JPEG 2000."""


def claim(column: ColumnView) -> Claim | None:
    """Claim arrays of two or three axes, and contents with magic bytes of images."""
    if column.form == "arrays" and len(column.shape) in (2, 3) and 0 not in column.shape:
        return Claim(0.5, f"{' x '.join(map(str, column.shape))} numbers a sample")
    if column.form != "files" or column.suffixes:
        return None
    recognized = sum(_is_image(each) for each in column.first)
    if recognized:
        return Claim(0.5 + 0.4 * recognized / len(column.first), "contents begin as images do")
    return Claim(0.3, f"it is called {column.name!r}") if column.name == "image" else None


def _is_image(start: bytes) -> bool:
    webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    boxed = start[4:12] in (b"ftypavif", b"ftypavis", b"jP  \r\n\x87\n")
    return start.startswith(STARTS) or webp or boxed


def adopt(source: Source, column: ColumnView) -> Source:
    """Images ``(H, W, C)`` of 8 bit from arrays; files stay as they are.

    Raises:
        DataError: if no axis can be the channels, or the range of values is unknown.
    """
    if column.form != "arrays":
        return leveled(source)
    shape = (source.count, *column.shape)
    first = len(shape) == 4 and shape[3] not in CHANNELS
    if first and shape[1] not in CHANNELS:
        raise DataError(
            f"shape {shape}: neither the second nor the last axis has 1 to 4 channels",
            where=str(source.path),
            remedy="Save images as (N, H, W), (N, H, W, C) or (N, C, H, W).",
        )
    scale, note = (_as_it_is, "") if column.array is None else _scale(source.path, column.array)

    def read_image(index: int) -> PixelArray:
        pixels = scale(column.cell(index))
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        return np.ascontiguousarray(np.moveaxis(pixels, 0, 2) if first else pixels)

    problems = (*source.problems, *([note] if note else []))
    return replace(source, names=Numbered("image", source.count), raw=read_image, problems=problems)


def _as_it_is(row: NDArray[Any]) -> NDArray[Any]:
    return row


def _scale(path: Path, array: NDArray[Any]) -> tuple[Callable[[NDArray[Any]], NDArray[Any]], str]:
    """The function that scales values to 0..255, and a note where black or white is not usual."""
    low, high = float(array.min()), float(array.max())
    found = levels_of(low, high, array.dtype)
    if found is None:
        raise DataError(
            f"values run from {low:g} to {high:g} in {array.dtype}",
            where=str(path),
            remedy="Save images as uint8, 0 to 255.",
        )
    usual = found == default_levels(array.dtype)
    if usual and array.dtype == np.uint8:
        return _as_it_is, ""
    return found.scaled, "" if usual else note_of(low, high, array.dtype, found)
