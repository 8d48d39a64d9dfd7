"""Pictures of any size fit the frame of the codec, and files give back what was written."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from gannet.core.errors import DataError
from gannet.modalities.image.codec import ImageCodec

RNG = np.random.default_rng(0)


def random_picture(height, width, channels):
    return RNG.integers(0, 256, (height, width, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_a_written_picture_is_read_back(tmp_path, channels, suffix):
    codec = ImageCodec(height=8, width=6, channels=channels)
    raw = random_picture(8, 6, channels)
    codec.write(raw, tmp_path / f"a{suffix}")
    assert np.array_equal(codec.read(tmp_path / f"a{suffix}"), raw)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_formats_without_alpha_refuse_alpha(tmp_path, suffix):
    with pytest.raises(DataError, match="cannot hold alpha"):
        ImageCodec(height=2, width=2, channels=4).write(
            random_picture(2, 2, 4), tmp_path / f"a{suffix}"
        )
    assert not list(tmp_path.iterdir())


def test_an_unknown_suffix_lists_the_known(tmp_path):
    with pytest.raises(DataError, match=r"cannot write images as \.exe") as caught:
        ImageCodec(height=2, width=2).write(random_picture(2, 2, 3), tmp_path / "a.exe")
    assert ".png" in caught.value.remedy


def test_cropping_keeps_the_middle_and_the_aspect():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    fitted = ImageCodec(height=10, width=10).load_image(wide, name="wide")
    assert (fitted == 200).all()


def test_stretching_keeps_everything():
    wide = np.zeros((10, 30, 1), np.uint8)
    wide[:, 15:] = 200
    fitted = ImageCodec(height=10, width=10, channels=1, resize="stretch").load_image(
        wide, name="wide"
    )
    assert fitted[:, :3].max() < 20
    assert fitted[:, -3:].min() > 180


def test_shrinking_averages_instead_of_picking_pixels():
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None]
    fitted = ImageCodec(height=8, width=8, channels=1).load_image(board, name="board")
    assert np.abs(fitted.astype(int) - 127).max() <= 3


def test_a_picture_of_one_pixel_is_enlarged():
    fitted = ImageCodec(height=4, width=4).load_image(np.full((1, 1, 3), 9, np.uint8), name="dot")
    assert (fitted == 9).all()


def test_alpha_is_laid_on_white_where_the_codec_has_none():
    clear = np.zeros((4, 4, 4), np.uint8)
    assert (ImageCodec(height=4, width=4).load_image(clear, name="clear") == 255).all()
    assert (ImageCodec(height=2, width=2, channels=1).load_image(clear, name="clear") == 255).all()


def test_color_under_full_transparency_does_not_bleed_when_shrunk():
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[..., 0] = 255  # red everywhere, yet
    picture[:, :4, 0], picture[:, :4, 2], picture[:, :4, 3] = 0, 255, 255  # only blue is seen
    shrunk = ImageCodec(height=2, width=2, channels=4).load_image(picture, name="a")
    seen = shrunk[shrunk[..., 3] > 100]
    assert (seen[:, 2] > 200).all()
    assert (seen[:, 0] < 60).all()


def test_gray_becomes_color_and_opaque_where_the_codec_asks():
    gray = np.full((4, 4, 1), 50, np.uint8)
    fitted = ImageCodec(height=4, width=4, channels=4).load_image(gray, name="grey")
    assert np.array_equal(fitted[0, 0], [50, 50, 50, 255])


def test_a_jpeg_decoded_at_a_reduced_scale_looks_like_the_whole(tmp_path):
    smooth = np.add.outer(np.arange(640), np.arange(960)) % 256
    smooth = (127 + 100 * np.sin(np.add.outer(np.arange(640), np.arange(960)) / 90)).astype(
        np.uint8
    )
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    whole = np.asarray(Image.open(tmp_path / "a.jpg").crop((160, 0, 800, 640)).resize((32, 32)))
    fitted = ImageCodec(height=32, width=32, channels=1).read(tmp_path / "a.jpg")[..., 0]
    assert np.abs(fitted.astype(int) - whole).max() <= 4


def test_the_codec_takes_its_size_from_the_first_picture():
    codec = ImageCodec.fit([random_picture(5, 7, 2), random_picture(9, 9, 2)])
    assert codec.shape == (2, 5, 7)


def test_no_picture_is_an_error():
    with pytest.raises(DataError, match="no images"):
        ImageCodec.fit([])


def test_values_are_between_minus_one_and_one():
    codec = ImageCodec(height=1, width=2, channels=1)
    encoded = codec.encode([np.array([[[0], [255]]], np.uint8)])
    assert encoded.tolist() == [[[[-1.0, 1.0]]]]


def test_wild_numbers_are_clipped():
    codec = ImageCodec(height=1, width=2, channels=1)
    assert codec.decode(torch.tensor([[[[-1e30, 1e30]]]]))[0].ravel().tolist() == [0, 255]


def test_sizes_out_of_range_are_refused():
    with pytest.raises(ValidationError):
        ImageCodec(height=0, width=4)
    with pytest.raises(ValidationError):
        ImageCodec.model_validate({"height": 4, "width": 4, "channels": 5})
