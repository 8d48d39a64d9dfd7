"""Intervals against scipy, closed forms and the share of truths that they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from gannet.evaluation import differences
from gannet.evaluation.paired import interval
from gannet.metrics.auc import auc
from gannet.metrics.confidence import fair_coin_p_value, half_samples, std, wilson
from gannet.modalities.table.evaluation.privacy import _difference
from gannet.modalities.table.evaluation.utility import _f1
from tests.reference.agreement import NEAR


@pytest.mark.parametrize(("hits", "trials"), [(0, 7), (1, 7), (7, 7), (50, 100), (999, 1000)])
def test_shares_have_the_interval_and_chance_of_scipy(hits, trials):
    found = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    assert wilson(hits, trials) == pytest.approx((found.low, found.high), abs=NEAR)
    chance = stats.binom.sf(hits - 1, trials, 0.5)
    assert fair_coin_p_value(hits, trials) == pytest.approx(chance, abs=1e-9)


def test_students_points_are_those_of_scipy_or_wider():
    for freedom in range(1, 60):
        wanted = stats.t.ppf(0.975, freedom)
        near = pytest.approx(wanted, abs=1e-3) if freedom < 12 else pytest.approx(wanted, rel=0.13)
        assert differences.student(freedom) == near
        assert differences.student(freedom) >= wanted - 1e-3


def test_the_interval_of_an_auc_is_delongs_on_the_scale_of_logits():
    rng = np.random.default_rng(0)
    above, below = rng.normal(1, 1, 40).round(1), rng.normal(0, 1, 55).round(1)
    wins = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    value = wins.mean()
    error = math.sqrt(wins.mean(1).var(ddof=1) / 40 + wins.mean(0).var(ddof=1) / 55)
    reach = stats.norm.ppf(0.975) * error / (value * (1 - value))
    ends = [1 / (1 + math.exp(-math.log(value / (1 - value)) - sign * reach)) for sign in (-1, 1)]
    assert auc(above, below) == pytest.approx((value, *ends), abs=NEAR)


@pytest.mark.parametrize(("one", "other"), [(56, 48), (10, 0), (80, 0), (30, 30)])
def test_a_difference_of_shares_has_newcombes_interval(one, other):
    trials = 80
    (low, high), (under, over) = (
        stats.binomtest(hits, trials).proportion_ci(method="wilson") for hits in (one, other)
    )
    gap = (one - other) / trials
    wanted = (
        gap,
        gap - math.hypot(one / trials - low, over - other / trials),
        gap + math.hypot(high - one / trials, other / trials - under),
    )
    assert _difference(one, other, trials) == pytest.approx(wanted, abs=NEAR)


@pytest.mark.parametrize("count", [8, 20, 100])
def test_the_bootstrap_covers_the_mean_also_of_few(count):
    chance = torch.Generator().manual_seed(count)
    held = 0
    for seed in range(600):
        low, high = interval(torch.randn(count, generator=chance), seed)
        held += low <= 0 <= high
    assert 0.922 <= held / 600 <= 0.978  # three standard errors of 95 %


def test_the_bootstrap_stays_within_what_was_measured():
    low, high = interval(torch.tensor([1.0, 1, 1, 1, 1, 1, 1, 0.5]), 0)
    assert 0.5 <= low < high <= 1
    assert interval(torch.ones(9), 0) == (1, 1)


def test_halves_cover_a_mean_and_their_spread_is_its_error():
    held, rng = 0, torch.Generator().manual_seed(0)

    def gap(one: torch.Tensor, other: torch.Tensor) -> float:
        return float(one.mean() - other.mean())

    for seed in range(300):
        real, fake = torch.randn(2, 60, 1, generator=rng)
        reach = 2.201 * std(half_samples(gap, real, fake, times=12, seed=seed))
        held += abs(gap(real, fake)) <= reach
    assert 0.91 <= held / 300 <= 0.988  # three standard errors of 95 %


def test_the_bootstrap_of_f1_covers_its_truth():
    rng = np.random.default_rng(0)
    shares = np.array([[0.5, 0.1, 0.05], [0.05, 0.15, 0.03], [0.02, 0.03, 0.07]])
    both = shares.sum(0) + shares.sum(1)
    truth = float((2 * np.diag(shares) / both).mean())
    held = 0
    for _ in range(300):
        cells = rng.choice(9, 400, p=shares.ravel())
        _, low, high = _f1(cells % 3, cells // 3, 3, rng)
        held += low <= truth <= high
    assert 0.91 <= held / 300 <= 0.988  # three standard errors of 95 %
