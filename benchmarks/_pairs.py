"""Pairs of pictures, answered by gannet and by three rivals that get as much processor time.

The rivals are the input itself, a plain U-Net that learns the pixel error alone (gannet's own
network, with its noise, its duel, what the discriminator sees and what it takes from the given
picture switched off), and pix2pix as its paper describes it. Each learns on one thread until it has
used up the same processor time.
"""

from __future__ import annotations

import time
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import gannet
from benchmarks import _pix2pix
from gannet.core.seeding import latents_at
from gannet.core.types import Batch
from gannet.data.dataset import Dataset, Rows
from gannet.metrics import image_quality
from gannet.networks.features import EfficientNetFeatures
from gannet.recipes.translate import copy_input
from gannet.training.session import Session, prepare

DRAWS, DRAWN, AT_ONCE = 5, 1_000, 16
PLAIN = {
    "adversarial_weight": 0.0,
    "feature_matching_weight": 0.0,
    "perceptual_weight": 0.0,
    "diversity_weight": 0.0,
    "latent_dim": 0,
    "flow_copy": False,
}
MARGIN = 0.05
"""Of diversity, as a share of the distance of two targets: what counts as noise that matters."""


def measured(
    data: Path,
    out: Path,
    *,
    minutes: float,
    seed: int,
    test: Path | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Train all, and score them on pairs that none of them saw.

    Args:
        data: Pairs to train on.
        out: Folder for runs; those that are there are taken up.
        minutes: Processor time of each.
        seed: Of all.
        test: Pairs to score on; by default those that gannet holds out of ``data``.
        settings: Of the recipe.
    """
    torch.set_num_threads(1)
    ours = begun(data, out / "gannet", minutes, seed, **settings)
    for _ in ours.run():
        pass
    for _ in begun(data, out / "plain", minutes, seed, **settings | PLAIN).run():
        pass
    model, plain = gannet.load(out / "gannet"), gannet.load(out / "plain")
    pix2pix = _pix2pix.trained(ours.dataset.train, minutes * 60, seed=seed, keep=out / "pix2pix.pt")
    found = ours.dataset if test is None else again(model, test)
    pairs = found.held_out.take(range(len(found.held_out)))
    if test is not None:
        pairs = all_of(found)
    answers = {
        "gannet": answered(model, pairs),
        "input": copy_input(pairs),
        "plain": answered(plain, pairs),
        "pix2pix": _pix2pix.answered(pix2pix, pairs),
    }
    scores, ahead = scored(answers, pairs, seed)
    varied = diversity(model, pairs, seed)
    return {
        "minutes": minutes,
        "seed": seed,
        "pairs": len(pairs),
        "steps": {"gannet": model.card.steps, "plain": plain.card.steps, "pix2pix": pix2pix.steps},
        "scores": scores,
        "ahead": ahead,
        "ahead_of": [name for name, gap in ahead.items() if gap["low"] > 0],
        "diversity": varied,
        "diverse": varied > MARGIN,
    }


def begun(data: Path, out: Path, minutes: float, seed: int, **settings: Any) -> Session:
    """A run of `translate` whose time is that of the processor."""
    return prepare(
        data,
        out,
        recipe="translate",
        minutes=minutes,
        seed=seed,
        threads=1,
        clock=time.process_time,
        **settings,
    )


def again(model: Any, data: Path) -> Dataset:
    """Other data, decoded as those of a run."""
    found: Dataset = model._read_again(data, None)
    return found


def all_of(found: Dataset) -> Batch:
    """Every pair there is."""
    rows: list[Rows] = [found.train, found.held_out]
    one, other = (each.take(range(len(each))) for each in rows)
    return Batch(
        torch.cat([one.real, other.real]),
        type(one.condition).joined([one.condition, other.condition]),
    )


@torch.no_grad()
def answered(model: Any, pairs: Batch, noise: Tensor | None = None) -> Tensor:
    """Answers ``(n, C, H, W)``, by default the single best ones."""
    artifact = model.artifact
    if noise is None:
        noise = torch.zeros(len(pairs), artifact.config.latent_dim)
    made = [
        artifact.recipe.inference.infer(
            artifact.model,
            noise[at : at + AT_ONCE],
            pairs[at : at + AT_ONCE].condition,
            artifact.config,
        ).float()
        for at in range(0, len(pairs), AT_ONCE)
    ]
    return torch.cat(made)


def scored(
    answers: dict[str, Tensor], pairs: Batch, seed: int
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Means by method, and by how much gannet's feature distance is less, with 95 % intervals."""
    feature_extractor = EfficientNetFeatures()
    real = pairs.real
    seen = feature_extractor(real)
    far: dict[str, Tensor] = {
        name: (feature_extractor(made) - seen).norm(dim=1) for name, made in answers.items()
    }
    scores = {
        name: {
            "features": round(float(far[name].mean()), 4),
            "psnr": round(float(image_quality.psnr(made, real).mean()), 3),
            "ssim": round(float(image_quality.ssim(made, real).mean()), 4),
            "fine_detail": round(float(image_quality.high_frequency_error(made, real).mean()), 4),
        }
        for name, made in answers.items()
    }
    chance = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(real), (DRAWN, len(real)), generator=chance)
    ahead: dict[str, dict[str, float]] = {}
    for name in answers:
        if name != "gannet":
            gap = far[name] - far["gannet"]
            low, high = interval(gap, rows)
            ahead[name] = {"gap": round(float(gap.mean()), 4), "low": low, "high": high}
    return scores, ahead


def diversity(model: Any, pairs: Batch, seed: int) -> float:
    """Feature distance of two of five answers to one picture, as a share of two targets'."""
    feature_extractor, some = EfficientNetFeatures(), pairs[:64]
    seen = feature_extractor(some.real)
    apart = float(_distances(seen, seen.roll(1, 0)).mean())
    width = model.artifact.config.latent_dim
    views = [
        feature_extractor(
            answered(model, some, latents_at(seed, range(draw * 64, draw * 64 + len(some)), width))
        )
        for draw in range(DRAWS)
    ]
    gaps = [float(_distances(one, other).mean()) for one, other in combinations(views, 2)]
    return round(sum(gaps) / len(gaps) / apart, 4)


def interval(values: Tensor, rows: Tensor) -> tuple[float, float]:
    """Ends of the 95 % bootstrap interval of a mean, from numbers of the rows drawn."""
    ends = values[rows].mean(1).quantile(torch.tensor([0.025, 0.975]))
    return round(float(ends[0]), 4), round(float(ends[1]), 4)


def _distances(one: Tensor, other: Tensor) -> Tensor:
    """Of each row of the one from that of the other, ``(n,)``."""
    return torch.linalg.vector_norm(one - other, dim=1)
