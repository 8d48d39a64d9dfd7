"""Builds the monitor of a run: its samples and its features."""

from __future__ import annotations

from functools import partial
from typing import Any

from gannet.core.recipe import Recipe
from gannet.core.seeding import random_subset
from gannet.data.dataset import Dataset
from gannet.inference.calibration import within_memory
from gannet.modalities.modality import modality_of_embedded
from gannet.modalities.registry import modality_of
from gannet.recipes.registry import find_recipe
from gannet.training.monitor.probe import Monitor
from gannet.training.plan import Plan

MEMORIZATION_SAMPLES = 2_000
"""Training samples that memorized copies are searched among."""


def monitor_for(dataset: Dataset, plan: Plan) -> Monitor:
    """The monitor of a run, with the samples that all its evaluations share."""
    recipe, spec = find_recipe(plan.recipe), plan.spec
    embed = partial(recipe.evaluation.embed, spec=spec)
    modality = modality_of(spec.kind)
    max_samples = within_memory(MEMORIZATION_SAMPLES, spec.shape)
    count = min(modality.monitor.samples, max_samples, len(dataset.held_out), len(dataset.train))
    train, held_out = (
        recipe.with_evaluation_condition(rows.take(random_subset(len(rows), some, plan.seed)), spec)
        for rows, some in ((dataset.train, max_samples), (dataset.held_out, count))
    )
    embedded = embed(train.real)
    features = modality_of_embedded(modality, train.real, embedded).features(embedded, 0)
    given, role = given_kind(recipe, plan), recipe.inputs.given
    return Monitor(
        train, held_out, features, seed=plan.seed, embed=embed, given=given, role=role or "grid"
    )


def given_kind(recipe: Recipe[Any], plan: Plan) -> str:
    """Kind of data of a conditional recipe's inputs; empty where there are none."""
    if not recipe.inputs.given:
        return ""
    codec = plan.codecs.get(recipe.inputs.given)
    return plan.spec.kind if codec is None else codec["kind"]
