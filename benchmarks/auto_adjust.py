"""Does auto-adjust help? Planted faults, each with it on, with it off, and as the advice says.

Every fault is trained on the same data from the same seeds. What counts is the energy distance
(Székely and Rizzo 2013, doi:10.1016/j.jspi.2013.03.018) from samples to fresh draws from what the
data were drawn from, on standardised numbers: nothing of a run has seen those draws. Runs are
bounded by steps, so that a result depends on no clock.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, stdev
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gannet.api.train import load, prepare

Rows = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], NDArray[Any]]

TRUTH = 1_000
"""Fresh draws, and samples, that are compared."""

WIDTH = 6
"""Numbers of a row."""

SIDE = 16
"""Pixels of a side."""


def clusters(rng: np.random.Generator, count: int, shares: tuple[float, ...] = ()) -> Rows:
    """Rows of four clusters that are stretched in different directions."""
    source = np.random.default_rng(11)
    centres = source.uniform(-3, 3, (4, WIDTH))
    turns = source.standard_normal((4, WIDTH, WIDTH)) / np.sqrt(WIDTH)
    which = rng.choice(4, size=count, p=shares or None)
    noise = rng.standard_normal((count, WIDTH, 1))
    return centres[which] + 0.5 * (turns[which] @ noise)[:, :, 0]


def half_constant(rng: np.random.Generator, count: int) -> Rows:
    """Half of the rows are one and the same."""
    rows = clusters(rng, count)
    rows[rng.random(count) < 0.5] = 0.5
    return rows


def imbalanced(rng: np.random.Generator, count: int) -> Rows:
    """One cluster in a hundred rows for each of three, the rest in the fourth."""
    return clusters(rng, count, (0.97, 0.01, 0.01, 0.01))


def copied(rng: np.random.Generator, count: int) -> Rows:
    """All but a twentieth are near copies of twenty rows."""
    rows = clusters(rng, count)
    few = clusters(np.random.default_rng(12), 20)
    again = rng.random(count) < 0.95
    rows[again] = few[rng.integers(20, size=int(again.sum()))]
    return rows + 0.002 * rng.standard_normal(rows.shape)


def pictures(rng: np.random.Generator, count: int) -> NDArray[np.uint8]:
    """Light discs of different sizes and places on dark ground, ``(count, 16, 16, 1)``."""
    place = rng.uniform(4, SIDE - 5, (count, 2, 1, 1))
    radius = rng.uniform(2, 4.5, (count, 1, 1))
    y, x = np.mgrid[:SIDE, :SIDE]
    far = np.hypot(y - place[:, 0], x - place[:, 1]) - radius
    light = 30 + 200 / (1 + np.exp(3 * far))
    return (light + 4 * rng.standard_normal(light.shape)).clip(0, 255).astype(np.uint8)[..., None]


def half_grey(rng: np.random.Generator, count: int) -> NDArray[np.uint8]:
    """Half of the pictures are one flat grey."""
    found = pictures(rng, count)
    found[rng.random(count) < 0.5] = 128
    return found


@dataclass(frozen=True)
class Fault:
    """Something planted.

    Attributes:
        draw: What the data are drawn from.
        settings: What is wrong with the settings; a learning rate is a multiple of the usual.
        advised: What the advice says to change.
        count: Samples to train on, before some are held out.
        more: Samples that the advice asks for; 0 for as many.
        steps: Of a run.
        claims: Whether auto-adjust claims to cure it.
    """

    draw: Draw
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    advised: dict[str, Any] = field(default_factory=dict[str, Any])
    count: int = 4_000
    more: int = 0
    steps: int = 600
    claims: bool = False


STRONG = {"n_critic": 5, "discriminator_learning_rate": 0.01, "gradient_penalty": 0.0}

FAULTS: dict[str, Fault] = {
    "nothing": Fault(clusters),
    "half constant": Fault(half_constant),
    "learning rate": Fault(clusters, {"learning_rate": 0.3}, {"learning_rate": 0.001}, claims=True),
    "strong discriminator": Fault(
        clusters, STRONG, {"n_critic": 1, "gradient_penalty": 3.0}, claims=True
    ),
    "no penalty": Fault(clusters, {"gradient_penalty": 0.0}, {"gradient_penalty": 1.0}),
    "tiny data": Fault(clusters, count=60, more=4_000),
    "batch of 4": Fault(clusters, {"batch": 4}, {"batch": 64}),
    "noise of one number": Fault(clusters, {"latent_dim": 1}, {"latent_dim": 12}),
    "imbalance": Fault(imbalanced),
    "copies": Fault(copied),
    "pictures, nothing": Fault(pictures, count=1_500, steps=450),
    "pictures, half grey": Fault(half_grey, count=1_500, steps=450),
    "pictures, no penalty on few": Fault(
        pictures,
        {"gradient_penalty": 0.0, "augment_p": 0.0},
        {"gradient_penalty": 2.0, "augment_p": 0.3},
        count=120,
        steps=450,
        claims=True,
    ),
}

USUAL: dict[bool, dict[str, Any]] = {
    False: {"batch": 64, "energy_weight": 0.0},
    True: {"batch": 16, "width": 8},
}
"""Settings of rows and of pictures, small enough for seconds.

Rows are trained without the energy distance, which makes up for most faults (measured), so that
there is something to cure.
"""

MEDIAN_ERROR = 1.25
"""Standard error of a median, in that of a mean."""

ARMS = ("off", "on", "advised")


def _one(job: tuple[str, str, int]) -> dict[str, Any]:
    """One run, in a process of its own."""
    name, arm, seed = job
    torch.set_num_threads(1)
    fault = FAULTS[name]
    real = fault.draw(np.random.default_rng((seed, 1)), _count(fault, arm))
    image = real.dtype == np.uint8
    settings = USUAL[image] | fault.settings | (fault.advised if arm == "advised" else {})
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "data.npy", Path(folder) / "run"
        np.save(path, real)
        session = prepare(
            path,
            out,
            seed=seed,
            auto_adjust=arm == "on",
            device="cpu",
            threads=1,
            steps=fault.steps,
            **settings,
        )
        names: list[str] = []
        actions: list[str] = []
        for moment in session.run():
            if moment.evaluation is not None:
                names.append(moment.evaluation.diagnosis.name)
                if moment.evaluation.action is not None:
                    actions.append(f"{moment.result.step}: {moment.evaluation.action.reason}")
        model = load(out)
        made = model.sample(TRUTH, seed=seed)
        diagnosis = model.card.diagnosis
    truth = fault.draw(np.random.default_rng((seed, 2)), TRUTH)
    return {
        "name": name,
        "arm": arm,
        "seed": seed,
        "distance": round(distance(truth, np.asarray(made)), 4),
        "diagnosis": diagnosis["name"],
        "advice": diagnosis.get("advice", ""),
        "said": sorted(set(names) - {"healthy", "converged"}),
        "actions": actions,
    }


def _count(fault: Fault, arm: str) -> int:
    return fault.more if arm == "advised" and fault.more else fault.count


def distance(real: NDArray[Any], made: NDArray[Any]) -> float:
    """Energy distance between two sets, each number divided by its deviation among reals.

    In units of the mean distance between reals, so that 0 is the best and 1 is far.
    """
    left, right = (
        torch.tensor(each.reshape(len(each), -1), dtype=torch.float64) for each in (real, made)
    )
    scale = left.std(0).clamp(min=float(left.std(0).mean()) / 10)
    left, right = left / scale, right / scale
    within = [float(torch.pdist(each).mean()) for each in (left, right)]
    across = float(torch.cdist(left, right).mean())
    return (2 * across - sum(within)) / within[0]


def _summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Keys per fault; on is not worse if its median is within the noise of off's.

    Noise is the standard error of the median over the seeds of off, at least a tenth of it or .005:
    a run that differs in one step ends as another seed would.
    """
    summary: dict[str, Any] = {}
    for name in dict.fromkeys(each["name"] for each in found):
        here = {
            arm: [each for each in found if (each["name"], each["arm"]) == (name, arm)]
            for arm in ARMS
        }
        middle = {
            arm: round(median(each["distance"] for each in runs), 4)
            for arm, runs in here.items()
            if runs
        }
        off = [each["distance"] for each in here["off"]]
        spread = MEDIAN_ERROR * stdev(off) / math.sqrt(len(off)) if len(off) > 1 else 0.0
        noise = max(0.1 * middle["off"], 0.005, spread)
        summary[name] = middle | {
            "each": {
                arm: [each["distance"] for each in runs] for arm, runs in here.items() if runs
            },
            "on_not_worse": middle["on"] <= middle["off"] + noise,
            "on_better": middle["on"] < middle["off"] - noise,
            "claims": FAULTS[name].claims,
            "said": sorted({said for each in here["off"] for said in each["said"]}),
            "advice": sorted({each["advice"] for each in here["off"] if each["advice"]}),
            "actions": [len(each["actions"]) for each in here["on"]],
            "gave_up": sum(any("gave up" in act for act in each["actions"]) for each in here["on"]),
        }
        if "advised" in middle:
            summary[name]["advice_helps"] = middle["advised"] < middle["off"] - noise
    return summary


def run(data: Path, *, seeds: int = 3, only: str = "", workers: int = 2) -> dict[str, Any]:
    """All faults whose name ``only`` is in, with three seeds each."""
    jobs = [
        (name, arm, seed)
        for name, fault in FAULTS.items()
        for arm in ARMS
        for seed in range(seeds)
        if only in name and (arm != "advised" or fault.advised or fault.more)
    ]
    found: list[dict[str, Any]] = []
    with ProcessPoolExecutor(workers) as pool:
        for each in pool.map(_one, jobs):
            found.append(each)
            print(json.dumps(each), file=sys.stderr, flush=True)
    faults = _summary(found)
    return {
        "repeats": seeds,
        "faults": len(faults),
        "on_not_worse": sum(each["on_not_worse"] for each in faults.values()),
        "on_better": [name for name, each in faults.items() if each["on_better"]],
        "claimed_and_better": sum(each["on_better"] and each["claims"] for each in faults.values()),
        "claimed": sum(each["claims"] for each in faults.values()),
        "by_fault": faults,
    }
