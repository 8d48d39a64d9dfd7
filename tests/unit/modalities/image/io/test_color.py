"""Colour profiles: read as sRGB, kept in what is written, known pixels to the bit."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from gannet.modalities.image.io.bit_depth import read_deep, write_deep
from gannet.modalities.image.io.files import upright


def wide_profile():
    """A small profile with wide primaries and a gamma of 2.2."""

    def fixed(value):
        return struct.pack(">i", round(value * 65536))

    def xyz(*values):
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + b"\0" * 78
    parts = {
        b"desc": name + b"\0" * (-len(name) % 4),
        b"cprt": b"text\0\0\0\0CC0\0",
        b"wtpt": xyz(0.9642, 1, 0.8249),
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947),
        b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body, at = struct.pack(">I", len(parts)), b"", 128 + 4 + 12 * len(parts)
    for tag, data in parts.items():
        padded = data + b"\0" * (-len(data) % 4)
        table += tag + struct.pack(">II", at + len(body), len(padded))
        body += padded
    head = struct.pack(">I", 128 + len(table) + len(body)) + b"\0\0\0\0"
    head += struct.pack(">I", 0x02100000) + b"mntrRGB XYZ "
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0)
    head += b"acsp" + b"\0" * 28 + fixed(0.9642) + fixed(1) + fixed(0.8249) + b"\0" * 48
    return head + table + body


WIDE = wide_profile()
PIXELS = np.zeros((8, 8, 3), np.uint8)
PIXELS[:] = (30, 200, 60)
PIXELS[2:6, 2:6] = (220, 40, 90)


def encoded(pixels, profile=WIDE, kind="PNG"):
    file = io.BytesIO()
    options = {"icc_profile": profile} if profile else {}
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def test_colours_of_a_profile_are_read_as_srgb():
    seen = np.asarray(upright(encoded(PIXELS), "wide"))
    assert seen[0, 0, 1] > PIXELS[0, 0, 1], "a wide green is a stronger one in sRGB"
    assert (np.asarray(upright(encoded(PIXELS, b""), "plain")) == PIXELS).all()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (np.asarray(upright(encoded(PIXELS, srgb), "sRGB")) == PIXELS).all()
    assert (np.asarray(upright(encoded(PIXELS, b"no profile"), "broken")) == PIXELS).all()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff", ".jpg"])
def test_what_is_written_keeps_the_profile_and_known_pixels(tmp_path, suffix):
    image = read_deep(encoded(PIXELS), "wide")
    output = image.pixels.copy()
    output[3:5, 3:5] = 0.5
    write_deep(image.like_given(output), tmp_path / f"a{suffix}", image.bits, image.profile)
    with Image.open(tmp_path / f"a{suffix}") as again:
        assert again.info["icc_profile"] == WIDE
        pixels = np.asarray(again)
    same = np.ones((8, 8), bool)
    same[3:5, 3:5] = False
    if suffix == ".jpg":
        return
    assert (pixels[same] == PIXELS[same]).all(), "to the bit, in the file's own colours"
    seen = np.asarray(upright(tmp_path / f"a{suffix}", "again"), np.int64)
    assert np.abs(seen[3:5, 3:5] - 128).max() <= 3, "grey as a viewer shows it"


def test_alpha_stays_beside_a_profile():
    alpha = np.full((8, 8, 1), 255, np.uint8)
    alpha[0] = 0
    image = read_deep(encoded(np.concatenate([PIXELS, alpha], 2)), "alpha")
    again = image.like_given(image.pixels)
    assert (np.rint(again * 255) == np.concatenate([PIXELS, alpha], 2)).all()


def test_deep_pixels_keep_their_profile(tmp_path):
    deep = np.random.default_rng(0).random((4, 4, 3), np.float32)
    write_deep(deep, tmp_path / "a.png", 16, WIDE)
    image = read_deep(tmp_path / "a.png", "deep")
    assert image.profile == WIDE
    assert np.abs(image.pixels - deep).max() < 1e-4
