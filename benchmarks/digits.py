"""Quality at equal processor time: gannet's defaults against the plain DCGAN, on real pictures.

Fréchet distance between 10,000 fakes and the 10,000 test pictures, in the features of one small
classifier trained on the real training set, for both alike. The reference is trained at the widths
32 and 64 and the better one counts at each budget; its looks are not charged to it. gannet's time
includes plan, looks of health and saves; data are decoded beforehand for both. The ratio uses no
labels; the class figures come from a run of its own with labels.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import _reference as reference
from gannet.api.train import prepare
from gannet.data import dataset
from gannet.inference.artifact import Artifact
from gannet.metrics.distribution import coverage, frechet_distance
from gannet.modalities.image.codec import ImageCodec
from gannet.networks.classifier import (
    ClassifierFeatures,
    conv_net,
    fit,
    small_net,
    train_classifier,
)

COUNT = 10_000
SETS = {"digits": "mnist", "fashion": "fashion_mnist"}
CHUNK = 500
RESERVE = 4.0
"""Seconds of the budget that plan and the first look of health take, beyond training."""


def _read(data: Path, name: str, part: str) -> tuple[Tensor, Tensor]:
    """Pictures ``(N, 1, 28, 28)`` in [-1, 1] and their labels."""
    source = dataset.find(data / name / f"{part}.parquet")
    codec = ImageCodec(height=28, width=28, channels=1)
    raws = [codec.load_image(source.raw(at), name=str(at)) for at in range(source.count)]
    return codec.encode(raws), torch.from_numpy(source.labels)


def _scores(feature_extractor: ClassifierFeatures, real: Tensor, fake: Tensor) -> dict[str, float]:
    left, right = feature_extractor(real), feature_extractor(fake)
    return {
        "frechet": round(frechet_distance(left, right), 3),
        "coverage": round(coverage(left, right), 4),
    }


def _prepared(job: dict[str, Any]) -> tuple[ClassifierFeatures, Tensor, Tensor, Tensor, Tensor]:
    torch.set_num_threads(1)
    folder = Path(job["work"]) / job["set"]
    packed = torch.load(folder / "data.pt", weights_only=True)
    network = small_net(packed["x"], 10, seed=0, build=conv_net)
    network.load_state_dict(packed["eye"])
    feature_extractor = ClassifierFeatures(network.eval())
    return feature_extractor, packed["x"], packed["y"], packed["test"], packed["test_y"]


def _reference(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One run of the plain DCGAN, looked at when each budget is used up."""
    feature_extractor, pictures, _, test, _ = _prepared(job)
    torch.manual_seed(job["seed"])
    generator = reference.Generator(job["width"])
    steps = reference.train(
        generator, reference.Discriminator(job["width"]), reference.padded(pictures), 64
    )
    used, count = 0.0, 0
    for budget in job["budgets"]:
        while used < budget:
            began = time.process_time()
            next(steps)
            used += time.process_time() - began
            count += 1
        best: dict[str, float] = {}
        for training in (True, False):
            found = _scores(
                feature_extractor,
                test,
                reference.samples(
                    generator, COUNT, 28, seed=job["seed"], training=training, part=CHUNK
                ),
            )
            best = min(best or found, found, key=lambda each: each["frechet"])
        yield {"method": f"dcgan-{job['width']}", "budget": budget, "steps": count} | best


def _ours(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    feature_extractor, _, _, test, test_y = _prepared(job)
    out = Path(job["work"]) / f"{job['set']}-{job['budget']:.0f}-{job['labels']}-{job['seed']}"
    path = Path(job["work"]) / job["set"] / ("labelled.npz" if job["labels"] else "plain.npz")
    shutil.rmtree(out, ignore_errors=True)
    began = time.process_time()
    # Decoding is the reference's too; its second, from an array, is measured and given back.
    dataset.load(dataset.find(path), {"sample": ImageCodec(height=28, width=28, channels=1)})
    decoding = time.process_time() - began
    began = time.process_time()
    session = prepare(
        path,
        out,
        minutes=(job["budget"] - RESERVE) / 60,
        seed=job["seed"],
        clock=time.process_time,
        threads=1,
        **job["settings"],
    )
    last, used = 0, 0.0
    for moment in session.run():
        last = moment.result.step
        used = time.process_time() - began - decoding
    model = Artifact.load(out)
    fake = model.sample(COUNT, seed=job["seed"])
    result = {"method": "gannet", "budget": job["budget"], "steps": last, "used": round(used, 1)}
    result |= _scores(feature_extractor, test, fake)
    if job["labels"]:
        asked = [model.sample(COUNT // 10, label=each, seed=1) for each in model.classes]
        made, told = torch.cat(asked), torch.arange(10).repeat_interleave(COUNT // 10)
        right = (feature_extractor.predict(made) == told).float().mean()
        learnt = train_classifier(made, told, 10, seed=1, steps=job["steps"], build=conv_net)
        ceiling = (feature_extractor.predict(test) == test_y).float().mean()
        result["class_accuracy"] = round(float(right), 4)
        result["train_on_fake_accuracy"] = round(
            float((learnt.predict(test) == test_y).float().mean()), 4
        )
        result["train_on_real_accuracy"] = round(float(ceiling), 4)
    yield result


def _job(job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for result in (_reference if job["method"] == "reference" else _ours)(job):
        result |= {"set": job["set"], "labels": job["labels"], "seed": job["seed"]}
        print(json.dumps(result), file=sys.stderr, flush=True)
        found.append(result)
    return found


def _write(data: Path, work: Path, name: str, steps: int) -> float:
    """Decode a set and train its classifier once for all jobs.

    Returns:
        The floor: the distance of one half of the test set to the other.
    """
    torch.set_num_threads(1)
    folder = work / name
    if not (folder / "data.pt").exists():
        x, y = _read(data, name, "train")
        test, test_y = _read(data, name, "test")
        folder.mkdir(parents=True, exist_ok=True)
        pictures = ((x + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        np.savez(folder / "plain.npz", images=pictures)
        np.savez(folder / "labelled.npz", images=pictures, labels=y.numpy())
        network = small_net(x, 10, seed=0, build=conv_net)
        fit(network, x, y, steps=steps, seed=0)
        packed = {"x": x, "y": y, "test": test, "test_y": test_y, "eye": network.state_dict()}
        torch.save(packed, folder / "data.pt")
    feature_extractor, _, _, test, _ = _prepared({"work": str(work), "set": name})
    order = torch.randperm(len(test), generator=torch.Generator().manual_seed(0))
    known = feature_extractor(test[order])
    return frechet_distance(known[::2], known[1::2])


def run(
    data: Path,
    *,
    sets: str = "digits,fashion",
    budgets: str = "60,120,300",
    seeds: int = 1,
    workers: int = 2,
    steps: int = 600,
    reference: bool = True,
    labeled: bool = True,
    settings: dict[str, Any] | None = None,
    widths: tuple[int, ...] = (32, 64),
    work_in: str = "",
) -> dict[str, Any]:
    """All runs, ``workers`` at a time, one thread each; ``work_in`` keeps decoded data."""
    seconds = [float(each) for each in str(budgets).split(",")]
    with tempfile.TemporaryDirectory() as fresh:
        folder = work_in or fresh
        work = Path(folder)
        floors = {name: _write(data, work, SETS[name], steps) for name in sets.split(",")}
        base = {"work": folder, "steps": steps, "labels": False, "settings": settings or {}}
        jobs: list[dict[str, Any]] = []
        for seed in range(seeds):
            for name in sets.split(","):
                each = base | {"set": SETS[name], "seed": seed}
                if labeled:
                    jobs.append(each | {"method": "ours", "budget": seconds[-1], "labels": True})
                if reference:
                    jobs += [
                        each | {"method": "reference", "width": width, "budgets": seconds}
                        for width in widths
                    ]
                jobs += [each | {"method": "ours", "budget": budget} for budget in seconds[::-1]]
        found: list[dict[str, Any]] = []
        with ProcessPoolExecutor(workers) as pool:
            for future in as_completed([pool.submit(_job, job) for job in jobs]):
                found += future.result()
    report: dict[str, Any] = {}
    for name in sets.split(","):
        part = _summary([each for each in found if each["set"] == SETS[name]], seconds)
        part["floor_of_halves"] = round(floors[name], 3)
        report |= part if name == "digits" else {name: part}
    return report | {"repeats": seeds, "runs": found}


def _summary(found: list[dict[str, Any]], budgets: list[float]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for budget in budgets:
        here = [each for each in found if each["budget"] == budget and not each["labels"]]
        ours = [each["frechet"] for each in here if each["method"] == "gannet"]
        plain = [each["frechet"] for each in here if each["method"] != "gannet"]
        if ours and plain:
            result[f"ratio_{budget:.0f}"] = round(float(np.median(ours)) / min(plain), 4)
        if ours:
            covered = [each["coverage"] for each in here if each["method"] == "gannet"]
            result["coverage"] = round(float(np.median(covered)), 4)
    told = [each for each in found if each["labels"]]
    for name in ("class_accuracy", "train_on_fake_accuracy", "coverage"):
        if told:
            key = "coverage_with_labels" if name == "coverage" else name
            result[key] = round(float(np.median([each[name] for each in told])), 4)
    return result
