"""Pictures as numbers in which likeness is cheap to measure."""

from __future__ import annotations

import math

import pytest
import torch

from gannet.modalities.image.tensors import thumbnail


def test_the_thumbnail_of_a_large_picture_is_its_means():
    pictures = torch.randn(2, 3, 32, 16)
    found = thumbnail(pictures)
    assert found.shape == (2, 3 * 16 * 8)
    first = pictures[0, 0, :2, :2].mean()
    assert float(found[0, 0]) == pytest.approx(float(first), abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 4, 9)])
def test_the_thumbnail_of_what_is_small_is_itself(shape):
    samples = torch.arange(2 * math.prod(shape)).float().view(2, *shape)
    assert torch.equal(thumbnail(samples), samples.flatten(1))
