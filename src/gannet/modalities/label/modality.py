"""The modality of class labels, used as conditions."""

from __future__ import annotations

from gannet.modalities.inference import InferenceHooks
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.label.conditions import LabelOptions, one_hot_condition
from gannet.modalities.modality import Modality

modality = Modality(
    name="label",
    noun=("class", "classes"),
    axes=("class",),
    values="probabilities",
    codec=LabelCodec,
    item_suffix=".txt",
    inference=InferenceHooks(condition_options=LabelOptions, condition=one_hot_condition),
)
