"""Copies are found through what saving, cropping and brightening do; resemblance is none."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from gannet.data.doctor import near
from gannet.data.doctor.near import near_groups
from gannet.modalities.registry import find_modality

SIDE = 48


def scenes(count, seed=0):
    """Pictures of soft blobs with some texture, ``(count, 48, 48, 3)``."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        blobs = Image.fromarray(rng.integers(0, 256, (7, 7, 3), np.uint8))
        soft = np.asarray(blobs.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(float)
        found.append(soft + rng.normal(0, 6, soft.shape))
    return np.clip(found, 10, 245).astype(np.uint8)


def encoded(images):
    images = images if images.ndim == 4 else images[..., None]
    return torch.from_numpy(images.astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)


def groups(samples, kind="image", prints=None):
    prints = np.arange(len(samples), dtype=np.uint64) if prints is None else prints
    return near_groups(lambda at: samples[torch.from_numpy(at)], prints, find_modality(kind), None)


def noised(image, rng):
    return np.clip(image.astype(int) + rng.integers(-2, 3, image.shape), 0, 255)


def saved(quality):
    def change(image, _rng):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return change


def cropped(share):
    def change(image, rng):
        margin = SIDE * share
        left, top = rng.uniform(0, margin, 2)
        box = (left, top, left + SIDE - margin, top + SIDE - margin)
        return np.asarray(Image.fromarray(image).resize((SIDE, SIDE), 3, box=box))

    return change


def brightened(image, rng):
    return np.clip(image * rng.uniform(0.9, 1.1) + rng.uniform(-15, 15), 0, 255)


@pytest.mark.parametrize(
    "change",
    [noised, saved(90), saved(75), saved(50), cropped(0.02), cropped(0.05), brightened],
    ids=["noise", "q90", "q75", "q50", "crop2", "crop5", "brightness"],
)
def test_changed_copies_are_found(change):
    rng = np.random.default_rng(1)
    images = scenes(120)
    copies = np.stack([change(image, rng) for image in images[:40]]).astype(np.uint8)
    found = groups(encoded(np.concatenate([images, copies])))
    assert np.mean(found[:40] == found[120:]) >= 0.95
    assert len(np.unique(found[:120])) == 120


def test_nine_in_ten_near_copies_are_seen_as_what_they_are():
    rng = np.random.default_rng(1)
    images = np.stack([noised(image, rng) for image in np.repeat(scenes(20), 20, 0)])
    found = groups(encoded(images.astype(np.uint8)))
    assert len(np.unique(found)) == 20


def test_digits_that_resemble_each_other_are_no_copies():
    digits = load_digits().images[:900] / 8 - 1
    found = groups(torch.from_numpy(digits[:, None]).float())
    assert len(np.unique(found)) >= 0.995 * len(found)


def test_flat_pictures_of_other_brightness_are_no_copies():
    flat = np.repeat(np.linspace(0, 250, 11), 24 * 24).reshape(11, 24, 24).astype(np.uint8)
    assert len(np.unique(groups(encoded(flat)))) == 11


def test_the_order_of_samples_does_not_matter():
    rng = np.random.default_rng(2)
    images = scenes(60)
    images = np.concatenate([images, [noised(each, rng) for each in images[:9]]]).astype(np.uint8)
    order = rng.permutation(len(images))
    was, now = groups(encoded(images)), groups(encoded(images[order]))
    assert np.array_equal(was[order][:, None] == was[order], now[:, None] == now)


@pytest.mark.parametrize("features", [2, 3, 12])
def test_rows_are_copies_where_chance_would_not_bring_them_so_near(features):
    rng = np.random.default_rng(0)
    rows = torch.from_numpy(rng.normal(size=(2_000, features))).float()
    assert len(np.unique(groups(rows, "vector"))) >= 0.99 * 2_000
    copies = rows[:500] + 1e-6 * torch.randn(500, features)
    found = groups(torch.cat([rows, copies]), "vector")
    assert np.mean(found[:500] == found[2_000:]) == 1


def test_equal_samples_are_in_one_group_even_of_very_many(monkeypatch):
    monkeypatch.setattr(near, "MOST", 10)
    prints = np.array([1, 2, 1, *range(3, 20)], np.uint64)
    found = groups(torch.randn(20, 4), "vector", prints)
    assert found[0] == found[2] != found[1]


def test_among_many_samples_the_grid_finds_what_comparing_all_would(monkeypatch):
    rng = np.random.default_rng(1)
    images = scenes(300)
    copies = np.stack([noised(image, rng) for image in images[:60]]).astype(np.uint8)
    monkeypatch.setattr(near, "EXACT", 100)
    found = groups(encoded(np.concatenate([images, copies])))
    assert np.mean(found[:60] == found[300:]) >= 0.95
