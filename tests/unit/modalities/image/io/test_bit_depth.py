"""Pictures of 16 bit come in and go out in full; what cannot is said."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from gannet.core.errors import DataError
from gannet.modalities.image.io.bit_depth import read_deep, write_deep
from gannet.modalities.image.io.files import upright


def pixels(channels, high=11, wide=7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 65536, (high, wide, channels)).astype(np.uint16)


def png(values, key=b"", turn=0):
    """A PNG with all five filters in turn, by the book and not by our own writer."""
    high, wide, channels = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(high, -1).astype(np.int16)
    near, lines = 2 * channels, []
    for number, row in enumerate(rows):
        up = rows[number - 1] if number else np.zeros_like(row)
        left, corner = (np.concatenate([[0] * near, each[:-near]]) for each in (row, up))
        guess = left + up - corner
        ways = np.abs(np.stack([guess - left, guess - up, guess - corner]))
        paeth = np.choose(ways.argmin(0), [left, up, corner])
        kinds = [np.zeros_like(row), left, up, (left + up) // 2, paeth]
        kind = number % 5
        lines.append(bytes([kind]) + ((row - kinds[kind]) % 256).astype(np.uint8).tobytes())

    def chunk(name, held):
        return (
            struct.pack(">I", len(held)) + name + held + struct.pack(">I", zlib.crc32(name + held))
        )

    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", wide, high, 16, color, 0, 0, 0)
    exif = b""
    if turn:
        exif = chunk(
            b"eXIf",
            b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([turn, 0, 0, 0, 0, 0, 0]),
        )
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + (chunk(b"tRNS", key) if key else b"") + exif
        + chunk(b"IDAT", zlib.compress(b"".join(lines))) + chunk(b"IEND", b"")
    )  # fmt: skip


def whole(found):
    assert (found.bits, found.stored) == (16, 16)
    return (found.pixels * np.float32(65535)).round().astype(np.uint16)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_of_16_bit_is_read_in_full(channels):
    values = pixels(channels)
    assert np.array_equal(whole(read_deep(png(values), "a")), values)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_go_out_and_come_back_to_the_bit(tmp_path, channels, suffix):
    if suffix == ".tiff" and channels > 1:
        pytest.importorskip("tifffile")
    if suffix == ".tiff" and channels == 2:
        pytest.skip("Pillow reads no TIFF of grey with alpha")
    values = pixels(channels, 600, 3)  # more rows than are packed at once
    path = tmp_path / f"a{suffix}"
    write_deep(values.astype(np.float32) / np.float32(65535), path, 16)
    assert np.array_equal(whole(read_deep(path, "a")), values)
    with Image.open(path) as image:
        assert image.size == (3, 600)
        image.verify()


@pytest.mark.parametrize(
    ("channels", "kind"), [(1, "gray16be"), (2, "ya16be"), (3, "rgb48be"), (4, "rgba64be")]
)
def test_another_reader_sees_what_we_wrote(tmp_path, channels, kind):
    av = pytest.importorskip("av")
    values, path = pixels(channels), tmp_path / "a.png"
    write_deep(values.astype(np.float32) / np.float32(65535), path, 16)
    with av.open(str(path)) as film:
        frame = next(film.decode(video=0))
    assert frame.format.name == kind
    plane = frame.planes[0]
    held = np.frombuffer(bytes(plane), ">u2").reshape(plane.height, -1)
    assert np.array_equal(held[:, : 7 * channels].reshape(11, 7, channels), values)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [None, "zlib"])
@pytest.mark.parametrize(
    ("channels", "alpha"), [(1, []), (3, []), (4, ["unassalpha"]), (4, ["unspecified"])]
)
def test_a_tiff_of_16_bit_is_read_in_full(tmp_path, order, packed, channels, alpha):
    tifffile = pytest.importorskip("tifffile")
    values, path = pixels(channels, 40, 37), tmp_path / "a.tif"
    held = values[..., 0] if channels == 1 else values
    tifffile.imwrite(
        path, held, byteorder=order, compression=packed, extrasamples=alpha, rowsperstrip=16,
        photometric="rgb" if channels > 1 else "minisblack", planarconfig="contig",
    )  # fmt: skip
    found = whole(read_deep(path, "a"))
    assert np.array_equal(found, values[..., :3] if alpha == ["unspecified"] else values)


@pytest.mark.parametrize("packed", [None, "zlib"])
def test_a_tiff_in_planes_that_would_be_misread_is_refused(tmp_path, packed):
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "a.tif"
    held = np.moveaxis(pixels(3), 2, 0)
    tifffile.imwrite(path, held, photometric="rgb", planarconfig="separate", compression=packed)
    for read in (read_deep, upright):
        with pytest.raises(DataError, match=r"a: a planar TIFF with more than 8 bit"):
            read(path, "a")


def test_what_is_lost_is_known(tmp_path):
    values = pixels(3)
    ppm = b"P6 7 11 65535\n" + values.astype(">u2").tobytes()
    found = read_deep(ppm, "a")
    assert (found.bits, found.stored) == (8, 16)
    np.testing.assert_allclose(found.pixels, values / 65535, atol=1 / 255)
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels(4), photometric="rgb", extrasamples=["assocalpha"])
    assert (read_deep(path, "a").bits, read_deep(path, "a").stored) == (8, 16)
    tifffile.imwrite(path, np.linspace(0, 1, 77, dtype=np.float32).reshape(11, 7))
    assert (read_deep(path, "a").bits, read_deep(path, "a").stored) == (16, 32)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "bmp"])
def test_8_bit_stay_8(mode, kind):
    image, held = Image.new("RGB", (5, 4)).convert(mode), io.BytesIO()
    try:
        image.save(held, kind)
    except OSError:
        pytest.skip("no such files")
    found = read_deep(held.getvalue(), "a")
    assert found.bits == 8
    assert found.stored <= 8


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_are_turned_as_8_are(turn, channels):
    held = png(pixels(channels), turn=turn)
    found = read_deep(held, "a")
    assert found.bits == 16
    plain = np.asarray(upright(held, "a"))
    assert found.pixels.shape[:2] == plain.shape[:2]
    np.testing.assert_allclose(found.pixels.squeeze(), plain / 255, atol=1.01 / 255)


def test_a_color_that_is_see_through_becomes_alpha():
    values = pixels(3)
    found = whole(read_deep(png(values, key=values[4, 2].astype(">u2").tobytes()), "a"))
    assert np.array_equal(found[..., :3], values)
    assert found[4, 2, 3] == 0
    assert (found[..., 3] == 0).sum() == 1
    gray = whole(read_deep(png(values[..., :1], key=values[4, 2, :1].astype(">u2").tobytes()), "a"))
    assert gray.shape[2] == 2
    assert gray[4, 2, 1] == 0


def test_numbers_have_the_bits_of_their_type():
    assert read_deep(pixels(3), "a").bits == 16
    assert read_deep(np.zeros((3, 3), np.uint8), "a").pixels.shape == (3, 3, 1)


def test_a_png_that_is_cut_off_is_broken():
    with pytest.raises(DataError, match="a: broken image"):
        read_deep(png(pixels(3, 200, 200))[:5000], "a")


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp", ".ppm"])
def test_a_format_that_would_lose_bits_is_refused(tmp_path, suffix):
    with pytest.raises(DataError, match=rf"\{suffix} cannot hold 16 bit\n  Write .png"):
        write_deep(np.zeros((3, 3, 3), np.float32), tmp_path / f"a{suffix}", 16)
