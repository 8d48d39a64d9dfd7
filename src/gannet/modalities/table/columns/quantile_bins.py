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
            rungs = [(int(u), int(u) + 1) for u in units]
        else:
            rungs = _rungs(units, counts)
        firsts = np.array([rung[0] for rung in rungs])
        held = np.bincount(
            np.searchsorted(firsts, units, "right") - 1, weights=counts, minlength=len(rungs)
        )
        return cls(bins=tuple(rungs), frequencies=tuple((held / total).tolist()))

    @property
    def placed(self) -> bool:
        """Whether a bin holds more than one unit, so that a position is needed."""
        return any(rung[-1] - rung[0] > 1 for rung in self.bins)

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
        return np.array([knot for rung in self.bins for knot in rung], np.int64)

    @property
    def starts(self) -> IntArray:
        """``(bins + 1,)`` index of each bin's first knot, and the number of knots."""
        return np.cumsum([0, *map(len, self.bins)]).astype(np.int64)

    @property
    def middles(self) -> IntArray:
        """``(bins,)`` a typical unit of each bin: about its median."""
        middles = [(rung[(len(rung) - 1) // 2] + rung[len(rung) // 2]) // 2 for rung in self.bins]
        return np.array(middles, np.int64)

    @property
    def scores(self) -> NDArray[np.float64]:
        """``(bins,)`` normal scores: standard normal quantile of each bin's middle rank."""
        shares = np.array(self.frequencies) + 1e-12
        middles = (np.cumsum(shares) - shares / 2) / shares.sum()
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
        rung = np.searchsorted(starts, at, "right") - 1
        last = starts[rung + 1] - 1
        over = at == last  # above the end of this bin and below the next
        following = (rung + 1).clip(max=len(self.bins) - 1)
        ahead = knots[starts[following]].astype(np.float64)
        behind = knots[last].astype(np.float64) - 1
        up = over & (following > rung) & (ahead - units < units - behind)
        low = np.where(up, knots[starts[following]], knots[starts[rung]])
        high = np.where(up, ahead, behind).astype(np.int64)
        nearest = np.where(over, high, np.maximum(units, low))
        moved = nearest != units
        rung = np.where(up, following, rung)
        at = np.where(over, np.where(up, starts[following], last - 1), at)
        below, above = knots[at].astype(np.float64), knots[at + 1].astype(np.float64)
        step = (nearest - below + 0.5) / (above - below)
        places = (at - starts[rung] + step) / (starts[rung + 1] - starts[rung] - 1)
        return rung, places, moved

    def bins_between(self, low: int, high: int) -> list[tuple[int, float, float]]:
        """The bins that hold units from ``low`` to ``high``, each with its range of positions."""
        found: list[tuple[int, float, float]] = []
        for number, rung in enumerate(self.bins):
            start, end = max(low, rung[0]), min(high, rung[-1] - 1)
            if start <= end:
                begin = 0.0 if start == rung[0] else _edge(rung, start, -MARGIN)
                found.append(
                    (number, begin, 1.0 if end == rung[-1] - 1 else _edge(rung, end, MARGIN))
                )
        return found

    def round_trip(self, units: IntArray) -> IntArray:
        """Units encoded and decoded with 32-bit positions."""
        rungs, places, _ = self.locate(units)
        return self.units(rungs, places.astype(np.float32).astype(np.float64))

    def units(self, rungs: IntArray, places: NDArray[np.float64]) -> IntArray:
        """The unit at each position ``(n,)`` of bins ``(n,)``."""
        starts = self.starts[rungs]
        steps = self.starts[rungs + 1] - starts - 1
        height = places.clip(0, 1) * steps
        step = np.minimum(height.astype(np.int64), steps - 1)
        low, high = self.knots[starts + step], self.knots[starts + step + 1]
        risen = ((height - step) * (high - low)).astype(np.int64)
        return np.minimum(low + risen, high - 1)


def _edge(rung: tuple[int, ...], unit: int, off: float) -> float:
    """The position of a unit's middle, shifted by a fraction of a unit."""
    at = max(bisect.bisect_right(rung, unit) - 1, 0)
    inside = (unit - rung[at] + 0.5 + off) / (rung[at + 1] - rung[at])
    return (at + inside) / (len(rung) - 1)


def _rungs(units: IntArray, counts: NDArray[np.int64]) -> list[tuple[int, ...]]:
    spiky = counts >= SPIKE * counts.sum()
    gap = np.cumsum(spiky)[~spiky]
    units, counts, spikes = units[~spiky], counts[~spiky], units[spiky]
    rungs = [(int(u), int(u) + 1) for u in spikes]
    free = max(MAX_BINS - len(rungs), MAX_BINS // 4)
    between: list[tuple[int, ...]] = []
    for number in np.unique(gap):
        inside = gap == number
        share = counts[inside].sum() / counts.sum()
        between += _quantiles(units[inside], counts[inside], max(round(share * free), 1))
    finer = [part for rung in between for part in _finer(rung)]
    # With more bins than this, the extra symbols would cost more than the last digits gain.
    return sorted(rungs + (finer if len(finer) <= EXACT else between))


def _quantiles(units: IntArray, counts: NDArray[np.int64], wanted: int) -> list[tuple[int, ...]]:
    """Bins of about equal counts, with knots at equal counts inside them."""
    summed = np.cumsum(counts)
    asked = np.arange(wanted * STEPS) * (summed[-1] / (wanted * STEPS))
    at = np.searchsorted(summed, asked, "right")
    edges = [*units[at].tolist(), int(units[-1]) + 1]
    # A value as frequent as a whole step becomes a step of its own; else its rows would be spread
    # over larger values.
    heavy = set(units[counts >= summed[-1] / (wanted * STEPS)].tolist())
    rungs: list[tuple[int, ...]] = []
    for start in range(0, wanted * STEPS, STEPS):
        knots = set(edges[start : start + STEPS + 1])
        knots |= {knot + 1 for knot in knots & heavy if knot + 1 <= max(knots)}
        if len(knots) > 1:
            rungs.append(tuple(sorted(knots)))
    return rungs


def _finer(rung: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The bin with steps that 32 bits resolve, split into several bins if there are many."""
    knots = [rung[0]]
    for low, high in pairwise(rung):
        parts = min(-((low - high) // RESOLVED), EXACT * STEPS)
        knots += [low + (high - low) * part // parts for part in range(1, parts + 1)]
    if len(knots) == len(rung):
        return [rung]
    return [tuple(knots[at : at + STEPS + 1]) for at in range(0, len(knots) - 1, STEPS)]
