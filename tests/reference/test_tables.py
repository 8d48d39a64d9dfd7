"""Numbers of tables against closed forms and scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gannet.metrics.auc import auc
from gannet.metrics.dependence import (
    association,
    contingency_similarity,
    correlation_similarity,
    dependence_similarity,
)
from gannet.metrics.marginals import ks_complement, variation_complement
from gannet.metrics.tabular_distance import EncodedRows, dcr_share, distances, equal_rows, nearest

RNG = np.random.default_rng(0)


def test_the_gap_of_numbers_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    one, other = RNG.normal(size=300), RNG.normal(0.3, 1, 200).round(1)
    holes = np.append(other, np.nan)
    assert ks_complement(one, holes) == pytest.approx(1 - stats.ks_2samp(one, other).statistic)
    assert ks_complement(one, np.full(3, np.nan)) == 0


def test_the_gap_of_codes_is_half_the_sum_of_gaps():
    one, other = np.array([0, 0, 1, np.nan]), np.array([0, 2.0])
    assert variation_complement(one, other) == pytest.approx(1 - (1 / 6 + 1 / 3 + 1 / 2) / 2)


def test_auc_is_that_of_scikit_learn_and_its_interval_covers():
    metrics = pytest.importorskip("sklearn.metrics")
    truth = 0.7602499  # of two normals one standard deviation apart: the normal at 1 / sqrt(2)
    held = 0
    for _ in range(300):
        above, below = RNG.normal(1, 1, 60).round(1), RNG.normal(0, 1, 90).round(1)
        found = auc(above, below)
        held += found.low <= truth <= found.high
    labels = np.repeat([1, 0], [60, 90])
    expected = metrics.roc_auc_score(labels, np.concatenate([above, below]))
    assert found.value == pytest.approx(expected)
    assert 0.92 <= held / 300 <= 0.98  # three standard errors of 95 %
    assert auc(np.ones(30), np.zeros(30)) == (1.0, pytest.approx(0.9), 1.0)


def one_hot(codes: np.ndarray, size: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.from_numpy(codes), size).float()


def test_dependence_is_all_kept_by_itself_and_none_by_independent_columns():
    codes = np.tile(np.arange(4), 500)
    both = torch.cat([one_hot(codes, 4), one_hot(codes, 4)], 1)
    apart = torch.cat([one_hot(codes, 4), one_hot(np.repeat(np.arange(4), 500), 4)], 1)
    assert dependence_similarity(both, both, [4, 4]) == 1
    assert dependence_similarity(both, apart, [4, 4]) == pytest.approx(0, abs=1e-9)
    # The tables differ in all of the diagonal's mass but for a quarter.
    assert float(contingency_similarity(both, apart, [4, 4])[0, 1]) == pytest.approx(0.25)


def test_association_is_that_of_scipy():
    contingency = pytest.importorskip("scipy.stats.contingency")
    one, other = RNG.integers(0, 3, 400), RNG.integers(0, 4, 400)
    other[:200] = one[:200]
    rows = torch.cat([one_hot(one, 5), one_hot(other, 4)], 1)  # two bins stay empty
    expected = contingency.association(contingency.crosstab(one, other).count, method="cramer")
    assert float(association(rows, [5, 4])[0, 1]) == pytest.approx(expected)


def test_correlations_are_those_of_numpy():
    one, other = RNG.normal(size=(50, 3)), RNG.normal(size=(60, 3))
    expected = 1 - np.abs(np.corrcoef(one.T) - np.corrcoef(other.T)) / 2
    found = correlation_similarity(torch.from_numpy(one), torch.from_numpy(other))
    assert np.allclose(found.numpy(), expected)


def test_distances_of_mixed_rows_are_the_mean_difference_of_a_cell():
    one = EncodedRows(torch.tensor([[0.25]]), torch.tensor([[1, 2, -1]]))
    other = EncodedRows(torch.tensor([[0.75], [0.25]]), torch.tensor([[1, 0, -1], [1, 2, -1]]))
    assert distances(one, other).tolist() == [[0.375, 0.0]]
    near, which = nearest(one, other)
    assert (near.tolist(), which.tolist()) == ([0.0], [1])


def test_equal_rows_are_found_with_their_holes():
    rows = np.array([[1, np.nan], [0.0, 2], [1, 3]])
    assert equal_rows(rows, np.array([[1, np.nan], [-0.0, 2]])).tolist() == [True, True, False]


def test_followers_of_one_row_count_as_one_vote():
    near, far, rows = torch.zeros(100), torch.ones(100), torch.arange(100)
    half = torch.arange(100) < 50
    alone = dcr_share(torch.where(half, near, far), torch.where(half, far, near), rows, rows)
    crowd = dcr_share(
        torch.where(half, near, far), torch.where(half, far, near), 0 * rows, 0 * rows
    )
    assert alone == (0.5, pytest.approx(0.05))
    assert crowd[1] > 5 * alone[1]
