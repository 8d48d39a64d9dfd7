"""Fakes from many moments of a run, so that its judge knows more than the last generator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from gannet.core.seeding import random_subset

EACH = 64
"""Maximum samples of one moment."""

BYTES = 8 * 2**20
"""Maximum memory of all of them; a checkpoint holds it."""

LEAST = 64
"""Samples that are kept in all, whatever their size."""


class Reservoir:
    """Keeps a few of the samples that the monitor draws at each evaluation, deterministically."""

    def __init__(self) -> None:
        self._moments: list[Tensor] = []

    def add(self, fakes: Tensor, seed: int) -> None:
        """Keep some of the fakes ``(n, *shape)`` of this moment; older moments give way evenly.

        Args:
            fakes: What the generator makes now; ignored unless all numbers are finite.
            seed: Of the choice.
        """
        if not len(fakes) or not bool(fakes.isfinite().all()):
            return
        self._moments.append(fakes[random_subset(len(fakes), EACH, seed)].clone())
        size = 4 * math.prod(fakes.shape[1:])
        each = max(BYTES // size, LEAST) // len(self._moments)
        self._moments = [moment[: max(each, 1)].clone() for moment in self._moments]

    @property
    def samples(self) -> Tensor | None:
        """All of them ``(n, *shape)``, the earliest first; ``None`` if there are none."""
        return torch.cat(self._moments) if self._moments else None

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"moments": list(self._moments)}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Reservoir:
        """From what ``state`` gave."""
        reservoir = cls()
        reservoir._moments = [moment.cpu() for moment in state.get("moments", ())]
        return reservoir
