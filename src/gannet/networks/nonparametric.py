"""Non-parametric models, which sample from stored training rows: for recipes that are fitted.

Nothing here is trained by gradients. Sizes follow from settings and data alone, so that saved
weights can be loaded into a newly built model.
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
    """The fields of each column; by default every number is a column of its own."""
    named = spec.table.column_of or tuple(range(spec.shape[0]))
    columns: list[slice] = []
    for _, fields in groupby(range(len(named)), key=lambda at: named[at]):
        indices = list(fields)
        columns.append(slice(indices[0], indices[-1] + 1))
    return columns


def subsample(rows: Tensor, count: int) -> Tensor:
    """``count`` of the rows ``(N, ...)``, evenly spaced; some repeated if there are fewer.

    >>> subsample(torch.arange(4), 2).tolist(), subsample(torch.arange(2), 3).tolist()
    ([1, 3], [0, 1, 1])
    """
    indices = (torch.arange(count).double() + 0.5) * len(rows) / count
    return rows[indices.long().clamp_(max=len(rows) - 1)]


class NullDiscriminator(nn.Module):
    """A constant discriminator, for models without adversarial training."""

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:  # noqa: ARG002
        """Samples ``(B, *shape)`` to logits ``(B,)`` of zero."""
        return samples.new_zeros(len(samples))


class EmpiricalMarginals(nn.Module):
    """Table rows with the training data's marginals; independent columns or a Gaussian copula.

    In the copula, each column is a quantile transform of a normal variable, and the variables of a
    row are correlated. Fields of one column stay together, so that no invalid cell is generated.

    Source: Sklar 1959; Patki, Wedge and Veeramachaneni 2016, The Synthetic Data Vault, section
    III. Differs: marginals are the sorted training cells themselves, and correlations allow for
    ties of categories and whole numbers; see ``networks.copula``.

    Args:
        spec: Of table rows ``(F,)``.
        stored_samples: Number of stored cells per column.
        related: Whether columns are correlated (Gaussian copula).

    Attributes:
        cells: ``(kept, F)`` sorted cells of each column, evenly spaced over training.
        mix: ``(C, C)`` from independent normal variables to those of the columns.
    """

    cells: Tensor
    mix: Tensor

    def __init__(self, spec: Spec, stored_samples: int, *, related: bool) -> None:
        super().__init__()
        self.columns = columns_of(spec)
        self.related = related
        self.register_buffer("cells", torch.zeros(stored_samples, *spec.shape))
        self.register_buffer("mix", torch.eye(len(self.columns)))

    def fitted(self, rows: Tensor) -> Self:
        """Fit to rows ``(N, F)``."""
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
        """Normal noise ``(B, N)`` to rows ``(B, F)``; best with one number per column."""
        even = uniforms(noise, len(self.columns))
        if self.related:
            normal = torch.special.ndtri(even.clamp(min=1e-12))
            even = torch.special.ndtr(normal @ self.mix.double().T)
        indices = (even * len(self.cells)).long().clamp_(max=len(self.cells) - 1)
        parts = [self.cells[indices[:, at], column] for at, column in enumerate(self.columns)]
        return torch.cat(parts, 1)


def rising(rows: Tensor) -> Tensor:
    """The order ``(N,)`` that sorts rows ``(N, K)`` lexicographically.

    >>> rising(torch.tensor([[1.0, 2.0], [0.0, 9.0], [1.0, 1.0]])).tolist()
    [1, 2, 0]
    """
    order = torch.arange(len(rows))
    for field in reversed(range(rows.shape[1])):
        order = order[rows[order, field].argsort(stable=True)]
    return order


def _ranks(rows: Tensor, order: Tensor) -> Tensor:
    """Dense ranks ``(N,)`` of rows ``(N, K)``, from 0."""
    ordered = rows[order]
    new = torch.zeros(len(rows), dtype=torch.long)
    new[1:] = (ordered[1:] != ordered[:-1]).any(1).long()
    ranks = torch.empty_like(new)
    ranks[order] = new.cumsum(0)
    return ranks


class MemorizedSamples(nn.Module):
    """Returns stored training samples of the conditioned class.

    Args:
        spec: Of samples and condition; the vector is a one-hot class.
        stored_samples: Number of stored samples.

    Attributes:
        samples: ``(kept, *shape)``, grouped by class, unlabelled ones first.
        starts: ``(V + 1,)`` where the samples of each class begin, and the last end.
    """

    samples: Tensor
    starts: Tensor

    def __init__(self, spec: Spec, stored_samples: int) -> None:
        super().__init__()
        self.register_buffer("samples", torch.zeros(stored_samples, *spec.shape))
        self.register_buffer("starts", torch.zeros(spec.vector + 1, dtype=torch.long))

    def fitted(self, train: Batch) -> Self:
        """Store samples, evenly spaced over each class."""
        classes = class_of(train.condition)
        order = classes.argsort(stable=True)
        rows = subsample(order, len(self.samples))
        self.samples.copy_(train.real[rows])
        number = torch.arange(len(self.starts))
        self.starts.copy_(torch.searchsorted(classes[rows], number + 1))
        return self

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Normal noise ``(B, N)`` to samples ``(B, *shape)``, selected by the first number."""
        classes = class_of(condition)
        first, last = self.starts[(classes - 1).clamp(min=0)], self.starts[classes]
        # Without a class, or for one without samples, any sample is returned.
        any_ = (classes == 0) | (first == last)
        first, last = first.masked_fill(any_, 0), last.masked_fill(any_, len(self.samples))
        even = uniforms(noise, 1).squeeze(1)
        indices = first + (even * (last - first)).long()
        return self.samples[indices.minimum(last - 1)]


class ClassMeans(nn.Module):
    """Returns the mean of the conditioned class, or of all samples.

    Args:
        spec: Of samples and condition; the vector is a one-hot class.

    Attributes:
        means: ``(1 + V, *shape)`` of all samples, and of those of each class.
    """

    means: Tensor

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("means", torch.zeros(1 + spec.vector, *spec.shape))

    def fitted(self, train: Batch) -> Self:
        """Fit to samples; classes without any get the mean of all."""
        classes = class_of(train.condition)
        for number in range(len(self.means)):
            some = train.real[classes == number] if number else train.real
            members = some if len(some) else train.real
            self.means[number] = (
                median_or_mode(members, self.spec)
                if self.spec.table.cardinalities
                else members.mean(0)
            )
        return self

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:  # noqa: ARG002
        """Samples ``(B, *shape)``; noise is ignored."""
        return self.means[class_of(condition)]


def median_or_mode(rows: Tensor, spec: Spec) -> Tensor:
    """The median of each ordinal column of rows ``(N, F)``, and the mode of all others.

    Tokens of numbers are unequally spaced, so the median says more than the mean. Missing cells
    are ignored, unless more than half are missing.
    """
    cells: list[Tensor] = []
    for column in columns_of(spec):
        mine = rows[:, column]
        if spec.table.missing_field and spec.table.missing_field[column.start] >= 0:
            present = mine[:, 0] >= 1
            mine = mine[present] if present.double().mean() >= 0.5 else mine[~present]
        ordered = mine[rising(mine)]
        if not spec.table.ordinal_from or spec.table.ordinal_from[column.start] < 0:
            numbers = _ranks(ordered, torch.arange(len(ordered)))
            cells.append(ordered[numbers == numbers.bincount().argmax()][0])
        else:
            cells.append(ordered[len(ordered) // 2])
    return torch.cat(cells)


def class_of(condition: Condition) -> Tensor:
    """``(B,)`` number of the class, from 1; 0 for unlabelled samples."""
    vector = condition.vector
    if not vector.shape[1]:
        return torch.zeros(len(vector), dtype=torch.long, device=vector.device)
    return torch.where(vector.any(1), vector.argmax(1) + 1, 0)
