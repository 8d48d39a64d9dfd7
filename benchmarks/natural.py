"""Pictures of the real world at equal processor time: gannet's defaults against the plain DCGAN.

Fréchet distance between fakes and pictures that neither side saw, in two makes of features: those
of EfficientNet-Lite0, and a dictionary of patches, which no network learnt (Coates 2011). Both
sides train on the same pictures at the same size. The DCGAN is trained at the widths 32 and 64; the
better one at the first budget counts, and its looks are not charged to it. gannet's figures at all
budgets are read off one run, from the last artifact that it saved before; its time includes plan,
monitor and saves, while the tests at its end come on top and stand in ``used``. Settings of gannet
were chosen on ``cifar10`` and ``photos32``/``photos64`` only.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks import _reference as reference
from benchmarks._natural_sets import COUNT, SETS, Pictures, parquet
from gannet.api.train import prepare
from gannet.inference.artifact import Artifact
from gannet.metrics.distribution import coverage, frechet_distance, recall
from gannet.networks.classifier import SmallNet, conv_net, fit, small_net
from gannet.networks.dictionary import PatchDictionaryFeatures
from gannet.networks.features import EfficientNetFeatures, in_chunks

BATCH = 64
"""Of the reference."""


def _encoded(pictures: Pictures) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


@dataclass(frozen=True)
class Scorer:
    """What all fakes of one set are measured by.

    Attributes:
        test: ``(N, C, S, S)`` test pictures.
        features: Name -> features.
        known: Of the test pictures, by name.
        digits: A classifier of digits, for the stacked ones.
    """

    test: Tensor
    features: Mapping[str, Any]
    known: Mapping[str, Tensor]
    digits: SmallNet | None = None

    def __call__(self, fake: Tensor) -> dict[str, float]:
        """All figures of some fakes ``(M, C, S, S)``."""
        found: dict[str, float] = {}
        for name, features in self.features.items():
            made = features(fake)
            found[f"frechet_{name}"] = round(frechet_distance(self.known[name], made), 3)
            found[f"recall_{name}"] = round(recall(self.known[name], made), 4)
            found[f"coverage_{name}"] = round(coverage(self.known[name], made), 4)
        found["grid_power"] = round(grid_power(fake) / grid_power(self.test), 4)
        if self.digits is not None:
            found |= modes(self.digits, fake)
        return found


def grid_power(pictures: Tensor) -> float:
    """Mean power at a half and a quarter of the sampling frequency, where checkerboards are."""
    spectrum = np.fft.fft2(pictures.double().numpy())
    power = np.square(np.abs(spectrum)).mean((0, 1))
    rows, columns = ([0, side // 4, side // 2] for side in power.shape)
    return float(power[np.ix_(rows, columns)].ravel()[1:].mean())  # without the brightness


def modes(digits: SmallNet, fake: Tensor) -> dict[str, float]:
    """Of stacked digits: modes reached, KL divergence from even ones, share with all three sure."""
    flat = fake[:, :, 2:30, 2:30].reshape(-1, 1, 28, 28)
    chances = torch.softmax(in_chunks(digits, flat, 500), 1)
    sure, told = chances.max(1)
    which = (told.view(-1, 3) * torch.tensor([100, 10, 1])).sum(1)
    shares = torch.bincount(which, minlength=1_000).double() / len(fake)
    there = shares[shares > 0]
    return {
        "modes": len(there),
        "kl": round(float((there * (there * 1_000).log()).sum()), 4),
        "sure": round(float((sure.view(-1, 3) > 0.9).all(1).double().mean()), 4),
    }


def _scorer(work: Path, name: str) -> Scorer:
    torch.set_num_threads(1)
    packed = np.load(work / f"{name}.npz")
    test = _encoded(packed["test"][:COUNT])
    train = _encoded(packed["images"][:COUNT])
    features = {"efficientnet": EfficientNetFeatures(), "patches": PatchDictionaryFeatures(train)}
    known = {each: see(test) for each, see in features.items()}
    digits = None
    if name == "stacked":
        with np.load(work / "digits.npz") as held:
            images, labels = _encoded(held["images"]), torch.from_numpy(held["labels"])
        digits = small_net(images, 10, seed=0, build=conv_net)
        fit(digits, images, labels, steps=600, seed=0)
    return Scorer(test, features, known, digits)


def _reference(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One run of the plain DCGAN, looked at when each budget is used up."""
    work = Path(job["work"])
    score = _scorer(work, job["set"])
    pictures = _encoded(np.load(work / f"{job['set']}.npz")["images"])
    channels, side = pictures.shape[1], pictures.shape[2]
    size = max(side, 32)
    torch.manual_seed(job["seed"])
    generator = reference.Generator(job["width"], channels, side=size)
    discriminator = reference.Discriminator(job["width"], channels, side=size)
    steps = reference.train(generator, discriminator, reference.padded(pictures, size), BATCH)
    used, count = 0.0, 0
    for budget in job["budgets"]:
        while used < budget:
            began = time.process_time()
            next(steps)
            used += time.process_time() - began
            count += 1
        best: dict[str, float] = {}
        for training in (True, False):
            made = reference.samples(
                generator, len(score.test), side, seed=job["seed"], training=training
            )
            found = score(made)
            best = min(best or found, found, key=lambda each: each["frechet_efficientnet"])
            _keep(job, made, f"dcgan-{job['width']}-{budget:.0f}")
        yield {"method": f"dcgan-{job['width']}", "budget": budget, "steps": count} | best


def _ours(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    work = Path(job["work"])
    score = _scorer(work, job["set"])
    out = work / f"run-{job['set']}-{job['seed']}-{job['labels']}"
    path = work / f"{job['set']}{'-labels' if job['labels'] else '-plain'}.npz"
    budgets = list(job["budgets"])
    began = time.process_time()
    session = prepare(
        path,
        out,
        minutes=budgets[-1] / 60,
        seed=job["seed"],
        clock=time.process_time,
        threads=1,
        **job["settings"],
    )
    paused = last = 0.0
    for moment in session.run():
        last = moment.result.step
        used = time.process_time() - began - paused
        if len(budgets) > 1 and used >= budgets[0]:
            looked = time.process_time()
            yield _looked(job, score, out, budgets.pop(0), int(last), used)
            paused += time.process_time() - looked
    used = time.process_time() - began - paused
    yield _looked(job, score, out, budgets[-1], int(last), used)


def _looked(
    job: dict[str, Any], score: Scorer, out: Path, budget: float, steps: int, used: float
) -> dict[str, Any]:
    made = Artifact.load(out).sample(len(score.test), seed=job["seed"])
    _keep(job, made, f"gannet{'-labels' if job['labels'] else ''}-{budget:.0f}")
    found = {"method": "gannet", "budget": budget, "steps": steps, "used": round(used, 1)}
    return found | score(made)


def _keep(job: dict[str, Any], made: Tensor, name: str) -> None:
    """The first 64 fakes as a grid, not chosen."""
    grid = made[:64].clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
    channels, side = grid.shape[1], grid.shape[2]
    rows = grid.view(8, 8, channels, side, side).permute(0, 3, 1, 4, 2)
    picture = rows.reshape(8 * side, 8 * side, channels).numpy()
    folder = Path(job["grids"] or job["work"])
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture.squeeze(2) if channels == 1 else picture)
    image.save(folder / f"{job['set']}-{job['seed']}-{name}.png")


def _job(job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for result in (_reference if job["method"] == "reference" else _ours)(job):
        result |= {"set": job["set"], "labels": job["labels"], "seed": job["seed"]}
        print(json.dumps(result), file=sys.stderr, flush=True)
        found.append(result)
    return found


def _write(data: Path, work: Path, name: str) -> dict[str, float]:
    """Decode a set once for all jobs.

    Returns:
        The floors: distances of training pictures to the test pictures.
    """
    path = work / f"{name}.npz"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        parts = SETS[name](data)
        np.savez(path, images=parts.train, test=parts.test)
        np.savez(work / f"{name}-plain.npz", images=parts.train)
        if parts.labels is not None:
            np.savez(work / f"{name}-labels.npz", images=parts.train, labels=parts.labels)
        if name == "stacked":
            digits, labels = parquet(data, "mnist", "train", 28, 1)
            np.savez(work / "digits.npz", images=digits, labels=labels)
    score = _scorer(work, name)
    pictures = _encoded(np.load(path)["images"])
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(1))
    return score(pictures[order[: len(score.test)]])


def run(
    data: Path,
    *,
    sets: str = ",".join(SETS),
    budgets: str = "300,900",
    seeds: int = 1,
    workers: int = 2,
    ours: bool = True,
    plain: bool = True,
    labeled: bool = False,
    settings: dict[str, Any] | None = None,
    widths: str = "32,64",
    work_in: str = "",
    grids: str = "",
) -> dict[str, Any]:
    """All runs, ``workers`` at a time, one thread each.

    ``work_in`` keeps decoded data, and ``grids`` the first fakes of each side.
    """
    seconds = [float(each) for each in str(budgets).split(",")]
    with tempfile.TemporaryDirectory() as fresh:
        folder = work_in or fresh
        names = sets.split(",")
        floors = {name: _write(data, Path(folder), name) for name in names}
        base = {"work": folder, "labels": False, "settings": settings or {}, "grids": grids}
        jobs: list[dict[str, Any]] = []
        for seed in range(seeds):
            for name in names:
                each = base | {"set": name, "seed": seed, "budgets": seconds}
                if ours:
                    jobs.append(each | {"method": "ours", "labels": labeled})
                if plain:
                    jobs += [
                        each | {"method": "reference", "width": int(width)}
                        for width in str(widths).split(",")
                    ]
        found: list[dict[str, Any]] = []
        with ProcessPoolExecutor(workers, max_tasks_per_child=1) as pool:
            for future in as_completed([pool.submit(_job, job) for job in jobs]):
                found += future.result()
    report: dict[str, Any] = {
        name: _summary([each for each in found if each["set"] == name], seconds)
        | {"floor": floors[name]}
        for name in names
    }
    return report | {"repeats": seeds, "runs": found}


def _summary(found: list[dict[str, Any]], budgets: list[float]) -> dict[str, Any]:
    """Ratios by budget and make of features, over the better width at the first budget."""
    plain = [each for each in found if each["method"] != "gannet"]
    first = [each for each in plain if each["budget"] == budgets[0]]
    result: dict[str, Any] = {}
    if not first or len(first) == len(found):
        return result
    widths = sorted({each["method"] for each in first})
    middles = {
        width: np.median([e["frechet_efficientnet"] for e in first if e["method"] == width])
        for width in widths
    }
    better = min(widths, key=lambda each: float(middles[each]))
    result["reference"] = better
    for budget in budgets:
        sides = [
            [each for each in found if each["method"] == method and each["budget"] == budget]
            for method in ("gannet", better)
        ]
        for score in ("frechet_efficientnet", "frechet_patches"):
            ours, theirs = (float(np.median([e[score] for e in side])) for side in sides)
            make = score.removeprefix("frechet_")
            result[f"ratio_{budget:.0f}_{make}"] = round(ours / theirs, 4)
    return result
