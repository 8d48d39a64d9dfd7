"""Which stored numbers are black and white: looked at over a whole set, and by a stated rule.

Numbers of 8 and 16 bit and floats of 0..1 use all of their range by default. Where those of a set
end earlier, at 1, at 255 or at what a sensor of 10, 12 or 14 bit gives, that is white. Where some
are negative or beyond, the lowest is black and the highest white.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.source import Source
from gannet.modalities.image.io.files import (
    Item,
    fourth_band,
    frames_in,
    is_deep,
    opened,
    upright_array,
)
from gannet.modalities.modality import evenly

LOOKED_AT = 48
"""Images whose headers are read, and the fewest whose numbers are."""

MEASURED = 256
"""Most images whose numbers are read for their range."""

STEPS = (1, 255, 1_023, 4_095, 16_383)
"""What white may be in whole numbers of more than 8 bit, if it is less than 65,535."""

FULL = 65_535


@dataclass(frozen=True, slots=True)
class Levels:
    """The numbers of black and of white.

    Attributes:
        black: Becomes 0.
        white: Becomes 255.
    """

    black: float
    white: float

    def scaled(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Numbers of any type in 8 bit, rounded; those beyond black and white are clipped."""
        span = self.white - self.black
        scaled = (values.astype(np.float64) - self.black) * (255 / span)
        return scaled.round().clip(0, 255).astype(np.uint8)

    def __str__(self) -> str:
        """Black and white, for messages."""
        return f"{self.black:,.6g} is taken for black and {self.white:,.6g} for white"


def default_levels(dtype: np.dtype[Any]) -> Levels:
    """Those of numbers that use all of their range."""
    if dtype.kind in "bf":
        return Levels(0, 1)
    return Levels(0, FULL) if dtype.itemsize == 2 else Levels(0, 255)


def levels_of(low: float, high: float, dtype: np.dtype[Any]) -> Levels | None:
    """Black and white of numbers of some type that run from ``low`` to ``high``.

    ``None`` if they are not finite, or all equal and no level is known for them.

    >>> levels_of(0, 3_900, np.dtype("u2"))
    Levels(black=0, white=4095)
    >>> levels_of(-1_000, 2_000, np.dtype("i2"))
    Levels(black=-1000, white=2000)
    """
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    usual = default_levels(dtype)
    if low >= 0 and dtype.kind in "bf":
        steps = (1, 255, FULL)
    elif low >= 0 and dtype.itemsize == 1:
        steps = (1, 255) if dtype.kind == "u" else (255,)
    else:
        steps = (*STEPS, FULL)
    if low >= 0:
        if high == 0:
            return usual
        if (white := next((each for each in steps if high <= each), None)) is not None:
            return Levels(0, white)
    if low >= -1 and high <= 1 and dtype.kind == "f" and low < high:
        return Levels(-1, 1)
    return Levels(low, high) if low < high else None


def leveled(source: Source) -> Source:
    """The same images with the numbers of deep ones scaled to what is white in this set.

    Also notes what is scaled, and that only the first frame of several is used.

    Raises:
        DataError: if numbers are not finite.
    """
    some = evenly(source.count, LOOKED_AT)
    with warnings.catch_warnings(action="ignore"):  # decoding reports what is odd in a file
        looks = [look for at in some if (look := _looked_at(source, at)) is not None]
    problems = [*source.problems, *_not_used(looks, len(some))]
    deep = any(each.deep for each in looks)
    masks = bool(looks) and all(each.gray for each in looks) and not deep
    if not deep and not masks:
        return replace(source, problems=tuple(problems))
    measured = [
        each
        for at in (evenly(source.count, MEASURED) if deep else some)
        if (each := _range(source, at, deep=deep)) is not None
    ]
    if not measured:
        return replace(source, problems=tuple(problems))
    low, high = min(each[0] for each in measured), max(each[1] for each in measured)
    dtype = np.result_type(*(each[2] for each in measured))
    found = levels_of(low, high, dtype)
    if found is None:
        raise DataError(
            f"values run from {low:g} to {high:g} in {dtype}",
            where=str(source.path),
            remedy="Save images as 8 or 16 bit, with finite and different values.",
        )
    uniform = all(each[0] == each[1] for each in measured)  # no mask, however dark
    if found == default_levels(dtype) or (masks and uniform):
        return replace(source, problems=tuple(problems))
    problems.append(note_of(low, high, dtype, found))

    def raw(index: int) -> Item:
        item = source.raw(index)
        if isinstance(item, np.ndarray):
            return item
        values = stored_values(item, source.names[index], deep=deep)
        return item if values is None else found.scaled(values)

    return replace(source, raw=raw, problems=tuple(problems))


def note_of(low: float, high: float, dtype: np.dtype[Any], levels: Levels) -> str:
    """A note on what numbers of a set are and how they are scaled."""
    return f"values run from {low:,.6g} to {high:,.6g} in {dtype}: {levels}"


def dark_note(pixels: NDArray[np.float32], bits: int) -> str:
    """A note on an image by itself whose numbers end early; empty if they do not.

    Args:
        pixels: ``(H, W, C)`` in 0..1 of all of the range.
        bits: Per channel.

    >>> dark_note(np.full((2, 2, 1), 4_000 / 65_535, np.float32), 16)
    'its numbers end at 4,000 of 65,535, and 4,095 may be white; scale it to 65,535 before'
    """
    if bits <= 8 or pixels.shape[2] > 1:
        return ""
    top = round(float(pixels.max()) * FULL)
    found = levels_of(0, top, np.dtype(np.uint16))
    if found is None or found.white >= FULL or not top:
        return ""
    return (
        f"its numbers end at {top:,} of {FULL:,}, and {found.white:,} may be white; scale it to "
        f"{FULL:,} before"
    )


def stored_values(item: Item, name: str, *, deep: bool) -> NDArray[Any] | None:
    """The numbers ``(H, W)`` of a grey image, upright; ``None`` if it is no such image.

    Args:
        item: The image.
        name: Name in errors.
        deep: Whether one of more than 8 bit is meant; else one of 8 bit.

    Raises:
        DataError: if it is broken.
    """
    assert not isinstance(item, np.ndarray)
    with opened(item, name) as image:
        if is_deep(image) != deep or (not deep and image.mode != "L"):
            return None
        values = upright_array(image, name)
    if values.dtype.kind == "i" and values.min() >= 0 and values.max() <= FULL:
        return values.astype(np.uint16)  # Pillow holds numbers of 16 bit in 32
    return values


@dataclass(frozen=True, slots=True)
class _Look:
    deep: bool
    gray: bool
    frames: int
    fourth_band: bool


def _looked_at(source: Source, index: int) -> _Look | None:
    """What the header of a file says; ``None`` if it is broken, which decoding reports."""
    try:
        item = source.raw(index)
        if isinstance(item, np.ndarray):
            return None
        with opened(item, source.names[index]) as image:
            return _Look(is_deep(image), image.mode == "L", frames_in(image), fourth_band(image))
    except (DataError, OSError, SyntaxError, ValueError, LookupError, TypeError):
        return None


def _range(source: Source, index: int, *, deep: bool) -> tuple[float, float, np.dtype[Any]] | None:
    try:
        values = stored_values(source.raw(index), source.names[index], deep=deep)
    except DataError:
        return None
    return None if values is None else (float(values.min()), float(values.max()), values.dtype)


def _not_used(looks: list[_Look], looked_at: int) -> list[str]:
    several = [each.frames for each in looks if each.frames > 1]
    bands = sum(each.fourth_band for each in looks)
    notes: list[str] = []
    if several:
        notes.append(
            f"{len(several)} of {looked_at} images looked at have several frames or pages, up to "
            f"{max(several)}: only the first of each is used"
        )
    if bands:
        notes.append(
            f"{bands} of {looked_at} images looked at have a fourth band that they do not call "
            "alpha: it is not used"
        )
    return notes
