"""Enlarged pictures: any factor that was asked for, and no fringe under alpha."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from gannet.core.transform import Trained, TransformInput
from gannet.core.types import Spec
from gannet.recipes.registry import find_recipe

RECIPE = find_recipe("super_resolve")
[TRANSFORM] = RECIPE.inference.transforms.values()


def enlarged(picture, **options):
    torch.manual_seed(0)
    config = RECIPE.config(width=4, depth=1, detail_blocks=1, discriminator_width=4, scale=2)
    spec = Spec((3, 32, 32), grid=(3, 16, 16), kind="image")
    model = RECIPE.training.build(config, spec).generator.eval()
    given = TransformInput(picture, TRANSFORM.options(**options))
    [output] = TRANSFORM.apply(Trained(model, {}, spec, config, {}), given, 1, 0)
    return output


@pytest.mark.parametrize(
    ("options", "size"),
    [({}, (40, 28)), ({"outscale": 1.5}, (30, 21)), ({"outscale": 3}, (60, 42))],
)
def test_the_size_is_as_asked(options, size):
    picture = np.random.default_rng(0).random((20, 14, 3), np.float32)
    assert enlarged(picture, **options).shape == (*size, 3)


def test_a_fraction_is_no_scale():
    with pytest.raises(ValidationError, match="scale"):
        TRANSFORM.options(scale=1.5)
    with pytest.raises(ValidationError, match="scale"):
        TRANSFORM.options(scale="1.5")


def test_the_colour_of_unseen_pixels_does_not_matter():
    y, x = np.mgrid[:40, :40]
    disc = ((x - 20) ** 2 + (y - 20) ** 2 < 196)[..., None]
    color = np.array([0.98, 0.78, 0.12], np.float32)
    outputs = []
    for unseen in (0.0, 1.0):
        colors = np.where(disc, color, np.float32(unseen))
        outputs.append(enlarged(np.concatenate([colors, disc], 2).astype(np.float32)))
    assert np.abs(outputs[0] - outputs[1]).max() < 1e-5
    flat = enlarged(
        np.concatenate([np.broadcast_to(color, (40, 40, 3)), disc], 2).astype(np.float32)
    )
    assert np.abs(outputs[0][..., :3] - flat[..., :3]).max() < 1e-2, "no dark fringe"
