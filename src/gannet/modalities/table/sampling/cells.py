"""Conditional sampling of rows: with given values or ranges of some cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.errors import misfit
from gannet.core.sampling import SampleSource
from gannet.core.seeding import derive_seed, latents_at
from gannet.core.types import CellConditions, CellRange, Condition
from gannet.modalities.table.codec import TableCodec
from gannet.networks.tabular.cooccurrence import cooccurred, cooccurrence_block
from gannet.networks.tabular.layout import Layout
from gannet.networks.tabular.sampling import uniforms

TOGETHER = 65_536
"""Rows per batch: rows are sampled cell by cell, so many cost little more than few."""


@dataclass(frozen=True)
class RowSampler:
    """A trained model of a table, to sample rows from.

    Attributes:
        source: The model.
        codec: Of its rows.
        fixed: Columns whose cells are given, so that they do not follow from others.
    """

    source: SampleSource
    codec: TableCodec
    fixed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, source: SampleSource) -> RowSampler:
        """The sampler of a model of a table."""
        codec = source.codec
        assert isinstance(codec, TableCodec)
        return cls(source, codec)

    @cached_property
    def layout(self) -> Layout:
        """Layout of the fields of an encoded row."""
        return Layout(self.source.spec.table.cardinalities)

    def sample(
        self, count: int, conditions: Sequence[CellConditions], *, seed: int = 0, start: int = 0
    ) -> Tensor:
        """Sample rows ``(count, F)`` under conditions on cells.

        Args:
            count: Number of rows.
            conditions: Used in turn, so that each applies to equally many rows.
            seed: Of everything that the conditions leave open.
            start: Number of the first row.

        Raises:
            ConfigError: if the recipe cannot sample conditionally.
        """
        condition = self._conditions({0: range(start, start + count)}, conditions, seed)
        return self.source.draw(condition, seed=seed, start=start)

    def sample_tries(
        self,
        tries: Mapping[int, Sequence[int]],
        *,
        conditions: Sequence[CellConditions] = (),
        seed: int = 0,
    ) -> Tensor:
        """Sample some tries of some rows, ``(n, F)``, one try after the other.

        Args:
            tries: Number of the try -> numbers of the rows. Try 0 gives the rows of ``sample``; any
                other depends only on the seed, its number and the row's number.
            conditions: As for ``sample``.
            seed: Of everything.

        Raises:
            ConfigError: if the recipe cannot sample conditionally.
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
        """The generator's condition for some tries of some rows, one try after the other."""
        width = 1 + max(map(len, conditions))
        noise = [
            latents_at(derive_seed(_seed_of(seed, n), 3), rows, width) for n, rows in tries.items()
        ]
        uniform_draws = uniforms(torch.cat(noise), width)
        numbers = torch.tensor([row for rows in tries.values() for row in rows], dtype=torch.long)
        blank = self.source.spec.blank(len(numbers))
        for turn, cell_conditions in enumerate(conditions):
            mine = numbers % len(conditions) == turn
            if mine.any():
                sampled = self.source.condition_on(cell_conditions, uniform_draws[mine])
                blank.vector[mine] = sampled.condition.vector.cpu()
        return blank

    def probability_of(self, conditions: CellConditions) -> float:
        """Marginal probability of conditions under the model, in [0, 1].

        Raises:
            ConfigError: if the recipe cannot sample conditionally.
        """
        no_uniforms = torch.zeros(0, 1 + len(conditions), dtype=torch.float64)
        return self.source.condition_on(conditions, no_uniforms).probability

    @property
    def _pairs(self) -> Tensor:
        """Co-occurrence matrix of symbols, as packed bits; empty if not known."""
        pairs = self.source.statistics.get("pairs", torch.zeros(0, 0, dtype=torch.uint8))
        width = self.layout.width
        if pairs.shape not in ((0, 0), (width, (width + 7) // 8)) or pairs.dtype != torch.uint8:
            raise misfit("the pairs of values that occur together")
        return pairs

    def cooccurred(self, one: Sequence[CellRange], other: Sequence[CellRange]) -> bool:
        """Whether a training row fulfilled both conditions; true if that is not known."""
        return cooccurred(self._pairs, self.layout, one, other)

    def cooccurrence_of(self, one: int, other: int) -> NDArray[np.bool_] | None:
        """``(K, L)`` whether symbols of two fields occurred in one row; ``None`` if not known."""
        return cooccurrence_block(self._pairs, self.layout, one, other)


def _seed_of(seed: int, attempt: int) -> int:
    """The seed of one try; the first try uses the seed itself."""
    return derive_seed(seed, 4, attempt) if attempt else seed
