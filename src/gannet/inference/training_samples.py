"""Which samples a run was trained on, as fingerprints: kept beside the artifact, not in it.

Whoever has the file can ask whether a sample they hold was trained on, and learn nothing else.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gannet.core.io.arrays import UNREADABLE_ARRAY
from gannet.core.io.checksum import sealed, unsealed
from gannet.core.io.files import write_whole
from gannet.core.io.regular import read_bytes

FILE = "training_samples.npz"
"""Name of the file in a run's folder."""

LARGEST = 2**32
"""Largest such file, in bytes."""

COINCIDENCE = 0.05
"""Share of rows that equal a training row by chance, from which on equal rows are no leak."""

EXCESS = 1.5
"""Times the share that chance explains, beyond which equal rows are a leak all the same."""


@dataclass(frozen=True)
class TrainingSamples:
    """Fingerprints of the samples that a run was trained on.

    Attributes:
        prints: Sorted, without repetitions.
        coincidence: Share of held-out samples that equal a training sample: 0, unless there are so
            few possible samples that equal ones are coincidences.
    """

    prints: NDArray[np.uint64]
    coincidence: float = 0.0

    @classmethod
    def of(cls, train: NDArray[np.uint64], held_out: NDArray[np.uint64]) -> TrainingSamples:
        """From the fingerprints of both parts."""
        prints = np.unique(train)
        return cls(prints, float(np.isin(held_out, prints).mean()) if len(held_out) else 0.0)

    def trained_on(self, identities: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which samples were trained on; none where chance explains that they are equal."""
        equal = np.isin(identities, self.prints)
        coincidences = self.coincidence >= COINCIDENCE and equal.mean() <= EXCESS * self.coincidence
        return np.zeros_like(equal) if coincidences else equal

    def save(self, folder: Path) -> None:
        """Write them into a run's folder."""
        file = io.BytesIO()
        np.savez(file, prints=self.prints, coincidence=np.array(self.coincidence))
        write_whole(folder / FILE, sealed(file.getvalue()))

    @classmethod
    def load(cls, folder: Path) -> TrainingSamples | None:
        """Those of a run's folder; ``None`` if the file is missing or damaged."""
        try:
            content = unsealed(read_bytes(folder / FILE, LARGEST))
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return cls(archive["prints"].astype(np.uint64), float(archive["coincidence"]))
        except UNREADABLE_ARRAY:
            return None
