"""Choice of the features of an evaluation: the first make that has proved that it can see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gannet.core.errors import ConfigError
from gannet.core.scores import FeatureFitness
from gannet.evaluation.features.cache import CachedFeatures
from gannet.evaluation.features.fitness import (
    FeatureTrial,
    FeatureTrialResult,
    examined,
    judged,
    trial_of,
)
from gannet.evaluation.samples import EvaluationSamples
from gannet.modalities.hooks import Data
from gannet.networks.classifier import ClassifierFeatures
from gannet.networks.features import Features, label_of

REFERENCE = 2_000
"""Maximum training samples that features are fitted to."""

PROBED = 150
"""Reals that features are asked about."""

LABELED = 500
"""Labelled reals that features are asked about."""


@dataclass(frozen=True)
class FeatureChoice:
    """The features of an evaluation.

    Attributes:
        extractor: The first that are fit. Where none is, features that no score may use.
        fit: All that are fit, the chosen ones first.
        fitness: What all makes could tell, the most wanted first.
        classes_detected: Whether the classifier of the labels tells classes.
    """

    extractor: Features
    fit: tuple[Features, ...]
    fitness: tuple[FeatureFitness, ...]
    classes_detected: bool

    @property
    def blind(self) -> bool:
        """Whether none can see, so that no score may be measured in features."""
        return not self.fit


def choose_features(
    choice: str | Features,
    classifier: ClassifierFeatures | None,
    dataset: Data,
    samples: EvaluationSamples,
    *,
    cache: Path | None = None,
    seed: int = 0,
) -> FeatureChoice:
    """Choose the features that scores are measured in.

    The order is: those asked for, the classifier of the labels, a pretrained network of this kind
    of data, random ones, and a dictionary of the reals' own parts. All are examined on reals that
    none was fitted to, and no fake takes part in the choice.

    Args:
        choice: ``auto``, a name, or features of your own.
        classifier: Of the labels; ``None`` without classes.
        dataset: Training and held-out rows.
        samples: Samples of the evaluation.
        cache: Folder in which features are cached; ``None`` for none.
        seed: Of the corruptions.

    Raises:
        ConfigError: if the name is unknown.
    """
    trial = _trial(dataset, samples, seed)
    findings: list[FeatureTrialResult] = []
    names: list[str] = []
    for features in _candidates(choice, classifier, dataset, samples):
        if label_of(features) in names:
            continue
        names.append(label_of(features))
        cached = features if cache is None else CachedFeatures(features, cache)
        predicted = None
        if classifier is not None and features is classifier:
            predicted = classifier.predict(trial.labeled)
        findings.append(examined(cached, trial, predicted))
    fitness = judged(findings, len(trial.reals))
    fit = [each.features for each, found in zip(findings, fitness, strict=True) if found.fit]
    return FeatureChoice(
        extractor=fit[0] if fit else _random(dataset, samples),
        fit=tuple(fit),
        fitness=tuple(fitness),
        classes_detected=any(each.needs_classes and each.tells_classes for each in findings),
    )


def _candidates(
    choice: str | Features,
    classifier: ClassifierFeatures | None,
    dataset: Data,
    samples: EvaluationSamples,
) -> Iterator[Features]:
    """Those asked for, and then all others, the most wanted first."""
    pretrained = samples.modality.evaluation.pretrained
    if not isinstance(choice, str):
        yield choice
    elif choice == "classifier":
        if classifier is None:
            raise ConfigError(
                "--features classifier: the data have fewer than two classes",
                remedy="Choose auto or random.",
            )
    elif choice != "auto":
        yield pretrained(choice, samples.fake) or _random(dataset, samples)
    if classifier is not None:
        yield classifier
    network = pretrained("auto", samples.fake)
    if network is not None:
        yield network
    yield _random(dataset, samples)
    yield _fitted(samples.modality.evaluation.learnt, dataset, samples)


def _random(dataset: Data, samples: EvaluationSamples) -> Features:
    return _fitted(samples.modality.features, dataset, samples)


def _fitted(
    fit: Callable[[Tensor, int], Features], dataset: Data, samples: EvaluationSamples
) -> Features:
    """Features fitted to training rows that are compared with nothing."""
    return fit(dataset.train.take(list(samples.remaining[:REFERENCE])).real, 0)


def _trial(dataset: Data, samples: EvaluationSamples, seed: int) -> FeatureTrial:
    """Held-out reals, and if they are few, those of the reference, which are as good for this."""
    reals = torch.cat([samples.held_out, samples.real_reference])[:PROBED]
    every = np.asarray(dataset.held_out.labels)
    rows = np.flatnonzero(every >= 0)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))[:LABELED]]
    labels = torch.from_numpy(every[rows]).long()
    labeled = dataset.held_out.take(rows.tolist()).real.float() if len(rows) else reals[:0]
    modality = samples.modality
    corruptions = modality.evaluation.corruptions
    return trial_of(reals, labeled, labels, corruptions, modality.thumbnail(reals), seed=seed)
