"""Distances between two sets of features; memory is bounded by chunks.

All take ``real (N, F)`` and ``fake (M, F)`` and compute in 64 bit. Whether low or high is better
is in ``gannet.metrics.METRICS``. Either side may be a ``FeatureSet``: metrics that are given the
same two sets share one pass over their pairs (``gannet.metrics.pairwise``).
"""

from __future__ import annotations

import torch
from torch import Tensor

from gannet.metrics.pairwise import CELLS, FeatureSet, feature_sets
from gannet.metrics.pairwise import chunks as chunks
from gannet.metrics.pairwise import nearest as nearest
from gannet.metrics.pairwise import squared_distances as squared_distances


def frechet_distance(real: Tensor | FeatureSet, fake: Tensor | FeatureSet) -> float:
    """Fréchet distance between Gaussians fitted to the two sets; 0 for equal moments.

    Biased upwards by about trace / N for few samples: compare it with a reference of the same
    counts.

    Source: Heusel 2017, arXiv:1706.08500, eq. 6; Dowson and Landau 1982.
    Differs: the trace of the root of the product of covariances is computed as the sum of singular
        values of a product of their factors, because that needs no root of a nearly singular,
        unsymmetric matrix and stays exact when there are fewer samples than features.
    """
    one, other = feature_sets(real, fake)
    left, right = one.rows, other.rows
    gap = left.mean(0) - right.mean(0)
    first, second = one.factor, other.factor
    squares = gap.square().sum() + first.square().sum() + second.square().sum()
    return max(float(squares) - 2 * float(_nuclear_norm(first @ second.T)), 0.0)


def kernel_distance(
    real: Tensor | FeatureSet, fake: Tensor | FeatureSet, *, cells: int = CELLS
) -> float:
    """KID: squared maximum mean discrepancy (MMD) with a cubic kernel; about 0 or below if equal.

    Unbiased: its expectation does not depend on the number of samples.

    Source: Binkowski 2018, arXiv:1801.01401, sec. 4, kernel (x·y / F + 1)³; Gretton 2012, eq. 3.
    Differs: one estimate from all samples instead of a mean over subsets, because the variance is
        lower and the expectation the same.
    """
    one, other = feature_sets(real, fake, cells)
    return one.cubic + other.cubic - 2 * one.pair_statistic(other, "cubic")


def energy_distance(
    real: Tensor | FeatureSet, fake: Tensor | FeatureSet, *, cells: int = CELLS
) -> float:
    """Twice the mean distance across the sets minus those within; about 0 or below if equal.

    Sensitive to any difference of the distributions of features; has no parameters.

    Source: Szekely and Rizzo 2013, Energy statistics, J. Stat. Plan. Inference 143, eq. 2.
    Differs: pairs of a row with itself are excluded, which makes it unbiased.
    """
    one, other = feature_sets(real, fake, cells)
    return 2 * one.pair_statistic(other, "distance") - one.distance - other.distance


def precision(real: Tensor | FeatureSet, fake: Tensor | FeatureSet) -> float:
    """Fraction of fakes inside the real manifold, 0..1: fidelity of single samples.

    Source: Kynkaanniemi 2019, arXiv:1904.06991, eqs. 1 and 2, k = 3.
    """
    one, other = feature_sets(real, fake)
    return one.pair_statistic(other, "precision")


def recall(real: Tensor | FeatureSet, fake: Tensor | FeatureSet) -> float:
    """Fraction of reals inside the fake manifold, 0..1: how much of the diversity is covered.

    Source: Kynkaanniemi 2019, arXiv:1904.06991, eqs. 1 and 2, k = 3.
    """
    one, other = feature_sets(real, fake)
    return one.pair_statistic(other, "recall")


def density(real: Tensor | FeatureSet, fake: Tensor | FeatureSet) -> float:
    """Mean number of real neighbourhoods that contain a fake, over k; about 1 if equal.

    Unlike precision it is robust to one outlying real with a huge neighbourhood.

    Source: Naeem 2020, arXiv:2002.09797, eq. 4, k = 5.
    """
    one, other = feature_sets(real, fake)
    return one.pair_statistic(other, "density")


def coverage(real: Tensor | FeatureSet, fake: Tensor | FeatureSet) -> float:
    """Fraction of reals with a fake in their neighbourhood, 0..1: how few modes are missing.

    Source: Naeem 2020, arXiv:2002.09797, eq. 5, k = 5.
    """
    one, other = feature_sets(real, fake)
    return one.pair_statistic(other, "coverage")


def nearest_others(rows: Tensor | FeatureSet) -> Tensor:
    """Distance of each row of ``(N, F)`` to its nearest other row, ``(N,)``."""
    return FeatureSet.of(rows).radii(1)


def _nuclear_norm(matrix: Tensor) -> Tensor:
    return torch.linalg.svdvals(matrix).sum()
