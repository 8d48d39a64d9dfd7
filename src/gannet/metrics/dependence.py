"""Pairwise dependence between the columns of a table: association and its similarity.

All pairs are compared at once. Rows come as one-hot bins ``(N, W)``, column after column, ``sizes``
bins each: the product of that matrix with itself holds the contingency tables of every pair.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

CONSTANT = 1e-24
"""Variance, over the squared mean, that rounding may give a column of one value."""


def contingency_similarity(real: Tensor, fake: Tensor, sizes: Sequence[int]) -> Tensor:
    """One minus the total variation distance of each pair's contingency table, ``(F, F)``, 0..1.

    Independent pairs score well as soon as both marginals are right, and dependent ones score far
    above 0 even when shuffled. ``dependence_kept`` is not inflated in this way.

    Source: SDMetrics ``ContingencySimilarity``; issues 815 and 817 there on what it inflates.
    """
    return 1 - _blocks((_joint(real) - _joint(fake)).abs(), sizes) / 2


def correlation_similarity(real: Tensor, fake: Tensor) -> Tensor:
    """One minus half the difference of correlations of each pair of numbers, ``(P, P)``, 0..1.

    Args:
        real: ``(N, P)``; of each pair the rows without NaN count.
        fake: ``(M, P)``.

    Source: Pearson 1895; as a score, SDMetrics ``CorrelationSimilarity``.
    """
    return 1 - (correlation(real) - correlation(fake)).abs() / 2


def association(rows: Tensor, sizes: Sequence[int]) -> Tensor:
    """Cramér's V of each pair ``(F, F)``, 0..1: the strength of association of two columns.

    Source: Cramér 1946, Mathematical Methods of Statistics, sec. 21.9.
    """
    joint = _joint(rows)
    marginals = joint.diagonal()
    expected = marginals[:, None] * marginals
    ratio = torch.where(expected > 0, joint.square() / expected, torch.zeros_like(joint))
    squared = (_blocks(ratio, sizes) - 1).clamp(min=0)
    owner = torch.arange(len(sizes)).repeat_interleave(torch.tensor(list(sizes)))
    used = torch.zeros(len(sizes)).double().index_add(0, owner, (marginals > 0).double())
    degrees = torch.minimum(used[:, None], used) - 1
    return torch.where(
        degrees > 0, squared / degrees.clamp(min=1), torch.zeros_like(degrees)
    ).sqrt()


def dependence(rows: Tensor, sizes: Sequence[int]) -> Tensor:
    """Total variation distance of each pair from independence, ``(F, F)``; 0 when independent.

    Biased upwards for few rows: compare it with a reference of the same count.
    """
    return _blocks(_excess(rows).abs(), sizes) / 2


def dependence_distance(real: Tensor, fake: Tensor, sizes: Sequence[int]) -> Tensor:
    """Difference between the two departures from independence of each pair, ``(F, F)``."""
    return _blocks((_excess(real) - _excess(fake)).abs(), sizes) / 2


def dependence_similarity(real: Tensor, fake: Tensor, sizes: Sequence[int]) -> float:
    """Similarity of the dependence among columns, 0..1; 1 when equal.

    One minus the summed distances of all pairs over the summed dependence of both sides.
    Independent columns against dependent ones score about 0, and independent pairs have no weight,
    so they cannot raise the score. Spurious dependence lowers it as much as lost dependence.

    Source: own. It is the Bray-Curtis ratio (1957) of departures from independence, because a mean
        over pairs rewards shuffled columns (SDMetrics issues 815, 817).
    """
    total = _upper(dependence(real, sizes)) + _upper(dependence(fake, sizes))
    gap = _upper(dependence_distance(real, fake, sizes))
    return 1.0 - gap / total if total > 0 else 1.0


def _joint(rows: Tensor) -> Tensor:
    one_hot = rows.float()  # counts up to 2^24 are exact
    return (one_hot.T @ one_hot).double() / max(len(rows), 1)


def _excess(rows: Tensor) -> Tensor:
    joint = _joint(rows)
    marginals = joint.diagonal()
    return joint - marginals[:, None] * marginals


def _blocks(matrix: Tensor, sizes: Sequence[int]) -> Tensor:
    owner = torch.arange(len(sizes)).repeat_interleave(torch.tensor(list(sizes)))
    member = torch.nn.functional.one_hot(owner, len(sizes)).to(matrix)
    return member.T @ matrix @ member


def correlation(rows: Tensor) -> Tensor:
    """Pearson's correlation of each pair of numbers ``(P, P)``, of the rows that have both.

    Filling missing cells with means instead would draw all correlations towards 0.
    """
    observed = ~rows.isnan()
    mask = observed.double()
    values = torch.where(observed, rows.double(), torch.zeros_like(mask))
    means = values.sum(0) / mask.sum(0).clamp(min=1)
    values = (values - means) * mask
    count = (mask.T @ mask).clamp(min=1)
    sums = values.T @ mask
    squares = values.square().T @ mask - sums.square() / count
    # A constant column has correlation 0 with every other; its squares are rounding of its mean.
    varies = squares > CONSTANT * count * means.square()[:, None]
    scale = torch.where(varies, squares, torch.ones_like(squares)).sqrt()
    correlations = (values.T @ values - sums * sums.T / count) / (scale * scale.T)
    return torch.where(varies & varies.T, correlations, torch.zeros_like(correlations))


def _upper(pairs: Tensor) -> float:
    return float(pairs.triu(1).sum())
