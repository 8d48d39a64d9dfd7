"""Image transforms at the input's own size and bit depth; see ``Modality.apply_file``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.codec import Codec
from gannet.core.errors import DataError
from gannet.core.io.files import writing
from gannet.core.transform import TransformTask
from gannet.modalities.image.io.bit_depth import (
    DeepImage,
    check_writable,
    read_deep,
    save,
    write_deep,
)
from gannet.modalities.image.io.files import NOT_AN_IMAGE
from gannet.modalities.image.io.levels import dark_note
from gannet.modalities.inference import ReadTable

LOSSY = (".jpg", ".jpeg", ".webp")
"""Suffixes of lossy formats."""


def apply_file(
    task: TransformTask,
    given: Path,
    outs: Sequence[Path],
    read_table: ReadTable,  # noqa: ARG001
) -> None:
    """Transform an image of any size into one file per sample, of the same bit depth.

    Raises:
        DataError: if it is no image, or a format cannot hold the output.
    """
    image = _read(task, given)
    for path in outs:
        check_writable(path, 1, image.bits)
    _warn_of_depth(task, image, given)
    if task.transform.keeps_input and outs[0].suffix.lower() in LOSSY:
        task.warn(
            f"{outs[0]}: this format changes known pixels too; write PNG to keep them to the bit"
        )
    try:
        outputs = task(image.pixels, _files(task, given, image.pixels.shape[:2]))
    except DataError as error:
        if error.where:
            raise
        raise DataError(error.problem, where=str(given), remedy=error.remedy) from None
    for path, each in zip(outs, outputs, strict=True):
        with writing(path):
            profile = image.profile if each.shape[2] > 2 else b""
            write_deep(image.like_given(each), path, image.bits, profile)


def apply_value(task: TransformTask, given: Any, read_table: ReadTable) -> Sequence[Any]:  # noqa: ARG001
    """Transform an image in memory, or a file, into one ``(H, W, C)`` per sample, same bit depth.

    Raises:
        DataError: if it is no image.
    """
    path = Path(given) if isinstance(given, str | Path) else None
    if path is None:
        image = read_deep(_numbers(given), "the image")
    else:
        image = _read(task, path)
        _warn_of_depth(task, image, path)
    outputs = task(image.pixels, _files(task, path, image.pixels.shape[:2]))
    kind = np.uint16 if image.bits > 8 else np.uint8
    top = np.float32(np.iinfo(kind).max)
    return [(each.clip(0, 1) * top).round().astype(kind) for each in outputs]


def read_input(codec: Codec[Any], given: Any, read_table: ReadTable) -> NDArray[np.float32]:  # noqa: ARG001
    """A file or an array ``(H, W, C)`` as numbers in 0..1, for a transform to another kind.

    Raises:
        DataError: if it is no image.
    """
    if isinstance(given, str | Path):
        return read_deep(Path(given), str(given)).pixels
    return read_deep(_numbers(given), "the image").pixels


def write_output(codec: Codec[Any], raw: Any, path: Path) -> None:
    """Write an image that was made from another kind of data, with 8 bit per channel.

    Raises:
        DataError: if the format cannot hold it.
    """
    pixels = output_value(codec, raw)
    check_writable(path, pixels.shape[2], 8)
    save(pixels, path)


def output_value(codec: Codec[Any], raw: Any) -> NDArray[np.uint8]:  # noqa: ARG001
    """An image ``(H, W, C)`` of 8 bit, from such an image or from numbers in 0..1."""
    pixels: NDArray[Any] = np.asarray(raw)
    if pixels.dtype == np.uint8:
        return pixels
    return (pixels.clip(0, 1) * np.float32(255)).round().astype(np.uint8)


def _warn_of_depth(task: TransformTask, image: DeepImage, given: Path) -> None:
    if note := dark_note(image.pixels, image.bits):
        task.warn(f"{given}: {note}")
    if image.bits < image.stored:
        task.warn(
            f"{given}: {image.stored} bits per channel, of which {image.bits} are used; save it as "
            "PNG of 16 bit to keep these"
        )


def _read(task: TransformTask, path: Path) -> DeepImage:
    """Read an image at full bit depth.

    Raises:
        DataError: if it cannot be read; for a file that is no image, naming the recipe.
    """
    try:
        return read_deep(path, str(path))
    except DataError as error:
        if error.problem != NOT_AN_IMAGE:
            raise
        raise DataError(
            f"{NOT_AN_IMAGE}, which is what a run of the recipe {task.recipe} takes",
            where=str(path),
            remedy="Give a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM file, or a folder of such.",
        ) from None


def _files(
    task: TransformTask, given: Path | None, size: tuple[int, ...]
) -> dict[str, NDArray[np.float32]]:
    """The image files among the options, such as a mask; each of the input's size.

    Raises:
        DataError: if one has another size.
    """
    images: dict[str, NDArray[np.float32]] = {}
    found = [
        (name, str(file), _read(task, file).own_pixels)
        for name, file in task.named_files(given).items()
    ]
    found += [
        (name, f"the {name}", read_deep(_numbers(value), f"the {name}").pixels)
        for name, value in task.in_memory.items()
    ]
    for name, where, pixels in found:
        if pixels.shape[:2] != size:
            sides = [f"{wide}x{high}" for high, wide in (pixels.shape[:2], size)]
            subject = f"the image {given}" if given else "the image"
            raise DataError(
                f"the {name} has {sides[0]} pixels, {subject} has {sides[1]}",
                where=where,
                remedy=f"Give a {name} of the image's own size.",
            )
        images[name] = pixels
    return images


def _numbers(given: object) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Check an image in memory, of 8 or 16 bit.

    Raises:
        DataError: if it is no image.
    """
    pixels: NDArray[Any] = np.asarray(given)
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and 1 <= pixels.shape[2] <= 4)
    if not fits or not pixels.size:
        raise DataError(
            f"an image of the shape {pixels.shape}",
            remedy="Give numbers (H, W, C): 1 channel for grey, 3 for colour, 2 or 4 with alpha.",
        )
    if pixels.dtype == np.uint8 or pixels.dtype == np.uint16:
        return pixels
    if pixels.dtype.kind in "iu" and pixels.min() >= 0 and pixels.max() <= 255:
        return pixels.astype(np.uint8)
    raise DataError(
        f"an image of the type {pixels.dtype}, from {pixels.min()} to {pixels.max()}",
        remedy="Give 8 bit (uint8, 0 to 255) or 16 bit (uint16, 0 to 65535).",
    )
