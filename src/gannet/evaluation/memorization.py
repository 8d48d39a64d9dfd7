"""Are fakes copies of training samples, or of each other?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gannet.core.scores import ABOUT, NearestPair, Score, TrainingDistance
from gannet.evaluation.samples import EvaluationSamples
from gannet.metrics.confidence import share_score
from gannet.metrics.distribution import nearest_others
from gannet.metrics.memorization import (
    SHOWN,
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
"""Most training samples in which copies are looked for."""

ALIKE = 0.01
"""Share of held-out reals that have another as near as a repeated sample has."""


@dataclass(frozen=True)
class Memorization:
    """What was found among the training samples nearest to fakes.

    Attributes:
        score: Share of fakes oddly near to one of them.
        suspects: The nearest pairs, the most suspect first.
        examples: The first fakes, not chosen, with theirs.
        training_distance: All distances, in quantiles.
    """

    score: Score
    suspects: tuple[NearestPair, ...]
    examples: tuple[NearestPair, ...]
    training_distance: TrainingDistance


def memorization_score(made: EvaluationSamples, dataset: Data) -> Memorization:
    """Share of fakes oddly near to one training sample, and the nearest pairs.

    The fresh reals are left out of the training samples, since they serve as the floor.
    """
    rows = made.remaining[:SEARCHED]
    evaluation, metric = _distance(made)
    heaps = [made.fake, made.held_out, made.real_reference, made.baseline_samples]
    blocks = _blocks(dataset, rows, evaluation)
    distances, which = closest(torch.cat([evaluation(each) for each in heaps]), blocks)
    count = len(made.fake)
    fake, held_out, fresh, plain = (distances[at * count : (at + 1) * count] for at in range(4))
    flags = [suspects(each, held_out) for each in (fake, fresh, plain)]
    score = share_score(f"memorization[{made.modality.noun[1]}]", flags, ABOUT["memorization"])
    pairs = pairs_of(fake, [rows[int(at)] for at in which[:count, 0]], flags[0])
    near = training_distance_of(metric, fake[:, 0], held_out[:, 0], len(rows))
    return Memorization(score, worst_pairs(pairs), pairs[:SHOWN], near)


def duplicate_score(
    held_out: Tensor | FeatureSet,
    fake: Tensor | FeatureSet,
    fresh: Tensor | FeatureSet,
    plain: Tensor | FeatureSet,
    feature_extractor: str,
) -> Score:
    """Share of fakes with another fake nearer than 99 % of held-out reals have another real.

    Args:
        held_out: ``(n, F)`` features.
        fake: The same of fakes.
        fresh: Of further reals, the floor.
        plain: Of the baseline.
        feature_extractor: What the features are called.
    """
    limit = nearest_others(held_out).quantile(ALIKE)
    flags = [nearest_others(each) <= limit for each in (fake, fresh, plain)]
    return share_score(f"duplicate rate[{feature_extractor}]", flags, ABOUT["duplicate rate"])


def _distance(made: EvaluationSamples) -> tuple[Callable[[Tensor], Tensor], str]:
    """Samples ``(B, *shape)`` as few numbers ``(B, F)``, and what distances between these are."""
    thumbnail = made.modality.thumbnail
    if made.modality.values == "signed":  # all of one unit
        return thumbnail, f"Euclidean, between thumbnails of {made.modality.noun[1]} in [-1, 1]"
    scale = Standardizer(thumbnail(made.held_out))
    metric = "Euclidean, each number in standard deviations of held-out reals"
    return lambda samples: scale(thumbnail(samples)), metric


def _blocks(
    dataset: Data, rows: tuple[int, ...], evaluation: Callable[[Tensor], Tensor]
) -> Iterator[Tensor]:
    for start in range(0, len(rows), 1_000):
        yield evaluation(dataset.train.take(list(rows[start : start + 1_000])).real)
