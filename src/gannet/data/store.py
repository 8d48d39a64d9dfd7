"""Where samples are fetched from while training: memory, one flat file, or their own files."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.io.flat_file import FlatFile
from gannet.core.io.prefetch import WORKERS
from gannet.core.source import Source
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.io.files import Picture

Places = NDArray[np.int64]


class Store(Protocol):
    """Encoded samples by place.

    Attributes:
        slow: Whether fetching ahead, in another thread, pays.
        words: Where they lie, for people.
    """

    slow: ClassVar[bool]
    words: ClassVar[str]

    def read(self, places: Places) -> Tensor:
        """Samples ``(n, *shape)``."""
        ...


class Held:
    """Encoded samples in memory, for rows of numbers."""

    slow: ClassVar[bool] = False
    words: ClassVar[str] = "in memory"

    def __init__(self, samples: Tensor) -> None:
        self.samples = samples

    def read(self, places: Places) -> Tensor:
        """Samples ``(n, *shape)``."""
        return self.samples[torch.from_numpy(places)]


class InMemory:
    """Decoded pictures in memory, 8 bit."""

    slow: ClassVar[bool] = False
    words: ClassVar[str] = "in memory"

    def __init__(self, codec: ImageCodec, pictures: Picture) -> None:
        self.codec, self.pictures = codec, pictures

    def read(self, places: Places) -> Tensor:
        """Samples ``(n, C, H, W)``."""
        return self.codec.encode(self.pictures[places])  # pyright: ignore[reportArgumentType]


class InFile:
    """Decoded pictures in one flat file, 8 bit."""

    slow: ClassVar[bool] = True
    words: ClassVar[str] = "in a cache on disk"

    def __init__(self, codec: ImageCodec, path: Path) -> None:
        self.codec = codec
        self.goal = (codec.height, codec.width, codec.channels)
        self.file = FlatFile(path, codec.height * codec.width * codec.channels)

    def read(self, places: Places) -> Tensor:
        """Samples ``(n, C, H, W)``."""
        pictures = np.empty((len(places), *self.goal), np.uint8)
        for picture, place in zip(pictures, places.tolist(), strict=True):
            self.file.read(place, picture)
        return self.codec.encode(pictures)  # pyright: ignore[reportArgumentType]


class Streamed:
    """Pictures decoded each time they are asked for."""

    slow: ClassVar[bool] = True
    words: ClassVar[str] = "decoded as they are needed"

    def __init__(self, codec: ImageCodec, source: Source, kept: Places) -> None:
        self.codec, self.source, self.kept = codec, source, kept
        self.pool = ThreadPoolExecutor(WORKERS, "gannet-decode")

    def __del__(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    def read(self, places: Places) -> Tensor:
        """Samples ``(n, C, H, W)``."""
        indices: Sequence[int] = self.kept[places].tolist()
        return self.codec.encode(list(self.pool.map(self._one, indices)))

    def _one(self, index: int) -> Picture:
        name = self.source.names[index]
        return self.codec.picture(self.source.picture(index), name=name)
