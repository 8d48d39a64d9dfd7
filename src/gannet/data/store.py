"""Stores that training reads samples from: memory, a flat file, or the source itself."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import DataError
from gannet.core.io.files import fingerprint
from gannet.core.io.flat_file import FlatFile
from gannet.core.io.prefetch import WORKERS
from gannet.core.source import Source
from gannet.modalities.modality import Modality

Indices = NDArray[np.int64]


class InMemory:
    """Packed samples in memory."""

    slow: ClassVar[bool] = False
    location: ClassVar[str] = "in memory"

    def __init__(self, modality: Modality, codec: Codec[Any], packed: NDArray[Any]) -> None:
        self.modality, self.codec, self.packed = modality, codec, packed

    def read(self, indices: Indices) -> Tensor:
        """Samples ``(n, *shape)``."""
        return self.modality.unpack(self.codec, self.packed[indices])


class InFile:
    """Packed samples in one flat file."""

    slow: ClassVar[bool] = True
    location: ClassVar[str] = "in a cache on disk"

    def __init__(
        self, modality: Modality, codec: Codec[Any], path: Path, fingerprints: NDArray[np.uint64]
    ) -> None:
        """The samples of a file, whose fingerprints are checked whenever one is read."""
        self.modality, self.codec, self.fingerprints = modality, codec, fingerprints
        self.form = modality.pack(codec, [])
        self.file = FlatFile(path, row_bytes(self.form))

    def read(self, indices: Indices) -> Tensor:
        """Samples ``(n, *shape)``."""
        packed = np.empty((len(indices), *self.form.shape[1:]), self.form.dtype)
        for row, index in zip(packed, indices.tolist(), strict=True):
            self.file.read(index, row)
            if fingerprint(row.tobytes()) != self.fingerprints[index]:
                raise DataError(
                    f"the cache is damaged: sample {index} is not as it was decoded",
                    where=str(self.file.path),
                    remedy="Delete the file and give the same command again: it decodes the data "
                    "again, and goes on from the last save.",
                )
        return self.modality.unpack(self.codec, packed)


class Streamed:
    """Samples that are decoded each time they are read."""

    slow: ClassVar[bool] = True
    location: ClassVar[str] = "decoded as they are needed"

    def __init__(
        self, modality: Modality, codec: Codec[Any], source: Source, indices: Indices
    ) -> None:
        self.modality, self.codec = modality, codec
        self.source, self.indices = source, indices
        self.pool = ThreadPoolExecutor(WORKERS, "gannet-decode")

    def __del__(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    def read(self, indices: Indices) -> Tensor:
        """Samples ``(n, *shape)``."""
        source_indices: Sequence[int] = self.indices[indices].tolist()
        raws = list(self.pool.map(self._one, source_indices))
        return self.modality.unpack(self.codec, self.modality.pack(self.codec, raws))

    def _one(self, index: int) -> Any:
        return self.modality.load(self.source.raw(index), self.source.names[index], self.codec)


def row_bytes(packed: NDArray[Any]) -> int:
    """Bytes of one packed sample."""
    return int(np.prod(packed.shape[1:])) * packed.dtype.itemsize
