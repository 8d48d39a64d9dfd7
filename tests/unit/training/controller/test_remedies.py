"""Remedies: decisive enough for a short trial to show, and within the range of a setting."""

from __future__ import annotations

import pytest

from gannet.core.config import parse
from gannet.recipes.registry import find_recipe, recipe_modules
from gannet.training.controller.remedies import MAX_AUGMENT, remedies, restart

NAMES = (
    "mode_collapse",
    "discriminator_overfitting",
    "discriminator_underfitting",
    "vanishing_gradient",
    "diverged",
)
GENERATE = find_recipe("generate")


def of(name, usual=0.0, **settings):
    config = GENERATE.config(**settings)
    return remedies(name, config, GENERATE.training.controls, usual)


@pytest.mark.parametrize("recipe", sorted(recipe_modules()))
@pytest.mark.parametrize("name", NAMES)
def test_every_remedy_of_every_recipe_is_within_range(recipe, name):
    found = find_recipe(recipe)
    config = found.config()
    for each in [*remedies(name, config, found.training.controls), restart(config)]:
        assert parse(found.config, config.model_dump() | each.changes) != config


@pytest.mark.parametrize("name", NAMES)
def test_remedies_of_one_diagnosis_have_names_of_their_own(name):
    names = [each.name for each in of(name, n_critic=5)]
    assert len(set(names)) == len(names) >= 2


@pytest.mark.parametrize("name", ["healthy", "converged", "generator_overfitting"])
def test_where_nothing_is_to_be_tried_there_is_no_remedy(name):
    assert of(name) == []


def test_a_penalty_that_was_turned_off_is_raised_to_what_suits_the_data():
    for name in NAMES:
        first = of(name, usual=3.0, gradient_penalty=0.0)[0]
        assert first.changes["gradient_penalty"] == 3.0, "what is missing comes first"
    assert all(
        "gradient_penalty" not in each.changes
        for each in of("discriminator_underfitting", gradient_penalty=0.0)
    )


def test_a_strong_discriminator_is_slowed_first():
    assert of("vanishing_gradient", n_critic=5)[0].changes == {"n_critic": 1}


def test_augmentation_has_a_limit():
    assert all(
        "augment_p" not in each.changes
        for each in of("discriminator_overfitting", augment_p=MAX_AUGMENT)
    )


def test_of_a_batch_that_is_too_small_only_smaller_steps_are_tried():
    [only] = of("vanishing_gradient", batch=4)
    assert only.changes.keys() == {"learning_rate"}
