"""Memorization and duplicates: are fakes copies of training samples, or of each other?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gannet.core.scores import ABOUT, NearestPair, Score, TrainingDistance
from gannet.evaluation.samples import EvaluationSamples
from gannet.metrics.confidence import fraction_score
from gannet.metrics.distribution import nearest_others
from gannet.metrics.memorization import (
    MAX_PAIRS,
    closest,
    pairs_of,
    suspects,
    training_distance_of,
    worst_pairs,
)
from gannet.metrics.pairwise import FeatureSet
from gannet.modalities.hooks import Data
from gannet.networks.features import Standardizer

SEARCHED = 100_000
"""Maximum training samples that are searched for copies."""

DUPLICATE_QUANTILE = 0.01
"""Quantile of nearest-neighbour distances of held-out reals below which a fake is a duplicate."""


@dataclass(frozen=True)
class Memorization:
    """Training samples nearest to the fakes.

    Attributes:
        score: Memorization rate: fraction of fakes suspiciously close to one training sample.
        suspects: The nearest pairs, the most suspect first.
        examples: The first fakes, unselected, with their nearest training samples.
        training_distance: Quantiles of all distances.
    """

    score: Score
    suspects: tuple[NearestPair, ...]
    examples: tuple[NearestPair, ...]
    training_distance: TrainingDistance


def memorization_score(samples: EvaluationSamples, dataset: Data) -> Memorization:
    """Memorization rate of the fakes, and the nearest pairs.

    The reference reals are excluded from the searched training samples.
    """
    rows = samples.remaining[:SEARCHED]
    embed, metric = _distance(samples)
    sample_sets = [samples.fake, samples.held_out, samples.real_reference, samples.baseline_samples]
    blocks = _blocks(dataset, rows, embed)
    distances, which = closest(torch.cat([embed(each) for each in sample_sets]), blocks)
    count = len(samples.fake)
    fake, held_out, reference, baseline = (
        distances[at * count : (at + 1) * count] for at in range(4)
    )
    flags = [suspects(each, held_out) for each in (fake, reference, baseline)]
    score = fraction_score(
        f"memorization[{samples.modality.noun[1]}]", flags, ABOUT["memorization"]
    )
    pairs = pairs_of(fake, [rows[int(at)] for at in which[:count, 0]], flags[0])
    training_distance = training_distance_of(metric, fake[:, 0], held_out[:, 0], len(rows))
    return Memorization(score, worst_pairs(pairs), pairs[:MAX_PAIRS], training_distance)


def duplicate_score(
    held_out: Tensor | FeatureSet,
    fake: Tensor | FeatureSet,
    reference: Tensor | FeatureSet,
    baseline: Tensor | FeatureSet,
    feature_extractor: str,
) -> Score:
    """Duplicate rate: fakes nearer to another fake than 99 % of reals are to another real.

    Args:
        held_out: ``(n, F)`` features of held-out reals.
        fake: The same of fakes.
        reference: The same of other reals, the reference.
        baseline: The same of the baseline.
        feature_extractor: Name of the features.
    """
    limit = nearest_others(held_out).quantile(DUPLICATE_QUANTILE)
    flags = [nearest_others(each) <= limit for each in (fake, reference, baseline)]
    return fraction_score(f"duplicate rate[{feature_extractor}]", flags, ABOUT["duplicate rate"])


def _distance(evaluation_samples: EvaluationSamples) -> tuple[Callable[[Tensor], Tensor], str]:
    """Embedding of samples ``(B, *shape)`` to ``(B, F)``, and the name of its distance."""
    thumbnail = evaluation_samples.modality.thumbnail
    if evaluation_samples.modality.values == "signed":  # all numbers have one unit
        return (
            thumbnail,
            f"Euclidean, between thumbnails of {evaluation_samples.modality.noun[1]} in [-1, 1]",
        )
    scale = Standardizer(thumbnail(evaluation_samples.held_out))
    metric = "Euclidean, each number in standard deviations of held-out reals"
    return lambda samples: scale(thumbnail(samples)), metric


def _blocks(
    dataset: Data, rows: tuple[int, ...], embed: Callable[[Tensor], Tensor]
) -> Iterator[Tensor]:
    for start in range(0, len(rows), 1_000):
        yield embed(dataset.train.take(list(rows[start : start + 1_000])).real)
