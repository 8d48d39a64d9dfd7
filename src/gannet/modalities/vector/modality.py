"""Rows of numbers as a kind of data."""

from __future__ import annotations

from gannet.modalities.modality import Modality
from gannet.modalities.vector.codec import VectorCodec

modality = Modality(
    name="vector",
    noun=("row of numbers", "rows of numbers"),
    axes=("feature",),
    values="standardized",
    codec=VectorCodec,
    bfloat16=False,  # eight bits of mantissa would round fine structure away
    tags=("tabular",),
)
