"""Types that all other modules share: batch, condition, sizes, networks, step results."""

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
    """A network's input besides noise. An unused slot has width zero and is never ``None``.

    Attributes:
        vector: ``(B, V)`` conditions on the whole sample: a class, a table row, a
            sentence embedding.
        grid: ``(B, C, *space)`` spatial conditions: an image, a mask, past frames, an outline.
        tokens: ``(B, T, E)`` sequences without positions in space: a text, events.
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

    def slot(self, role: str) -> Tensor:
        """What fills a role: ``vector``, ``grid`` or ``tokens``."""
        return {"vector": self.vector, "grid": self.grid, "tokens": self.tokens}[role]

    def to(self, device: str) -> Condition:
        """The same condition on another device."""
        parts = (self.vector, self.grid, self.tokens)
        return Condition(*(to_device(part, device) for part in parts))

    @classmethod
    def joined(cls, parts: Sequence[Condition]) -> Condition:
        """Several conditions, concatenated along the batch axis."""
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
        cardinalities: For each field the number of its tokens (category codes), 0 for a continuous
            position in [0, 1].
        missing_field: For each field the one whose token 0 marks it as missing; -1 where it never
            is.
        ordinal_from: For each field the first ordinal token, such as those of numbers; -1 for none.
        column_of: For each field the number of its column.
    """

    cardinalities: tuple[int, ...] = ()
    missing_field: tuple[int, ...] = ()
    ordinal_from: tuple[int, ...] = ()
    column_of: tuple[int, ...] = ()


NO_TABLE = TableLayout()
"""Layout of samples that are no table rows."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Real samples ``(B, *shape)`` in the codec's value range, with their conditions.

    Attributes:
        real: ``(B, *shape)``.
        condition: Of each sample.
        table: What the fields of table rows ``(B, F)`` are; empty for all else.
        kind: Name of the kind of data of the samples; empty if unknown.
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
    """Sizes that a network is built for, without the batch axis; measured, never typed in.

    Attributes:
        shape: Of a sample.
        vector: Width of the condition's vector.
        grid: Shape of its grid.
        tokens: Shape of its tokens.
        table: What the fields of table rows are; empty for all else.
        kind: Name of the kind of data of the samples; empty if unknown.
    """

    shape: tuple[int, ...]
    vector: int = 0
    grid: tuple[int, ...] = (0,)
    tokens: tuple[int, ...] = (0, 0)
    table: TableLayout = NO_TABLE
    kind: str = ""

    @classmethod
    def of(cls, batch: Batch) -> Spec:
        """Read the sizes off a batch that has been through ``Training.corrupt``."""
        condition = batch.condition
        return cls(
            shape=tuple(batch.real.shape[1:]),
            vector=condition.vector.shape[1],
            grid=tuple(condition.grid.shape[1:]),
            tokens=tuple(condition.tokens.shape[1:]),
            table=batch.table,
            kind=batch.kind,
        )

    def size_of(self, role: str) -> tuple[int, ...]:
        """Shape of the data in a role, without the batch axis.

        >>> Spec((3, 8, 8), vector=4).size_of("vector")
        (4,)
        """
        sizes = {"sample": self.shape, "vector": (self.vector,)}
        return (sizes | {"grid": self.grid, "tokens": self.tokens})[role]

    def blank(self, count: int) -> Condition:
        """The empty condition of ``count`` samples: all zeros."""
        return Condition(
            vector=torch.zeros(count, self.vector),
            grid=torch.zeros(count, *self.grid),
            tokens=torch.zeros(count, *self.tokens),
        )


@dataclass(frozen=True, slots=True)
class CellRange:
    """One way to satisfy the condition on a column.

    Attributes:
        cells: Field -> its cell.
        within: Field -> the lowest and highest allowed position, in [0, 1].
    """

    cells: Mapping[int, float]
    within: Mapping[int, tuple[float, float]] = field(
        default_factory=dict[int, tuple[float, float]]
    )


CellConditions = Sequence[Sequence[CellRange]]
"""For each conditioned column, the alternatives of which one must hold."""


class Networks(nn.Module):
    """Generator, discriminator and further networks, such as a classifier or a decoder.

    Each may hold several networks in an ``nn.ModuleDict``, and may share some with another.

    Attributes:
        auxiliary: Further networks by name.
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
        """All networks, in the order of their updates."""
        first = {"discriminator": self.discriminator, "generator": self.generator}
        return first | dict(self.auxiliary.items())


def trainable(network: nn.Module) -> list[Tensor]:
    """The trainable weights; those that a recipe froze (say a pretrained encoder) are left out."""
    return [weight for weight in network.parameters() if weight.requires_grad]


@dataclass(frozen=True, slots=True)
class StepResult:
    """Losses of one step. ``numbers`` waits for the device; not calling it costs nothing."""

    step: int
    losses: Losses

    def numbers(self) -> dict[str, float]:
        """The losses as plain numbers.

        Raises:
            DivergedError: if one is not finite.
        """
        values = {name: term.item() for name, term in self.losses.items()}
        if broken := [name for name, value in values.items() if not math.isfinite(value)]:
            raise DivergedError(
                f"{', '.join(broken)} is no longer a finite number",
                where=f"step {self.step}",
                remedy="Lower --learning-rate, and resume from the last save.",
            )
        return values
