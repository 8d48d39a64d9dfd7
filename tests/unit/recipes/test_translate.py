"""Translated pictures have the size and the alpha of their inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gannet.core.transform import Trained, TransformInput
from gannet.core.types import Spec
from gannet.recipes.registry import find_recipe

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [(16, 16), (45, 70), (9, 31), (200, 33)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_output_has_the_size_of_its_input(size, channels):
    recipe = find_recipe("translate")
    config = recipe.config(width=4, downsamplings=1, discriminator_width=4)
    spec = Spec((3, 16, 16), grid=(3, 16, 16), kind="image")
    model = recipe.training.build(config, spec).generator.eval()
    picture = RNG.random((*size, channels), np.float32)
    [transform] = recipe.inference.transforms.values()
    given = TransformInput(picture, transform.options())
    for output in transform.apply(Trained(model, {}, spec, config, {}), given, 2, 0):
        assert output.shape == (*size, 4 if channels == 4 else 3)
        if channels == 4:
            assert (output[..., 3] == picture[..., 3]).all()
        assert torch.from_numpy(output).isfinite().all()
