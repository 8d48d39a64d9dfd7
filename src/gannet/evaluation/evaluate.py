"""Scores of a generator against held-out reals, each with interval, reference and baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from torch import Tensor

from gannet.core.plugins import gannet_version
from gannet.core.scores import Component, Histogram, NearestPair, Report, Score
from gannet.core.seeding import derive_seed
from gannet.core.types import Batch
from gannet.evaluation.feature_cache import CachedFeatures
from gannet.evaluation.features import SampleFeatures, choose_features, sample_features
from gannet.evaluation.memorization import memorization_score
from gannet.evaluation.mode_coverage import class_histogram, cluster_histogram
from gannet.evaluation.paired import ASKED, diversity, paired_scores
from gannet.evaluation.samples import EvaluationSamples, evaluation_samples, sample_classes
from gannet.evaluation.scores import (
    LabeledSamples,
    PredictedClasses,
    class_score,
    distribution_scores,
    labeled_samples,
    predicted_classes,
    protocol_of,
    tstr_score,
    two_sample_score,
)
from gannet.evaluation.unpaired import unpaired_scores
from gannet.modalities.hooks import Data, Sampler
from gannet.networks.classifier import ClassifierFeatures, train_classifier
from gannet.networks.features import Features

__all__ = [
    "Component",
    "ConditionalGenerator",
    "Data",
    "EvaluationSamples",
    "NearestPair",
    "Report",
    "Sampler",
    "Score",
    "evaluate",
    "evaluation_samples",
]


class ConditionalGenerator(Protocol):
    """A generator whose samples are outputs for given inputs."""

    @property
    def reference_methods(self) -> Mapping[str, Callable[[Batch], Tensor]]:
        """Simple methods for the same task, by name."""
        ...

    @property
    def paired(self) -> bool:
        """Whether each input has a target of its own."""
        ...

    def transform(self, given: Batch, *, seed: int) -> tuple[Batch, Tensor]:
        """Outputs of the generator, and the batch with the condition that it used."""
        ...

    def resample(self, condition: Batch, *, seed: int) -> Tensor:
        """Further outputs for the same condition."""
        ...


@dataclass(frozen=True)
class Setting:
    """What all scores of an evaluation share.

    Attributes:
        made: Evaluated samples.
        lesson: Training data of the classifiers; ``None`` without classes.
        classifier: Trained on it.
        eye: Feature extractor.
        kept: The same with a cache.
        seen: Features of the samples.
        classes: Names of the classes.
        seed: Seed of all random choices.
        steps: Training batches of each classifier.
    """

    made: EvaluationSamples
    lesson: LabeledSamples | None
    classifier: ClassifierFeatures | None
    eye: Features
    kept: Features
    seen: SampleFeatures
    classes: tuple[str, ...]
    seed: int
    steps: int

    def train(self, samples: Tensor, labels: Tensor) -> ClassifierFeatures:
        """Train a classifier on the given samples."""
        return _classifier(self.made, self.classes, self.seed, self.steps)(samples, labels)


def _classifier(
    made: EvaluationSamples, classes: tuple[str, ...], seed: int, steps: int
) -> Callable[[Tensor, Tensor], ClassifierFeatures]:
    build = made.modality.classifier
    return partial(train_classifier, classes=len(classes), seed=seed, steps=steps, build=build)


def _prepared(  # as for ``evaluate``
    made: EvaluationSamples,
    dataset: Data,
    features: str | Features,
    cache: Path | None,
    seed: int,
    steps: int,
) -> Setting:
    """Train the classifier, choose features, and compute those of the samples."""
    lesson, classes = labeled_samples(dataset, made), dataset.classes
    train = _classifier(made, classes, seed, steps)
    classifier = None if lesson is None else train(lesson.samples, lesson.labels)
    feature_extractor = choose_features(features, classifier, dataset, made)
    kept = feature_extractor if cache is None else CachedFeatures(feature_extractor, cache)
    seen = sample_features(kept, made)
    return Setting(made, lesson, classifier, feature_extractor, kept, seen, classes, seed, steps)


def _drawn(answers: ConditionalGenerator, condition: Batch, seed: int, number: int) -> Tensor:
    return answers.resample(condition, seed=derive_seed(seed, 8, number))


def _of_answers(
    answers: ConditionalGenerator,
    given: Batch,
    reference_methods: Mapping[str, Tensor],
    shared: Setting,
) -> list[Score]:
    """Scores of conditional outputs: against their targets, or against the target domain."""
    seed, feature_extractor, fake, modality = (
        shared.seed,
        shared.kept,
        shared.made.fake,
        shared.made.modality,
    )
    again = partial(_drawn, answers, given[:ASKED], seed)
    if answers.paired:
        targets = given.real.float()
        return paired_scores(
            fake, targets, reference_methods, feature_extractor, again, modality=modality, seed=seed
        )
    seen = (
        feature_extractor(given.real.float()),
        feature_extractor(given.condition.grid.float()),
        feature_extractor(fake),
    )
    kept = modality.evaluation.preserved
    found = unpaired_scores(fake, given, seen, shared.classes, preserved=kept, seed=seed)
    return [*found, diversity(seen[0], feature_extractor, again, seed=seed)]


def _of_any(shared: Setting) -> list[Score]:
    """Scores for every modality, and those of the samples' modality."""
    made, seed = shared.made, shared.seed
    scores = distribution_scores(shared.seen, seed)
    scores += [two_sample_score(each, seed, shared.steps * 3 // 2) for each in (made, shared.seen)]
    heaps = (made.held_out, made.fake, made.real_reference, made.baseline_samples)
    return [*scores, *made.modality.evaluation.scores(*heaps)]


def _of_classes(
    shared: Setting, condition: PredictedClasses | None, sampler: Sampler, dataset: Data
) -> list[Score]:
    """Scores of a class-conditional generator."""
    made, lesson = shared.made, shared.lesson
    if lesson is None or condition is None or not made.class_conditional:
        return []
    fakes = sample_classes(sampler, dataset, lesson.labels, seed=derive_seed(shared.seed, 2))
    usual, names = condition.held_out, shared.classes
    taught = tstr_score(made, lesson, usual, fakes, shared.train, shared.seed, names)
    return [class_score(made, condition, names), taught]


def _profiles(shared: Setting, condition: PredictedClasses | None) -> tuple[Histogram, ...]:
    """Distribution over classes, or over clusters where classes are unknown."""
    if condition is not None:
        return (class_histogram(condition.held_out, condition.fake, shared.classes),)
    seen = shared.seen
    return cluster_histogram(seen.real_reference, seen.held_out, seen.fake, seed=shared.seed)


def _compared(
    sampler: Sampler,
    dataset: Data,
    made: EvaluationSamples | None,
    answers: ConditionalGenerator | None,
    count: int,
    seed: int,
) -> tuple[EvaluationSamples, Mapping[str, Tensor], str]:
    """Evaluated samples, outputs of the reference methods, and the name of the baseline method."""
    by = "" if answers is None else next(iter(answers.reference_methods), "")
    answering = None if answers is None else partial(answers.transform, seed=seed)
    made = made or evaluation_samples(sampler, dataset, count=count, seed=seed, answering=answering)
    if answers is None or made.given is None:
        return made, {}, by
    reference_methods = {
        name: method(made.given) for name, method in answers.reference_methods.items()
    }
    return (
        replace(made, baseline_samples=reference_methods[by].float()) if by else made,
        reference_methods,
        by,
    )


def evaluate(  # noqa: PLR0913  # what a report depends on
    sampler: Sampler,
    dataset: Data,
    *,
    count: int = 2_000,
    features: str | Features = "auto",
    seed: int = 0,
    steps: int = 200,
    artifact: str = "",
    data: str = "",
    made: EvaluationSamples | None = None,
    cache: Path | None = None,
    answers: ConditionalGenerator | None = None,
) -> Report:
    """Score a generator.

    Args:
        sampler: The generator.
        dataset: The data that it was trained on, and those held out.
        count: Samples on each side; fewer if fewer were held out.
        features: ``auto`` (classifier if there are labels, else the best available pretrained
            network for this modality, else random), ``classifier``, ``random``, others of the
            modality (images: ``efficientnet``, or a path to Inception weights), or your own.
        seed: Seed of fakes, subsets and classifiers; equal arguments give an equal report.
        steps: Training batches of each classifier; half as many again for two-sample tests.
        artifact: Name of the generator in the report.
        data: Name of the data in the report.
        made: Result of ``evaluation_samples`` for the same arguments, if it exists already.
        cache: Folder in which features are cached by content; ``None`` for none.
        answers: For conditional generation: the generator and its reference methods.

    Raises:
        DataError: if fewer than 8 samples were held out.
        ConfigError: if the features are unknown or do not suit the data.
    """
    made, reference_methods, by = _compared(sampler, dataset, made, answers, count, seed)
    shared = _prepared(made, dataset, features, cache, seed, steps)
    scores = _of_any(shared)
    if answers is not None and made.given is not None:
        scores += _of_answers(answers, made.given, reference_methods, shared)
    copied, seen = memorization_score(made, dataset), shared.seen
    scores.append(copied.score)
    told = None if shared.classifier is None else predicted_classes(shared.classifier, made, seen)
    scores += _of_classes(shared, told, sampler, dataset)
    paired = answers is None or answers.paired
    return Report(
        artifact=artifact,
        data=data,
        scores=tuple(scores),
        suspects=copied.suspects,
        seed=seed,
        gannet=gannet_version(),
        protocol=protocol_of(made, scores, shared.eye, shared.lesson, by, paired=paired),
        baseline=by or "Gaussian",
        conditional=answers is not None,
        examples=copied.examples,
        training_distance=copied.training_distance,
        histograms=_profiles(shared, told),
    )
