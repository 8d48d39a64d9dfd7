"""The outlier rate against scikit-learn, a closed form, and what must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from gannet.metrics.outliers import outlier_rate, outlier_scores
from tests.reference.agreement import agree, reference


def rate(reals: np.ndarray, rows: np.ndarray) -> float:
    return outlier_rate(torch.from_numpy(reals), torch.from_numpy(rows))


@reference("outlier-rate")
@pytest.mark.parametrize("width", [2, 30])
def test_outliers_are_those_beyond_scikit_learns_quantile(width):
    rng = np.random.default_rng(0)
    reals, rows = rng.normal(size=(500, width)), rng.normal(size=(300, width)) * 1.3
    own = NearestNeighbors(n_neighbors=2).fit(reals).kneighbors(reals)[0][:, 1]
    near = NearestNeighbors(n_neighbors=1).fit(reals).kneighbors(rows)[0][:, 0]
    agree("outlier-rate", rate(reals, rows), float((near > np.quantile(own, 0.99)).mean()))


@reference("outlier-rate")
@pytest.mark.parametrize("share", [0.0, 0.07, 0.5])
def test_as_many_are_found_as_were_put_off_a_circle(share):
    turns = np.linspace(0, 2 * math.pi, 1_000, endpoint=False)
    circle = np.stack([np.cos(turns), np.sin(turns)], 1)
    rows = circle * np.where(np.arange(1_000) < 1_000 * share, 0.9, 1.0)[:, None]
    agree("outlier-rate", rate(circle, rows), share)


def test_order_scale_and_place_do_not_matter():
    rng = np.random.default_rng(1)
    reals, rows = rng.normal(size=(400, 3)), rng.normal(size=(200, 3)) * 1.5
    whole = rate(reals, rows)
    assert 0.02 < whole < 0.9
    assert rate(reals[::-1].copy(), rows[::-1].copy()) == whole
    assert rate(reals * 7 - 50, rows * 7 - 50) == pytest.approx(whole)
    parts = [rate(reals, part) for part in (rows[:50], rows[50:])]
    assert 0.25 * parts[0] + 0.75 * parts[1] == pytest.approx(whole)


def test_a_tenth_off_the_data_is_said_and_further_reals_are_not():
    def ring(count: int, seed: int) -> torch.Tensor:
        rng = np.random.default_rng(seed)
        turns = rng.uniform(0, 2 * math.pi, count)
        around = np.stack([np.cos(turns), np.sin(turns)], 1)
        return torch.from_numpy(around + 0.02 * rng.normal(size=(count, 2)))

    held_out, further, training = ring(300, 0), ring(300, 1), ring(1_000, 2)
    off = further.clone()
    off[:30] *= torch.linspace(0.3, 0.7, 30)[:, None]
    (good,) = outlier_scores(held_out, further, training, off, "rows")
    (bad,) = outlier_scores(held_out, off, training, further, "rows")
    assert good.departure == "like reals"
    assert bad.departure == "too high"
    assert bad.value == pytest.approx(0.1, abs=0.03)
    assert good.baseline == bad.value
    assert outlier_scores(held_out, off, training[:1], further, "rows") == []
