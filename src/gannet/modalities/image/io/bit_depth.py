"""Images at full bit depth: up to 16 bit per channel.

Pillow decodes colours, and grey with alpha, to 8 bit. Its raw mode selects the high or the low
byte, so two passes give 16 bit; it cannot write them, which is done here.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from gannet.core.errors import DataError, need
from gannet.core.types import Float32Array
from gannet.modalities.image.io.color import numbers_from_srgb, profile_of
from gannet.modalities.image.io.files import (
    BROKEN,
    FORMATS,
    OPAQUE,
    WRITTEN,
    Item,
    broken,
    channels_of,
    content,
    opened,
    orientation,
    tiff_bits,
    upright,
)

MAX_UINT16 = 65_535
"""Largest value of 16 bit."""

_SWAPPED = {"little": "B", "big": "L"}[sys.byteorder]
_OTHER_HALF = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", _SWAPPED))
}
"""Pillow's raw mode of the low bytes, by that of the high ones."""

_UPRIGHT: Mapping[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda all_of: all_of[:, ::-1],
    3: lambda all_of: all_of[::-1, ::-1],
    4: lambda all_of: all_of[::-1],
    5: lambda all_of: all_of.swapaxes(0, 1),
    6: lambda all_of: np.rot90(all_of, 3),
    7: lambda all_of: all_of[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}
"""Rotation or flip that turns an image upright, by its EXIF orientation."""

_ROWS = 256


@dataclass(frozen=True, slots=True)
class DeepImage:
    """An image at the bit depth that could be read.

    Attributes:
        pixels: ``(H, W, C)`` in 0..1: grey or colour, with or without alpha.
        bits: Bits per channel, 8 or 16.
        stored: Bits per channel in the file; more than ``bits`` if depth was lost.
        profile: ICC profile of the file, if it is not that of sRGB. Colours of 8 bit are converted
            to sRGB in ``pixels``; those of more bits stay.
        own: The pixels in the file's own colours.
    """

    pixels: Float32Array
    bits: int
    stored: int
    profile: bytes = b""
    own: Float32Array | None = None

    @property
    def own_pixels(self) -> Float32Array:
        """The pixels in the file's own colours."""
        return self.pixels if self.own is None else self.own

    def like_given(self, output: Float32Array) -> Float32Array:
        """An output in the colours of the file, with its own pixels where nothing was changed."""
        if not self.profile or self.own is None or self.bits > 8:
            return output
        converted = numbers_from_srgb(output, self.profile)
        if output.shape[:2] != self.own.shape[:2]:
            return converted
        count = min(output.shape[2], self.own.shape[2])
        same = (output[..., :count] == self.pixels[..., :count]).all(2, keepdims=True)
        converted[..., :count] = np.where(same, self.own[..., :count], converted[..., :count])
        return converted


def read_deep(item: Item | NDArray[np.uint16], name: str) -> DeepImage:
    """Decode an image at full bit depth, up to 16 bit.

    Raises:
        DataError: as ``upright`` does.
    """
    if isinstance(item, np.ndarray):
        pixels = item[..., None] if item.ndim == 2 else item
        bits = 16 if item.dtype == np.uint16 else 8
        return DeepImage(pixels.astype(np.float32) / np.float32(2**bits - 1), bits, bits)
    data = content(item, name)
    with opened(data, name) as image:
        stored = stored_bits(image)
        profile = profile_of(image) if channels_of(image) > 2 and image.mode != "CMYK" else b""
        try:
            values = None if stored <= 8 else _read_16_bit(image, data)
            turn = orientation(image)
        except BROKEN as error:
            raise broken(error, name) from None
    if values is not None:
        pixels = values if values.dtype == np.float32 else values / np.float32(MAX_UINT16)
        if turn in _UPRIGHT:
            pixels = np.ascontiguousarray(_UPRIGHT[turn](pixels))
        return DeepImage(pixels.astype(np.float32), 16, stored, profile)
    pixels = _eight_bit(upright(data, name))
    own = _eight_bit(upright(data, name, srgb=False)) if profile else pixels
    return DeepImage(pixels, 8, stored, profile, own)


def _eight_bit(image: Image.Image) -> Float32Array:
    """Pixels ``(H, W, C)`` in 0..1."""
    pixels = np.asarray(image, np.float32) / np.float32(255)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def stored_bits(image: Image.Image) -> int:
    """Bits per channel in the file of an opened image."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return tiff_bits(image)
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return 16  # a PGM, which Pillow scales to 16 bit
    mode, max_value = _reading(image)
    if image.format == "PPM":
        return 16 if mode == "RGB" and max_value > 255 else 8
    return 16 if mode.endswith(";16B") else 8


def _reading(image: Image.Image) -> tuple[str, int]:
    """Pillow's raw mode of an opened image and, for a PPM, the largest value."""
    tiles: list[Any] = getattr(image, "tile", [])
    args: Any = tiles[0].args if tiles else ""
    parts: list[Any] = list(args) if isinstance(args, tuple) else [args]  # pyright: ignore[reportUnknownArgumentType]
    numbers = [each for each in parts[1:2] if isinstance(each, int)]
    return str(parts[0]), numbers[0] if numbers else 0


def _read_16_bit(image: Image.Image, data: bytes) -> NDArray[Any] | None:
    """Pixels ``(H, W, C)``: uint16, or floats in 0..1 of a float image; ``None`` if unsupported."""
    key: Any = image.info.get("transparency")
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        values = np.asarray(image)
        top = 1.0 if image.mode == "F" else MAX_UINT16
        if not (float(values.min()) >= 0 and float(values.max()) <= top):
            return None  # `upright` raises the error
        gray = values[..., None]
        if image.mode == "F":
            return gray.astype(np.float32)
        return _with_key(gray.astype(np.uint16), key)
    mode, _ = _reading(image)
    if mode == "LA;16B":  # four bytes per pixel, read as RGBA
        both = _decoded(data, "RGBA")
        return _joined(both[..., 0::2], both[..., 1::2])
    if mode not in _OTHER_HALF:
        return None
    high, low = _decoded(data, mode), _decoded(data, _OTHER_HALF[mode])
    channels = 3 if mode.startswith("RGBX") else high.shape[2]
    return _with_key(_joined(high, low)[..., :channels], key)


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return (high.astype(np.uint16) << 8 | low).astype(np.uint16)


def _decoded(data: bytes, raw_mode: str) -> NDArray[np.uint8]:
    """Pixels ``(H, W, C)``, decoded with a raw mode."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        tiles: list[Any] = image.tile
        image.tile = [
            tile._replace(
                args=(raw_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else raw_mode
            )
            for tile in tiles
        ]
        image.load()
        return np.asarray(image)


def _with_key(values: NDArray[np.uint16], key: object) -> NDArray[np.uint16]:
    """Add alpha where one colour is transparent (tRNS of a PNG)."""
    if not isinstance(key, int | tuple):
        return values
    visible = (values != np.asarray(key, np.uint16)).any(2, keepdims=True)
    return np.concatenate([values, np.where(visible, np.uint16(MAX_UINT16), np.uint16(0))], 2)


def check_writable(path: Path, channels: int, bits: int) -> None:
    """Refuse a format that is unknown, or cannot hold such an image.

    Raises:
        DataError: naming formats that can.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITTEN:
        raise DataError(
            f"cannot write images as {suffix or 'a name without suffix'}",
            where=str(path),
            remedy=f"Choose one of {', '.join(sorted(WRITTEN))}.",
        )
    if suffix in OPAQUE and channels in {2, 4}:
        raise DataError(
            f"{suffix} cannot hold alpha", where=str(path), remedy="Write .png instead."
        )
    if bits > 8 and suffix not in {".png", ".tif", ".tiff"}:
        raise DataError(
            f"{suffix} cannot hold 16 bit", where=str(path), remedy="Write .png or .tiff instead."
        )


def write_deep(image: Float32Array, path: Path, bits: int = 8, profile: bytes = b"") -> None:
    """Save ``(H, W, C)`` in 0..1; the suffix chooses the format; PNG and TIFF support 16 bit.

    Raises:
        DataError: if the format is unknown or cannot hold it.
        MissingExtraError: for 16-bit TIFF with colour or alpha, without the extra ``pictures``.
    """
    suffix, channels = path.suffix.lower(), image.shape[2]
    check_writable(path, channels, bits)
    kind = np.uint16 if bits > 8 else np.uint8
    pixels: NDArray[Any] = (image.clip(0, 1) * np.float32(2**bits - 1)).round().astype(kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    if bits > 8 and channels > 1:
        if suffix == ".png":
            with path.open("wb") as file:
                write_png(pixels, file, profile)
        else:
            _write_tiff(pixels, path, profile)
        return
    save(pixels, path, profile)


def save(pixels: NDArray[Any], path: Path, profile: bytes = b"") -> None:
    """Save ``(H, W, C)`` with Pillow, lossless where the format allows, with an ICC profile."""
    suffix = path.suffix.lower()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    options: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if suffix == ".webp":
        image.save(path, lossless=True, exact=True, **options)
    elif suffix in {".jpg", ".jpeg"}:
        image.save(path, quality=95, **options)
    else:
        image.save(path, **options)


def write_png(pixels: NDArray[np.uint16], file: BinaryIO, profile: bytes = b"") -> None:
    """Write a 16-bit PNG of ``(H, W, C)``, with filter 2 (difference from the row above).

    Source: W3C, Portable Network Graphics (PNG) Specification, sections 5.3, 9.2 and 11.2.
    """
    high, wide, channels = pixels.shape
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]

    def chunk(name: bytes, data: bytes) -> None:
        file.write(struct.pack(">I", len(data)) + name + data)
        file.write(struct.pack(">I", zlib.crc32(name + data)))

    file.write(b"\x89PNG\r\n\x1a\n")
    chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 16, color_type, 0, 0, 0))
    if profile:
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))
    squeeze = zlib.compressobj()
    above = np.zeros((1, wide * channels * 2), np.uint8)
    for top in range(0, high, _ROWS):
        part = np.ascontiguousarray(pixels[top : top + _ROWS], ">u2")
        rows = part.view(np.uint8).reshape(len(part), -1)
        lines = np.full((len(rows), 1 + rows.shape[1]), 2, np.uint8)  # filter 2: up
        lines[:, 1:] = rows - np.concatenate([above, rows[:-1]])
        above = rows[-1:]
        if compressed := squeeze.compress(lines.tobytes()):
            chunk(b"IDAT", compressed)
    chunk(b"IDAT", squeeze.flush())
    chunk(b"IEND", b"")


def _write_tiff(pixels: NDArray[np.uint16], path: Path, profile: bytes) -> None:
    channels = pixels.shape[2]
    need("tifffile", "pictures").imwrite(
        path,
        pixels,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"] if channels in {2, 4} else None,
        compression="zlib",
        iccprofile=profile or None,
        metadata=None,
    )
