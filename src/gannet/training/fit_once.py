"""A run without a duel: its recipe makes the product at once, from all training rows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from gannet.core.config import parse
from gannet.core.io.files import write_whole
from gannet.core.io.training_log import FITTED, PROGRESS
from gannet.core.seeding import seed_at, some_of
from gannet.data.dataset import Dataset
from gannet.inference.artifact import Artefact
from gannet.recipes.registry import find_recipe
from gannet.training.finalize import SETTLED, finish, judged_afresh
from gannet.training.monitor.measurements import distance_with_error
from gannet.training.plan import FORMAT, Plan
from gannet.training.run import DISTANCE, card_of, doctor_for, statistics_of

FITTED_BYTES = 512 * 2**20
"""Most room for the training samples that are fitted to."""


def fit_at_once(plan: Plan, dataset: Dataset, out: Path, clock: Callable[[], float]) -> None:
    """Fit, measure once, and leave an artefact as every run does.

    Args:
        plan: Of a recipe that has a ``fit``.
        dataset: Decoded data.
        out: Becomes an artefact.
        clock: What time is measured by.
    """
    began = clock()
    recipe = find_recipe(plan.recipe)
    config = parse(recipe.config, plan.config)
    most = min(SETTLED, max(FITTED_BYTES // (4 * math.prod(plan.spec.shape)), 2))
    rows = sorted(some_of(len(dataset.train), most, plan.seed))
    fit = recipe.training.fit
    assert fit is not None
    product = fit(config, plan.spec, dataset.train.take(rows))
    judge = recipe.training.build(config, plan.spec).discriminator
    for network in (product, judge):
        network.eval().requires_grad_(False)
    seconds = clock() - began
    evidence = f"{len(rows)} training samples, {seconds:.1f} s"
    verdict = {"name": FITTED, "evidence": evidence, "stopped": "it took one step"}
    card = card_of(plan, dataset, config=config, steps=1, verdict=verdict, distance={})
    made = _measured(
        Artefact(card, product, judge, statistics_of(dataset, plan.spec)), plan, dataset
    )
    line = {
        "format": FORMAT,
        "step": 1,
        "elapsed": round(seconds, 2),
        "verdict": FITTED,
        "evidence": evidence,
    }
    write_whole(out / PROGRESS, (json.dumps(line) + "\n").encode())
    finish(judged_afresh(made, dataset), out, dataset.held_out)


@torch.no_grad()
def _measured(artefact: Artefact, plan: Plan, dataset: Dataset) -> Artefact:
    """The same artefact with its distance to held-out data, measured as health does."""
    doctor = doctor_for(dataset, plan)
    made = artefact.fakes(doctor.held_out.condition, seed=seed_at(plan.seed, 1, 2))
    features = doctor.features(artefact.view(made))
    value, error = distance_with_error(doctor.real_features, features)
    distance = {
        "name": DISTANCE,
        "value": value,
        "error": error if math.isfinite(error) else None,
        "floor": doctor.floor,
        "samples": doctor.count,
    }
    return replace(artefact, card=artefact.card.model_copy(update={"distance": distance}))
