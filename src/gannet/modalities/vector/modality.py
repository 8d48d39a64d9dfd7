"""Rows of numbers as a kind of data."""

from __future__ import annotations

from gannet.modalities.modality import Modality
from gannet.modalities.reading import Reading
from gannet.modalities.vector.codec import VectorCodec
from gannet.modalities.vector.rows import adopt, choose_codec, claim, inspect, pack

modality = Modality(
    name="vector",
    noun=("row of numbers", "rows of numbers"),
    axes=("feature",),
    values="standardized",
    codec=VectorCodec,
    claim=claim,
    pack=pack,
    reading=Reading(adopt=adopt, arrays="(N, columns)", codec=choose_codec, inspect=inspect),
    bfloat16=False,  # eight bits of mantissa would round fine structure away
    tags=("tabular",),
)
