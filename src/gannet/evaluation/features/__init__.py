"""Features of the samples of an evaluation, and which features to trust."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gannet.evaluation.samples import EvaluationSamples
from gannet.networks.features import Features, label_of


@dataclass(frozen=True)
class SampleFeatures:
    """Features of the sets of ``EvaluationSamples``, each ``(n, width)``."""

    feature_extractor: Features
    held_out: Tensor
    fake: Tensor
    real_reference: Tensor
    baseline_samples: Tensor

    @property
    def name(self) -> str:
        """Name of the features."""
        return label_of(self.feature_extractor)

    @property
    def sets(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Held-out reals, fakes, other reals and baseline samples, as scores take them."""
        return self.held_out, self.fake, self.real_reference, self.baseline_samples


def sample_features(feature_extractor: Features, samples: EvaluationSamples) -> SampleFeatures:
    """Features of all four sets of samples."""
    return SampleFeatures(
        feature_extractor,
        *map(
            feature_extractor,
            (samples.held_out, samples.fake, samples.real_reference, samples.baseline_samples),
        ),
    )
