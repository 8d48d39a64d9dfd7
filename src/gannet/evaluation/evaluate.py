"""Scores of a generator against held-out reals, each with interval, reference and baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from torch import Tensor

from gannet.core.plugins import gannet_version
from gannet.core.scores import Component, Histogram, NearestPair, Report, Score
from gannet.core.seeding import derive_seed
from gannet.core.transform import Role
from gannet.core.types import Batch
from gannet.evaluation.features import SampleFeatures, sample_features
from gannet.evaluation.features.choice import FeatureChoice, choose_features
from gannet.evaluation.features.disagreement import feature_sentences, with_scores
from gannet.evaluation.memorization import Memorization, memorization_score
from gannet.evaluation.mode_coverage import class_histogram, cluster_histogram
from gannet.evaluation.paired import DIVERSITY_INPUTS, diversity, paired_scores
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
)
from gannet.evaluation.two_sample.generator import GeneratorTest
from gannet.evaluation.unpaired import unpaired_scores
from gannet.metrics.modes.spread import mode_std_scores
from gannet.metrics.outliers import outlier_scores
from gannet.metrics.two_sample import TwoSampleResult
from gannet.modalities.hooks import Data, Sampler, TwoSampleScorer
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


IN_FEATURES = ("feature distance", "diversity", "domain gap closed")
"""Scores of answers that are measured in features."""


class ConditionalGenerator(Protocol):
    """A generator whose samples are outputs for given inputs."""

    @property
    def reference_methods(self) -> Mapping[str, Callable[[Batch], Tensor]]:
        """Simple methods for the same task, by name."""
        ...

    @property
    def given(self) -> Role | Literal[""]:
        """The role of the inputs."""
        ...

    @property
    def paired(self) -> bool:
        """Whether each input has a target of its own."""
        ...

    @property
    def against_targets(self) -> bool:
        """Whether an output is to be compared with that target; see ``Evaluation``."""
        ...

    def transform(self, given: Batch, *, seed: int) -> tuple[Batch, Tensor]:
        """Outputs of the generator, and the batch with the condition that it used."""
        ...

    def resample(self, condition: Batch, *, seed: int) -> Tensor:
        """Further outputs for the same condition."""
        ...


@dataclass(frozen=True)
class EvaluationContext:
    """What all scores of an evaluation share.

    Attributes:
        samples: Evaluated samples.
        train_samples: Training data of the classifiers; ``None`` without classes.
        classifier: Trained on it; ``None`` where it tells no classes.
        chosen: Features, and what they proved; those of the scores have a cache.
        features: Features of the samples.
        classes: Names of the classes.
        seed: Seed of all random choices.
        steps: Training batches of each classifier.
    """

    samples: EvaluationSamples
    train_samples: LabeledSamples | None
    classifier: ClassifierFeatures | None
    chosen: FeatureChoice
    features: SampleFeatures
    classes: tuple[str, ...]
    seed: int
    steps: int

    def train(self, samples: Tensor, labels: Tensor) -> ClassifierFeatures:
        """Train a classifier on the given samples."""
        return _classifier(self.samples, self.classes, self.seed, self.steps)(samples, labels)


def _classifier(
    samples: EvaluationSamples, classes: tuple[str, ...], seed: int, steps: int
) -> Callable[[Tensor, Tensor], ClassifierFeatures]:
    build = samples.modality.classifier
    return partial(train_classifier, classes=len(classes), seed=seed, steps=steps, build=build)


def _prepare_context(  # as for ``evaluate``
    samples: EvaluationSamples,
    dataset: Data,
    features: str | Features,
    cache: Path | None,
    seed: int,
    steps: int,
) -> EvaluationContext:
    """Train the classifier, choose features, and compute those of the samples."""
    train_samples, classes = labeled_samples(dataset, samples), dataset.classes
    train = _classifier(samples, classes, seed, steps)
    classifier = (
        None if train_samples is None else train(train_samples.samples, train_samples.labels)
    )
    chosen = choose_features(features, classifier, dataset, samples, cache=cache, seed=seed)
    embedded = sample_features(chosen.extractor, samples)
    return EvaluationContext(
        samples,
        train_samples,
        classifier if chosen.classes_detected else None,
        chosen,
        embedded,
        classes,
        seed,
        steps,
    )


def _resample(
    conditional_generator: ConditionalGenerator, condition: Batch, seed: int, number: int
) -> Tensor:
    return conditional_generator.resample(condition, seed=derive_seed(seed, 8, number))


def _conditional_scores(
    conditional_generator: ConditionalGenerator,
    given: Batch,
    reference_methods: Mapping[str, Tensor],
    context: EvaluationContext,
) -> list[Score]:
    """Scores of conditional outputs: against their targets, or against the target domain."""
    seed, feature_extractor, fake, modality = (
        context.seed,
        context.chosen.extractor,
        context.samples.fake,
        context.samples.modality,
    )
    resample = partial(_resample, conditional_generator, given[:DIVERSITY_INPUTS], seed)
    paired, inputs = conditional_generator.paired, given.condition.slot(conditional_generator.given)
    other_kind = inputs.shape[1:] != fake.shape[1:]
    if not conditional_generator.against_targets or (other_kind and not paired):
        real_features = feature_extractor(given.real.float())
        return [diversity(real_features, feature_extractor, resample, seed=seed)]
    if paired:
        targets = given.real.float()
        return paired_scores(
            fake,
            targets,
            reference_methods,
            feature_extractor,
            resample,
            modality=modality,
            seed=seed,
        )
    features = (
        feature_extractor(given.real.float()),
        feature_extractor(inputs.float()),
        feature_extractor(fake),
    )
    preserved = modality.evaluation.preserved
    scores = unpaired_scores(
        fake,
        given,
        features,
        context.classes,
        preserved=preserved,
        given=conditional_generator.given,
        seed=seed,
    )
    return [*scores, diversity(features[0], feature_extractor, resample, seed=seed)]


def _common_scores(
    context: EvaluationContext, test: TwoSampleScorer
) -> tuple[TwoSampleResult, list[Score]]:
    """Scores for every modality, and those of the samples' modality."""
    samples = context.samples
    sample_sets = (samples.held_out, samples.fake, samples.real_reference, samples.baseline_samples)
    found, tested = test(*sample_sets)
    blind = context.chosen.blind
    distances: list[Score] = []
    if not blind:
        features = context.features
        distances = distribution_scores(features, context.seed)
        distances += mode_std_scores(*features.sets, features.name, seed=context.seed)
        distances += outlier_scores(*features.sets, features.name)
    return found, [*distances, *tested, *samples.modality.evaluation.scores(*sample_sets)]


def _class_scores(
    context: EvaluationContext,
    predictions: PredictedClasses | None,
    sampler: Sampler,
    dataset: Data,
) -> list[Score]:
    """Scores of a class-conditional generator."""
    samples, train_samples = context.samples, context.train_samples
    if train_samples is None or predictions is None or not samples.class_conditional:
        return []
    fakes = sample_classes(
        sampler, dataset, train_samples.labels, seed=derive_seed(context.seed, 2)
    )
    reference_classes, names = predictions.held_out, context.classes
    tstr = tstr_score(
        samples, train_samples, reference_classes, fakes, context.train, context.seed, names
    )
    return [class_score(samples, predictions, names), tstr]


def _histograms(
    context: EvaluationContext, predictions: PredictedClasses | None
) -> tuple[Histogram, ...]:
    """Distribution over classes, or over clusters where classes are unknown."""
    if predictions is not None:
        return (class_histogram(predictions.held_out, predictions.fake, context.classes),)
    features = context.features
    if context.chosen.blind:
        return ()
    return cluster_histogram(
        features.real_reference, features.held_out, features.fake, seed=context.seed
    )


def _samples_and_references(
    sampler: Sampler,
    dataset: Data,
    samples: EvaluationSamples | None,
    conditional_generator: ConditionalGenerator | None,
    count: int,
    seed: int,
) -> tuple[EvaluationSamples, Mapping[str, Tensor], str]:
    """Evaluated samples, outputs of the reference methods, and the name of the baseline method."""
    baseline_name = (
        ""
        if conditional_generator is None
        else next(iter(conditional_generator.reference_methods), "")
    )
    conditional_sampler = (
        None
        if conditional_generator is None
        else partial(conditional_generator.transform, seed=seed)
    )
    samples = samples or evaluation_samples(
        sampler, dataset, count=count, seed=seed, conditional_sampler=conditional_sampler
    )
    if conditional_generator is None or samples.given is None:
        return samples, {}, baseline_name
    reference_methods = {
        name: method(samples.given)
        for name, method in conditional_generator.reference_methods.items()
    }
    return (
        replace(samples, baseline_samples=reference_methods[baseline_name].float())
        if baseline_name
        else samples,
        reference_methods,
        baseline_name,
    )


def _predictions(context: EvaluationContext) -> PredictedClasses | None:
    """Classes of all samples, where there is a classifier."""
    if context.classifier is None:
        return None
    return predicted_classes(context.classifier, context.samples, context.features)


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
    samples: EvaluationSamples | None = None,
    cache: Path | None = None,
    conditional_generator: ConditionalGenerator | None = None,
    two_sample: TwoSampleScorer | None = None,
) -> Report:
    """Score a generator.

    Args:
        sampler: The generator.
        dataset: The data that it was trained on, and those held out.
        count: Samples on each side; fewer if fewer were held out.
        features: ``auto`` (classifier if there are labels, else the best available pretrained
            network for this modality, else random), ``classifier``, ``random``, others of the
            modality (images: ``efficientnet``, or a path to Inception weights), or your own. Those
            that cannot see give way to the next; see ``choose_features``.
        seed: Seed of fakes, subsets and classifiers; equal arguments give an equal report.
        steps: Training batches of each classifier.
        artifact: Name of the generator in the report.
        data: Name of the data in the report.
        samples: Result of ``evaluation_samples`` for the same arguments, if it exists already.
        cache: Folder in which features are cached by content; ``None`` for none.
        conditional_generator: For conditional generation: the generator and its reference methods.
        two_sample: The two-sample test; by default that of the modality.

    Raises:
        DataError: if fewer than 8 samples were held out.
        ConfigError: if the features are unknown.
    """
    samples, reference_methods, baseline_name = _samples_and_references(
        sampler, dataset, samples, conditional_generator, count, seed
    )
    context = _prepare_context(samples, dataset, features, cache, seed, steps)
    test = two_sample or GeneratorTest(samples.modality, seed=seed)
    found, scores = _common_scores(context, test)
    if conditional_generator is not None and samples.given is not None:
        conditional_scores = _conditional_scores(
            conditional_generator, samples.given, reference_methods, context
        )
        blind = context.chosen.blind
        scores += [each for each in conditional_scores if not (blind and each.name in IN_FEATURES)]
    memorization, predictions = memorization_score(samples, dataset), _predictions(context)
    scores.append(memorization.score)
    scores += _class_scores(context, predictions, sampler, dataset)
    names = {"artifact": artifact, "data": data}
    report = _report(context, scores, memorization, names, baseline_name, conditional_generator)
    update = {"histograms": _histograms(context, predictions), "two_sample_test": found.record()}
    return report.model_copy(update=update)


def _report(
    context: EvaluationContext,
    scores: list[Score],
    memorization: Memorization,
    names: Mapping[str, str],
    baseline_name: str,
    conditional_generator: ConditionalGenerator | None,
) -> Report:
    """Scores with their protocol and examples. ``names``: of the generator and the data."""
    fitness = with_scores(context.chosen, context.samples, context.features, context.seed)
    return Report(
        artifact=names["artifact"],
        data=names["data"],
        scores=tuple(scores),
        suspects=memorization.suspects,
        seed=context.seed,
        gannet=gannet_version(),
        protocol=protocol_of(
            context.samples,
            scores,
            context.chosen.extractor,
            context.train_samples,
            baseline_name,
            paired=conditional_generator is None or conditional_generator.paired,
            against_targets=conditional_generator is None or conditional_generator.against_targets,
        )
        + tuple(feature_sentences(fitness)),
        baseline=baseline_name or "Gaussian",
        conditional=conditional_generator is not None,
        examples=memorization.examples,
        training_distance=memorization.training_distance,
        features=fitness,
    )
