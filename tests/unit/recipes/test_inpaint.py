"""Filling holes: the mask is checked and said, and known pixels stay to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gannet.core.errors import DataError
from gannet.core.transform import Trained, TransformInput, TransformTask
from gannet.core.types import Spec
from gannet.data.containers.frames import read_frame
from gannet.modalities.image.apply import apply_value
from gannet.modalities.image.codec import ImageCodec
from gannet.recipes.registry import find_recipe

RECIPE = find_recipe("inpaint")
CONFIG = RECIPE.config(width=4, downsamplings=1, discriminator_width=4)
SPEC = Spec((3, 32, 32), grid=(4, 32, 32), kind="image")
PICTURE = np.random.default_rng(0).random((24, 40, 3), np.float32)


def filled(picture, mask=None, warnings=None):
    torch.manual_seed(0)
    model = RECIPE.training.build(CONFIG, SPEC).generator.eval()
    files = {} if mask is None else {"mask": mask.astype(np.float32)}
    told = [] if warnings is None else warnings
    [transform] = RECIPE.inference.transforms.values()
    given = TransformInput(picture, transform.options(), files, told.append)
    [output] = transform.apply(Trained(model, {}, SPEC, CONFIG, {}), given, 1, 0)
    return output


def mask_of(fraction):
    mask = np.zeros((24, 40, 1))
    mask[: round(24 * fraction)] = 1
    return mask


def test_only_the_hole_changes():
    output = filled(PICTURE, mask_of(0.25))
    assert output.shape == PICTURE.shape
    assert (output[6:] == PICTURE[6:]).all()
    assert (output[:6] != PICTURE[:6]).any()


@pytest.mark.parametrize(
    ("fraction", "problem"), [(0, "no holes to fill"), (1, "nothing is known")]
)
def test_a_mask_of_nothing_or_all_is_refused_with_what_was_seen(fraction, problem):
    with pytest.raises(DataError, match=problem) as caught:
        filled(PICTURE, mask_of(fraction))
    assert f"marks {100 * fraction:.0f} % of the picture" in str(caught.value)


def test_a_mask_that_may_be_inverted_is_said():
    warnings = []
    filled(PICTURE, mask_of(0.75), warnings)
    assert "75 % of the picture: is it inverted?" in warnings[0]
    few = []
    filled(PICTURE, mask_of(0.25), few)
    assert few == []


@pytest.mark.parametrize("kind", [np.bool_, np.uint8])
def test_a_mask_may_be_an_array(kind):
    picture = (PICTURE * 255).astype(np.uint8)
    model = RECIPE.training.build(CONFIG, SPEC).generator.eval()
    codec = ImageCodec(height=32, width=32)
    [transform] = RECIPE.inference.transforms.values()
    mask = mask_of(0.25)[..., 0].astype(kind)
    task = TransformTask(
        transform,
        Trained(model, {}, SPEC, CONFIG, {}),
        codec,
        codec,
        transform.options(),
        in_memory={"mask": mask},
    )
    [output] = apply_value(task, picture, read_frame)
    assert (output[6:] == picture[6:]).all()
    assert (output[:6] != picture[:6]).any()
