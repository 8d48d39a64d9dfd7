"""Marginal similarity: how much of a column's distribution two tables have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ks_complement(real: NDArray[np.float64], fake: NDArray[np.float64]) -> float:
    """One minus the Kolmogorov-Smirnov statistic, 0..1; 1 if equal.

    Args:
        real: ``(N,)`` numbers; NaN, a missing cell, is left out.
        fake: ``(M,)``.

    Returns:
        0 if one side is empty and the other is not.

    Source: Kolmogorov 1933, Smirnov 1948; as a score, SDMetrics ``KSComplement``.

    >>> ks_complement(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    0.5
    """
    left, right = np.sort(real[~np.isnan(real)]), np.sort(fake[~np.isnan(fake)])
    if not len(left) or not len(right):
        return float(len(left) == len(right))
    steps = np.concatenate([left, right])
    gaps = np.searchsorted(left, steps, "right") / len(left)
    gaps -= np.searchsorted(right, steps, "right") / len(right)
    return 1.0 - float(np.abs(gaps).max())


def variation_complement(real: NDArray[np.float64], fake: NDArray[np.float64]) -> float:
    """One minus the total variation distance of two sets of category codes, 0..1; 1 if equal.

    Args:
        real: ``(N,)`` whole numbers from 0; NaN, a missing cell, is left out.
        fake: ``(M,)``.

    Returns:
        0 if one side is empty and the other is not.

    Source: total variation distance; as a score, SDMetrics ``TVComplement``.

    >>> variation_complement(np.array([0.0, 0.0]), np.array([0.0, 1.0]))
    0.5
    """
    left = real[~np.isnan(real)].astype(np.int64)
    right = fake[~np.isnan(fake)].astype(np.int64)
    if not len(left) or not len(right):
        return float(len(left) == len(right))
    codes = int(max(left.max(), right.max())) + 1
    gaps = np.bincount(left, minlength=codes) / len(left)
    gaps -= np.bincount(right, minlength=codes) / len(right)
    return 1.0 - float(np.abs(gaps).sum()) / 2


def missing_gap(real: NDArray[np.float64], fake: NDArray[np.float64]) -> float:
    """Difference between the fractions of missing cells, 0..1; 0 if equal."""
    return abs(float(np.isnan(real).mean()) - float(np.isnan(fake).mean()))
