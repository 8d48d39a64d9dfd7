"""The classifier two-sample test: the strongest of several classifiers, with its controls.

The discriminator of training cannot prove that reals and generated samples are alike, since it may
be too weak or held too flat. Classifiers that learn from nothing on half of the samples and are
tested on the other half can, as far as they can see: controls, of which the answer is known, say
how far that is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import torch
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import DataError
from gannet.core.seeding import derive_seed
from gannet.evaluation.two_sample.learners import (
    BoostedTrees,
    Learner,
    LinearModel,
    Network,
    installed,
)
from gannet.metrics.auc import auc
from gannet.metrics.confidence import wilson
from gannet.metrics.two_sample import (
    LEVEL,
    ClassifierResult,
    Control,
    TwoSampleResult,
    mann_whitney,
)
from gannet.modalities.modality import NUMBERS, Modality
from gannet.networks.classifier import RowNet
from gannet.networks.features import FeatureMap, Features, in_chunks

MIN_SAMPLES = 8
"""Samples per side below which there is nothing to learn from."""

MOST_COLUMNS = 512
"""Numbers per sample above which boosted trees take too long for what they find."""

CENTERED = 1_000
"""Most rows of a side from which the threshold between the sides is taken."""

CONTROL_SAMPLES = 500
"""Most samples of a side in a control, whose answer is known and takes fewer to confirm."""

FAR = 10.0
"""Where numbers that are not finite are put, in units of the largest of the reals."""

CHUNK_NUMBERS = 1 << 22
"""Most numbers of samples that a view is given at once: 16 MiB in 32 bit."""


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at samples, and the classifiers that learn from it.

    Attributes:
        name: Stands in the name of a classifier: ``boosted trees on cells``.
        of: Samples ``(n, *shape)`` as they are looked at.
        learners: Classifiers.
    """

    name: str
    of: Callable[[Tensor], Tensor]
    learners: Sequence[Learner]

    def features(self, samples: Tensor) -> Tensor:
        """Samples as they are looked at, few large ones at a time."""
        size = max(CHUNK_NUMBERS // max(samples[:1].numel(), 1), 1)
        return in_chunks(self.of, samples, size)


def views_of(
    modality: Modality = NUMBERS,
    codec: Codec[Any] | None = None,
    features: Sequence[Features] = (),
    *,
    embed: FeatureMap | None = None,
    steps: int = 300,
    seconds: float = math.inf,
) -> list[View]:
    """How samples of a kind are looked at.

    Args:
        modality: Their kind.
        codec: That turns them back into raw data, which some kinds look at.
        features: Frozen features; a linear model learns from each.
        embed: Samples to what a network of rows learns from; ``None`` if the network of their kind
            sees them as they are.
        steps: Batches that a network learns from.
        seconds: Most wall time of a network.
    """
    network = Network(RowNet if embed else modality.classifier, steps, seconds)
    found = [View("samples", embed or _as_they_are, [network])]
    found += [View(f"{each.name} features", each, [LinearModel()]) for each in features]
    rows = modality.evaluation.rows(codec).items()
    return found + [View(name, see, [BoostedTrees()]) for name, see in rows]


def classifier_two_sample_test(
    real: Tensor,
    fake: Tensor,
    *,
    seed: int,
    views: Sequence[View] | None = None,
    modality: Modality = NUMBERS,
    real_reference: Tensor | None = None,
    corrupted: Iterable[tuple[str, Tensor]] = (),
    enough: int | None = None,
) -> TwoSampleResult:
    """Test whether reals and generated samples can be told apart.

    Half of either side trains each classifier, the other half tests it. The longer side is cut to
    the length of the shorter. The classifier with the smallest p value counts; p values are
    multiplied by the number of classifiers, and intervals widened alike, so that trying several
    claims no more than trying one.

    Args:
        real: ``(N, *shape)`` reals that the generator was not trained on.
        fake: ``(M, *shape)``.
        seed: Of the split, the weights and the order; equal arguments give an equal result.
        views: How to look at samples; by default as ``views_of`` their kind.
        modality: Kind of data, where no views are given.
        real_reference: ``(n, *shape)`` other reals, for the negative control.
        corrupted: Names and corrupted reals ``(n, *shape)``, for the positive controls.
        enough: Positive controls that are told apart until no more are tried; all by default. In
            each of them classifiers are then tried, quick ones first, until one has told it.

    Raises:
        DataError: if a side has fewer than 8 samples.

    Source: Lopez-Paz and Oquab 2017, arXiv:1610.06545, sec. 3; Kim et al. 2021, Annals of
        Statistics 49, p. 411 (classification accuracy as a two-sample test).
    Differs: several classifiers; the p value is that of the AUC, which has more power.
    """
    _check(real, fake)
    looks = list(views if views is not None else views_of(modality))
    largest = _largest(real)
    real, fake = _finite(real, largest), _finite(fake, largest)
    features = [view.features(real) for view in looks]
    result = _tested(features, fake, looks, seed)
    part = [rows[:CONTROL_SAMPLES] for rows in features]
    positive: list[Control] = []
    detected = 0
    for number, (name, rows) in enumerate(corrupted):
        if enough is not None and detected >= enough:
            break
        if len(rows) < MIN_SAMPLES:
            continue
        each = _finite(rows[:CONTROL_SAMPLES], largest)
        positive.append(
            _control(name, part, each, looks, derive_seed(seed, 11, number), every=enough is None)
        )
        detected += positive[-1].detected
    negative = None
    if real_reference is not None and len(real_reference) >= MIN_SAMPLES:
        others = _finite(real_reference[:CONTROL_SAMPLES], largest)
        negative = _control("training reals", part, others, looks, derive_seed(seed, 12))
    return replace(result, positive=tuple(positive), negative=negative)


def _largest(samples: Tensor) -> float:
    """Largest absolute finite number; 1 for none."""
    known = samples[samples.isfinite()].abs()
    return float(known.max()) or 1.0 if known.numel() else 1.0


def _finite(samples: Tensor, largest: float) -> Tensor:
    """Samples with what is not finite put far off, so that any network can look at them."""
    if bool(samples.isfinite().all()):
        return samples
    limit = FAR * largest
    return torch.nan_to_num(samples, nan=limit, posinf=limit, neginf=-limit).clamp(-limit, limit)


def _check(real: Tensor, fake: Tensor) -> None:
    if min(len(real), len(fake)) < MIN_SAMPLES:
        raise DataError(
            f"a two-sample test needs {MIN_SAMPLES} samples per side, got {len(real)} and "
            f"{len(fake)}",
            remedy="Hold out more real samples, or generate more.",
        )


def _control(
    name: str,
    real: Sequence[Tensor],
    other: Tensor,
    views: Sequence[View],
    seed: int,
    *,
    every: bool = True,
) -> Control:
    found = _tested(real, other, views, seed, every=every)
    area = max(each.auc for each in found.classifiers)
    return Control(name, area, found.p_value <= LEVEL, found.classifiers)


def _tested(
    real: Sequence[Tensor], fake: Tensor, views: Sequence[View], seed: int, *, every: bool = True
) -> TwoSampleResult:
    """All classifiers, the strongest first; without controls.

    Args:
        real: As each view sees it.
        fake: As it is.
        views: How to look at samples.
        seed: Of the split and of the classifiers.
        every: Otherwise no more classifiers are tried, the last view's first, once the difference
            is significant however many there are.
    """
    count = min(len(real[0]), len(fake))
    half = count // 2
    orders = [
        torch.randperm(rows, generator=torch.Generator().manual_seed(derive_seed(seed, at)))[:count]
        for at, rows in enumerate((len(real[0]), len(fake)))
    ]
    chosen, missing = _chosen(real, views)
    total = sum(len(learners) for learners in chosen)
    looks = list(zip(views, real, chosen, strict=True))
    results: list[ClassifierResult] = []
    for view, features, learners in looks if every else reversed(looks):
        if not learners or (not every and any(each.p_value * total <= LEVEL for each in results)):
            continue
        sides = features[orders[0]], view.features(fake[orders[1]])
        for learner in learners:
            logits = _logits(learner, *sides, half, seed)
            results.append(_counted(f"{learner.name} on {view.name}", *logits, total))
    results.sort(key=lambda each: (each.p_value, -each.auc))
    return TwoSampleResult(
        strongest=results[0],
        classifiers=tuple(results),
        tested=2 * (count - half),
        trained=2 * half,
        missing=missing,
    )


def _chosen(
    real: Sequence[Tensor], views: Sequence[View]
) -> tuple[list[list[Learner]], tuple[str, ...]]:
    """The classifiers of each view, and the extras that others would need."""
    chosen: list[list[Learner]] = []
    missing: list[str] = []
    for view, features in zip(views, real, strict=True):
        learners, absent = installed(view.learners)
        missing += absent
        wide = features[0].numel() > MOST_COLUMNS
        chosen.append([each for each in learners if not (wide and isinstance(each, BoostedTrees))])
    return chosen, tuple(dict.fromkeys(missing))


def _logits(
    learner: Learner, real: Tensor, fake: Tensor, half: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Of test reals and test generated samples, above 0 for what is called real."""
    score = learner.learn(real[:half], fake[:half], seed)
    # A classifier trained briefly ranks well before its zero lies well: take the middle.
    medians = [score(side[: min(half, CENTERED)]).double().median() for side in (real, fake)]
    middle = (medians[0] + medians[1]) / 2
    return score(real[half:]).double() - middle, score(fake[half:]).double() - middle


def _counted(name: str, on_real: Tensor, on_fake: Tensor, classifiers: int) -> ClassifierResult:
    """What the logits ``(n,)`` of test samples say."""
    hits = int((on_real > 0).sum() + (on_fake <= 0).sum())
    tested = len(on_real) + len(on_fake)
    quantile = NormalDist().inv_cdf(1 - LEVEL / classifiers)
    low, high = wilson(hits, tested, quantile)
    area = auc(on_real.numpy(), on_fake.numpy(), quantile=quantile)
    return ClassifierResult(
        name=name,
        accuracy=hits / tested,
        low=low,
        high=high,
        auc=area.value,
        auc_low=area.low,
        auc_high=area.high,
        p_value=mann_whitney(area.value, on_real.numpy(), on_fake.numpy()),
    )


def _as_they_are(samples: Tensor) -> Tensor:
    return samples.float()
