"""The monitor of a run: features that suit heavy tails, and a baseline that is a sample."""

from __future__ import annotations

import numpy as np
import pytest

from gannet.api.train import prepare
from gannet.metrics.distribution import energy_distance
from gannet.networks.robust_features import RobustFeatures
from gannet.training.monitor.build import monitor_for


def monitor(path, out, **settings):
    session = prepare(path, out, steps=5, threads=1, device="cpu", **settings)
    return monitor_for(session.dataset, session.plan), session


@pytest.fixture(scope="module")
def heavy(tmp_path_factory):
    """Rows with lognormal tails, as a file."""
    draw = np.random.default_rng(0)
    rows = draw.standard_normal((3_000, 4))
    path = tmp_path_factory.mktemp("heavy") / "rows.npy"
    np.save(path, np.exp(2 * (rows + rows[:, :1]) / np.sqrt(2)))
    return path


def test_on_heavy_tails_reals_are_nearer_to_reals_than_a_gaussian_is(heavy, tmp_path):
    found, _ = monitor(heavy, tmp_path / "run")
    assert isinstance(found.features, RobustFeatures)
    assert found.gaussian_baseline > 20 * abs(found.reference)


def test_a_table_is_compared_with_shuffled_columns_not_with_points_that_are_no_rows(
    people, tmp_path
):
    found, session = monitor(people, tmp_path / "run")
    train = session.dataset.train.take(range(len(session.dataset.train))).real
    shuffled = train[:, :].clone()
    for column in range(train.shape[1]):
        shuffled[:, column] = train[:, column].roll(7 * column + 1)
    features = found.features(found.embed(shuffled[: found.count]))
    by_hand = energy_distance(found.real_features, features)
    assert found.gaussian_baseline == pytest.approx(by_hand, abs=0.5 * abs(by_hand) + 0.05)
