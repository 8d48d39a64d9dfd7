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
from gannet.core.seeding import derive_seed, latents_at
from gannet.core.types import CellConditions, CellRange, Condition
from gannet.modalities.table.codec import TableCodec
from gannet.networks.tabular.cooccurrence import cooccurred, cooccurrence_block
from gannet.networks.tabular.layout import Layout
from gannet.networks.tabular.sampling import uniforms

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
        self, count: int, conditions: Sequence[CellConditions], *, seed: int = 0, start: int = 0
    ) -> Tensor:
        """``(count, F)`` rows for which cells are asked.

        Args:
            count: Rows.
            conditions: Taken by turns, so that each is fulfilled equally often.
            seed: Of everything that the wishes leave open.
            start: Number of the first row.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        told = self._conditions({0: range(start, start + count)}, conditions, seed)
        return self.source.draw(told, seed=seed, start=start)

    def sample_tries(
        self,
        tries: Mapping[int, Sequence[int]],
        *,
        conditions: Sequence[CellConditions] = (),
        seed: int = 0,
    ) -> Tensor:
        """Some tries of some rows of a table, ``(n, F)``, one try after the other.

        Args:
            tries: Number of the try -> numbers of the rows. Try 0 gives the rows that ``drawn``
                gives; every other one depends on the seed, on its number and on the row's alone.
            conditions: As for ``drawn``.
            seed: Of everything.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        width = self.source.latent_dim
        noise = torch.cat([latents_at(_seed_of(seed, n), rows, width) for n, rows in tries.items()])
        blank = self.source.spec.blank(len(noise))
        return self.source.infer(
            noise, self._conditions(tries, conditions, seed) if conditions else blank
        )

    def _conditions(
        self, tries: Mapping[int, Sequence[int]], conditions: Sequence[CellConditions], seed: int
    ) -> Condition:
        """What to tell the generator for some tries of some rows, one try after the other."""
        width = 1 + max(map(len, conditions))
        noise = [
            latents_at(derive_seed(_seed_of(seed, n), 3), rows, width) for n, rows in tries.items()
        ]
        chance = uniforms(torch.cat(noise), width)
        numbers = torch.tensor([row for rows in tries.values() for row in rows], dtype=torch.long)
        blank = self.source.spec.blank(len(numbers))
        for turn, wish in enumerate(conditions):
            mine = numbers % len(conditions) == turn
            if mine.any():
                asked = self.source.condition_on(wish, chance[mine])
                blank.vector[mine] = asked.condition.vector.cpu()
        return blank

    def probability_of(self, conditions: CellConditions) -> float:
        """The share of all rows that the network holds to fulfil some wishes without being asked.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        nobody = torch.zeros(0, 1 + len(conditions), dtype=torch.float64)
        return self.source.condition_on(conditions, nobody).probability

    @property
    def _pairs(self) -> Tensor:
        """Which symbols occurred together, as bits; empty if not known."""
        return self.source.statistics.get("pairs", torch.zeros(0, 0, dtype=torch.uint8))

    def cooccurred(self, one: Sequence[CellRange], other: Sequence[CellRange]) -> bool:
        """Whether a row of training fulfilled both of two wishes; true if that is not known."""
        return cooccurred(self._pairs, self.layout, one, other)

    def cooccurrence_of(self, one: int, other: int) -> NDArray[np.bool_] | None:
        """``(K, L)`` whether symbols of two fields stood in one row; nothing if not known."""
        return cooccurrence_block(self._pairs, self.layout, one, other)


def _seed_of(seed: int, attempt: int) -> int:
    """Where the chance of a row's try comes from; that of the first is the seed's own."""
    return derive_seed(seed, 4, attempt) if attempt else seed
