"""Image pairs: two in one file, inputs derived from targets, check of proportions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from gannet.core.errors import DataError
from gannet.core.io.names import first_few
from gannet.core.source import Source
from gannet.modalities.image.io.files import ImageHeader, Item, PixelArray, read_header, upright
from gannet.modalities.reading import Pairing

PENCIL = 3.0
"""Darkness of an edge, as a multiple of the brightness gradient."""


def side_by_side(files: Sequence[Path], folder: Path) -> bool:
    """Whether images are all twice as wide as high, as two squares side by side are.

    Raises:
        DataError: listing the exceptions, where most are; or those that cannot be read.
    """
    headers = _read_headers([(str(file), file) for file in files], folder)
    other = [
        _sized(file, size)
        for file, size in zip(files, headers, strict=True)
        if size.width != 2 * size.height
    ]
    if not other or len(other) > len(files) // 2:
        return not other
    raise DataError(
        f"{len(other)} of {len(files)} images are not twice as wide as high, so they are no two "
        f"squares side by side: {first_few(other)}",
        where=str(folder),
        remedy="Fix or remove them, or say --pairs side_by_side to cut all in the middle.",
    )


def halves(source: Source, given: str) -> tuple[Source, Source]:
    """Split images in the middle into targets and inputs, by default the left half.

    Raises:
        DataError: if one is too narrow, or ``given`` is no side.
    """
    if given not in ("", "left", "right"):
        raise DataError(
            f"--input-side {given}: expected left or right",
            where=str(source.path),
            remedy="Give one.",
        )
    narrow: list[str] = []
    for index in range(source.count):
        with suppress(DataError):  # decoding reports unreadable files
            if read_header(source.raw(index), source.names[index]).width < 2:
                narrow.append(source.names[index])
    if narrow:
        raise DataError(
            f"{len(narrow)} images too narrow to be halved: {first_few(narrow)}",
            where=str(source.path),
            remedy="Remove them, or give images that hold two side by side.",
        )

    def half(left: bool) -> Source:
        def take(pixels: PixelArray) -> PixelArray:
            middle = pixels.shape[1] // 2
            return pixels[:, :middle] if left else pixels[:, middle : 2 * middle]

        return replace(source, raw=changed(source, take))

    left = given != "right"
    layout = f"{source.layout}, side by side, input {'left' if left else 'right'}"
    return replace(half(not left), layout=layout), half(left)


def check_proportions(targets: Source, given: Source) -> None:
    """Refuse pairs of images with different proportions.

    Raises:
        DataError: listing them, or images that cannot be read.
    """
    sources = (given, targets)
    items = {(each.names[at], each.raw(at)): None for each in sources for at in range(each.count)}
    headers = dict(zip(items, _read_headers(list(items), targets.path), strict=True))
    unlike: list[str] = []
    for at in range(targets.count):
        one, other = (headers[each.names[at], each.raw(at)] for each in sources)
        if abs(one.width * other.height - other.width * one.height) > max(
            one.width * other.width // 20, 1
        ):
            name = Path(given.names[at]).name
            unlike.append(f"{name} ({one.width}x{one.height} and {other.width}x{other.height})")
    if unlike:
        raise DataError(
            f"{len(unlike)} pairs whose images have different proportions: " + first_few(unlike),
            where=str(targets.path),
            remedy="Crop both images of a pair alike.",
        )


def changed(source: Source, change: Callable[[PixelArray], PixelArray]) -> Callable[[int], Item]:
    """The items of a source, decoded and changed lazily."""

    def raw(index: int) -> Item:
        pixels = np.asarray(upright(source.raw(index), source.names[index]))
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        return np.ascontiguousarray(change(pixels))

    return raw


def edges_of(source: Source) -> Source:
    """A source of the edges of each image."""
    return replace(source, raw=changed(source, pencil), layout="edges")


def grays_of(source: Source) -> Source:
    """A source of each image in grey."""
    return replace(source, raw=changed(source, gray), layout="shades of grey")


def gray(pixels: PixelArray) -> PixelArray:
    """An image ``(H, W, C)`` in grey ``(H, W, 1)``, with alpha composited on white."""
    values = pixels.astype(np.float32)
    if pixels.shape[2] in (2, 4):
        alpha = values[..., -1:] / 255
        values = values[..., :-1] * alpha + 255 * (1 - alpha)
    if values.shape[2] == 3:
        values = values @ np.array([[0.299], [0.587], [0.114]], np.float32)
    return values.round().clip(0, 255).astype(np.uint8)


def pencil(pixels: PixelArray) -> PixelArray:
    """Edges ``(H, W, 1)`` of an image, dark on white."""
    bright = gray(pixels)[..., 0].astype(np.float32)
    down, right = np.gradient(bright)
    gradient = np.hypot(down, right)
    return (255 - PENCIL * gradient).clip(0, 255).astype(np.uint8)[..., None]


def _read_headers(items: Sequence[tuple[str, Item]], folder: Path) -> list[ImageHeader]:
    """The header of each image.

    Raises:
        DataError: listing those that cannot be read.
    """
    headers: list[ImageHeader] = []
    broken: list[str] = []
    for name, item in items:
        try:
            headers.append(read_header(item, name))
        except DataError as error:
            broken.append(f"{name.removeprefix(f'{folder}/')} ({error.problem})")
    if broken:
        raise DataError(
            f"{len(broken)} images that cannot be read: {first_few(broken)}",
            where=str(folder),
            remedy="Replace them, or remove them with their partners.",
        )
    return headers


def _sized(file: Path, size: ImageHeader) -> str:
    return f"{file.name} ({size.width}x{size.height})"


PAIRING = Pairing(
    derived={"edges": edges_of, "grey": grays_of},
    halves=halves,
    sides=side_by_side,
    check=check_proportions,
)
