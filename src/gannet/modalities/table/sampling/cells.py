"""Rows from a trained model, with cells that are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.sampling import SampleSource
from gannet.core.seeding import noise_at, seed_at
from gannet.core.types import Condition, Piece, Wishes
from gannet.modalities.table.codec import TableCodec
from gannet.networks.tabular.cooccurrence import block, met
from gannet.networks.tabular.layout import Layout
from gannet.networks.tabular.sampling import chances

TOGETHER = 65_536
"""Rows that are made at once: filled cell by cell, many cost little more than few."""


@dataclass(frozen=True)
class RowSampler:
    """A model that makes rows of a table.

    Attributes:
        source: The model.
        codec: Of its rows.
    """

    source: SampleSource
    codec: TableCodec

    @classmethod
    def of(cls, source: SampleSource) -> RowSampler:
        """The sampler of a model whose samples are rows."""
        codec = source.codec
        assert isinstance(codec, TableCodec)
        return cls(source, codec)

    @cached_property
    def layout(self) -> Layout:
        """Of the fields of an encoded row."""
        return Layout(self.source.spec.table.cardinalities)

    def drawn(
        self, count: int, wishes: Sequence[Wishes], *, seed: int = 0, start: int = 0
    ) -> Tensor:
        """``(count, F)`` rows for which cells are asked.

        Args:
            count: Rows.
            wishes: Taken by turns, so that each is fulfilled equally often.
            seed: Of everything that the wishes leave open.
            start: Number of the first row.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        told = self._conditions({0: range(start, start + count)}, wishes, seed)
        return self.source.draw(told, seed=seed, start=start)

    def tried(
        self, tries: Mapping[int, Sequence[int]], *, wishes: Sequence[Wishes] = (), seed: int = 0
    ) -> Tensor:
        """Some tries of some rows of a table, ``(n, F)``, one try after the other.

        Args:
            tries: Number of the try -> numbers of the rows. Try 0 gives the rows that ``drawn``
                gives; every other one depends on the seed, on its number and on the row's alone.
            wishes: As for ``drawn``.
            seed: Of everything.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        width = self.source.latent_dim
        noise = torch.cat([noise_at(_seed_of(seed, n), rows, width) for n, rows in tries.items()])
        blank = self.source.spec.blank(len(noise))
        return self.source.infer(noise, self._conditions(tries, wishes, seed) if wishes else blank)

    def _conditions(
        self, tries: Mapping[int, Sequence[int]], wishes: Sequence[Wishes], seed: int
    ) -> Condition:
        """What to tell the generator for some tries of some rows, one try after the other."""
        width = 1 + max(map(len, wishes))
        noise = [noise_at(seed_at(_seed_of(seed, n), 3), rows, width) for n, rows in tries.items()]
        chance = chances(torch.cat(noise), width)
        numbers = torch.tensor([row for rows in tries.values() for row in rows], dtype=torch.long)
        blank = self.source.spec.blank(len(numbers))
        for turn, wish in enumerate(wishes):
            mine = numbers % len(wishes) == turn
            if mine.any():
                asked = self.source.condition_on(wish, chance[mine])
                blank.vector[mine] = asked.condition.vector.cpu()
        return blank

    def share_of(self, wishes: Wishes) -> float:
        """The share of all rows that the network holds to fulfil some wishes without being asked.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        nobody = torch.zeros(0, 1 + len(wishes), dtype=torch.float64)
        return self.source.condition_on(wishes, nobody).share

    @property
    def _pairs(self) -> Tensor:
        """Which symbols occurred together, as bits; empty if not known."""
        return self.source.statistics.get("pairs", torch.zeros(0, 0, dtype=torch.uint8))

    def met(self, one: Sequence[Piece], other: Sequence[Piece]) -> bool:
        """Whether a row of training fulfilled both of two wishes; true if that is not known."""
        return met(self._pairs, self.layout, one, other)

    def pairs_seen(self, one: int, other: int) -> NDArray[np.bool_] | None:
        """``(K, L)`` whether symbols of two fields stood in one row; nothing if not known."""
        return block(self._pairs, self.layout, one, other)


def _seed_of(seed: int, attempt: int) -> int:
    """Where the chance of a row's try comes from; that of the first is the seed's own."""
    return seed_at(seed, 4, attempt) if attempt else seed
