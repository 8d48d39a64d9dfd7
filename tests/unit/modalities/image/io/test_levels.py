"""What black and white are follows from the numbers of the whole set, and is said."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gannet.core.errors import DataError
from gannet.core.io.pointers import other_content
from gannet.data.find import find
from gannet.modalities.image.io.files import upright
from gannet.modalities.image.io.levels import Levels, dark_note, levels_of

RAMPS = np.linspace(0, 1, 12 * 64).reshape(12, 8, 8)
"""Twelve pictures, from black to white."""

MASKS = np.arange(8) > np.arange(12)[:, None, None] % 5 + np.zeros((12, 8, 1))

KINDS = {
    "12 bit in 16": (RAMPS * 4_000, np.uint16, "png", 4_095),
    "10 bit in a TIFF": (RAMPS * 1_000, np.uint16, "tif", 1_023),
    "14 bit": (RAMPS * 16_000, np.uint16, "tif", 16_383),
    "8 bit in 16": (RAMPS * 250, np.uint16, "png", 255),
    "floats of 8 bit": (RAMPS * 250, np.float32, "tif", 255),
    "32 bit": (RAMPS * 4_000, np.int32, "tif", 4_095),
    "masks of 0 and 1": (MASKS, np.uint8, "png", 1),
    "masks of 0 and 1 in 16 bit": (MASKS, np.uint16, "png", 1),
}


def saved(folder, arrays, suffix):
    for at, each in enumerate(arrays):
        Image.fromarray(each).save(folder / f"{at:02}.{suffix}")
    return folder


def brightest(source):
    return max(int(np.asarray(upright(source.raw(at), "a")).max()) for at in range(source.count))


@pytest.mark.parametrize("name", KINDS)
def test_white_is_what_the_numbers_of_the_set_end_at(name, tmp_path):
    values, dtype, suffix, white = KINDS[name]
    source = find(saved(tmp_path, values.astype(dtype), suffix))
    assert f"0 is taken for black and {white:,} for white" in "\n".join(source.problems)
    expected = np.round(values.astype(dtype).max() * (255 / white))
    assert abs(brightest(source) - expected) <= 1
    np.savez(tmp_path / "a.npz", images=values.astype(dtype))
    array = find(tmp_path / "a.npz")
    [note] = array.problems
    assert note.partition(":")[2] == source.problems[0].partition(":")[2]
    assert abs(brightest(array) - expected) <= 1


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_signed_numbers_run_from_the_lowest_to_the_highest(dtype, tmp_path):
    values = (RAMPS * 3_000 - 1_000).astype(dtype)
    source = find(saved(tmp_path, values, "tif"))
    assert "-1,000 is taken for black and 2,000 for white" in source.problems[0]
    pixels = np.stack([np.asarray(upright(source.raw(at), "a"))[..., 0] if
                       np.asarray(upright(source.raw(at), "a")).ndim == 3 else
                       np.asarray(upright(source.raw(at), "a")) for at in range(12)])  # fmt: skip
    assert np.abs(pixels - RAMPS * 255).max() <= 1


def test_dark_pictures_are_no_masks(tmp_path):
    values = np.ones((12, 8, 8), np.uint8) * (np.arange(12) % 2)[:, None, None].astype(np.uint8)
    assert find(saved(tmp_path, values, "png")).problems == ()


@pytest.mark.parametrize(
    ("values", "suffix"),
    [
        ((RAMPS * 65_535).astype(np.uint16), "png"),
        (RAMPS.astype(np.float32), "tif"),
        ((RAMPS * 255).astype(np.uint8), "png"),
    ],
)
def test_numbers_that_use_their_range_stay_files(values, suffix, tmp_path):
    source = find(saved(tmp_path, values, suffix))
    assert source.problems == ()
    assert source.raw(0) == tmp_path / f"00.{suffix}"


def test_colours_among_deep_pictures_stay_as_they_are(tmp_path):
    saved(tmp_path, (RAMPS * 4_000).astype(np.uint16), "png")
    Image.fromarray(np.full((8, 8, 3), 200, np.uint8)).save(tmp_path / "99.png")
    source = find(tmp_path)
    assert source.raw(12) == tmp_path / "99.png"
    assert source.raw(11).max() > 240


def test_a_broken_file_is_left_to_decoding(tmp_path):
    saved(tmp_path, (RAMPS * 4_000).astype(np.uint16), "png")
    (tmp_path / "bad.png").write_bytes(b"nothing")
    source = find(tmp_path)
    with pytest.raises(DataError, match="not an image"):
        source.raw(12)


def test_frames_and_pages_are_counted(tmp_path):
    frames = [Image.fromarray(np.full((8, 8), at, np.uint8)) for at in range(5)]
    for at in range(3):
        frames[0].save(tmp_path / f"{at}.gif", save_all=True, append_images=frames[1:])
        frames[at].save(tmp_path / f"{at}.png")
    [note] = find(tmp_path).problems
    assert note.startswith("3 of 6 images looked at have several frames or pages, up to 5")


def test_levels_have_a_stated_rule():
    assert levels_of(0, 65_000, np.dtype("u2")) == Levels(0, 65_535)
    assert levels_of(-0.9, 0.9, np.dtype("f4")) == Levels(-1, 1)
    assert levels_of(3, 70_000, np.dtype("i4")) == Levels(3, 70_000)
    assert levels_of(float("nan"), 1, np.dtype("f4")) is None
    assert levels_of(-2, -2, np.dtype("f4")) is None


def test_what_stands_in_place_of_an_image_is_named(tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12345\n"
    for at in range(12):
        (tmp_path / f"{at}.png").write_bytes(pointer)
    with pytest.raises(DataError, match="Git LFS pointer") as caught:
        upright(tmp_path / "1.png", "1.png")
    assert "git lfs pull" in caught.value.remedy
    (tmp_path / "train.csv").write_bytes(pointer)
    with pytest.raises(DataError, match="Git LFS pointer"):
        find(tmp_path / "train.csv")
    assert other_content(b"  <!DOCTYPE html><html>")[0].startswith("a web page")
    held = io.BytesIO()
    Image.new("L", (4, 4)).save(held, "PNG")
    assert other_content(held.getvalue()) is None


def test_a_fourth_band_is_alpha_only_where_the_file_says_so(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    pixels = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 4), np.uint8)
    for name, extra in (("bands", None), ("alpha", "unassalpha")):
        (tmp_path / name).mkdir()
        for at, each in enumerate(pixels):
            options = {"photometric": "rgb", "extrasamples": extra and [extra], "metadata": None}
            path = tmp_path / name / f"{at}.tif"
            tifffile.imwrite(path, each, **options)
            if extra is None:
                with tifffile.TiffFile(path, mode="r+") as file:
                    tag = file.pages[0].tags.get(338)
                    if tag is not None:
                        tag.overwrite(0)
    bands, alpha = find(tmp_path / "bands"), find(tmp_path / "alpha")
    assert np.asarray(upright(bands.raw(3), "a")).shape == (8, 8, 3)
    assert np.asarray(upright(alpha.raw(3), "a")).shape == (8, 8, 4)
    assert alpha.problems == ()
    tifffile.imwrite(tmp_path / "7.tif", np.zeros((8, 8, 7), np.uint8), photometric="minisblack",
                     planarconfig="contig")  # fmt: skip
    with pytest.raises(DataError, match="more than four bands"):
        upright(tmp_path / "7.tif", "7.tif")


def test_one_dark_picture_is_said_to_be_dark():
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8, 1)
    assert "4,095 may be white" in dark_note(ramp * (4_000 / 65_535), 16)
    assert dark_note(ramp, 16) == dark_note(ramp * 0.1, 8) == ""
    assert dark_note(np.repeat(ramp, 3, 2) * 0.01, 16) == dark_note(ramp * 0, 16) == ""
