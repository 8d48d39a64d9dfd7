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

MOST = 60
"""Maximum histograms in a report."""

MISSING = "missing"
"""Bin of missing cells."""

OTHER = "all others"
"""Bin of the less frequent values."""


def number_profile(
    name: str, real: FloatArray, fake: FloatArray, word: Callable[[float], str] = "{:.6g}".format
) -> Histogram:
    """Histogram with bins of equal width over the range of the reals; outliers go to the last bins.

    Args:
        name: Name of the column.
        real: ``(N,)`` cells, NaN where missing.
        fake: ``(M,)``.
        word: Formats a value.
    """
    known = real[~np.isnan(real)]
    distinct = np.unique(known)
    if len(distinct) <= BINS:
        return category_profile(
            name, _places(distinct, real), _places(distinct, fake), list(map(word, distinct))
        )
    low, high = np.quantile(known, [EDGE, 1 - EDGE])
    if not low < high:
        low, high = distinct[0], distinct[-1]
    edges: FloatArray = np.linspace(float(low), float(high), BINS + 1)
    words = list(map(word, edges.tolist()))
    bins = [f"{one} to {other}" for one, other in pairwise(words)]
    return _profile(name, "number", [*bins, MISSING], _binned(real, edges), _binned(fake, edges))


def category_profile(
    name: str, real: FloatArray, fake: FloatArray, words: Sequence[str]
) -> Histogram:
    """Histogram with one bin for each of the most frequent values.

    Args:
        name: Name of the column.
        real: ``(N,)`` indices into ``words``, larger ones for other values, NaN where missing.
        fake: ``(M,)``.
        words: Text of the values, the most frequent first.
    """
    most = len(words) if len(words) <= BINS else VALUES
    bins = [*words[:most], OTHER, MISSING]
    return _profile(name, "category", bins, _coded(real, most), _coded(fake, most))


def row_profiles(names: Sequence[str], real: FloatArray, fake: FloatArray) -> tuple[Histogram, ...]:
    """Histograms of the columns of numeric rows ``(N, F)``."""
    return worst_first(
        [number_profile(name, real[:, at], fake[:, at]) for at, name in enumerate(names)]
    )


def worst_first(profiles: Sequence[Histogram]) -> tuple[Histogram, ...]:
    """At most ``MOST`` histograms, those with the largest gap first."""
    return tuple(sorted(profiles, key=lambda each: -each.gap)[:MOST])


def _places(distinct: FloatArray, values: FloatArray) -> FloatArray:
    """Index of each value among the distinct ones; their number if it is not among them."""
    at = np.searchsorted(distinct, values)
    inside = np.minimum(at, len(distinct) - 1)
    found = np.where(distinct[inside] == values, inside, len(distinct)).astype(np.float64)
    return np.where(np.isnan(values), np.nan, found)


def _binned(values: FloatArray, edges: FloatArray) -> FloatArray:
    known = values[~np.isnan(values)]
    counts = np.histogram(np.clip(known, edges[0], edges[-1]), edges)[0].astype(np.float64)
    return np.append(counts, len(values) - len(known))


def _coded(values: FloatArray, most: int) -> FloatArray:
    known = values[~np.isnan(values)]
    counts = np.bincount(np.minimum(known, most).astype(np.int64), minlength=most + 1)
    return np.append(counts.astype(np.float64), len(values) - len(known))


def _profile(
    name: str, kind: str, bins: Sequence[str], real: FloatArray, fake: FloatArray
) -> Histogram:
    """Counts to fractions; empty bins at the end are left out."""
    last = len(bins)
    while last > 1 and not real[last - 1] and not fake[last - 1]:
        last -= 1
    kept = [at for at in range(last) if bins[at] not in (OTHER, MISSING) or real[at] or fake[at]]
    shares = [tuple((each / max(each.sum(), 1))[kept].tolist()) for each in (real, fake)]
    return Histogram.model_validate(
        {
            "name": name,
            "kind": kind,
            "bins": [bins[at] for at in kept],
            "real": shares[0],
            "fake": shares[1],
        }
    )
