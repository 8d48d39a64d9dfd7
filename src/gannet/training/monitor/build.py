"""Builds the monitor of a run: its samples and its features."""

from __future__ import annotations

from functools import partial
from typing import Any

from gannet.core.recipe import Recipe
from gannet.core.seeding import random_subset
from gannet.data.dataset import Dataset
from gannet.inference.calibration import within_memory
from gannet.modalities.modality import as_seen
from gannet.modalities.registry import modality_of
from gannet.recipes.registry import find_recipe
from gannet.training.monitor.probe import Monitor
from gannet.training.plan import Plan

KNOWN = 2_000
"""Training samples that memorized copies are searched among."""


def monitor_for(dataset: Dataset, plan: Plan) -> Monitor:
    """The monitor of a run, with the samples that all its evaluations share."""
    recipe, spec = find_recipe(plan.recipe), plan.spec
    view = partial(recipe.evaluation.embed, spec=spec)
    modality = modality_of(spec.kind)
    most = within_memory(KNOWN, spec.shape)
    count = min(modality.monitor.samples, most, len(dataset.held_out), len(dataset.train))
    train, held_out = (
        recipe.with_evaluation_condition(rows.take(random_subset(len(rows), some, plan.seed)), spec)
        for rows, some in ((dataset.train, most), (dataset.held_out, count))
    )
    seen = view(train.real)
    features = as_seen(modality, train.real, seen).features(seen, 0)
    given = given_kind(recipe, plan)
    return Monitor(train, held_out, features, seed=plan.seed, embed=view, given=given)


def given_kind(recipe: Recipe[Any], plan: Plan) -> str:
    """Kind of data of a conditional recipe's inputs; empty where there are none."""
    if "grid" in recipe.inputs.derived:
        return plan.spec.kind  # the inputs are derived from the samples
    codec = plan.codecs.get("grid")
    return "" if codec is None else codec["kind"]
