"""Masks are understood however they were made."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from gannet.modalities.image.io.bit_depth import read_deep
from gannet.modalities.image.masks import marked_pixels

SIDE = 64
HOLE = np.zeros((SIDE, SIDE), bool)
HOLE[24:40, 24:40] = True
MARK = HOLE.astype(np.uint8)


def saved(pixels, suffix="PNG", **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, suffix, **options)
    return read_deep(file.getvalue(), "mask").pixels


def palette(*colors):
    image = Image.fromarray(MARK).convert("P")
    image.putpalette([value for color in colors for value in color])
    return image


def brush(*color):
    return np.dstack([np.full((SIDE, SIDE, 3), color, np.uint8), MARK * 255])


def colored(*color):
    return MARK[..., None] * np.array(color, np.uint8)


PICTURE = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
MASKS = {
    "white": saved(MARK * 255),
    "numbers 0 and 1": saved(MARK),
    "16 bit, 0 and 1": saved(MARK.astype(np.uint16)),
    "16 bit": saved(MARK.astype(np.uint16) * 65535),
    "one bit": saved(Image.fromarray(HOLE)),
    "colour": saved(np.dstack([MARK * 255] * 3)),
    "JPEG": saved(np.dstack([MARK * 255] * 3), "JPEG", quality=80),
    "white brush on see-through ground": saved(brush(255, 255, 255)),
    "black brush on see-through ground": saved(brush(0, 0, 0)),
    "red brush on see-through ground": saved(brush(255, 0, 0)),
    "hole in an opaque picture": saved(np.dstack([PICTURE, 255 - MARK * 255])),
    "palette": saved(palette((0, 0, 0), (255, 255, 255))),
    "palette of VOC": saved(palette((0, 0, 0), (128, 0, 0))),
    "red on black": saved(colored(255, 0, 0)),
    "blue on black": saved(colored(0, 0, 255)),
    "label 7": saved(MARK * 7),
    "white, fully opaque": saved(np.dstack([MARK * 255] * 3 + [np.full_like(MARK, 255)])),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_the_hole_is_found(mask):
    assert (marked_pixels(mask) == HOLE).all()


def test_soft_edges_count_from_the_middle():
    soft = Image.fromarray(MARK * 255).filter(ImageFilter.GaussianBlur(2))
    found = marked_pixels(saved(soft))
    assert found[26:38, 26:38].all()
    assert not found[:20].any()


def test_a_black_mask_marks_nothing():
    assert not marked_pixels(saved(MARK * 0)).any()
