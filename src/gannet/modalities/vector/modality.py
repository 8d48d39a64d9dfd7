"""The modality of vectors: rows of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.sampling import LoadedSamples
from gannet.core.scores import Histogram
from gannet.metrics.histograms import row_histograms
from gannet.modalities.hooks import EvaluationHooks, Presentation, no_grid
from gannet.modalities.inference import InferenceHooks, ReadTable
from gannet.modalities.modality import Modality
from gannet.modalities.reading import Reading
from gannet.modalities.vector.codec import VectorCodec
from gannet.modalities.vector.rows import adopt, choose_codec, claim, inspect, pack
from gannet.modalities.vector.writers import WRITERS


def cells(raw: Any) -> tuple[str, ...]:
    """A row as cells of text."""
    return tuple(f"{float(each):.6g}" for each in raw)


def profiles(codec: Codec[Any], real: Tensor, fake: Tensor) -> Sequence[Histogram]:
    """Histograms of each column, in the units of the data."""
    assert isinstance(codec, VectorCodec)
    width = codec.shape[0]
    names = codec.names if len(codec.names) == width else [f"column {n + 1}" for n in range(width)]
    return row_histograms(names, *(np.stack(codec.decode(each)) for each in (real, fake)))


def read_file(codec: Codec[Any], path: Path, read_table: ReadTable) -> LoadedSamples:  # noqa: ARG001
    """All rows of a file."""
    assert isinstance(codec, VectorCodec)
    rows = codec.read_rows(path)
    return LoadedSamples(codec.encode(list(rows)), tuple(f"row {at}" for at in range(len(rows))))


def examples(count: int, rng: np.random.Generator) -> Sequence[Any]:
    """Points on a circle, with a further number of no meaning."""
    turn = rng.uniform(0, 2 * np.pi, count)
    return list(np.stack([10 + np.cos(turn), np.sin(turn), rng.normal(size=count)], 1))


modality = Modality(
    name="vector",
    noun=("row of numbers", "rows of numbers"),
    axes=("feature",),
    values="standardized",
    codec=VectorCodec,
    claim=claim,
    examples=examples,
    pack=pack,
    reading=Reading(adopt=adopt, arrays="(N, columns)", codec=choose_codec, inspect=inspect),
    bfloat16=False,  # 8 bits of mantissa would lose fine structure
    writers=WRITERS,
    inference=InferenceHooks(read_file=read_file),
    evaluation=EvaluationHooks(profiles=profiles),
    presentation=Presentation(describe=cells, grid=no_grid, tags=("tabular",)),
)
