"""translate_unpaired between young and old portraits, after ten minutes of one thread.

    make bench NAME=ageing DATA=FOLDER

FOLDER holds ``portraits`` with ages in ``metadata.csv``. A quarter of them is kept from gannet.
``moved``: share of these whose age, as a ridge regression on EfficientNet features of the real
portraits trained on sees it, moves the asked way. ``same_person``: share whose nearest held-out
original by EfficientNet features is the one it was made of.
``domain_gap_closed`` as in ``van_gogh``, mean of both ways.
"""

from __future__ import annotations

import csv
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import gannet
from benchmarks.van_gogh import link, turned
from gannet.metrics import image_quality
from gannet.metrics.distribution import energy_distance
from gannet.modalities.image.io.files import upright
from gannet.networks.features import EfficientNetFeatures
from gannet.training.session import prepare

MINUTES, YOUNG, OLD, KEPT = 10.0, 48, 62, 4
SIDES = ("old", "young")
RIDGES = (1e-2, 1e-1, 1.0, 1e1, 1e2)
"""Strengths that are tried, times the mean square of a feature."""


def run(data: Path, *, minutes: float = MINUTES, seed: int = 0, keep: str = "") -> dict[str, Any]:
    """Train, or take up the run that is in the folder ``keep``, and score it."""
    torch.set_num_threads(1)
    folder = data / "portraits"
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as file:
        ages = {row["file_name"]: int(row["age"]) for row in csv.DictReader(file) if row["age"]}
    order = np.random.default_rng(seed).permutation(sorted(ages)).tolist()
    held_out, known = order[: len(order) // KEPT], order[len(order) // KEPT :]
    with tempfile.TemporaryDirectory() as held:
        place = Path(keep or held)
        for side in SIDES:
            fit = fits_of(side, ages)
            link([folder / each for each in known if each in fit], place / "sides" / side)
        session = prepare(
            place / "sides", place / "run", recipe="translate_unpaired", minutes=minutes, seed=seed,
            discriminator_levels=4, threads=1, clock=time.process_time,
        )  # fmt: skip
        for _ in session.run():
            pass
        model = gannet.load(place / "run")
    feature_extractor, codec = EfficientNetFeatures(), model.codec

    def read(names: list[str]) -> Tensor:
        # The portraits are grey.
        return codec.encode([np.asarray(upright(folder / each, each))[..., None] for each in names])

    taught = feature_extractor(read(known))
    weights, center = fitted(taught, torch.tensor([float(ages[each]) for each in known]))

    def age_of(seen: Tensor) -> Tensor:
        return (seen.double() - center) @ weights[:-1] + weights[-1]

    rest = feature_extractor(read(held_out))
    told = torch.tensor([float(ages[each]) for each in held_out], dtype=torch.float64)
    off = (age_of(rest) - told).abs().mean()
    plain = (told - told.mean()).abs().mean()
    moved, same, kept, covered = list[Tensor](), list[Tensor](), list[Tensor](), dict[str, float]()
    sides = {
        "young": [each for each in held_out if ages[each] <= YOUNG],
        "old": [each for each in held_out if ages[each] >= OLD],
    }
    pictures = {side: read(names) for side, names in sides.items()}
    originals = torch.cat([feature_extractor(pictures[side]) for side in SIDES])
    starts = {"old": 0, "young": len(sides["old"])}
    for to, came in (("old", "young"), ("young", "old")):
        given = pictures[came]
        made = turned(model, given, model.classes.index(to), None)
        before, after = feature_extractor(given), feature_extractor(made)
        sign = 1 if to == "old" else -1
        moved.append(((age_of(after) - age_of(before)) * sign > 0).double())
        nearest = torch.cdist(after, originals).argmin(1)
        same.append((nearest == torch.arange(len(given)) + starts[came]).double())
        kept.append(image_quality.edge_correlation(made, given))
        target = feature_extractor(pictures[to])
        real = taught[[n for n, each in enumerate(known) if each in fits_of(to, ages)]]
        far, near, floor = (energy_distance(each, target) for each in (before, after, real))
        covered[to] = round((far - near) / (far - floor), 4)
    return {
        "minutes": minutes,
        "seed": seed,
        "steps": model.card.steps,
        "faces": sum(len(each) for each in moved),
        "regressor_error_years": round(float(off), 2),
        "error_of_the_mean_years": round(float(plain), 2),
        "moved": round(float(torch.cat(moved).mean()), 4),
        "moved_to": {
            to: round(float(each.mean()), 4) for to, each in zip(SIDES, moved, strict=True)
        },
        "same_person": round(float(torch.cat(same).mean()), 4),
        "structure": round(float(torch.cat(kept).mean()), 4),
        "way_covered": round(sum(covered.values()) / 2, 4),
        "way_covered_to": covered,
    }


def fits_of(side: str, ages: dict[str, int]) -> set[str]:
    """Files of one side."""
    if side == "young":
        return {name for name, age in ages.items() if age <= YOUNG}
    return {name for name, age in ages.items() if age >= OLD}


def fitted(seen: Tensor, ages: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of a ridge regression, the constant last, and the mean that is taken off first.

    Its strength is the one whose error is least when each face is left out in turn.
    """
    x, y = seen.double(), ages.double()
    center, middle = x.mean(0), y.mean()
    x, y = x - center, y - middle
    left, root, right = _parts(x)
    best, weights = float("inf"), torch.zeros(x.shape[1], dtype=x.dtype)
    for ridge in RIDGES:
        strength = ridge * float(x.square().mean()) * len(x)
        shrunk = root.square() / (root.square() + strength)
        told = left @ (shrunk * (left.T @ y))
        lever = (left.square() * shrunk).sum(1) + 1 / len(x)
        error = float(((y - told) / (1 - lever)).square().mean())
        if error < best:
            best, weights = error, right.T @ (root / (root.square() + strength) * (left.T @ y))
    return torch.cat([weights, middle[None]]), center


def _parts(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The singular value decomposition."""
    left, root, right = torch.linalg.svd(x, full_matrices=False)
    return left, root, right
