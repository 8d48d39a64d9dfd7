"""inpaint on portraits with holes of a quarter, beside scikit-image's biharmonic fill.

    make bench NAME=inpainting DATA=FOLDER

FOLDER holds ``portraits``. Scored on pictures that gannet holds out, whose holes are drawn once for
all: the absolute error in the hole in 8-bit steps, and the distance in EfficientNet features.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import gannet
from benchmarks._pairs import DRAWN, answered, interval
from gannet.core.types import Batch
from gannet.networks.features import EfficientNetFeatures
from gannet.recipes.inpaint import biharmonic, diffusion_fill
from gannet.training.session import prepare

MINUTES = 10.0


def run(data: Path, *, minutes: float = MINUTES, seed: int = 0, keep: str = "") -> dict[str, Any]:
    """Train, or take up the run that is in the folder ``keep``, and score it."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as held:
        place = Path(keep or held)
        session = prepare(
            data / "portraits", place / "run", recipe="inpaint", minutes=minutes, seed=seed,
            label="", threads=1, clock=time.process_time,
        )  # fmt: skip
        for _ in session.run():
            pass
        model = gannet.load(place / "run")
        rows = session.dataset.held_out
        problem = model.artifact.recipe.with_evaluation_condition(
            rows.take(range(len(rows))), model.artifact.card.spec
        )
        answers = {
            "gannet": answered(model, problem),
            "biharmonic": biharmonic(problem),
            "diffusion": diffusion_fill(problem),
        }
    return {
        "minutes": minutes,
        "seed": seed,
        "steps": model.card.steps,
        "pictures": len(problem),
        "hidden": round(float(problem.condition.grid[:, -1].mean()), 4),
        **scored(answers, problem, seed),
    }


def scored(answers: dict[str, Tensor], problem: Batch, seed: int) -> dict[str, Any]:
    """Means by method, and gannet's lead over each other with a 95 % interval over pictures."""
    feature_extractor, real, holes = (
        EfficientNetFeatures(),
        problem.real,
        problem.condition.grid[:, -1:],
    )
    seen, cells = feature_extractor(real), holes.sum((1, 2, 3)) * real.shape[1]
    each: dict[str, dict[str, Tensor]] = {
        name: {
            "error": ((made - real).abs() * holes).sum((1, 2, 3)) / cells * 127.5,
            "features": (feature_extractor(made) - seen).norm(dim=1),
        }
        for name, made in answers.items()
    }
    chance = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(real), (DRAWN, len(real)), generator=chance)
    found: dict[str, Any] = {
        name: {score: round(float(values.mean()), 4) for score, values in of.items()}
        for name, of in each.items()
    }
    found["ahead"] = {
        name: {
            score: interval(values - each["gannet"][score], rows) for score, values in of.items()
        }
        for name, of in each.items()
        if name != "gannet"
    }
    return found
