"""The scores one by one: each of fakes, of other reals (reference) and of a Gaussian (baseline)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from gannet.core.scores import ABOUT, Component, Score
from gannet.evaluation.features import SampleFeatures
from gannet.evaluation.memorization import SEARCHED, duplicate_score
from gannet.evaluation.samples import NUMBERS, EvaluationSamples
from gannet.evaluation.two_sample_test import classifier_two_sample_test
from gannet.metrics import METRICS
from gannet.metrics.classification import majority
from gannet.metrics.confidence import half_samples_of, spread, wilson
from gannet.metrics.pairwise import FeatureSet
from gannet.modalities.hooks import Data
from gannet.networks.classifier import ClassifierFeatures
from gannet.networks.features import Features, IdentityFeatures, label_of

HALVES = 12
"""Half-samples of each score."""

STUDENT = 2.201
"""97.5 % point of Student's t for a standard error from 12 half-samples."""

LABELED = 10_000
"""Maximum training samples of a classifier."""

CLASSES = 40
"""Maximum classes that a score lists, the worst ones."""


@dataclass(frozen=True)
class LabeledSamples:
    """Training data of a classifier: reals ``(m, *shape)`` and their labels ``(m,)``."""

    samples: Tensor
    labels: Tensor


def labeled_samples(dataset: Data, made: EvaluationSamples) -> LabeledSamples | None:
    """Labelled training rows outside the reference; ``None`` for fewer than two classes."""
    every = np.asarray(dataset.train.labels)
    known = [row for row in made.remaining if every[row] >= 0]
    most = min(LABELED, max(NUMBERS // made.fake[0].numel(), 2))
    chosen = known[:most]
    labels = torch.from_numpy(every[chosen]).long()
    if int((labels.bincount() > 0).sum()) < 2:
        return None
    return LabeledSamples(dataset.train.take(chosen).real, labels)


def distribution_scores(seen: SampleFeatures, seed: int) -> list[Score]:
    """All of ``METRICS``, and the duplicate rate, in the features ``seen``."""
    feature_extractor = seen.feature_extractor
    held_out, fake, fresh, plain = map(
        FeatureSet, (seen.held_out, seen.fake, seen.real_reference, seen.baseline_samples)
    )
    values = [_values(held_out, heap) for heap in (fake, fresh, plain)]
    repeats = duplicate_score(held_out, fake, fresh, plain, label_of(feature_extractor))
    halved = [
        half_samples_of(_values_of_rows, held_out.rows, heap.rows, times=HALVES, seed=seed)
        for heap in (fake, fresh)
    ]
    scores: list[Score] = []
    for at, (name, (_, better, least, most)) in enumerate(METRICS.items()):
        value, floor, baseline = (each[at] for each in values)
        reach, floor_reach = (STUDENT * spread(each[at]) for each in halved)
        called = "fid" if name == "frechet" and feature_extractor.name == "inception" else name
        scores.append(
            Score(
                name=f"{called}[{label_of(feature_extractor)}]",
                value=value,
                low=max(value - reach, least),
                high=min(value + reach, most),
                reference=floor,
                reference_low=max(floor - floor_reach, least),
                reference_high=min(floor + floor_reach, most),
                samples=len(fake),
                better=better,
                baseline=baseline,
                half_sample_values=halved[0][at],
                **ABOUT[called],
            )
        )
    return [*scores, repeats]


def _values(real: FeatureSet, fake: FeatureSet) -> list[float]:
    return [rated.function(real, fake) for rated in METRICS.values()]


def _values_of_rows(real: Tensor, fake: Tensor) -> list[float]:
    return _values(FeatureSet(real), FeatureSet(fake))


def two_sample_score(made: EvaluationSamples | SampleFeatures, seed: int, steps: int) -> Score:
    """Accuracy of a classifier two-sample test (C2ST) on the samples, or on their features."""
    evaluation = (
        {"features": IdentityFeatures(made.feature_extractor.width)}
        if isinstance(made, SampleFeatures)
        else {"modality": made.modality}
    )
    discriminator = partial(
        classifier_two_sample_test, made.held_out, seed=seed, steps=steps, **evaluation
    )
    found, floor, plain = (
        discriminator(made.fake),
        discriminator(made.real_reference),
        discriminator(made.baseline_samples),
    )
    looked = (
        label_of(made.feature_extractor) if isinstance(made, SampleFeatures) else found.features
    )
    return Score(
        name=f"c2st accuracy[{looked}]",
        value=found.accuracy,
        low=found.low,
        high=found.high,
        reference=floor.accuracy,
        reference_low=floor.low,
        reference_high=floor.high,
        samples=found.tested,
        better="low",
        baseline=plain.accuracy,
        chance=0.5,
        **ABOUT["c2st accuracy"],
    )


@dataclass(frozen=True)
class PredictedClasses:
    """Classes ``(n,)`` that a classifier of reals predicts for sets of ``EvaluationSamples``."""

    fake: Tensor
    held_out: Tensor
    baseline_samples: Tensor


def predicted_classes(
    classifier: ClassifierFeatures, made: EvaluationSamples, seen: SampleFeatures
) -> PredictedClasses:
    """Predict the classes, from features where they are the classifier's own."""
    if label_of(seen.feature_extractor) == label_of(classifier):
        return PredictedClasses(
            *map(classifier.told, (seen.fake, seen.held_out, seen.baseline_samples))
        )
    return PredictedClasses(
        *map(classifier.predict, (made.fake, made.held_out, made.baseline_samples))
    )


def class_score(
    made: EvaluationSamples, condition: PredictedClasses, names: Sequence[str]
) -> Score:
    """Class accuracy: fraction of fakes classified as their requested class; also by class."""
    fake, real, plain = condition.fake, condition.held_out, condition.baseline_samples
    shares = [_right(told, made.labels) for told in (fake, real, plain)]
    score = _share("class accuracy", shares[0], shares[1], shares[2], majority(made.labels))
    return score.model_copy(update={"components": by_class(fake, real, made.labels, names)})


def tstr_score(
    made: EvaluationSamples,
    lesson: LabeledSamples,
    usual: Tensor,
    fakes: Tensor,
    train: Callable[[Tensor, Tensor], ClassifierFeatures],
    seed: int,
    names: Sequence[str],
) -> Score:
    """TSTR: accuracy on held-out reals of a classifier trained on fakes alone; also by class.

    The reference is the same classifier trained on as many reals of the same classes; ``usual``
    are its predictions for the held-out reals.
    """
    plain = made.gaussian.sample(lesson.labels, seed=seed)
    told, least = (train(each, lesson.labels).predict(made.held_out) for each in (fakes, plain))
    shares = [_right(each, made.labels) for each in (told, usual, least)]
    score = _share("tstr", shares[0], shares[1], shares[2], majority(made.labels))
    return score.model_copy(update={"components": by_class(told, usual, made.labels, names)})


def by_class(
    fake: Tensor, real: Tensor, labels: Tensor, names: Sequence[str]
) -> tuple[Component, ...]:
    """Accuracy of each class that occurs, the largest deficit to reals first.

    Args:
        fake: ``(N,)`` classes predicted for, or learnt from, fakes.
        real: ``(N,)`` the same of reals.
        labels: ``(N,)`` true classes, -1 where unknown.
        names: Names of the classes.
    """
    parts = [
        Component(
            name=names[number],
            value=float((fake[rows] == number).double().mean()),
            reference=float((real[rows] == number).double().mean()),
        )
        for number in sorted(set(map(int, labels[labels >= 0])))
        for rows in [labels == number]
    ]
    return tuple(sorted(parts, key=lambda part: part.value - part.reference)[:CLASSES])


def _right(condition: Tensor, labels: Tensor) -> tuple[int, int]:
    """Correct predictions among the labelled samples, and how many are labelled."""
    known = labels >= 0
    return int((condition == labels)[known].sum()), int(known.sum())


TARGETED = (
    "Conditional generation: answers to held-out inputs are scored. {measures} compare each with "
    "its target: their reference is a perfect answer, their baseline the best of the simple "
    "methods that are listed as components."
)
UNTARGETED = (
    "Unpaired translation: answers to held-out inputs of one domain are scored, and the reals are "
    "held-out samples of the other: no answer has a target of its own. Domain gap closed: "
    "reduction of the energy distance to the target domain, relative to that of the inputs; left "
    "out where these are too few to distinguish the domains. Measures of what is preserved have "
    "the mean input as their baseline."
)


def protocol_of(
    made: EvaluationSamples,
    scores: Sequence[Score],
    feature_extractor: Features,
    lesson: LabeledSamples | None,
    by: str = "",
    *,
    paired: bool = True,
) -> tuple[str, ...]:
    """How the scores were made, in sentences.

    Args:
        made: Evaluated samples.
        scores: Their scores.
        feature_extractor: Features of the scores.
        lesson: Training data of the classifiers.
        by: Name of the reference method that is the baseline; empty for the Gaussian.
        paired: Whether each output has a target of its own.
    """
    count = len(made.fake)
    by_class = "of the same classes as" if made.class_conditional else "against"
    said = [
        f"{count} fakes {by_class} {count} reals that training never saw.",
        f"Reference (real against real): {count} other reals, from the training data, in place of "
        "the fakes; no network of this evaluation was trained on them.",
        f"Baseline: {by}, in place of the fakes."
        if by
        else "Baseline: a Gaussian around the mean of each class, in place of the fakes.",
        f"Features: {label_of(feature_extractor)}, {feature_extractor.width} numbers. Scores in "
        "other features, or of other counts, cannot be compared with these.",
        f"Intervals: 95 %. Distances: delete-half jackknife, {HALVES} halves (a bootstrap would "
        "bias them). Proportions: Wilson. They cover sampling, not other training runs.",
        "Memorization: nearer to one training sample than 99 % of held-out reals are, both in "
        "distance and in distance over that to the next ten; "
        f"{min(len(made.remaining), SEARCHED)} searched.",
        "Duplicates: nearer, in features, to another fake than 99 % of held-out reals are to "
        "another real.",
    ]
    said += dict.fromkeys(score.how for score in scores if score.how)
    said += filter(None, [getattr(feature_extractor, "how", "")])
    if made.given is not None:
        named = ", ".join(score.name for score in scores if score.role == "target")
        said.append(
            (TARGETED.format(measures=named) if paired else UNTARGETED)
            + " Diversity: its reference is two different targets, its baseline one output only. "
            "Intervals of these: bootstrap over samples."
        )
    if lesson is not None:
        said.append(f"Classifiers were trained on {len(lesson.labels)} samples each.")
    if count < 500:
        said.append(
            f"{count} samples are few: expect wide intervals and a weak two-sample test (C2ST)."
        )
    return tuple(said)


def _share(
    name: str, value: tuple[int, int], floor: tuple[int, int], plain: tuple[int, int], chance: float
) -> Score:
    (low, high), (floor_low, floor_high) = wilson(*value), wilson(*floor)
    return Score(
        name=name,
        value=value[0] / max(value[1], 1),
        low=low,
        high=high,
        reference=floor[0] / max(floor[1], 1),
        reference_low=floor_low,
        reference_high=floor_high,
        samples=value[1],
        better="high",
        baseline=plain[0] / max(plain[1], 1),
        chance=chance,
        **ABOUT[name],
    )
