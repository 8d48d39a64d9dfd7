"""What may be asked of a transform is validated like settings; one of several has a name."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import Field

from gannet.core.errors import ConfigError
from gannet.core.transform import Options, Transform
from gannet.inference.apply import ApplyRequest, apply_value
from gannet.inference.options import transform_of
from gannet.recipes.registry import find_recipe
from gannet.testing import changed


class Shift(Options):
    """By how much pictures become brighter."""

    by: float = Field(0.0, ge=0, le=1, description="brightness that is added")


def brighter(trained, given, samples, seed):
    return [given.sample + given.options.by] * samples


def darker(trained, given, samples, seed):
    return [given.sample * 0] * samples


TWO = {
    "brighten": Transform(description="makes a picture brighter", apply=brighter, options=Shift),
    "blacken": Transform(description="makes a picture black", apply=darker),
}


@pytest.fixture
def knows_two(of_pictures):
    recipe = changed(find_recipe("generate"), transforms=TWO)
    known = ("card", "codecs", "config", "trained")
    return SimpleNamespace(recipe=recipe, **{name: getattr(of_pictures, name) for name in known})


def picture(value):
    return np.full((4, 4, 1), value, np.uint8)


def test_the_first_is_the_usual_one_and_others_have_names(knows_two):
    assert transform_of(knows_two.recipe, "two") is TWO["brighten"]
    (found,) = apply_value(knows_two, picture(51), ApplyRequest(options={"by": "0.2"}))
    assert np.array_equal(found, picture(102)), "text stands for a number, as in flags"
    (found,) = apply_value(knows_two, picture(51), ApplyRequest(transform="blacken"))
    assert np.array_equal(found, picture(0))


def test_an_unknown_transform_is_refused_with_those_that_are_known(knows_two):
    with pytest.raises(ConfigError, match="knows no 'redden'") as caught:
        transform_of(knows_two.recipe, "two", "redden")
    assert "brighten or blacken" in str(caught.value)


@pytest.mark.parametrize(("kind", "advised"), [("image", True), ("vector", False)])
def test_only_recipes_that_take_the_samples_of_the_run_are_advised(kind, advised):
    with pytest.raises(ConfigError, match="makes samples from nothing") as caught:
        transform_of(find_recipe("generate"), "generate", kind=kind)
    assert ("makes a picture sharper" in caught.value.remedy) == advised


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": 2}, "--by: .*less than or equal to 1"),
        ({"by": "much"}, "--by: .*number"),
        ({"hue": 1}, "--hue: this run's recipe does not know it"),
    ],
)
def test_options_out_of_range_or_unknown_are_refused(knows_two, options, said):
    with pytest.raises(ConfigError, match=said):
        apply_value(knows_two, picture(0), ApplyRequest(options=options))


def test_every_transform_of_the_catalogue_describes_its_options():
    for name in ("super_resolve", "inpaint", "translate", "translate_unpaired", "impute"):
        recipe = find_recipe(name)
        for each in recipe.inference.transforms.values():
            assert each.description
            assert all(field.description for field in each.options.model_fields.values())
            assert set(each.fixed) <= set(each.options.model_fields) & set(
                recipe.config.model_fields
            )
