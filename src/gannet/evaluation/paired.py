"""Scores of conditional outputs that have targets, beside reference methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor

from gannet.core.scores import ABOUT, About, Component, Score
from gannet.core.seeding import derive_seed
from gannet.modalities.hooks import PairMeasure
from gannet.modalities.modality import Modality
from gannet.networks.features import Features

DRAWN = 1_000
"""Bootstrap resamples."""

ASKED = 64
"""Inputs that diversity is measured on."""

DRAWS = 5
"""Outputs per input that diversity is measured on."""


def paired_scores(
    answers: Tensor,
    targets: Tensor,
    reference_methods: Mapping[str, Tensor],
    feature_extractor: Features,
    again: Callable[[int], Tensor],
    *,
    modality: Modality,
    seed: int,
) -> list[Score]:
    """Score outputs for held-out inputs against their targets.

    Args:
        answers: Outputs ``(n, *shape)``.
        targets: Targets, of the same shape.
        reference_methods: Outputs of simple methods, by name; the best of them is the baseline,
            and all are components of the score.
        feature_extractor: Features for the feature distance.
        again: Draw number to further outputs for the first ``ASKED`` inputs.
        modality: Modality of the outputs; it may add measures of its own.
        seed: Seed of the bootstrap.

    Returns:
        ``feature distance`` between output and target, relative to that between two different
        targets, and measures of the modality; ``diversity``: feature distance between two outputs
        for one input, relative to the same.
    """
    seen = feature_extractor(targets)
    apart = (seen - seen.roll(1, 0)).norm(dim=1).mean().clamp_min(1e-9)

    def unlike(one: Tensor, other: Tensor) -> Tensor:
        there = seen if other is targets else feature_extractor(other)
        return (feature_extractor(one) - there).norm(dim=1) / apart

    by_features = PairMeasure("feature distance", unlike, 0.0, "low", ABOUT["feature distance"])
    found = [
        _score(each, answers, targets, reference_methods, seed)
        for each in modality.evaluation.measures(by_features)
    ]
    return [*found, diversity(seen, feature_extractor, again, seed=seed)]


def diversity(
    seen: Tensor, feature_extractor: Features, again: Callable[[int], Tensor], *, seed: int
) -> Score:
    """Mean feature distance between outputs for one input, relative to that between targets.

    Args:
        seen: ``(n, width)`` features of targets.
        feature_extractor: Features for the distance.
        again: Draw number to outputs for the same inputs.
        seed: Seed of the bootstrap.
    """
    apart = (seen - seen.roll(1, 0)).norm(dim=1).mean().clamp_min(1e-9)
    views = [feature_extractor(again(number)) for number in range(DRAWS)]
    pairs: list[Tensor] = [
        (one - other).norm(dim=1) / apart for one, other in combinations(views, 2)
    ]
    each = torch.stack(pairs).mean(0)
    # Correct outputs differ at most as much as targets do; how much is unknown.
    return mean_score(
        "diversity",
        each,
        floor=1.0,
        better="high",
        baseline=0.0,
        by="one output only",
        seed=seed,
        about=ABOUT["diversity"],
    )


def _score(
    how: PairMeasure,
    answers: Tensor,
    targets: Tensor,
    reference_methods: Mapping[str, Tensor],
    seed: int,
) -> Score:
    others = {
        by: float(how.measure(made, targets).mean()) for by, made in reference_methods.items()
    }
    best = (min if how.better == "low" else max)(others, key=others.__getitem__, default="")
    return mean_score(
        how.name,
        how.measure(answers, targets),
        floor=how.best,
        better=how.better,
        baseline=others.get(best),
        by=best or "none",
        seed=seed,
        about=how.about,
        parts=tuple(
            Component(name=f"by {by}", value=got, reference=how.best) for by, got in others.items()
        ),
    )


def mean_score(
    name: str,
    each: Tensor,
    *,
    floor: float,
    better: Literal["low", "high"],
    baseline: float | None,
    by: str,
    seed: int,
    about: About,
    parts: tuple[Component, ...] = (),
) -> Score:
    """Mean of per-output values ``(n,)``, with a reference that is known without measuring."""
    low, high = interval(each, seed)
    return Score(
        name=name,
        value=float(each.mean()),
        low=low,
        high=high,
        reference=floor,
        reference_low=floor,
        reference_high=floor,
        samples=len(each),
        better=better,
        baseline=baseline,
        baseline_name=by,
        components=parts,
        **about,
    )


def interval(each: Tensor, seed: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean."""
    chance = torch.Generator().manual_seed(derive_seed(seed, 7))
    rows = torch.randint(len(each), (DRAWN, len(each)), generator=chance)
    ends = each[rows].mean(1).quantile(torch.tensor([0.025, 0.975]))
    return float(ends[0]), float(ends[1])
