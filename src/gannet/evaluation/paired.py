"""Scores of conditional outputs that have targets, beside reference methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from statistics import NormalDist
from typing import Literal

import torch
from torch import Tensor

from gannet.core.scores import ABOUT, About, Component, Score
from gannet.core.seeding import derive_seed
from gannet.metrics.confidence import NORMAL
from gannet.metrics.pairwise import FeatureSet
from gannet.modalities.hooks import PairMeasure
from gannet.modalities.modality import Modality
from gannet.networks.features import Features

BOOTSTRAP_DRAWS = 1_000
"""Bootstrap resamples."""

DIVERSITY_INPUTS = 64
"""Inputs that diversity is measured on."""

DIVERSITY_DRAWS = 5
"""Outputs per input that diversity is measured on."""


def paired_scores(
    outputs: Tensor,
    targets: Tensor,
    reference_methods: Mapping[str, Tensor],
    feature_extractor: Features,
    resample: Callable[[int], Tensor],
    *,
    modality: Modality,
    seed: int,
) -> list[Score]:
    """Score outputs for held-out inputs against their targets.

    Args:
        outputs: Outputs ``(n, *shape)``.
        targets: Targets, of the same shape.
        reference_methods: Outputs of simple methods, by name; the best of them is the baseline,
            and all are components of the score.
        feature_extractor: Features for the feature distance.
        resample: Draw number to further outputs for the first ``DIVERSITY_INPUTS``
            inputs.
        modality: Modality of the outputs; it may add measures of its own.
        seed: Seed of the bootstrap.

    Returns:
        ``feature distance`` between output and target, relative to that between two different
        targets, and measures of the modality; ``diversity``: feature distance between two outputs
        for one input, relative to the same.
    """
    target_features = feature_extractor(targets)
    target_distance = _mean_distance(target_features)

    def feature_distance(one: Tensor, other: Tensor) -> Tensor:
        other_features = target_features if other is targets else feature_extractor(other)
        return (feature_extractor(one) - other_features).norm(dim=1) / target_distance

    by_features = PairMeasure(
        "feature distance", feature_distance, 0.0, "low", ABOUT["feature distance"]
    )
    scores = [
        _score(each, outputs, targets, reference_methods, seed)
        for each in modality.evaluation.measures(by_features)
    ]
    return [*scores, diversity(target_features, feature_extractor, resample, seed=seed)]


def diversity(
    target_features: Tensor,
    feature_extractor: Features,
    resample: Callable[[int], Tensor],
    *,
    seed: int,
) -> Score:
    """Mean feature distance between outputs for one input, relative to that between targets.

    Args:
        target_features: ``(n, width)`` features of targets.
        feature_extractor: Features for the distance.
        resample: Draw number to outputs for the same inputs.
        seed: Seed of the bootstrap.
    """
    target_distance = _mean_distance(target_features)
    output_features = [feature_extractor(resample(number)) for number in range(DIVERSITY_DRAWS)]
    pairs: list[Tensor] = [
        (one - other).norm(dim=1) / target_distance
        for one, other in combinations(output_features, 2)
    ]
    distances = torch.stack(pairs).mean(0)
    # Correct outputs differ at most as much as targets do; how much is unknown.
    return mean_score(
        "diversity",
        distances,
        reference=1.0,
        better="high",
        baseline=0.0,
        baseline_name="one output only",
        seed=seed,
        about=ABOUT["diversity"],
    )


def _mean_distance(embedded: Tensor) -> float:
    """Mean distance of two different targets: of all pairs, so that their order cannot matter."""
    return max(FeatureSet(embedded).distance if len(embedded) > 1 else 0.0, 1e-9)


def _score(
    pair_measure: PairMeasure,
    outputs: Tensor,
    targets: Tensor,
    reference_methods: Mapping[str, Tensor],
    seed: int,
) -> Score:
    others = {
        method: float(pair_measure.measure(method_outputs, targets).mean())
        for method, method_outputs in reference_methods.items()
    }
    best = (min if pair_measure.better == "low" else max)(
        others, key=others.__getitem__, default=""
    )
    return mean_score(
        pair_measure.name,
        pair_measure.measure(outputs, targets),
        reference=pair_measure.best,
        better=pair_measure.better,
        baseline=others.get(best),
        baseline_name=best or "none",
        seed=seed,
        about=pair_measure.about,
        components=tuple(
            Component(name=f"by {method}", value=got, reference=pair_measure.best)
            for method, got in others.items()
        ),
    )


def mean_score(
    name: str,
    values: Tensor,
    *,
    reference: float,
    better: Literal["low", "high"],
    baseline: float | None,
    baseline_name: str,
    seed: int,
    about: About,
    components: tuple[Component, ...] = (),
) -> Score:
    """Mean of per-output values ``(n,)``, with a reference that is known without measuring."""
    low, high = interval(values, seed)
    return Score(
        name=name,
        value=float(values.mean()),
        low=low,
        high=high,
        reference=reference,
        reference_low=reference,
        reference_high=reference,
        samples=len(values),
        better=better,
        baseline=baseline,
        baseline_name=baseline_name,
        components=components,
        **about,
    )


def interval(values: Tensor, seed: int) -> tuple[float, float]:
    """Percentile bootstrap over samples, 95 %, expanded since few samples spread too little.

    Source: Hesterberg 2015, The American Statistician 69, p. 371 (expanded percentiles); of
        Student's t the expansion of Abramowitz and Stegun 1964, 26.7.5.
    """
    freedom, z = max(len(values) - 1, 1), NORMAL
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    tail = NormalDist().cdf(-student * (len(values) / freedom) ** 0.5)
    rng = torch.Generator().manual_seed(derive_seed(seed, 7))
    rows = torch.randint(len(values), (BOOTSTRAP_DRAWS, len(values)), generator=rng)
    ends = values[rows].mean(1).quantile(torch.tensor([tail, 1 - tail]))
    return float(ends[0]), float(ends[1])
