"""Sets of features and the pairwise statistics that metrics need, each computed once.

Seven metrics need distances between the same reals and fakes. The products of all pairs are
computed once, chunk by chunk, and every requested statistic is updated with each chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

CELLS = 1 << 19
"""Largest number of pairs held at once: 4 MiB in 64 bit, which fits a cache."""

NEIGHBORS = 5
"""k of density and coverage (Naeem 2020, sec. 4.3)."""

MANIFOLD_NEIGHBORS = 3
"""k of precision and recall (Kynkaanniemi 2019, sec. 3)."""


TIE, ROUNDING = 1e-9, 1e-12
"""Shares of a squared radius, and of a row's squared length, within which a distance is a tie:
more than rounding makes of it, and less than data mean. Coarse data are full of ties."""


def chunks(rows: int, columns: int, cells: int = CELLS) -> Iterator[slice]:
    """Consecutive slices over ``rows`` of at most ``cells`` pairs each, but at least one row.

    >>> [(part.start, part.stop) for part in chunks(5, 10, cells=20)]
    [(0, 2), (2, 4), (4, 5)]
    """
    size = max(cells // max(columns, 1), 1)
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """Squared Euclidean distances ``(N, M)`` between the rows of ``(N, F)`` and ``(M, F)``."""
    both = (left * left).sum(1)[:, None] + (right * right).sum(1)
    return torch.addmm(both, left, right.T, alpha=-2).clamp_min_(0)


def nearest(
    queries: Tensor, targets: Tensor, k: int = 1, *, same: bool = False, cells: int = CELLS
) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest targets of each query.

    Args:
        queries: ``(N, F)``.
        targets: ``(M, F)``.
        k: How many; fewer if there are fewer targets.
        same: Whether both are the same rows in order; a row is then no neighbour of itself.
        cells: Largest number of pairs held at once.

    Returns:
        Distances ``(N, k)``, ascending, and row indices of ``targets`` ``(N, k)``.
    """
    assert len(targets) > same, "no row can be a neighbour"
    # Distances by a matrix product cancel badly when the mean is far from zero.
    center = targets.double().mean(0)
    left, right = queries.double() - center, targets.double() - center
    k = min(k, len(targets) - same)
    distances: list[Tensor] = []
    rows: list[Tensor] = []
    for part in chunks(len(left), len(right), cells):
        gaps = squared_distances(left[part], right)
        if same:
            gaps[torch.arange(len(gaps)), torch.arange(part.start, part.stop)] = torch.inf
        smallest = gaps.topk(k, largest=False)
        # Differences, unlike products, are 0 for a copy and equal for equal rows.
        exact = torch.stack(
            [(left[part] - right[one]).square().sum(1) for one in smallest.indices.unbind(1)], 1
        ).sort(dim=1, stable=True)
        distances.append(exact.values.sqrt())
        rows.append(smallest.indices.gather(1, exact.indices))
    return torch.cat(distances), torch.cat(rows)


class FeatureSet:
    """A set of feature rows with cached statistics.

    Attributes:
        rows: ``(N, F)`` in 64 bit; must not be modified.
        cells: Largest number of pairs held at once.
        compute_all: Whether the first request computes all pairwise statistics of two sets; costs
            more than one of them, and less than two.
    """

    def __init__(self, rows: Tensor, *, cells: int = CELLS, compute_all: bool = True) -> None:
        self.rows = rows.double()
        self.cells = cells
        self.compute_all = compute_all
        self._statistics: dict[FeatureSet, dict[str, float]] = {}

    @classmethod
    def of(cls, rows: Tensor | FeatureSet, cells: int = CELLS) -> FeatureSet:
        """Wrap plain rows as a set that computes only what is requested."""
        return rows if isinstance(rows, FeatureSet) else cls(rows, cells=cells, compute_all=False)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @cached_property
    def factor(self) -> Tensor:
        """A factor of the covariance with min(N, F) rows: ``factor.T @ factor``."""
        centered = (self.rows - self.rows.mean(0)) / max(len(self.rows) - 1, 1) ** 0.5
        if len(self.rows) <= self.rows.shape[1]:
            return centered
        return torch.linalg.qr(centered, mode="r").R

    @cached_property
    def cubic(self) -> float:
        """Mean of the cubic kernel over pairs of different rows."""
        return _within(self.rows, _cubic, self.cells)

    @cached_property
    def distance(self) -> float:
        """Mean distance over pairs of different rows."""
        # Centring does not change distances, and products stay exact near zero.
        return _within(self.rows - self.rows.mean(0), _distance, self.cells)

    @cached_property
    def _near(self) -> Tensor:
        return nearest(self.rows, self.rows, NEIGHBORS, same=True, cells=self.cells)[0]

    def radii(self, k: int) -> Tensor:
        """Distance of each row to its ``k``-th neighbour, or its last one, ``(N,)``."""
        return self._near[:, min(k, self._near.shape[1]) - 1]

    def limits(self, k: int, center: Tensor) -> Tensor:
        """Squared distances ``(N,)`` up to which another row is within the radius, ties included.

        Args:
            k: As for ``radii``.
            center: ``(F,)`` from which rows are counted when their products are taken.
        """
        lengths = (self.rows - center).square().sum(1)
        return self.radii(k).square() * (1 + TIE) + ROUNDING * lengths

    def pair_statistic(self, fake: FeatureSet, name: str) -> float:
        """The statistic ``name`` between these reals and the fakes; one pass computes all."""
        cached = self._statistics.setdefault(fake, {})
        if name not in cached:
            both = self.compute_all and fake.compute_all
            cached.update(pair_statistics(self, fake, tuple(PAIR_STATISTICS) if both else (name,)))
        return cached[name]


def feature_sets(
    real: Tensor | FeatureSet, fake: Tensor | FeatureSet, cells: int = CELLS
) -> tuple[FeatureSet, FeatureSet]:
    """Both sides as ``FeatureSet``."""
    return FeatureSet.of(real, cells), FeatureSet.of(fake, cells)


class PairBlock(NamedTuple):
    """A chunk of fakes against all reals.

    Attributes:
        part: Rows of the fakes.
        gaps: Squared distances ``(n, N)``.
        products: Inner products of fakes with reals, ``(n, N)``.
    """

    part: slice
    gaps: Tensor
    products: Tensor


class PairStatistic(Protocol):
    """A statistic that is accumulated over blocks, without modifying them."""

    def update(self, block: PairBlock) -> None:
        """Add one block; each pair occurs once."""
        ...

    def value(self) -> float:
        """The number."""
        ...


class MeanStatistic:
    """Mean over all pairs."""

    def __init__(
        self, real: FeatureSet, fake: FeatureSet, total: Callable[[PairBlock], float]
    ) -> None:
        self._pairs, self._total, self._sum = len(real) * len(fake), total, 0.0

    def update(self, block: PairBlock) -> None:
        """Add the sum of one block."""
        self._sum += self._total(block)

    def value(self) -> float:
        """The mean."""
        return self._sum / self._pairs


class PrecisionStatistic:
    """Fraction of fakes in the neighbourhood of a real."""

    def __init__(self, real: FeatureSet, fake: FeatureSet) -> None:
        self._limits = real.limits(MANIFOLD_NEIGHBORS, real.rows.mean(0))
        self._hits, self._count = 0, len(fake)

    def update(self, block: PairBlock) -> None:
        """Count fakes."""
        self._hits += int((block.gaps <= self._limits).any(1).sum())

    def value(self) -> float:
        """0 to 1."""
        return self._hits / self._count


class RecallStatistic:
    """Fraction of reals in the neighbourhood of a fake."""

    def __init__(self, real: FeatureSet, fake: FeatureSet) -> None:
        self._limits = fake.limits(MANIFOLD_NEIGHBORS, real.rows.mean(0))
        self._hit = torch.zeros(len(real), dtype=torch.bool)

    def update(self, block: PairBlock) -> None:
        """Mark reals."""
        self._hit |= (block.gaps <= self._limits[block.part, None]).any(0)

    def value(self) -> float:
        """0 to 1."""
        return float(self._hit.double().mean())


class DensityStatistic:
    """Mean number of real neighbourhoods that contain a fake, over k."""

    def __init__(self, real: FeatureSet, fake: FeatureSet) -> None:
        self._limits = real.limits(NEIGHBORS, real.rows.mean(0))
        self._max_hits = min(NEIGHBORS, len(real) - 1) * len(fake)
        self._hits = 0

    def update(self, block: PairBlock) -> None:
        """Count neighbourhoods."""
        self._hits += int((block.gaps <= self._limits).sum())

    def value(self) -> float:
        """From 0; about 1 if both sides are alike."""
        return self._hits / self._max_hits


class CoverageStatistic:
    """Fraction of reals with a fake in their neighbourhood."""

    def __init__(self, real: FeatureSet, _: FeatureSet) -> None:
        self._limits = real.limits(NEIGHBORS, real.rows.mean(0))
        self._min_squared = torch.full((len(real),), torch.inf, dtype=torch.float64)

    def update(self, block: PairBlock) -> None:
        """Update the distance to the nearest fake."""
        self._min_squared = torch.minimum(self._min_squared, block.gaps.amin(0))

    def value(self) -> float:
        """0 to 1."""
        return float((self._min_squared <= self._limits).double().mean())


def _mean_distance(real: FeatureSet, fake: FeatureSet) -> MeanStatistic:
    return MeanStatistic(real, fake, lambda block: float(block.gaps.sqrt().sum()))


def _mean_cubic(real: FeatureSet, fake: FeatureSet) -> MeanStatistic:
    width = real.rows.shape[1]
    return MeanStatistic(
        real, fake, lambda block: float((block.products / width).add_(1).pow_(3).sum())
    )


PAIR_STATISTICS: Mapping[str, Callable[[FeatureSet, FeatureSet], PairStatistic]] = {
    "cubic": _mean_cubic,
    "distance": _mean_distance,
    "precision": PrecisionStatistic,
    "recall": RecallStatistic,
    "density": DensityStatistic,
    "coverage": CoverageStatistic,
}
"""Statistics of two sets, by name."""


def pair_statistics(real: FeatureSet, fake: FeatureSet, names: tuple[str, ...]) -> dict[str, float]:
    """Some of ``PAIR_STATISTICS`` in one pass over all pairs."""
    statistics = {name: PAIR_STATISTICS[name](real, fake) for name in names}
    center = real.rows.mean(0)  # distances cancel badly when the mean is far from zero
    left, right = fake.rows - center, real.rows - center
    shift, squares = right @ center, right.square().sum(1)
    for part in chunks(len(left), len(right), real.cells):
        some = left[part]
        inner = some @ right.T
        gaps = (some.square().sum(1)[:, None] + squares).sub_(inner, alpha=2).clamp_min_(0)
        products = inner.add_((fake.rows[part] @ center)[:, None]).add_(shift)
        for statistic in statistics.values():
            statistic.update(PairBlock(part, gaps, products))
    return {name: statistic.value() for name, statistic in statistics.items()}


def _cubic(one: Tensor, other: Tensor) -> Tensor:
    return (one @ other.T / one.shape[1] + 1).pow_(3)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return squared_distances(one, other).sqrt_()


def _within(rows: Tensor, pair: Callable[[Tensor, Tensor], Tensor], cells: int) -> float:
    """Mean over all pairs of different rows; each is counted once, since pairs are symmetric."""
    total, count = 0.0, len(rows)
    assert count > 1, "one sample has no pairs"
    for part in chunks(count, count, cells):
        inner = pair(rows[part], rows[part])
        total += float(inner.sum() - inner.diagonal().sum())
        if part.stop < count:
            total += 2 * float(pair(rows[part], rows[part.stop :]).sum())
    return total / (count * (count - 1))
