"""How long a full evaluation takes: 10,000 pictures at 32 x 32, all scores, page included.

The pictures are coloured blots in ten classes, made here, so that no data are needed; the fakes
are further blots, since time does not hang on what pictures show. 10,000 fakes are compared with
10,000 held-out reals and with 10,000 training reals (floor), beside 10,000 of the baseline.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.device import best_threads, threads
from gannet.core.types import Batch, Condition
from gannet.evaluation.evaluate import evaluate
from gannet.evaluation.report.examples import with_examples
from gannet.evaluation.report.html.page import write_page
from gannet.evaluation.report.markdown import write_report
from gannet.evaluation.samples import evaluation_samples
from gannet.modalities.image.codec import ImageCodec

CLASSES = tuple(str(number) for number in range(10))


def blots(labels: NDArray[np.int64], side: int, seed: int) -> Tensor:
    """Coloured blots ``(N, 3, side, side)`` in [-1, 1], whose class is where they lie."""
    rng, count = np.random.default_rng(seed), len(labels)
    across = np.arange(side, dtype=np.float32) / side
    turn = 2 * np.pi * labels / 10
    places = 0.5 + 0.3 * np.stack([np.cos(turn), np.sin(turn)], 1) + rng.normal(0, 0.05, (count, 2))
    wide = rng.uniform(0.08, 0.2, (count, 1, 1)).astype(np.float32)
    down = across[None, :, None] - places[:, 0, None, None].astype(np.float32)
    right = across[None, None, :] - places[:, 1, None, None].astype(np.float32)
    blot = np.exp(-(down**2 + right**2) / wide**2)[:, None]
    color = rng.uniform(0.5, 2, (count, 3, 1, 1)).astype(np.float32)
    noise = rng.normal(0, 0.06, (count, 3, side, side)).astype(np.float32)
    return torch.from_numpy(blot * color - 1 + noise).clamp(-1, 1)


@dataclass(frozen=True)
class Rows:
    """Blots with their classes."""

    labels: NDArray[np.int64]
    pictures: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Any) -> Batch:
        """Some of them."""
        real = self.pictures[torch.as_tensor(np.asarray(indices))]
        return Batch(real, Condition.none(real), kind="image")


@dataclass(frozen=True)
class Blots:
    """Training and held-out blots."""

    train: Rows
    held_out: Rows
    classes: tuple[str, ...] = CLASSES


@dataclass(frozen=True)
class Blotter:
    """Makes further blots."""

    side: int
    classes: tuple[str, ...] = CLASSES

    def sample(self, count: int, *, label: str | int | None = None, seed: int = 0) -> Tensor:
        """``(count, 3, side, side)``."""
        labels = np.arange(count) % 10 if label is None else np.full(count, int(label))
        return blots(labels, self.side, seed + 7)


def run(
    data: Path, *, count: int = 10_000, side: int = 32, features: str = "auto"
) -> dict[str, Any]:
    """Time one evaluation with all that ``gannet evaluate`` writes."""
    rows = [
        Rows(labels, blots(labels, side, seed))
        for seed, size in ((0, 2 * count), (1, count))
        for labels in [np.arange(size) % 10]
    ]
    found, sampler = Blots(rows[0], rows[1]), Blotter(side)
    codec = ImageCodec(height=side, width=side, channels=3)
    began, used = perf_counter(), process_time()
    with tempfile.TemporaryDirectory() as folder, threads(best_threads()):
        made = evaluation_samples(sampler, found, count=count, seed=0)
        report = evaluate(sampler, found, count=count, features=features, samples=made)
        scored = perf_counter() - began
        report, examples = with_examples(report, made, found, {"sample": codec})
        write_report(report, Path(folder))
        size = write_page(report, Path(folder), examples).stat().st_size
    seconds = perf_counter() - began
    return {
        f"seconds_{count // 1000}k": round(seconds, 1),
        "seconds_of_scores": round(scored, 1),
        "processor_seconds": round(process_time() - used, 1),
        "samples": max(score.samples for score in report.scores),
        "scores": len(report.scores),
        "page_bytes": size,
        "asked": 90,
    }
