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
from gannet.evaluation.samples import MAX_NUMBERS, EvaluationSamples
from gannet.evaluation.two_sample_test import classifier_two_sample_test
from gannet.metrics import METRICS
from gannet.metrics.classification import majority
from gannet.metrics.confidence import half_samples_of, std, wilson
from gannet.metrics.pairwise import FeatureSet
from gannet.modalities.hooks import Data
from gannet.networks.classifier import ClassifierFeatures
from gannet.networks.features import Features, IdentityFeatures, label_of

HALVES = 12
"""Half-samples of each score."""

STUDENT = 2.201
"""97.5 % point of Student's t for a standard error from 12 half-samples."""

MAX_LABELED = 10_000
"""Maximum training samples of a classifier."""

MAX_CLASSES = 40
"""Maximum classes that a score lists, the worst ones."""


@dataclass(frozen=True)
class LabeledSamples:
    """Training data of a classifier: reals ``(m, *shape)`` and their labels ``(m,)``."""

    samples: Tensor
    labels: Tensor


def labeled_samples(dataset: Data, samples: EvaluationSamples) -> LabeledSamples | None:
    """Labelled training rows outside the reference; ``None`` for fewer than two classes."""
    every = np.asarray(dataset.train.labels)
    labeled_rows = [row for row in samples.remaining if every[row] >= 0]
    max_samples = min(MAX_LABELED, max(MAX_NUMBERS // samples.fake[0].numel(), 2))
    chosen = labeled_rows[:max_samples]
    labels = torch.from_numpy(every[chosen]).long()
    if int((labels.bincount() > 0).sum()) < 2:
        return None
    return LabeledSamples(dataset.train.take(chosen).real, labels)


def distribution_scores(features: SampleFeatures, seed: int) -> list[Score]:
    """All of ``METRICS``, and the duplicate rate, in the features ``features``."""
    feature_extractor = features.feature_extractor
    held_out, fake, real_reference, baseline_samples = map(
        FeatureSet,
        (features.held_out, features.fake, features.real_reference, features.baseline_samples),
    )
    values = [
        _values(held_out, feature_set) for feature_set in (fake, real_reference, baseline_samples)
    ]
    duplicates = duplicate_score(
        held_out, fake, real_reference, baseline_samples, label_of(feature_extractor)
    )
    half_samples = [
        half_samples_of(_values_of_rows, held_out.rows, feature_set.rows, times=HALVES, seed=seed)
        for feature_set in (fake, real_reference)
    ]
    scores: list[Score] = []
    for at, (name, (_, better, min_value, max_value)) in enumerate(METRICS.items()):
        value, reference, baseline = (each[at] for each in values)
        half_width, reference_half_width = (STUDENT * std(each[at]) for each in half_samples)
        metric_name = "fid" if name == "frechet" and feature_extractor.name == "inception" else name
        scores.append(
            Score(
                name=f"{metric_name}[{label_of(feature_extractor)}]",
                value=value,
                low=max(value - half_width, min_value),
                high=min(value + half_width, max_value),
                reference=reference,
                reference_low=max(reference - reference_half_width, min_value),
                reference_high=min(reference + reference_half_width, max_value),
                samples=len(fake),
                better=better,
                baseline=baseline,
                half_sample_values=half_samples[0][at],
                **ABOUT[metric_name],
            )
        )
    return [*scores, duplicates]


def _values(real: FeatureSet, fake: FeatureSet) -> list[float]:
    return [rated.function(real, fake) for rated in METRICS.values()]


def _values_of_rows(real: Tensor, fake: Tensor) -> list[float]:
    return _values(FeatureSet(real), FeatureSet(fake))


def two_sample_score(samples: EvaluationSamples | SampleFeatures, seed: int, steps: int) -> Score:
    """Accuracy of a classifier two-sample test (C2ST) on the samples, or on their features."""
    options = (
        {"features": IdentityFeatures(samples.feature_extractor.width)}
        if isinstance(samples, SampleFeatures)
        else {"modality": samples.modality}
    )
    test_against = partial(
        classifier_two_sample_test, samples.held_out, seed=seed, steps=steps, **options
    )
    result, reference, baseline = (
        test_against(samples.fake),
        test_against(samples.real_reference),
        test_against(samples.baseline_samples),
    )
    feature_label = (
        label_of(samples.feature_extractor)
        if isinstance(samples, SampleFeatures)
        else result.features
    )
    return Score(
        name=f"c2st accuracy[{feature_label}]",
        value=result.accuracy,
        low=result.low,
        high=result.high,
        reference=reference.accuracy,
        reference_low=reference.low,
        reference_high=reference.high,
        samples=result.tested,
        better="low",
        baseline=baseline.accuracy,
        chance_level=0.5,
        **ABOUT["c2st accuracy"],
    )


@dataclass(frozen=True)
class PredictedClasses:
    """Classes ``(n,)`` that a classifier of reals predicts for sets of ``EvaluationSamples``."""

    fake: Tensor
    held_out: Tensor
    baseline_samples: Tensor


def predicted_classes(
    classifier: ClassifierFeatures, samples: EvaluationSamples, features: SampleFeatures
) -> PredictedClasses:
    """Predict the classes, from features where they are the classifier's own."""
    if label_of(features.feature_extractor) == label_of(classifier):
        return PredictedClasses(
            *map(
                classifier.predict_from_features,
                (features.fake, features.held_out, features.baseline_samples),
            )
        )
    return PredictedClasses(
        *map(classifier.predict, (samples.fake, samples.held_out, samples.baseline_samples))
    )


def class_score(
    samples: EvaluationSamples, predictions: PredictedClasses, names: Sequence[str]
) -> Score:
    """Class accuracy: fraction of fakes classified as their requested class; also by class."""
    fake, real, baseline = predictions.fake, predictions.held_out, predictions.baseline_samples
    counts = [_correct(predicted, samples.labels) for predicted in (fake, real, baseline)]
    score = _accuracy_score(
        "class accuracy", counts[0], counts[1], counts[2], majority(samples.labels)
    )
    return score.model_copy(update={"components": by_class(fake, real, samples.labels, names)})


def tstr_score(
    samples: EvaluationSamples,
    train_samples: LabeledSamples,
    reference_classes: Tensor,
    fakes: Tensor,
    train: Callable[[Tensor, Tensor], ClassifierFeatures],
    seed: int,
    names: Sequence[str],
) -> Score:
    """TSTR: accuracy on held-out reals of a classifier trained on fakes alone; also by class.

    The reference is the same classifier trained on as many reals of the same classes;
    ``reference_classes`` are its predictions for the held-out reals.
    """
    baseline_samples = samples.gaussian.sample(train_samples.labels, seed=seed)
    predicted, baseline_predicted = (
        train(each, train_samples.labels).predict(samples.held_out)
        for each in (fakes, baseline_samples)
    )
    counts = [
        _correct(each, samples.labels)
        for each in (predicted, reference_classes, baseline_predicted)
    ]
    score = _accuracy_score("tstr", counts[0], counts[1], counts[2], majority(samples.labels))
    return score.model_copy(
        update={"components": by_class(predicted, reference_classes, samples.labels, names)}
    )


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
    components = [
        Component(
            name=names[number],
            value=float((fake[rows] == number).double().mean()),
            reference=float((real[rows] == number).double().mean()),
        )
        for number in sorted(set(map(int, labels[labels >= 0])))
        for rows in [labels == number]
    ]
    return tuple(sorted(components, key=lambda part: part.value - part.reference)[:MAX_CLASSES])


def _correct(predicted: Tensor, labels: Tensor) -> tuple[int, int]:
    """Correct predictions among the labelled samples, and how many are labelled."""
    labeled = labels >= 0
    return int((predicted == labels)[labeled].sum()), int(labeled.sum())


TARGETED = (
    "Conditional generation: answers to held-out inputs are scored. {measures} compare each with "
    "its target: their reference is a perfect answer, their baseline the best of the simple "
    "methods that are listed as components."
)
UNCOMPARED = (
    "Conditional generation: answers to held-out inputs are scored. Many answers to one input are "
    "right, so that none is compared with the real sample that belongs to it."
)
UNTARGETED = (
    "Unpaired translation: answers to held-out inputs of one domain are scored, and the reals are "
    "held-out samples of the other: no answer has a target of its own. Domain gap closed: "
    "reduction of the energy distance to the target domain, relative to that of the inputs; left "
    "out where these are too few to distinguish the domains. Measures of what is preserved have "
    "the mean input as their baseline."
)


def protocol_of(
    samples: EvaluationSamples,
    scores: Sequence[Score],
    feature_extractor: Features,
    train_samples: LabeledSamples | None,
    baseline_name: str = "",
    *,
    paired: bool = True,
    against_targets: bool = True,
) -> tuple[str, ...]:
    """How the scores were made, in sentences.

    Args:
        samples: Evaluated samples.
        scores: Their scores.
        feature_extractor: Features of the scores.
        train_samples: Training data of the classifiers.
        baseline_name: Name of the reference method that is the baseline; empty for the Gaussian.
        paired: Whether each output has a target of its own.
        against_targets: Whether outputs are compared with these.
    """
    count = len(samples.fake)
    relation = "of the same classes as" if samples.class_conditional else "against"
    sentences = [
        f"{count} fakes {relation} {count} reals that training never saw.",
        f"Reference (real against real): {count} other reals, from the training data, in place of "
        "the fakes; no network of this evaluation was trained on them.",
        f"Baseline: {baseline_name}, in place of the fakes."
        if baseline_name
        else "Baseline: a Gaussian around the mean of each class, in place of the fakes.",
        f"Features: {label_of(feature_extractor)}, {feature_extractor.width} numbers. Scores in "
        "other features, or of other counts, cannot be compared with these.",
        f"Intervals: 95 %. Distances: delete-half jackknife, {HALVES} halves (a bootstrap would "
        "bias them). Proportions: Wilson. They cover sampling, not other training runs.",
        "Memorization: nearer to one training sample than 99 % of held-out reals are, both in "
        "distance and in distance over that to the next ten; "
        f"{min(len(samples.remaining), SEARCHED)} searched.",
        "Duplicates: nearer, in features, to another fake than 99 % of held-out reals are to "
        "another real.",
    ]
    sentences += dict.fromkeys(score.how for score in scores if score.how)
    sentences += filter(None, [getattr(feature_extractor, "how", "")])
    if samples.given is not None:
        named = ", ".join(score.name for score in scores if score.role == "target")
        targeted = TARGETED.format(measures=named) if paired else UNTARGETED
        sentences.append(
            (targeted if against_targets else UNCOMPARED)
            + " Diversity: its reference is two different targets, its baseline one output only. "
            "Intervals of these: bootstrap over samples."
        )
    if train_samples is not None:
        sentences.append(f"Classifiers were trained on {len(train_samples.labels)} samples each.")
    if count < 500:
        sentences.append(
            f"{count} samples are few: expect wide intervals and a weak two-sample test (C2ST)."
        )
    return tuple(sentences)


def _accuracy_score(
    name: str,
    value: tuple[int, int],
    reference: tuple[int, int],
    baseline: tuple[int, int],
    chance_level: float,
) -> Score:
    (low, high), (reference_low, reference_high) = wilson(*value), wilson(*reference)
    return Score(
        name=name,
        value=value[0] / max(value[1], 1),
        low=low,
        high=high,
        reference=reference[0] / max(reference[1], 1),
        reference_low=reference_low,
        reference_high=reference_high,
        samples=value[1],
        better="high",
        baseline=baseline[0] / max(baseline[1], 1),
        chance_level=chance_level,
        **ABOUT[name],
    )
