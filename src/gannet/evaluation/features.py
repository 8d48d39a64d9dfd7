"""In which features an evaluation compares samples, and what these make of them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gannet.core.errors import ConfigError
from gannet.evaluation.samples import EvaluationSamples
from gannet.modalities.hooks import Data
from gannet.networks.classifier import ClassifierFeatures
from gannet.networks.features import Features

REFERENCE = 2_000
"""Training samples that say what is usual."""


def choose_features(
    wanted: str | Features,
    classifier: ClassifierFeatures | None,
    dataset: Data,
    made: EvaluationSamples,
) -> Features:
    """The features that scores are measured in.

    Raises:
        ConfigError: if the name is unknown, or the features do not suit the data.
    """
    if not isinstance(wanted, str):
        return wanted
    if wanted in ("auto", "classifier") and classifier is not None:
        return classifier
    if wanted == "classifier":
        raise ConfigError(
            "--features classifier: the data have no two classes to learn",
            remedy="Choose auto or random.",
        )
    found = made.modality.evaluation.pretrained(wanted, made.fake)
    if found is not None:
        return found
    return made.modality.features(dataset.train.take(list(made.remaining[:REFERENCE])).real, 0)


@dataclass(frozen=True)
class SampleFeatures:
    """The heaps of ``EvaluationSamples`` in features, each ``(n, width)``; worked out once."""

    feature_extractor: Features
    held_out: Tensor
    fake: Tensor
    real_reference: Tensor
    baseline_samples: Tensor


def sample_features(feature_extractor: Features, made: EvaluationSamples) -> SampleFeatures:
    """What features make of the samples."""
    return SampleFeatures(
        feature_extractor,
        *map(
            feature_extractor,
            (made.held_out, made.fake, made.real_reference, made.baseline_samples),
        ),
    )
