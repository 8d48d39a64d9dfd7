"""Samples put together from a bank of training rows: the products of recipes that are fitted.

Nothing here learns by steps. Sizes follow from settings and data alone, so that a saved bank can be
read back into one that was just built.
"""

from __future__ import annotations

from itertools import groupby
from typing import Self

import torch
from torch import Tensor, nn

from gannet.core.types import Batch, Condition, Spec
from gannet.networks.copula import mixing
from gannet.networks.tabular.sampling import uniforms


def columns_of(spec: Spec) -> list[slice]:
    """The fields of each column; every number is a column of its own where nothing else is said."""
    named = spec.table.column_of or tuple(range(spec.shape[0]))
    found: list[slice] = []
    for _, fields in groupby(range(len(named)), key=lambda at: named[at]):
        held = list(fields)
        found.append(slice(held[0], held[-1] + 1))
    return found


def subsample(rows: Tensor, count: int) -> Tensor:
    """Exactly ``count`` of the rows ``(N, ...)``, evenly spread over them; some twice if too few.

    >>> subsample(torch.arange(4), 2).tolist(), subsample(torch.arange(2), 3).tolist()
    ([1, 3], [0, 1, 1])
    """
    places = (torch.arange(count).double() + 0.5) * len(rows) / count
    return rows[places.long().clamp_(max=len(rows) - 1)]


class NullDiscriminator(nn.Module):
    """A discriminator for products that had no opponent: it finds nothing real or unreal."""

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:  # noqa: ARG002
        """Samples ``(B, *shape)`` to logits ``(B,)`` of zero."""
        return samples.new_zeros(len(samples))


class EmpiricalMarginals(nn.Module):
    """Rows of a table whose columns have the margins of training, by themselves or related.

    Related columns follow a Gaussian copula: each has a place on a normal scale, and the normal
    numbers of a row are correlated. Fields of one column stay together, so that what a column
    cannot hold is never made.

    Source: Sklar 1959; Patki, Wedge and Veeramachaneni 2016, The Synthetic Data Vault, section
    III. Differs: margins are the sorted training cells themselves, and correlations allow for the
    ties of words and whole numbers; see ``networks.copula``.

    Args:
        spec: Of table rows ``(F,)``.
        kept: Cells of each column that are kept.
        related: Whether columns are drawn together.

    Attributes:
        cells: ``(kept, F)`` cells of each column by rising value, evenly spread over training.
        mix: ``(C, C)`` from independent normal numbers to those of the columns.
    """

    cells: Tensor
    mix: Tensor

    def __init__(self, spec: Spec, kept: int, *, related: bool) -> None:
        super().__init__()
        self.columns = columns_of(spec)
        self.related = related
        self.register_buffer("cells", torch.zeros(kept, *spec.shape))
        self.register_buffer("mix", torch.eye(len(self.columns)))

    def fitted(self, rows: Tensor) -> Self:
        """Measure rows ``(N, F)``."""
        ranks: list[Tensor] = []
        for column in self.columns:
            mine = rows[:, column]
            order = rising(mine)
            self.cells[:, column] = subsample(mine[order], len(self.cells))
            ranks.append(_ranks(mine, order))
        if self.related:
            self.mix.copy_(mixing(ranks))
        return self

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:  # noqa: ARG002
        """Normal noise ``(B, N)`` to rows ``(B, F)``; one number for each column is best."""
        even = uniforms(noise, len(self.columns))
        if self.related:
            normal = torch.special.ndtri(even.clamp(min=1e-12))
            even = torch.special.ndtr(normal @ self.mix.double().T)
        places = (even * len(self.cells)).long().clamp_(max=len(self.cells) - 1)
        parts = [self.cells[places[:, at], column] for at, column in enumerate(self.columns)]
        return torch.cat(parts, 1)


def rising(rows: Tensor) -> Tensor:
    """The order ``(N,)`` that sorts rows ``(N, K)`` by their first number, then by the next.

    >>> rising(torch.tensor([[1.0, 2.0], [0.0, 9.0], [1.0, 1.0]])).tolist()
    [1, 2, 0]
    """
    order = torch.arange(len(rows))
    for field in reversed(range(rows.shape[1])):
        order = order[rows[order, field].argsort(stable=True)]
    return order


def _ranks(rows: Tensor, order: Tensor) -> Tensor:
    """Number ``(N,)`` of the distinct value that each row ``(N, K)`` has, by rising value."""
    held = rows[order]
    new = torch.zeros(len(rows), dtype=torch.long)
    new[1:] = (held[1:] != held[:-1]).any(1).long()
    found = torch.empty_like(new)
    found[order] = new.cumsum(0)
    return found


class MemorizedSamples(nn.Module):
    """Hands out training samples again, of the class that is told: memory, and nothing else.

    Args:
        spec: Of samples and condition; the vector tells a class.
        kept: Samples that are kept.

    Attributes:
        samples: ``(kept, *shape)``, those of a class together.
        starts: ``(V + 1,)`` where the samples of each class begin, after those of none, and end.
    """

    samples: Tensor
    starts: Tensor

    def __init__(self, spec: Spec, kept: int) -> None:
        super().__init__()
        self.register_buffer("samples", torch.zeros(kept, *spec.shape))
        self.register_buffer("starts", torch.zeros(spec.vector + 1, dtype=torch.long))

    def fitted(self, train: Batch) -> Self:
        """Take samples, evenly of each class."""
        classes = class_of(train.condition)
        order = classes.argsort(stable=True)
        rows = subsample(order, len(self.samples))
        self.samples.copy_(train.real[rows])
        number = torch.arange(len(self.starts))
        self.starts.copy_(torch.searchsorted(classes[rows], number + 1))
        return self

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Normal noise ``(B, N)`` to samples ``(B, *shape)``; the first number chooses."""
        told = class_of(condition)
        first, last = self.starts[(told - 1).clamp(min=0)], self.starts[told]
        # Of no class that is told, or of one that has no sample, any sample will do.
        any_ = (told == 0) | (first == last)
        first, last = first.masked_fill(any_, 0), last.masked_fill(any_, len(self.samples))
        even = uniforms(noise, 1).squeeze(1)
        places = first + (even * (last - first)).long()
        return self.samples[places.minimum(last - 1)]


class ClassMeans(nn.Module):
    """One sample over and over: the mean, of the class that is told if one is.

    Args:
        spec: Of samples and condition; the vector tells a class.

    Attributes:
        means: ``(1 + V, *shape)`` of all samples, and of those of each class.
    """

    means: Tensor

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("means", torch.zeros(1 + spec.vector, *spec.shape))

    def fitted(self, train: Batch) -> Self:
        """Measure samples; classes without any have the mean of all."""
        classes = class_of(train.condition)
        for number in range(len(self.means)):
            some = train.real[classes == number] if number else train.real
            held = some if len(some) else train.real
            self.means[number] = (
                usual_row(held, self.spec) if self.spec.table.cardinalities else held.mean(0)
            )
        return self

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:  # noqa: ARG002
        """Noise, which has no say, to samples ``(B, *shape)``."""
        return self.means[class_of(condition)]


def usual_row(rows: Tensor, spec: Spec) -> Tensor:
    """Of each column of rows ``(N, F)`` the middle cell if they have an order, else the commonest.

    Tokens of numbers lie at unequal distances, so that their middle says more than their mean.
    Cells that are missing do not count, unless more than half are.
    """
    made: list[Tensor] = []
    for column in columns_of(spec):
        mine = rows[:, column]
        if spec.table.missing_field and spec.table.missing_field[column.start] >= 0:
            there = mine[:, 0] >= 1
            mine = mine[there] if there.double().mean() >= 0.5 else mine[~there]
        held = mine[rising(mine)]
        if not spec.table.ordinal_from or spec.table.ordinal_from[column.start] < 0:
            numbers = _ranks(held, torch.arange(len(held)))
            made.append(held[numbers == numbers.bincount().argmax()][0])
        else:
            made.append(held[len(held) // 2])
    return torch.cat(made)


def class_of(condition: Condition) -> Tensor:
    """``(B,)`` number of the class that is told, from 1; 0 where none is."""
    vector = condition.vector
    if not vector.shape[1]:
        return torch.zeros(len(vector), dtype=torch.long, device=vector.device)
    return torch.where(vector.any(1), vector.argmax(1) + 1, 0)
