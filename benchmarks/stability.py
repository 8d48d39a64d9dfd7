"""Does it collapse? Default settings over many seeds; and are known-bad settings named?

Ring and grid follow the protocol of PacGAN (Lin et al. 2018, arXiv:1712.04086): 2,500 samples; one
is of high quality within three deviations of its nearest mode; a mode counts if it has one. The
collapse of picture sets is judged by clusters of real pixels (k-means; Richardson and Weiss 2018,
arXiv:1805.12462), which ``health`` does not use.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gannet.api.train import load, prepare
from gannet.training.loop import TrainingState

RING = np.stack([(math.cos(turn), math.sin(turn)) for turn in np.arange(8) * math.pi / 4])
GRID = np.stack([(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]).astype(float)
MODES = {"ring": (RING, 0.01), "grid": (GRID, 0.05)}
POINTS, SAMPLES, PICTURES, BINS = 100_000, 2_500, 2_000, 20

CONTROLS: dict[str, tuple[int, dict[str, Any]]] = {
    "learning rate x 10": (2_000, {"learning_rate": 10.0}),
    "no penalty on 100 pictures": (100, {"gradient_penalty": 0.0, "augment_p": 0.0}),
    "batch of 2": (2_000, {"batch": 2}),
    "weights clipped hard": (2_000, {"weight_clip": 0.003}),
    "noise of one number": (2_000, {"latent_dim": 1}),
    "slope weight so high that the needle rests": (
        2_000,
        {"gradient_penalty": 1e5, "gradient_penalty_end": 1.0},
    ),
}
"""Name -> pictures and settings; learning rate and slope weight are multiples of the default's."""


def _points(name: str, seed: int) -> NDArray[np.float64]:
    modes, deviation = MODES[name]
    source = np.random.default_rng((seed, 1))
    which = source.integers(len(modes), size=POINTS)
    return modes[which] + deviation * source.standard_normal((POINTS, 2))


def _pictures(data: Path, name: str, count: int, seed: int) -> NDArray[np.uint8]:
    """Some pictures of a set, ``(count, H, W, C)``."""
    chosen = np.random.default_rng((seed, 2))
    if name == "emoji":
        from PIL import Image

        files = sorted((data / "emoji" / "noto").glob("*.png"))
        some = chosen.choice(len(files), count, replace=False)
        return np.stack(
            [
                np.asarray(Image.open(files[int(at)]).convert("RGB").resize((32, 32), 5))
                for at in some
            ]
        )
    from gannet.data import dataset
    from gannet.modalities.image.codec import ImageCodec

    source = dataset.find(data / name / "train.parquet")
    codec = ImageCodec(height=28, width=28, channels=1)
    some = chosen.choice(source.count, count, replace=False)
    return np.stack([codec.load_image(source.raw(int(at)), name=str(at)) for at in some])


def _one(job: dict[str, Any]) -> dict[str, Any]:
    """One run, in a process of its own."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "data.npy", Path(folder) / "run"
        kind, seed = job["set"], job["seed"]
        real: NDArray[Any] = (
            _points(kind, seed)
            if kind in MODES
            else _pictures(Path(job["data"]), kind, job["count"], seed)
        )
        np.save(path, real)
        began = time.process_time()
        session = prepare(
            path,
            out,
            minutes=job["seconds"] / 60,
            seed=seed,
            auto_adjust=job["balance"],
            clock=time.process_time,
            threads=1,
            **_settings(job["settings"]),
        )
        verdicts, last = _verdicts(session.run, job["part"], session.plan.config["steps"])
        made = load(out).sample(SAMPLES if kind in MODES else PICTURES, seed=seed)
        result = {
            "set": kind,
            "seed": seed,
            "name": job["name"],
            "cpu_seconds": round(time.process_time() - began, 1),
            "steps": last,
            "verdicts": verdicts,
            "lines": (out / "training_log.jsonl").read_text().splitlines() if job["keep"] else [],
        }
        return result | (_modes(made, kind) if kind in MODES else _bins(real, made))


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """Multiples of the defaults become values."""
    from gannet.recipes.generate import GenerateConfig

    usual = GenerateConfig.model_validate({})
    return {
        name: value * getattr(usual, name) if name == "learning_rate" or value == 1e5 else value
        for name, value in given.items()
    }


def _verdicts(run: Any, part: float, steps: int) -> tuple[list[tuple[float, str, str]], int]:
    """What ``health`` said, with the share of the run; the run ends at ``part`` of its steps."""
    said: list[tuple[float, str, str]] = []
    ended = False
    last = 0

    def stop() -> bool:
        return ended

    moment: TrainingState
    for moment in run(stop):
        last = moment.result.step
        if moment.evaluation is not None:
            diagnosis = moment.evaluation.diagnosis
            said.append((round(last / moment.steps, 3), diagnosis.name, diagnosis.evidence))
        ended = ended or last >= part * moment.steps
    return said, last


def _modes(made: NDArray[Any], name: str) -> dict[str, Any]:
    modes, deviation = MODES[name]
    apart = np.linalg.norm(made[:, None] - modes[None], axis=2)
    near = apart.min(1) <= 3 * deviation
    counts = np.bincount(apart.argmin(1)[near], minlength=len(modes))
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return {
        "modes": int((counts > 0).sum()),
        "of": len(modes),
        "high_quality": round(float(near.mean()), 4),
        "reverse_kl": round(float((shares * np.log(shares * len(modes))).sum()), 4),
        "mode_collapse": int((counts > 0).sum()) < len(modes),
    }


def _bins(real: NDArray[Any], made: NDArray[Any]) -> dict[str, Any]:
    """Collapsed if fewer than half of the clusters of reals get a fifth of their share."""
    from sklearn.cluster import KMeans

    flat, fakes = (each.reshape(len(each), -1).astype(np.float32) for each in (real, made))
    # What scikit-learn says of its types is wrong: counts are words, and results may be missing.
    found: Any = KMeans(BINS, random_state=0).set_params(n_init=2).fit(flat)
    usual = np.bincount(found.labels_, minlength=BINS) / len(flat)
    shares = np.bincount(found.predict(fakes), minlength=BINS) / len(fakes)
    served = int((shares >= usual / 5).sum())
    return {"bins": served, "of": BINS, "mode_collapse": served < BINS / 2}


def _jobs(data: Path, seeds: int, seconds: float, rows_seconds: float) -> list[dict[str, Any]]:
    base = {"data": str(data), "balance": True, "settings": {}, "part": 1.0, "count": PICTURES}
    good = [
        base | {"name": "default", "set": each, "seed": seed, "seconds": rows_seconds}
        for each in MODES
        for seed in range(seeds)
    ] + [
        base | {"name": "default", "set": each, "seed": seed, "seconds": seconds}
        for each in ("mnist", "fashion_mnist", "emoji")
        for seed in range(seeds)
    ]
    bad = [
        base
        | {"name": name, "set": "mnist", "seed": 0, "seconds": seconds, "settings": settings}
        | {"count": count, "part": 0.25, "balance": False}
        for name, (count, settings) in CONTROLS.items()
    ]
    return [each | {"keep": False} for each in bad + good]


def run(
    data: Path,
    *,
    seeds: int = 10,
    seconds: float = 60.0,
    rows_seconds: float = 60.0,
    only: str = "",
    keep: str = "",
    workers: int = 2,
) -> dict[str, Any]:
    """All runs, two at a time, one thread each; ``only`` picks those whose set or name it is in."""
    jobs = _jobs(data, seeds, seconds, rows_seconds)
    jobs = [
        each | {"keep": bool(keep)} for each in jobs if only in each["set"] or only in each["name"]
    ]
    done: list[dict[str, Any]] = []
    with ProcessPoolExecutor(workers) as pool:
        for future in as_completed([pool.submit(_one, job) for job in jobs]):
            found = future.result()
            if keep:
                name = f"{found['set']}-{found['seed']}-{found['name'].replace(' ', '_')}.jsonl"
                Path(keep).mkdir(parents=True, exist_ok=True)
                (Path(keep) / name).write_text("\n".join(found.pop("lines")))
            done.append(found)
            print(json.dumps(found), file=sys.stderr, flush=True)
    return _summary(done)


def _summary(done: list[dict[str, Any]]) -> dict[str, Any]:
    good = [each for each in done if each["name"] == "default"]
    bad = [each for each in done if each["name"] != "default"]
    fine = ("healthy", "converged")
    alarms = [each for each in good if any(said[1] not in fine for said in each["verdicts"])]
    named = {
        each["name"]: next((said[:2] for said in each["verdicts"] if said[1] not in fine), None)
        for each in bad
    }
    rows = {name: [each for each in good if each["set"] == name] for name in MODES}
    return {
        "runs": len(good),
        "mode_collapse": sum(each["mode_collapse"] for each in good),
        "ring": _full(rows["ring"]),
        "grid": _full(rows["grid"]),
        "high_quality": {
            name: [each["high_quality"] for each in found] for name, found in rows.items()
        },
        "reverse_kl": {
            name: [each["reverse_kl"] for each in found] for name, found in rows.items()
        },
        "controls": len(bad),
        "controls_named": sum(said is not None for said in named.values()),
        "named": named,
        "false_alarms": len(alarms),
        "alarms": [(each["set"], each["seed"], each["verdicts"][-1]) for each in alarms],
        "bins": {
            name: sorted(each["bins"] for each in good if each["set"] == name)
            for name in ("mnist", "fashion_mnist", "emoji")
        },
    }


def _full(found: list[dict[str, Any]]) -> str:
    return f"{sum(not each['mode_collapse'] for each in found)}/{len(found)} runs with all modes"
