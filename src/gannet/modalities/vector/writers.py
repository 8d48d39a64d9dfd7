"""Rows of numbers to files: CSV, arrays, Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gannet.core.errors import need
from gannet.core.io.files import write_whole
from gannet.core.io.writers import write_npy, write_npz
from gannet.core.sampling import WriteRequest
from gannet.modalities.modality import Writer
from gannet.modalities.vector.codec import VectorCodec


def write_csv(rows: Iterable[Any], to: WriteRequest) -> None:
    """CSV with a header and every digit; the class column is named as in the training data."""
    assert isinstance(to.codec, VectorCodec)
    further = {to.facts.get("label") or "label": to.labels} if to.classes else {}
    write_whole(to.path, to.codec.to_csv(list(rows), further))


def write_parquet(rows: Iterable[Any], to: WriteRequest) -> None:
    """Parquet with the columns of numbers, and one for the class."""
    assert isinstance(to.codec, VectorCodec)
    pyarrow, parquet = need("pyarrow", "parquet"), need("pyarrow.parquet", "parquet")
    matrix = np.stack(list(rows))
    columns: dict[str, Any] = {name: matrix[:, at] for at, name in enumerate(to.codec.names)}
    if to.classes:
        columns["label"] = [name or None for name in to.labels]
    packed = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), packed)
    write_whole(to.path, packed.getvalue())


WRITERS: Mapping[str, Writer] = {
    ".csv": write_csv,
    ".npz": write_npz,
    ".npy": write_npy,
    ".parquet": write_parquet,
}
