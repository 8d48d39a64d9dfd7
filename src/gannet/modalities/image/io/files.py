"""Safe reading of untrusted image files: checked first, then converted to 8 bit."""

from __future__ import annotations

import errno
import io
import struct
import zlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, features

from gannet.core.errors import DataError, need
from gannet.core.io.pointers import other_content
from gannet.core.io.regular import read_bytes
from gannet.modalities.image.io.color import profile_of, to_srgb

PixelArray = NDArray[np.uint8]
"""``(height, width, channels)``, 0..255, sRGB; grey, grey + alpha, colour, colour + alpha."""

Item = Path | bytes | PixelArray
"""An image of a data set: a path, the content of a file, or an array."""

OPTIONAL = {
    suffix: name
    for name, suffixes in (
        ("avif", (".avif", ".avifs")),
        ("jpg_2000", (".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".jpc")),
    )
    for suffix in suffixes
}
"""Suffix -> the feature of Pillow that reads it, which an installation may lack."""

HEIC = (".heic", ".heif", ".hif")
"""Suffixes of photos that the extra ``heic`` reads."""


def _readable() -> frozenset[str]:
    """Lower-case suffixes of image files that this installation reads."""
    also = {suffix for suffix, name in OPTIONAL.items() if features.check(name)}
    return frozenset(
        {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
        | {".ppm", ".pgm", ".pbm", ".pnm", ".tga", *also}
        | ({*HEIC} if find_spec("pi_heif") else set())
    )


SUFFIXES = _readable()
"""Lower-case suffixes of image files."""

OPAQUE = frozenset({".jpg", ".jpeg", ".bmp", ".pgm", ".ppm"})
"""Suffixes of formats without alpha."""

WRITTEN = OPAQUE | {".png", ".webp", ".tif", ".tiff"}
"""Suffixes of formats that can be written."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")
"""Formats that Pillow may try; its rarer readers are little tested or run other programs."""

PIXELS = 64 * 2**20
"""Maximum number of pixels; a decoding thread needs a few bytes of memory for each."""

FILE_BYTES = 256 * 2**20
"""Largest image file, in bytes."""

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Number of channels -> Pillow mode."""

NOT_AN_IMAGE = "not an image"
"""Error message for a file in none of the formats."""

BROKEN = (
    OSError,
    SyntaxError,  # a damaged PNG
    ValueError,
    EOFError,
    OverflowError,
    LookupError,
    TypeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,  # an exception where warnings are errors
)
"""Exceptions that Pillow raises for damaged files."""

_ORIENTATION = 0x0112  # EXIF tag
_BITS = 258  # TIFF tag BitsPerSample
_EXTRA_SAMPLES = 338  # TIFF tag that tells what bands beyond the colours are
_LAYOUT = 284  # TIFF tag PlanarConfiguration
_PLANAR = 2  # its value for planar
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Header of an image, with its upright size.

    Attributes:
        width: In pixels.
        height: In pixels.
        mode: As text: grey, colour, palette, CMYK, 16 bit, with alpha.
        channels: Channels needed: 1 grey, 2 with alpha, 3 colour, 4 with alpha.
    """

    width: int
    height: int
    mode: str
    channels: int


def read_header(item: Item, name: str) -> ImageHeader:
    """Read the header without decoding.

    Raises:
        DataError: if it is no image, or one that is too large to open safely.
    """
    if isinstance(item, np.ndarray):
        image = Image.fromarray(_planes(item))
        return ImageHeader(image.width, image.height, _mode_name(image), channels_of(image))
    with opened(item, name) as image:
        width, height = image.size
        try:
            swapped = orientation(image) >= 5
        except BROKEN as error:
            raise broken(error, name) from None
        if swapped:
            width, height = height, width
        return ImageHeader(width, height, _mode_name(image), channels_of(image))


def upright(
    item: Item, name: str, *, min_size: tuple[int, int] | None = None, srgb: bool = True
) -> Image.Image:
    """Decode an image: first frame, turned as its EXIF says, 8 bit, mode L, LA, RGB or RGBA.

    Args:
        item: The image.
        name: Name in errors.
        min_size: ``(width, height)`` needed; a JPEG is then decoded at the smallest scale with at
            least twice as many pixels each way, which is much faster.
        srgb: Whether colours of another profile are converted to sRGB.

    Raises:
        DataError: if it is no image, broken, cut off, or too large to open safely.
    """
    if isinstance(item, np.ndarray):
        return Image.fromarray(_planes(item))
    with opened(item, name) as image:
        try:
            if min_size is not None:
                wide, high = min_size if orientation(image) < 5 else (min_size[1], min_size[0])
                image.draft(None, (2 * wide, 2 * high))
            image.load()
            turn = orientation(image)
            converted = _convert_mode(image, name, srgb=srgb)
        except BROKEN as error:
            raise broken(error, name) from None
    return converted.transpose(_TURNS[turn]) if turn in _TURNS else converted


def channels_of(image: Image.Image) -> int:
    """Number of channels of an image's mode, alpha included."""
    gray = image.mode in {"1", "L", "LA", "La", "I", "F"} or image.mode.startswith("I;16")
    return (1 if gray else 3) + int(_has_alpha(image))


def fourth_band(image: Image.Image) -> bool:
    """Whether a TIFF has a fourth band that it does not call alpha, such as near infrared."""
    tiff = isinstance(image, TiffImagePlugin.TiffImageFile)
    return tiff and image.mode == "RGBA" and _EXTRA_SAMPLES not in image.tag_v2


def _has_alpha(image: Image.Image) -> bool:
    return image.has_transparency_data and not fourth_band(image)


def content(item: Item, name: str) -> bytes:
    """The content of an item as bytes, for fingerprints.

    Raises:
        DataError: if a file cannot be read or is too large.
    """
    if isinstance(item, np.ndarray):
        return repr(item.shape).encode() + np.ascontiguousarray(item).tobytes()
    if isinstance(item, bytes):
        return item
    try:
        return read_bytes(item, FILE_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _too_large(name) from None
        raise broken(error, name) from None


def opened(item: Path | bytes, name: str) -> Image.Image:
    """Open an image; only its header is read.

    Raises:
        DataError: if it is no image, or one that is too large to open safely.
    """
    data = content(item, name)
    if not data:
        raise DataError("the file is empty", where=name, remedy="Remove it or fetch it again.")
    if len(data) > FILE_BYTES:
        raise _too_large(name)
    if (other := other_content(data)) is not None:
        raise DataError(other[0], where=name, remedy=other[1])
    try:
        image = Image.open(io.BytesIO(data), formats=formats_for(name))
    except Image.UnidentifiedImageError as error:
        if data[:4] in (b"II*\0", b"MM\0*"):
            raise _unknown_tiff(name) from None
        raise broken(error, name) from None
    except BROKEN as error:
        raise broken(error, name) from None
    if image.width * image.height > PIXELS:
        image.close()
        raise _bomb(name)
    _check_planes(image, name)
    return image


def formats_for(name: str) -> tuple[str, ...]:
    """The formats that a file may have; TGA, which has no signature, only by its suffix."""
    if name.lower().endswith(".tga"):
        return (*FORMATS, "TGA")
    if name.lower().endswith(HEIC) and find_spec("pi_heif"):
        need("pi_heif", "heic").register_heif_opener()
        return (*FORMATS, "HEIF")
    return FORMATS


def tiff_bits(image: TiffImagePlugin.TiffImageFile) -> int:
    """Bits per channel of an opened TIFF."""
    bits: Any = image.tag_v2.get(_BITS, 8)
    return max(int(each) for each in np.atleast_1d(bits))


def _check_planes(image: Image.Image, name: str) -> None:
    """Refuse a planar TIFF of 16 bit, which Pillow decodes wrongly."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    if image.tag_v2.get(_LAYOUT) == _PLANAR and tiff_bits(image) > 8:
        image.close()
        raise DataError(
            "a planar TIFF with more than 8 bit: its colours lie in separate planes",
            where=name,
            remedy="Save it with its colours pixel by pixel, or as PNG.",
        )


def is_deep(image: Image.Image) -> bool:
    """Whether an opened image is grey of more than 8 bit, or of floats."""
    return image.mode in {"I", "F"} or image.mode.startswith("I;16")


def frames_in(image: Image.Image) -> int:
    """How many frames or pages an opened image has."""
    return int(getattr(image, "n_frames", 1))


def upright_array(image: Image.Image, name: str) -> NDArray[Any]:
    """The numbers of an opened grey image as they are stored, turned as its EXIF says.

    Raises:
        DataError: if it is broken.
    """
    try:
        image.load()
        turn = orientation(image)
        turned = image.transpose(_TURNS[turn]) if turn in _TURNS else image
        return np.asarray(turned)
    except BROKEN as error:
        raise broken(error, name) from None


def orientation(image: Image.Image) -> int:
    """EXIF orientation of an image; 1 for upright."""
    # Pillow's `getexif` for PNG would decode the whole image.
    turn = Image.Image.getexif(image).get(_ORIENTATION, 1)
    return turn if turn in _TURNS else 1


def _convert_mode(image: Image.Image, name: str, *, srgb: bool) -> Image.Image:
    if is_deep(image):
        return _eight_bit(image, name)
    profile = profile_of(image) if srgb else b""
    if _has_alpha(image):
        converted = image.convert(MODES[channels_of(image)])
    elif image.mode in {"1", "L"}:
        return image.convert("L")
    elif image.mode == "CMYK" and profile:
        converted = to_srgb(image, profile)
        return converted if converted.mode == "RGB" else image.convert("RGB")
    else:
        converted = image.convert("RGB")
    return to_srgb(converted, profile) if profile else converted


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    """Scale grey of 16 bit or float to 8 bit; Pillow's ``convert`` would clip it to white."""
    values = np.asarray(image, dtype=np.float64)
    top = 1.0 if image.mode == "F" else 65535.0
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= top):
        raise DataError(
            f"its values run from {low:g} to {high:g}, expected 0 to {top:g}",
            where=name,
            remedy="Convert it to 8 or 16 bit.",
        )
    return Image.fromarray((values * (255 / top)).round().astype(np.uint8))


def _planes(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def _mode_name(image: Image.Image) -> str:
    names = {"1": "black and white", "P": "palette", "PA": "palette", "F": "32 bit"}
    names |= {"CMYK": "CMYK", "I": "16 bit", "YCbCr": "colour", "LAB": "Lab"}
    default = "grey" if channels_of(image) < 3 else "colour"
    word = "16 bit" if image.mode.startswith("I;16") else names.get(image.mode, default)
    return f"{word} with alpha" if _has_alpha(image) else word


def broken(error: BaseException, name: str) -> DataError:
    """The error for an exception of a decoder."""
    if isinstance(error, FileNotFoundError):
        return DataError("does not exist", where=name, remedy="Check the path.")
    if isinstance(error, PermissionError):
        return DataError("no permission to read it", where=name, remedy="Check its access rights.")
    if isinstance(error, Image.UnidentifiedImageError):
        return DataError(NOT_AN_IMAGE, where=name, remedy="Remove it.")
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return _bomb(name)
    strerror = error.strerror if isinstance(error, OSError) else None
    detail = strerror or str(error).strip() or type(error).__name__
    return DataError(f"broken image ({detail})", where=name, remedy="Remove it or fetch it again.")


def _unknown_tiff(name: str) -> DataError:
    return DataError(
        "a TIFF of unknown layout, perhaps of more than four bands",
        where=name,
        remedy="Save one, three or four of its bands as TIFF or PNG.",
    )


def _too_large(name: str) -> DataError:
    return DataError(
        f"larger than {FILE_BYTES // 2**20} MiB", where=name, remedy="Save it smaller."
    )


def _bomb(name: str) -> DataError:
    return DataError(
        f"more than {PIXELS:,} pixels, too many to open safely",
        where=name,
        remedy="Shrink it with a program you trust.",
    )
