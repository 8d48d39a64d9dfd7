"""A run without adversarial training: the recipe fits its model at once to the training data."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from gannet.core.config import parse
from gannet.core.io.files import write_whole
from gannet.core.io.training_log import FITTED, TRAINING_LOG
from gannet.core.seeding import derive_seed, random_subset
from gannet.data.dataset import Dataset
from gannet.inference.artifact import Artifact
from gannet.recipes.registry import find_recipe
from gannet.training.finalize import FIT_ROWS, effort_after, finalize, with_two_sample_test
from gannet.training.monitor.build import monitor_for
from gannet.training.monitor.measurements import energy_distance_with_se
from gannet.training.plan import FORMAT, Plan
from gannet.training.run import DISTANCE, card_of, statistics_of

FITTED_BYTES = 512 * 2**20
"""Maximum memory for the training samples that are fitted to."""

PASSES = 8
"""Passes of training over the samples that a fit counts for."""


def fit_closed_form(plan: Plan, dataset: Dataset, out: Path, clock: Callable[[], float]) -> None:
    """Fit, measure once, and save an artifact as every run does.

    Args:
        plan: Of a recipe that has a ``fit``.
        dataset: Decoded data.
        out: The run's folder, in the end an artifact.
        clock: Returns the time in seconds.
    """
    began = clock()
    recipe = find_recipe(plan.recipe)
    config = parse(recipe.config, plan.config)
    max_rows = min(FIT_ROWS, max(FITTED_BYTES // (4 * math.prod(plan.spec.shape)), 2))
    rows = sorted(random_subset(len(dataset.train), max_rows, plan.seed))
    fit = recipe.training.fit
    assert fit is not None
    model = fit(config, plan.spec, dataset.train.take(rows))
    discriminator = recipe.training.build(config, plan.spec).discriminator
    for network in (model, discriminator):
        network.eval().requires_grad_(False)
    seconds = clock() - began
    evidence = f"{len(rows)} training samples, {seconds:.1f} s"
    diagnosis = {"name": FITTED, "evidence": evidence, "stopped": "it took one step"}
    card = card_of(
        plan, dataset, config=config, steps=1, trained_steps=1, diagnosis=diagnosis, distance={}
    )
    artifact = _measured(
        Artifact(card, model, discriminator, statistics_of(dataset, plan.spec)), plan, dataset
    )
    line = {
        "format": FORMAT,
        "step": 1,
        "elapsed": round(seconds, 2),
        "diagnosis": FITTED,
        "evidence": evidence,
    }
    write_whole(out / TRAINING_LOG, (json.dumps(line) + "\n").encode())
    effort = effort_after(PASSES * len(rows))
    finalize(with_two_sample_test(artifact, dataset, effort=effort), out, dataset.held_out)


@torch.no_grad()
def _measured(artifact: Artifact, plan: Plan, dataset: Dataset) -> Artifact:
    """The same artifact with its energy distance to held-out data, as the monitor measures it."""
    monitor = monitor_for(dataset, plan)
    samples = artifact.fakes(monitor.held_out.condition, seed=derive_seed(plan.seed, 1, 2))
    features = monitor.features(artifact.embed(samples))
    value, error = energy_distance_with_se(monitor.real_features, features)
    distance = {
        "name": DISTANCE,
        "value": value,
        "error": error if math.isfinite(error) else None,
        "reference": monitor.reference,
        "samples": monitor.count,
    }
    return replace(artifact, card=artifact.card.model_copy(update={"energy_distance": distance}))
