"""Quantile binning of ordered values: whole units <-> a bin (symbol) and a position in [0, 1].

Numbers and dates are counted in whole units (hundredths, days, seconds), so that encoding and
decoding are exact: unit ``u`` owns the interval from ``u`` to ``u + 1`` and is encoded as its
middle.
"""

from __future__ import annotations

import bisect
import statistics
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.types import IntArray

EXACT = 256
"""Most distinct values of which each has a bin of its own."""
MAX_BINS = 64
"""Approximate number of bins if there are more values."""
STEPS = 8
"""Quantile steps per bin; inside a step, positions are linear in the value."""
SPIKE = 0.005
"""Fraction of the rows from which on a value has a bin of its own."""
MARGIN = 0.4
"""Distance from the middle of a unit, in units, that is safe from rounding."""
RESOLVED = 2**20
"""Units per step that a 32-bit position still resolves, with a safety factor."""


class QuantileBins(BaseModel):
    """Bins in ascending order, without overlap.

    Attributes:
        bins: The knots of each, ascending whole units; a bin ``(u, u + 1)`` is the value ``u``.
        frequencies: Fraction of the rows in each bin.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    bins: tuple[tuple[int, ...], ...]
    frequencies: tuple[float, ...]

    @classmethod
    def fit(cls, units: IntArray, counts: NDArray[np.int64]) -> Self:
        """Fit bins to distinct units ``(n,)`` in ascending order and their counts."""
        total = int(counts.sum())
        if len(units) <= EXACT:
            bins = [(int(u), int(u) + 1) for u in units]
        else:
            bins = _make_bins(units, counts)
        firsts = np.array([each[0] for each in bins])
        bin_counts = np.bincount(
            np.searchsorted(firsts, units, "right") - 1, weights=counts, minlength=len(bins)
        )
        return cls(bins=tuple(bins), frequencies=tuple((bin_counts / total).tolist()))

    @property
    def placed(self) -> bool:
        """Whether a bin holds more than one unit, so that a position is needed."""
        return any(knots[-1] - knots[0] > 1 for knots in self.bins)

    @property
    def low(self) -> int:
        """The smallest unit."""
        return self.bins[0][0]

    @property
    def high(self) -> int:
        """The largest unit."""
        return self.bins[-1][-1] - 1

    @property
    def knots(self) -> IntArray:
        """The knots of all bins, concatenated."""
        return np.array([knot for bin_knots in self.bins for knot in bin_knots], np.int64)

    @property
    def starts(self) -> IntArray:
        """``(bins + 1,)`` index of each bin's first knot, and the number of knots."""
        return np.cumsum([0, *map(len, self.bins)]).astype(np.int64)

    @property
    def middles(self) -> IntArray:
        """``(bins,)`` a typical unit of each bin: about its median."""
        middles = [
            (knots[(len(knots) - 1) // 2] + knots[len(knots) // 2]) // 2 for knots in self.bins
        ]
        return np.array(middles, np.int64)

    @property
    def scores(self) -> NDArray[np.float64]:
        """``(bins,)`` normal scores: standard normal quantile of each bin's middle rank."""
        frequencies = np.array(self.frequencies) + 1e-12
        middles = (np.cumsum(frequencies) - frequencies / 2) / frequencies.sum()
        normal = statistics.NormalDist()
        return np.array([normal.inv_cdf(min(max(at, 1e-9), 1 - 1e-9)) for at in middles])

    @property
    def commonest(self) -> int:
        """The bin that holds the median; encodes a missing cell where that has no symbol."""
        return int(np.searchsorted(np.cumsum(self.frequencies), 0.5).clip(0, len(self.bins) - 1))

    def locate(self, units: IntArray) -> tuple[IntArray, NDArray[np.float64], NDArray[np.bool_]]:
        """Bin and position of each unit; one outside every bin goes to the nearest.

        Returns:
            Bins, positions in [0, 1], and which units were moved, each ``(n,)``.
        """
        knots, starts = self.knots, self.starts
        at = (np.searchsorted(knots, units, "right") - 1).clip(0)
        bin_indices = np.searchsorted(starts, at, "right") - 1
        last = starts[bin_indices + 1] - 1
        over = at == last  # above the end of this bin and below the next
        following = (bin_indices + 1).clip(max=len(self.bins) - 1)
        ahead = knots[starts[following]].astype(np.float64)
        behind = knots[last].astype(np.float64) - 1
        up = over & (following > bin_indices) & (ahead - units < units - behind)
        low = np.where(up, knots[starts[following]], knots[starts[bin_indices]])
        high = np.where(up, ahead, behind).astype(np.int64)
        nearest = np.where(over, high, np.maximum(units, low))
        moved = nearest != units
        bin_indices = np.where(up, following, bin_indices)
        at = np.where(over, np.where(up, starts[following], last - 1), at)
        below, above = knots[at].astype(np.float64), knots[at + 1].astype(np.float64)
        step = (nearest - below + 0.5) / (above - below)
        positions = (at - starts[bin_indices] + step) / (
            starts[bin_indices + 1] - starts[bin_indices] - 1
        )
        return bin_indices, positions, moved

    def bins_between(self, low: int, high: int) -> list[tuple[int, float, float]]:
        """The bins that hold units from ``low`` to ``high``, each with its range of positions."""
        ranges: list[tuple[int, float, float]] = []
        for number, knots in enumerate(self.bins):
            start, end = max(low, knots[0]), min(high, knots[-1] - 1)
            if start <= end:
                lower = 0.0 if start == knots[0] else _edge(knots, start, -MARGIN)
                ranges.append(
                    (number, lower, 1.0 if end == knots[-1] - 1 else _edge(knots, end, MARGIN))
                )
        return ranges

    def round_trip(self, units: IntArray) -> IntArray:
        """Units encoded and decoded with 32-bit positions."""
        bin_indices, positions, _ = self.locate(units)
        return self.units(bin_indices, positions.astype(np.float32).astype(np.float64))

    def units(self, bin_indices: IntArray, positions: NDArray[np.float64]) -> IntArray:
        """The unit at each position ``(n,)`` of bins ``(n,)``."""
        starts = self.starts[bin_indices]
        steps = self.starts[bin_indices + 1] - starts - 1
        height = positions.clip(0, 1) * steps
        step = np.minimum(height.astype(np.int64), steps - 1)
        low, high = self.knots[starts + step], self.knots[starts + step + 1]
        risen = ((height - step) * (high - low)).astype(np.int64)
        return np.minimum(low + risen, high - 1)


def _edge(knots: tuple[int, ...], unit: int, off: float) -> float:
    """The position of a unit's middle, shifted by a fraction of a unit."""
    at = max(bisect.bisect_right(knots, unit) - 1, 0)
    inside = (unit - knots[at] + 0.5 + off) / (knots[at + 1] - knots[at])
    return (at + inside) / (len(knots) - 1)


def _make_bins(units: IntArray, counts: NDArray[np.int64]) -> list[tuple[int, ...]]:
    spiky = counts >= SPIKE * counts.sum()
    gap = np.cumsum(spiky)[~spiky]
    units, counts, spikes = units[~spiky], counts[~spiky], units[spiky]
    bins = [(int(u), int(u) + 1) for u in spikes]
    free = max(MAX_BINS - len(bins), MAX_BINS // 4)
    between: list[tuple[int, ...]] = []
    for number in np.unique(gap):
        inside = gap == number
        fraction = counts[inside].sum() / counts.sum()
        between += _quantiles(units[inside], counts[inside], max(round(fraction * free), 1))
    finer = [part for knots in between for part in _finer(knots)]
    # With more bins than this, the extra symbols would cost more than the last digits gain.
    return sorted(bins + (finer if len(finer) <= EXACT else between))


def _quantiles(units: IntArray, counts: NDArray[np.int64], bin_count: int) -> list[tuple[int, ...]]:
    """Bins of about equal counts, with knots at equal counts inside them."""
    summed = np.cumsum(counts)
    targets = np.arange(bin_count * STEPS) * (summed[-1] / (bin_count * STEPS))
    at = np.searchsorted(summed, targets, "right")
    edges = [*units[at].tolist(), int(units[-1]) + 1]
    # A value as frequent as a whole step becomes a step of its own; else its rows would be spread
    # over larger values.
    heavy = set(units[counts >= summed[-1] / (bin_count * STEPS)].tolist())
    bins: list[tuple[int, ...]] = []
    for start in range(0, bin_count * STEPS, STEPS):
        knots = set(edges[start : start + STEPS + 1])
        knots |= {knot + 1 for knot in knots & heavy if knot + 1 <= max(knots)}
        if len(knots) > 1:
            bins.append(tuple(sorted(knots)))
    return bins


def _finer(bin_knots: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The bin with steps that 32 bits resolve, split into several bins if there are many."""
    knots = [bin_knots[0]]
    for low, high in pairwise(bin_knots):
        parts = min(-((low - high) // RESOLVED), EXACT * STEPS)
        knots += [low + (high - low) * part // parts for part in range(1, parts + 1)]
    if len(knots) == len(bin_knots):
        return [bin_knots]
    return [tuple(knots[at : at + STEPS + 1]) for at in range(0, len(knots) - 1, STEPS)]
