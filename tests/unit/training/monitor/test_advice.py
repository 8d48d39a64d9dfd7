"""Advice: the likely cause first, and what to do in flags that exist."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from gannet.core.config import NO_CONTROLS
from gannet.recipes.registry import find_recipe, recipe_modules
from gannet.training.monitor import Diagnosis, Measurements
from gannet.training.monitor.advice import ADVICE, Circumstances, advised

USUAL = Circumstances(
    batch=64,
    latent_dim=64,
    train=10_000,
    steps=10_000,
    controls=find_recipe("generate").training.controls,
)


def look(**known):
    usual = {"int": 5_000, "bool": True}
    values = {each.name: usual.get(str(each.type), 0.5) for each in fields(Measurements)}
    return Measurements(**(values | known))


def advice(name, known=USUAL, **measured):
    return advised(Diagnosis(name, "numbers"), [look(**measured)], known).advice


def test_what_is_healthy_needs_no_advice():
    assert advice("healthy") == advice("converged") == ""


@pytest.mark.parametrize("name", list(ADVICE))
@pytest.mark.parametrize("step", [50, 50_000])
@pytest.mark.parametrize("batch", [2, 64])
@pytest.mark.parametrize("latent_dim", [1, 64])
def test_every_bad_diagnosis_has_a_cause_and_flags_that_exist(name, step, batch, latent_dim):
    found = advice(name, replace(USUAL, batch=batch, latent_dim=latent_dim), step=step)
    assert found
    flags = {each[2:].replace("-", "_") for each in re.findall(r"--[a-z-]+", found)}
    assert flags <= {*find_recipe("generate").config.model_fields, "minutes"}


@pytest.mark.parametrize("recipe", sorted(recipe_modules()))
@pytest.mark.parametrize("name", list(ADVICE))
@pytest.mark.parametrize("unregularized", [False, True])
def test_advice_names_only_flags_that_the_recipe_has(recipe, name, unregularized):
    own = find_recipe(recipe)
    known = replace(USUAL, unregularized=unregularized, controls=own.training.controls)
    for step, logit_scale in [(50, 0.5), (50_000, 0.5), (50_000, 20.0)]:
        found = advice(name, known, step=step, logit_scale=logit_scale)
        flags = {each[2:].replace("-", "_") for each in re.findall(r"--[a-z-]+", found)}
        assert flags <= {*own.config.model_fields, "minutes"}


def test_a_recipe_without_augmentation_is_not_told_to_augment():
    assert "--augment-p" in advice("discriminator_overfitting", step=100)
    bare = advice("discriminator_overfitting", replace(USUAL, controls=NO_CONTROLS), step=100)
    assert bare == (
        "the discriminator is not held back: see in `gannet inspect` whether held-out data are "
        "like the training data"
    )


def test_few_steps_are_called_few_and_no_batch_is_blamed():
    found = advice("vanishing_gradient", step=131)
    assert found.startswith("too few steps so far")
    assert "batch" not in found


def test_a_batch_is_blamed_only_if_it_is_small():
    found = advice("vanishing_gradient", replace(USUAL, batch=4), step=131)
    assert "batch of 4 is too small" in found
    assert "too small" not in advice("vanishing_gradient")


def test_a_discriminator_that_is_sure_is_called_too_strong_however_short_the_run():
    assert "too strong" in advice("vanishing_gradient", step=131, logit_scale=20.0)


@pytest.mark.parametrize("name", ["vanishing_gradient", "mode_collapse", "diverged"])
def test_a_discriminator_without_a_penalty_is_named_before_the_length_of_the_run(name):
    found = advice(name, replace(USUAL, unregularized=True), step=131)
    assert found == "nothing keeps the discriminator flat: give a --gradient-penalty"


def test_few_data_seen_often_are_called_few():
    few = replace(USUAL, train=60)
    assert "too little data: each of 60 training samples was seen" in advice(
        "discriminator_overfitting", few
    )
    assert "too little data" not in advice("discriminator_overfitting", step=100)


def test_noise_of_one_number_is_named():
    assert "noise of 1 number cannot vary much" in advice(
        "mode_collapse", replace(USUAL, latent_dim=1)
    )
