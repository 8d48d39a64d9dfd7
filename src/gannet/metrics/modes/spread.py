"""Spread within modes: a mode may be there, and be too narrow or too wide.

Distances between distributions and neighbourhood scores hardly see it: samples of a shrunken mode
lie where reals are densest, so that precision and density even rise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gannet.core.scores import ABOUT, Component, Score
from gannet.metrics.confidence import half_samples, std
from gannet.metrics.modes.kmeans import assigned, centers
from gannet.metrics.pairwise import nearest

HALVES, STUDENT = 12, 2.201
"""Half-samples of each score, and the 97.5 % point of Student's t for their standard error."""

MAX_MODES = 30
"""Most modes that reals are divided into."""

SAMPLES_PER_MODE = 40
"""Reals per mode, at least, so that a deviation has an error below some 8 %."""

MIN_FAKES = 5
"""Fakes in a mode below which it has no deviation: that it is missing, other scores say."""

MODE_ROWS, ATTEMPTS = 1_000, 2
"""Most reals that modes are looked for in, and how often for each number of them."""

MAX_ROWS = 2_000
"""Most rows of each set; the cost grows with their square."""

TRIMMED = 0.1
"""Fraction of the nearest-neighbour distances that is left out at either end."""

WORST = 12
"""Most modes that a score lists, the worst first."""

FAR = 1e3
"""Largest ratio, where reals do not vary at all."""


def find_modes(reals: Tensor, *, seed: int) -> Tensor:
    """Centers ``(K, F)`` of the modes of reals ``(N, F)``: k-means with the K that suits them best.

    K from 1 to ``MAX_MODES`` with at least ``SAMPLES_PER_MODE`` samples each; 1 where no division
    is better than halves of a blob are.

    Source: Calinski and Harabasz 1974, Communications in Statistics 3, p. 1 (the index of K).
    """
    most = min(MAX_MODES, len(reals) // SAMPLES_PER_MODE)
    rows = reals[:: max(len(reals) // MODE_ROWS, 1)].float()
    whole = rows.mean(0, keepdim=True)
    total = float((rows - whole).square().sum())
    best, found = 0.0, whole
    for count in range(2, most + 1):
        tried = [centers(rows, count, seed=seed + attempt) for attempt in range(ATTEMPTS)]
        residuals = [float((rows - each[assigned(rows, each)]).square().sum()) for each in tried]
        within = min(residuals)
        if within <= 1e-12 * total:
            return found
        index = (total - within) / (count - 1) / (within / (len(rows) - count))
        if index > best:
            best, found = index, tried[residuals.index(within)]
    return found


def mode_deviations(rows: Tensor, modes: Tensor) -> tuple[Tensor, Tensor]:
    """Standard deviation within each mode ``(K,)``, and its number of samples ``(K,)``.

    The root of the mean squared distance from the mode's own mean, over the root of F, unbiased
    in its square; NaN where fewer than two samples are.

    Args:
        rows: ``(N, F)``.
        modes: ``(K, F)`` centers, each sample belonging to the nearest.
    """
    values, labels = rows.double(), assigned(rows.double(), modes.double())
    counts = torch.bincount(labels, minlength=len(modes)).double()
    sums = values.new_zeros(len(modes), values.shape[1]).index_add_(0, labels, values)
    means = sums / counts.clamp_min(1)[:, None]
    squares = (values - means[labels]).square().sum(1)
    total = values.new_zeros(len(modes)).index_add_(0, labels, squares)
    variance = torch.where(counts > 1, total / (counts - 1).clamp_min(1), math.nan)
    return (variance / values.shape[1]).sqrt(), counts


def std_within_modes(real: Tensor, fake: Tensor, modes: Tensor) -> float:
    """Standard deviation within modes of fakes over that of reals, 0..1000; 1 when equal.

    The geometric mean over the modes, weighted by their reals. Modes with fewer than ``MIN_FAKES``
    fakes are left out.

    Args:
        real: ``(N, F)``.
        fake: ``(M, F)``.
        modes: ``(K, F)`` centers, each sample belonging to the nearest.
    """
    ratios, weights = _ratios(real, fake, modes)
    finite = torch.isfinite(ratios)
    if not bool(finite.any()):
        return 1.0
    return math.exp(float((ratios.log() * weights)[finite].sum() / weights[finite].sum()))


def neighbor_distance(real: Tensor, fake: Tensor) -> float:
    """Distance to the nearest other sample, of fakes over that of reals, 0..1000; 1 when equal.

    The ratio of means without the nearest and farthest tenth. Both sides are taken at the length of
    the shorter, since more samples lie closer.

    Args:
        real: ``(N, F)``.
        fake: ``(M, F)``.
    """
    rows = min(len(real), len(fake))
    near, own = (_trimmed(_nearest_others(each[:rows])) for each in (fake, real))
    return _ratio(near, own)


def mode_std_scores(
    held_out: Tensor,
    fake: Tensor,
    real_reference: Tensor,
    baseline: Tensor,
    features: str,
    *,
    seed: int,
) -> list[Score]:
    """Spread within modes, and distance to the nearest neighbor.

    Args:
        held_out: ``(n, F)`` features of held-out reals.
        fake: The same of fakes.
        real_reference: The same of other reals, the reference.
        baseline: The same of the baseline.
        features: Name of the features.
        seed: Of the modes and the half-samples.
    """
    sets = [each[:MAX_ROWS].double() for each in (held_out, fake, real_reference, baseline)]
    modes = find_modes(torch.cat([sets[0], sets[2]]), seed=seed)

    def within(real: Tensor, other: Tensor) -> float:
        return std_within_modes(real, other, modes)

    how = (
        f"Spread within modes: {len(modes)} modes of reals (k-means, as many as suit them best); "
        "standard deviation of fakes over that of reals within each, geometric mean."
    )
    return [
        _score("spread within modes", within, sets, features, seed, how, _by_mode(sets, modes)),
        _score(
            "neighbor distance",
            neighbor_distance,
            sets,
            features,
            seed,
            "Neighbor distance: mean distance to the nearest other sample without the extreme "
            "tenths, of fakes over reals.",
        ),
    ]


def _score(
    name: str,
    metric: Callable[[Tensor, Tensor], float],
    sets: Sequence[Tensor],
    features: str,
    seed: int,
    how: str,
    components: tuple[Component, ...] = (),
) -> Score:
    held_out, *others = sets
    value, reference, baseline = (metric(held_out, each) for each in others)
    halves = [half_samples(metric, held_out, each, times=HALVES, seed=seed) for each in others[:2]]
    half_width, reference_half_width = (STUDENT * std(each) for each in halves)
    return Score(
        name=f"{name}[{features}]",
        value=value,
        low=max(value - half_width, 0.0),
        high=value + half_width,
        reference=reference,
        reference_low=max(reference - reference_half_width, 0.0),
        reference_high=reference + reference_half_width,
        samples=len(held_out),
        better="high",
        baseline=baseline,
        components=components,
        half_sample_values=halves[0],
        how=how,
        **ABOUT[name],
    )


def _by_mode(sets: Sequence[Tensor], modes: Tensor) -> tuple[Component, ...]:
    """Ratio in each mode, the farthest from its reference first."""
    (ratios, _), (references, _) = (_ratios(sets[0], each, modes) for each in sets[1:3])
    parts = [
        Component(name=f"mode {at + 1}", value=value, reference=reference)
        for at, (value, reference) in enumerate(
            zip(map(float, ratios), map(float, references), strict=True)
        )
        if math.isfinite(value) and math.isfinite(reference)
    ]
    return tuple(
        sorted(parts, key=lambda each: -abs(math.log(each.value / each.reference)))[:WORST]
    )


def _ratios(real: Tensor, fake: Tensor, modes: Tensor) -> tuple[Tensor, Tensor]:
    """Ratio of each mode ``(K,)``, NaN where there is none, and its reals."""
    (own, counts), (generated, fakes) = (mode_deviations(each, modes) for each in (real, fake))
    ratios = torch.tensor(
        [_ratio(float(one), float(other)) for one, other in zip(generated, own, strict=True)],
        dtype=torch.float64,
    )
    return torch.where((fakes >= MIN_FAKES) & (counts > 1), ratios, math.nan), counts


def _ratio(fake: float, real: float) -> float:
    """Within 1/1000 and 1000; 1 if neither side varies."""
    if fake == real:
        return 1.0
    return min(max(fake / real if real else FAR, 1 / FAR), FAR)


def _nearest_others(rows: Tensor) -> Tensor:
    return nearest(rows, rows, same=True)[0][:, 0]


def _trimmed(distances: Tensor) -> float:
    cut = int(TRIMMED * len(distances))
    return float(distances.sort().values[cut : len(distances) - cut].mean())
