"""The modality of class labels, used as conditions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gannet.modalities.inference import InferenceHooks
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.label.conditions import LabelOptions, one_hot_condition
from gannet.modalities.modality import Modality


def examples(count: int, rng: np.random.Generator) -> Sequence[str]:
    """Names of three classes."""
    return [str(name) for name in rng.choice(["bird", "cat", "dog"], count)]


modality = Modality(
    name="label",
    noun=("class", "classes"),
    axes=("class",),
    values="probabilities",
    codec=LabelCodec,
    examples=examples,
    item_suffix=".txt",
    inference=InferenceHooks(condition_options=LabelOptions, condition=one_hot_condition),
)
