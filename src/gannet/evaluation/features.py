"""In which features an evaluation compares samples, and what these make of them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gannet.core.errors import ConfigError
from gannet.evaluation.samples import Material
from gannet.modalities.hooks import Data
from gannet.networks.classifier import ClassifierFeatures
from gannet.networks.features import Features

REFERENCE = 2_000
"""Training samples that say what is usual."""


def eye_of(
    wanted: str | Features, classifier: ClassifierFeatures | None, dataset: Data, made: Material
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
    return made.modality.features(dataset.train.take(list(made.rest[:REFERENCE])).real, 0)


@dataclass(frozen=True)
class Seen:
    """The heaps of ``Material`` in features, each ``(n, width)``; worked out once."""

    eye: Features
    held_out: Tensor
    fake: Tensor
    fresh: Tensor
    plain: Tensor


def seen_by(eye: Features, made: Material) -> Seen:
    """What features make of the samples."""
    return Seen(eye, *map(eye, (made.held_out, made.fake, made.fresh, made.plain)))
