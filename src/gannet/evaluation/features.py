"""Choice of the feature extractor of an evaluation, and features of its samples."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gannet.core.errors import ConfigError
from gannet.evaluation.samples import EvaluationSamples
from gannet.modalities.hooks import Data
from gannet.networks.classifier import ClassifierFeatures
from gannet.networks.features import Features

REFERENCE = 2_000
"""Maximum training samples that random features are fitted to."""


def choose_features(
    choice: str | Features,
    classifier: ClassifierFeatures | None,
    dataset: Data,
    samples: EvaluationSamples,
) -> Features:
    """Choose the feature extractor that scores are measured with.

    Raises:
        ConfigError: if the name is unknown, or the features do not suit the data.
    """
    if not isinstance(choice, str):
        return choice
    if choice in ("auto", "classifier") and classifier is not None:
        return classifier
    if choice == "classifier":
        raise ConfigError(
            "--features classifier: the data have fewer than two classes",
            remedy="Choose auto or random.",
        )
    pretrained = samples.modality.evaluation.pretrained(choice, samples.fake)
    if pretrained is not None:
        return pretrained
    return samples.modality.features(
        dataset.train.take(list(samples.remaining[:REFERENCE])).real, 0
    )


@dataclass(frozen=True)
class SampleFeatures:
    """Features of the sets of ``EvaluationSamples``, each ``(n, width)``."""

    feature_extractor: Features
    held_out: Tensor
    fake: Tensor
    real_reference: Tensor
    baseline_samples: Tensor


def sample_features(feature_extractor: Features, samples: EvaluationSamples) -> SampleFeatures:
    """Features of all four sets of samples."""
    return SampleFeatures(
        feature_extractor,
        *map(
            feature_extractor,
            (samples.held_out, samples.fake, samples.real_reference, samples.baseline_samples),
        ),
    )
