"""The nouns that every other module shares: batch, condition, sizes, players, progress."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gannet.core.device import to_device
from gannet.core.errors import DivergedError

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Losses = Mapping[str, Tensor]
"""Loss terms by name. Each is a scalar that already carries its weight; the loss is their sum."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a network is told besides noise. An unused slot has width zero; it is never ``None``.

    Attributes:
        vector: ``(B, V)`` facts about the whole sample: a class, a table row, a sentence.
        grid: ``(B, C, *space)`` facts with a place: a picture, a mask, past frames, an outline.
        tokens: ``(B, T, E)`` facts with an order but no place: words, events.
    """

    vector: Tensor
    grid: Tensor
    tokens: Tensor

    @classmethod
    def none(cls, like: Tensor) -> Condition:
        """The empty condition for a batch shaped like ``like``, ``(B, C, *space)``."""
        size = len(like)
        return cls(
            vector=like.new_zeros(size, 0),
            grid=like.new_zeros(size, 0, *like.shape[2:]),
            tokens=like.new_zeros(size, 0, 0),
        )

    def to(self, device: str) -> Condition:
        """The same condition on another device."""
        parts = (self.vector, self.grid, self.tokens)
        return Condition(*(to_device(part, device) for part in parts))

    @classmethod
    def joined(cls, parts: Sequence[Condition]) -> Condition:
        """The rows of several conditions, one after the other."""
        return cls(
            vector=torch.cat([each.vector for each in parts]),
            grid=torch.cat([each.grid for each in parts]),
            tokens=torch.cat([each.tokens for each in parts]),
        )

    def __len__(self) -> int:
        return len(self.vector)

    def __getitem__(self, rows: slice | Tensor) -> Condition:
        """The condition of some rows."""
        return Condition(self.vector[rows], self.grid[rows], self.tokens[rows])


@dataclass(frozen=True, slots=True)
class TableLayout:
    """What the fields of encoded table rows ``(B, F)`` are; passed through untouched.

    Attributes:
        cardinalities: Of each field the number of its symbols, 0 for a place in [0, 1].
        missing_field: Of each field the one whose symbol 0 says that it is missing; -1 where it
            never is.
        ordinal_from: Of each field the first symbol of those that have an order, such as numbers;
            -1 where they have none.
        column_of: Of each field the number of its column.
    """

    cardinalities: tuple[int, ...] = ()
    missing_field: tuple[int, ...] = ()
    ordinal_from: tuple[int, ...] = ()
    column_of: tuple[int, ...] = ()


NO_TABLE = TableLayout()
"""Of samples that are no rows of a table."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Real samples ``(B, *shape)`` in the codec's value range, and what belongs to each.

    Attributes:
        real: ``(B, *shape)``.
        condition: What the networks are told of each.
        table: What the fields of table rows ``(B, F)`` are; empty for all else.
        kind: Name of the kind of data that the samples are of; empty where nobody said.
    """

    real: Tensor
    condition: Condition
    table: TableLayout = NO_TABLE
    kind: str = ""

    def __len__(self) -> int:
        return len(self.real)

    def __getitem__(self, rows: slice | Tensor) -> Batch:
        """Some rows of the batch."""
        return replace(self, real=self.real[rows], condition=self.condition[rows])

    def to(self, device: str) -> Batch:
        """The same batch on another device."""
        real = to_device(self.real, device)
        return replace(self, real=real, condition=self.condition.to(device))


@dataclass(frozen=True, slots=True)
class Spec:
    """Sizes a network must be built for, without the batch axis; measured, never typed in.

    Attributes:
        shape: Of a sample.
        vector: Width of the condition's vector.
        grid: Shape of its grid.
        tokens: Shape of its tokens.
        table: What the fields of table rows are; empty for all else.
        kind: Name of the kind of data that samples are of; empty where nobody said.
    """

    shape: tuple[int, ...]
    vector: int = 0
    grid: tuple[int, ...] = (0,)
    tokens: tuple[int, ...] = (0, 0)
    table: TableLayout = NO_TABLE
    kind: str = ""

    @classmethod
    def of(cls, batch: Batch) -> Spec:
        """Read the sizes off a batch that has been through ``Recipe.corrupt``."""
        told = batch.condition
        return cls(
            shape=tuple(batch.real.shape[1:]),
            vector=told.vector.shape[1],
            grid=tuple(told.grid.shape[1:]),
            tokens=tuple(told.tokens.shape[1:]),
            table=batch.table,
            kind=batch.kind,
        )

    def size_of(self, role: str) -> tuple[int, ...]:
        """Shape of what stands in a role, without the batch axis.

        >>> Spec((3, 8, 8), vector=4).size_of("vector")
        (4,)
        """
        sizes = {"sample": self.shape, "vector": (self.vector,)}
        return (sizes | {"grid": self.grid, "tokens": self.tokens})[role]

    def blank(self, count: int) -> Condition:
        """The condition of ``count`` samples about which nothing is told: zeros throughout."""
        return Condition(
            vector=torch.zeros(count, self.vector),
            grid=torch.zeros(count, *self.grid),
            tokens=torch.zeros(count, *self.tokens),
        )


@dataclass(frozen=True, slots=True)
class CellRange:
    """One way in which a wish for a column may come true.

    Attributes:
        cells: Field -> its cell.
        within: Field -> the lowest and the highest place that it may have, in [0, 1].
    """

    cells: Mapping[int, float]
    within: Mapping[int, tuple[float, float]] = field(
        default_factory=dict[int, tuple[float, float]]
    )


CellConditions = Sequence[Sequence[CellRange]]
"""For each column that is asked for, the pieces of which one must come true."""


class Networks(nn.Module):
    """The two opponents and whoever learns beside them, such as a classifier or a decoder.

    Each may hold several networks in an ``nn.ModuleDict``, and may share some with another.

    Attributes:
        auxiliary: Further players by name.
    """

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, **auxiliary: nn.Module
    ) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.auxiliary = nn.ModuleDict(auxiliary)

    @property
    def by_name(self) -> dict[str, nn.Module]:
        """All players, in the order in which they learn."""
        first = {"discriminator": self.discriminator, "generator": self.generator}
        return first | dict(self.auxiliary.items())


def trainable(network: nn.Module) -> list[Tensor]:
    """The weights that may learn; what a recipe froze (a pretrained encoder, say) is not there."""
    return [weight for weight in network.parameters() if weight.requires_grad]


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step did. Reading ``numbers`` waits for the device; not reading costs nothing."""

    step: int
    losses: Losses

    def numbers(self) -> dict[str, float]:
        """The terms as plain numbers. Raises ``DivergedError`` if one is not finite."""
        values = {name: term.item() for name, term in self.losses.items()}
        if broken := [name for name, value in values.items() if not math.isfinite(value)]:
            raise DivergedError(
                f"{', '.join(broken)} is no longer a finite number",
                where=f"step {self.step}",
                remedy="Lower --learning-rate or raise --gradient-penalty, and resume from the "
                "last save.",
            )
        return values
