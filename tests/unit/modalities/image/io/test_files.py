"""Pictures of every sort come out upright, 8 bit and whole, and bad ones say why not."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gannet.core.errors import DataError
from gannet.modalities.image.io import files
from gannet.modalities.image.io.files import content, read_header, upright

RAMP = np.linspace(0, 255, 12 * 16).reshape(12, 16).astype(np.uint8)
COLORS = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], 2)


def packed(image, kind="PNG", **options):
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def test_gray_stays_gray():
    found = upright(packed(Image.fromarray(RAMP)), "a")
    assert found.mode == "L"
    assert np.array_equal(np.asarray(found), RAMP)


def test_sixteen_bit_is_scaled_and_not_clipped():
    deep = (RAMP.astype(np.uint16) * 257).astype(np.uint16)
    found = upright(packed(Image.fromarray(deep)), "a")
    assert np.array_equal(np.asarray(found), RAMP)
    assert read_header(packed(Image.fromarray(deep)), "a").mode == "16 bit"


def test_sixteen_bit_of_a_portable_gray_map_is_scaled_too():
    deep = (RAMP.astype(">u2") * 257).astype(">u2")
    held = b"P5 16 12 65535\n" + deep.tobytes()
    assert np.array_equal(np.asarray(upright(held, "a")), RAMP)


def test_floats_beyond_one_are_refused_and_not_guessed():
    wild = packed(Image.fromarray(RAMP.astype(np.float32)), "TIFF")
    with pytest.raises(DataError, match="expected 0 to 1"):
        upright(wild, "wild.tif")


def test_a_palette_keeps_its_colors():
    image = Image.fromarray(COLORS).quantize(16)
    found = upright(packed(image), "a")
    assert found.mode == "RGB"
    assert np.array_equal(np.asarray(found), np.asarray(image.convert("RGB")))
    assert read_header(packed(image), "a").mode == "palette"


def test_a_palette_with_a_clear_color_has_alpha():
    image = Image.fromarray(RAMP // 64).convert("P")
    found = upright(packed(image, transparency=0), "a")
    assert found.mode == "RGBA"
    assert (np.asarray(found)[..., 3] == 0).any()


def test_inks_become_colors():
    image = Image.fromarray(COLORS).convert("CMYK")
    found = upright(packed(image, "JPEG", quality=100, subsampling=0), "a")
    assert found.mode == "RGB"
    assert np.abs(np.asarray(found).astype(int) - COLORS).mean() < 4
    assert read_header(packed(image, "JPEG"), "a").mode == "CMYK"


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_exif_rotation_is_undone(turn):
    undone = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.T,
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).T,
        8: np.rot90,
    }[turn](RAMP)
    exif = Image.Exif()
    exif[0x0112] = turn
    held = packed(Image.fromarray(RAMP), exif=exif)
    assert np.array_equal(np.asarray(upright(held, "a")), undone)
    assert (read_header(held, "a").height, read_header(held, "a").width) == undone.shape


def test_of_an_animation_the_first_frame_is_taken():
    first, second = Image.fromarray(RAMP), Image.fromarray(255 - RAMP)
    held = packed(first, "GIF", save_all=True, append_images=[second])
    assert np.abs(np.asarray(upright(held, "a").convert("L")).astype(int) - RAMP).max() <= 1


def test_a_large_jpeg_is_decoded_at_a_reduced_scale_that_still_has_twice_the_pixels():
    held = packed(Image.fromarray(COLORS).resize((1600, 1200)), "JPEG")
    assert upright(held, "a", min_size=(64, 64)).size == (200, 150)
    assert upright(held, "a").size == (1600, 1200)


def test_a_rotated_jpeg_is_reduced_along_the_right_sides():
    exif = Image.Exif()
    exif[0x0112] = 6
    held = packed(Image.fromarray(COLORS).resize((1600, 400)), "JPEG", exif=exif)
    assert upright(held, "a", min_size=(100, 100)).size == (200, 800)


def bomb(side):
    """A PNG of a few bytes whose header claims ``side`` squared pixels."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 100)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8200, 9600, 12_000, 40_000])
def test_a_decompression_bomb_is_refused_by_its_header(side):
    with pytest.raises(DataError, match="too many to open safely"):
        upright(bomb(side), "bomb.png")


def test_a_file_of_too_many_bytes_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FILE_BYTES", 100)
    (tmp_path / "a.png").write_bytes(bytes(101))
    with pytest.raises(DataError, match="larger than"):
        content(tmp_path / "a.png", "a.png")


def test_text_named_png_is_not_a_picture():
    with pytest.raises(DataError, match=r"^letter\.png: not an image\n  Remove it\.$"):
        upright(b"Dear Sir or Madam", "letter.png")


@pytest.mark.parametrize(
    ("kind", "keep"), [("PNG", 0.6), ("JPEG", 0.7), ("GIF", 0.5), ("BMP", 0.5)]
)
def test_a_truncated_picture_is_broken(kind, keep):
    rng = np.random.default_rng(0)
    held = packed(Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)), kind)
    with pytest.raises(DataError, match=r"broken image|not an image"):
        upright(held[: int(len(held) * keep)], "cut")


def test_an_empty_file_is_named():
    with pytest.raises(DataError, match="the file is empty"):
        upright(b"", "nothing.png")


@pytest.mark.parametrize("kind", ["EPS", "PDF", "ICO"])
def test_formats_that_are_rare_or_run_programs_are_not_tried(kind):
    held = packed(Image.fromarray(COLORS), kind)
    with pytest.raises(DataError, match="not an image"):
        upright(held, "a.png")


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        upright(tmp_path / "gone.png", "gone.png")


def test_a_file_without_permission_is_named():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "secret.png"
        path.write_bytes(packed(Image.fromarray(RAMP)))
        path.chmod(0)
        mighty = os.geteuid()
        if mighty == 0:
            os.seteuid(65534)  # root may read everything, so be nobody for a moment
        try:
            with pytest.raises(DataError, match="no permission"):
                upright(path, "secret.png")
        finally:
            os.seteuid(mighty)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM"])
def test_damaged_bytes_give_a_picture_or_a_data_error_and_nothing_else(kind, recwarn):
    rng = np.random.default_rng(1)
    whole = bytearray(packed(Image.fromarray(COLORS), kind))
    outcomes = set()
    for _ in range(150):
        held = bytearray(whole)
        for place in rng.integers(0, len(held), rng.integers(1, 6)):
            held[place] = rng.integers(0, 256)
        try:
            upright(bytes(held), "fuzzed", min_size=(8, 8))
            read_header(bytes(held), "fuzzed")
            outcomes.add("picture")
        except DataError:
            outcomes.add("refused")
    assert outcomes  # any other exception would have ended the test
