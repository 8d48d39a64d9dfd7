"""Confidence intervals, p-values and half-sample standard errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from gannet.core.scores import About, Score

NORMAL = 1.959964
"""97.5 % point of the standard normal."""

INCONCLUSIVE = 0.62
"""Upper end of an interval around chance (0.5) from which a two-sample test is inconclusive."""


def wilson(hits: float, trials: int) -> tuple[float, float]:
    """Wilson score interval: 95 % interval of a proportion, valid for few trials and near 0 and 1.

    Source: Wilson 1927, J. Am. Stat. Assoc. 22, p. 209.

    >>> low, high = wilson(50, 100)
    >>> round(low, 3), round(high, 3)
    (0.404, 0.596)
    >>> wilson(0, 150)[0], wilson(31, 31)[1]
    (0.0, 1.0)
    """
    if trials == 0:
        return 0.0, 1.0
    proportion, squared = hits / trials, NORMAL**2
    center = (proportion + squared / (2 * trials)) / (1 + squared / trials)
    half = NORMAL / (1 + squared / trials)
    half *= math.sqrt(proportion * (1 - proportion) / trials + squared / (4 * trials**2))
    # With no hits, or only hits, that end is exactly 0 or 1; rounding would miss it slightly.
    low = center - half if hits else 0.0
    return max(low, 0.0), min(center + half if hits < trials else 1.0, 1.0)


def fair_coin_p_value(hits: int, trials: int) -> float:
    """One-sided binomial p-value: P(X >= hits) for ``trials`` tosses of a fair coin.

    >>> fair_coin_p_value(2, 2)
    0.25
    """
    log_counts = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        for k in range(hits, trials + 1)
    ]
    return min(math.fsum(math.exp(each - trials * math.log(2)) for each in log_counts), 1.0)


def fraction_score(name: str, flags: Sequence[Tensor], about: About, *, how: str = "") -> Score:
    """Fraction of fakes with an undesirable property, as a score; lower is better.

    Args:
        name: Name of the score.
        flags: ``(n,)`` booleans of fakes, of other reals (the reference) and of the baseline.
        about: Descriptive fields of the score.
        how: How it was measured, for the protocol.
    """
    hits = [int(each.sum()) for each in flags]
    count = len(flags[0])
    (low, high), (reference_low, reference_high) = (wilson(each, count) for each in hits[:2])
    return Score(
        name=name,
        value=hits[0] / count,
        low=low,
        high=high,
        reference=hits[1] / count,
        reference_low=reference_low,
        reference_high=reference_high,
        samples=count,
        better="low",
        baseline=hits[2] / count,
        how=how,
        **about,
    )


MAX_HALF_ROWS = 1_500
"""Maximum rows of a half-sample: the cost grows with their square."""


def random_halves(rows: int, times: int, seed: int) -> Iterator[Tensor]:
    """``times`` random halves of ``rows`` row indices, of at most ``LARGEST`` rows each."""
    rng = torch.Generator().manual_seed(seed)
    for _ in range(times):
        yield torch.randperm(rows, generator=rng)[: max(min(rows // 2, MAX_HALF_ROWS), 2)]


def half_samples(
    metric: Callable[[Tensor, Tensor], float],
    real: Tensor,
    fake: Tensor,
    *,
    times: int,
    seed: int,
) -> tuple[float, ...]:
    """``metric(real, fake)`` of random halves; their standard deviation is its standard error.

    Half-samples are capped at ``LARGEST`` rows. Smaller subsamples vary more than halves, by
    sqrt((n - b) / b); the values are shrunk towards their mean by that factor.

    Equal lengths, times and seeds give equal rows, so the values of two sets of fakes can be
    subtracted pairwise.

    Args:
        metric: Metric of real rows and fake rows.
        real: ``(N, F)``.
        fake: ``(M, F)``.
        times: Number of halves.
        seed: Seed of the halves.

    Source: Politis and Romano 1994, Annals of Statistics 22, p. 2031 (subsampling).
    """
    return half_samples_of(
        lambda one, other: [metric(one, other)], real, fake, times=times, seed=seed
    )[0]


def half_samples_of(
    metrics: Callable[[Tensor, Tensor], Sequence[float]],
    real: Tensor,
    fake: Tensor,
    *,
    times: int,
    seed: int,
) -> list[tuple[float, ...]]:
    """As ``half_samples`` for several metrics at once, so that they share work on each half."""
    sides = list(
        zip(
            random_halves(len(real), times, seed),
            random_halves(len(fake), times, seed + 1),
            strict=True,
        )
    )
    values = [metrics(real[left], fake[right]) for left, right in sides]
    rows = min(len(real), len(fake))
    shrinkage = (
        math.sqrt(MAX_HALF_ROWS / (rows - MAX_HALF_ROWS)) if rows > 2 * MAX_HALF_ROWS else 1.0
    )
    scaled: list[tuple[float, ...]] = []
    for metric_values in zip(*values, strict=True):
        mean = math.fsum(metric_values) / times
        scaled.append(
            tuple(
                metric_values
                if shrinkage == 1
                else (mean + shrinkage * (each - mean) for each in metric_values)
            )
        )
    return scaled


def std(values: Sequence[float]) -> float:
    """Standard deviation (unbiased).

    >>> std([1.0, 3.0])
    1.4142135623730951
    """
    return float(torch.tensor(values, dtype=torch.float64).std())
