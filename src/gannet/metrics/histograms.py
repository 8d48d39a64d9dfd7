"""Histograms of single columns, real beside fake, for the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from gannet.core.scores import Histogram
from gannet.core.types import FloatArray

BINS = 16
"""Bins of a numeric column; up to this many distinct values get one bin each."""

VALUES = 10
"""Most frequent values of a category that get a bin of their own."""

EDGE = 0.005
"""Fraction of reals in each of the two outermost bins."""

MAX_COLUMNS = 60
"""Maximum histograms in a report."""

MISSING = "missing"
"""Bin of missing cells."""

OTHER = "all others"
"""Bin of the less frequent values."""


def number_histogram(
    name: str,
    real: FloatArray,
    fake: FloatArray,
    format_value: Callable[[float], str] = "{:.6g}".format,
) -> Histogram:
    """Histogram with bins of equal width over the range of the reals; outliers go to the last bins.

    Args:
        name: Name of the column.
        real: ``(N,)`` cells, NaN where missing.
        fake: ``(M,)``.
        format_value: Formats a value.
    """
    observed = real[~np.isnan(real)]
    distinct = np.unique(observed)
    if len(distinct) <= BINS:
        return category_histogram(
            name,
            _value_indices(distinct, real),
            _value_indices(distinct, fake),
            list(map(format_value, distinct)),
        )
    low, high = np.quantile(observed, [EDGE, 1 - EDGE])
    if not low < high:
        low, high = distinct[0], distinct[-1]
    edges: FloatArray = np.linspace(float(low), float(high), BINS + 1)
    edge_labels = list(map(format_value, edges.tolist()))
    bins = [f"{one} to {other}" for one, other in pairwise(edge_labels)]
    return _histogram(name, "number", [*bins, MISSING], _binned(real, edges), _binned(fake, edges))


def category_histogram(
    name: str, real: FloatArray, fake: FloatArray, labels: Sequence[str]
) -> Histogram:
    """Histogram with one bin for each of the most frequent values.

    Args:
        name: Name of the column.
        real: ``(N,)`` indices into ``labels``, larger ones for other values, NaN where missing.
        fake: ``(M,)``.
        labels: Text of the values, the most frequent first.
    """
    max_bins = len(labels) if len(labels) <= BINS else VALUES
    bins = [*labels[:max_bins], OTHER, MISSING]
    return _histogram(name, "category", bins, _coded(real, max_bins), _coded(fake, max_bins))


def row_histograms(
    names: Sequence[str], real: FloatArray, fake: FloatArray
) -> tuple[Histogram, ...]:
    """Histograms of the columns of numeric rows ``(N, F)``."""
    return worst_first(
        [number_histogram(name, real[:, at], fake[:, at]) for at, name in enumerate(names)]
    )


def worst_first(histograms: Sequence[Histogram]) -> tuple[Histogram, ...]:
    """At most ``MOST`` histograms, those with the largest gap first."""
    return tuple(sorted(histograms, key=lambda each: -each.gap)[:MAX_COLUMNS])


def _value_indices(distinct: FloatArray, values: FloatArray) -> FloatArray:
    """Index of each value among the distinct ones; their number if it is not among them."""
    at = np.searchsorted(distinct, values)
    inside = np.minimum(at, len(distinct) - 1)
    indices = np.where(distinct[inside] == values, inside, len(distinct)).astype(np.float64)
    return np.where(np.isnan(values), np.nan, indices)


def _binned(values: FloatArray, edges: FloatArray) -> FloatArray:
    observed = values[~np.isnan(values)]
    counts = np.histogram(np.clip(observed, edges[0], edges[-1]), edges)[0].astype(np.float64)
    return np.append(counts, len(values) - len(observed))


def _coded(values: FloatArray, max_bins: int) -> FloatArray:
    observed = values[~np.isnan(values)]
    counts = np.bincount(np.minimum(observed, max_bins).astype(np.int64), minlength=max_bins + 1)
    return np.append(counts.astype(np.float64), len(values) - len(observed))


def _histogram(
    name: str, kind: str, bins: Sequence[str], real: FloatArray, fake: FloatArray
) -> Histogram:
    """Counts to fractions; empty bins at the end are left out."""
    last = len(bins)
    while last > 1 and not real[last - 1] and not fake[last - 1]:
        last -= 1
    bin_indices = [
        at for at in range(last) if bins[at] not in (OTHER, MISSING) or real[at] or fake[at]
    ]
    fractions = [tuple((each / max(each.sum(), 1))[bin_indices].tolist()) for each in (real, fake)]
    return Histogram.model_validate(
        {
            "name": name,
            "kind": kind,
            "bins": [bins[at] for at in bin_indices],
            "real": fractions[0],
            "fake": fractions[1],
        }
    )
