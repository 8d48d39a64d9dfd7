"""Rows of numbers as a kind of data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gannet.core.codec import Codec
from gannet.core.sampling import LoadedSamples
from gannet.modalities.modality import Modality, ReadTable
from gannet.modalities.vector.codec import VectorCodec
from gannet.modalities.vector.writers import WRITERS


def load(codec: Codec[Any], path: Path, read_table: ReadTable) -> LoadedSamples:  # noqa: ARG001
    """All rows of a file."""
    assert isinstance(codec, VectorCodec)
    rows = codec.read_rows(path)
    return LoadedSamples(codec.encode(list(rows)), tuple(f"row {at}" for at in range(len(rows))))


modality = Modality(
    name="vector",
    noun=("row of numbers", "rows of numbers"),
    axes=("feature",),
    values="standardized",
    codec=VectorCodec,
    bfloat16=False,  # eight bits of mantissa would round fine structure away
    writers=WRITERS,
    load=load,
    tags=("tabular",),
)
