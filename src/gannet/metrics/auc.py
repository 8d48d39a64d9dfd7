"""Area under the ROC curve (AUC) of a score between two sets, with an interval."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NORMAL = 1.959964
"""97.5 % point of the standard normal."""


class Auc(NamedTuple):
    """Area under the ROC curve, 0..1, and its 95 % interval."""

    value: float
    low: float
    high: float


def auc(above: NDArray[np.float64], below: NDArray[np.float64], quantile: float = NORMAL) -> Auc:
    """AUC: probability that one of ``above`` scores higher than one of ``below``; ties count half.

    Args:
        above: ``(N,)`` scores of those that should be higher.
        below: ``(M,)`` scores of the others.
        quantile: Of the standard normal that the interval reaches to; 1.96 for 95 %.

    Source: DeLong 1988, Biometrics 44, p. 837 (variance); Pepe 2003, p. 107 (interval on the logit
        scale, so that it stays within 0..1).

    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0])).value
    0.875
    """
    above_placements = _placements(above, below)
    below_placements = 1 - _placements(below, above)
    value = float(above_placements.mean())
    variance = _variance(above_placements) + _variance(below_placements)
    min_count = min(len(above), len(below))
    if variance <= 0 or not 0 < value < 1:
        # Zero variance under perfect separation: rule of three for the smaller set.
        half_width = min(3 / min_count, 1.0)
        return Auc(value, max(value - half_width, 0.0), min(value + half_width, 1.0))
    half_width = quantile * math.sqrt(variance) / (value * (1 - value))
    logit = math.log(value / (1 - value))
    return Auc(value, _sigmoid(logit - half_width), _sigmoid(logit + half_width))


def auc_value(above: NDArray[np.float64], below: NDArray[np.float64]) -> float:
    """The AUC alone, exact up to one division."""
    return float(_twice_below(above, below).mean() / (2 * len(below)))


def _placements(queries: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fraction of the others below each query; ties count half."""
    return _twice_below(queries, others) / (2 * len(others))


def _twice_below(queries: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.int64]:
    """Twice the number of others below each query; ties count half, hence twice."""
    ordered = np.sort(others)
    return np.searchsorted(ordered, queries, "left") + np.searchsorted(ordered, queries, "right")


def _variance(values: NDArray[np.float64]) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0
