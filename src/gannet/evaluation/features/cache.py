"""Features cached in a folder, by content of the samples."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import torch
from torch import Tensor

from gannet.core.errors import GannetError
from gannet.core.io.checksum import sealed, unsealed
from gannet.core.io.files import UNREADABLE, write_whole
from gannet.core.io.regular import read_bytes
from gannet.networks.features import Features, label_of

LARGEST = 2**32
"""Largest file of features, in bytes."""


class CachedFeatures:
    """A feature extractor with a cache on disk.

    A file is named after the hash of the weights and of the samples' bytes, so entries cannot be
    confused; what is damaged or cannot be written is computed again.
    """

    def __init__(self, features: Features, folder: Path) -> None:
        """Cache the results of ``features`` in ``folder``."""
        self._features, self._folder = features, folder
        self.name, self.width, self.hash = features.name, features.width, features.hash

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, width)``."""
        path = self._folder / f"features-{self._key(samples)}.pt"
        cached = _read(path)
        if cached is not None and cached.shape == (len(samples), self.width):
            return cached
        features = self._features(samples)
        buffer = io.BytesIO()
        torch.save(features.contiguous(), buffer)
        try:
            write_whole(path, sealed(buffer.getvalue()), sync=False)
        except GannetError:
            return features  # a full disk must not stop an evaluation
        return features

    def _key(self, samples: Tensor) -> str:
        about = f"{label_of(self._features)} {tuple(samples.shape)} {samples.dtype}"
        digest = hashlib.sha256(about.encode())
        digest.update(samples.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        return digest.hexdigest()[:24]


def _read(path: Path) -> Tensor | None:
    try:
        content = io.BytesIO(unsealed(read_bytes(path, LARGEST)))
        loaded = torch.load(content, weights_only=True)
    except (OSError, *UNREADABLE):
        return None
    return loaded if isinstance(loaded, Tensor) else None
