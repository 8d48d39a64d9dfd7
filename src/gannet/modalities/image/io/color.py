"""Color profiles: pixels to sRGB for a network, and back to the profile of their file."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from gannet.core.types import Float32Array

_CMS: Any = ImageCms  # Pillow has no complete type hints for it

PROFILE_MODES = {"RGB ": "RGB", "CMYK": "CMYK", "GRAY": "L"}
"""Color space of a profile -> Pillow's mode of an image that it is for."""


def profile_of(image: Image.Image) -> bytes:
    """The ICC profile that an image carries; empty for none, for sRGB, and for a broken one."""
    data: Any = image.info.get("icc_profile")
    if not isinstance(data, bytes):
        return b""
    profile = _opened(data)
    if profile is None or "srgb" in (profile.profile.profile_description or "").lower():
        return b""
    return data if profile.profile.xcolor_space in PROFILE_MODES else b""


def to_srgb(image: Image.Image, data: bytes) -> Image.Image:
    """An image with colors of a profile as sRGB; alpha stays. Unchanged if that is not possible."""
    return _converted(image, data, back=False)


def from_srgb(image: Image.Image, data: bytes) -> Image.Image:
    """An image in sRGB with the colors of a profile; alpha stays."""
    return _converted(image, data, back=True)


def numbers_from_srgb(pixels: Float32Array, data: bytes) -> Float32Array:
    """An image ``(H, W, C)`` in 0..1 in sRGB, with the colors of a profile, at 8 bit."""
    count = pixels.shape[2]
    if not data or count < 3:
        return pixels
    eight_bit = (pixels.clip(0, 1) * np.float32(255)).round().astype(np.uint8)
    converted = from_srgb(Image.fromarray(eight_bit), data)
    return np.asarray(converted, np.float32) / np.float32(255)


def _converted(image: Image.Image, data: bytes, *, back: bool) -> Image.Image:
    profile = _opened(data)
    if profile is None:
        return image
    own = PROFILE_MODES.get(profile.profile.xcolor_space, "")
    colors, alpha = image, None
    if image.mode in ("RGBA", "LA"):
        colors, alpha = image.convert(image.mode[:-1]), image.getchannel("A")
    if colors.mode != ("RGB" if back else own):
        return image
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    srgb: Any = ImageCms.createProfile("sRGB")
    one: Any = srgb if back else profile
    other: Any = profile if back else srgb
    mode = own if back else "RGB"
    try:
        converted: Any = _CMS.profileToProfile(colors, one, other, intent, outputMode=mode)
    except (ImageCms.PyCMSError, ValueError):
        return image
    if converted is None:
        return image
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def _opened(data: bytes) -> Any:
    """The profile, or ``None`` if it is broken; Pillow has no complete type hints for it."""
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(data))
    except (OSError, ImageCms.PyCMSError, ValueError):
        return None
