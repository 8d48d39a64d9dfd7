"""The monitor of a run: features that suit heavy tails, and a baseline that is a sample."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gannet.api.train import prepare
from gannet.metrics.distribution import energy_distance
from gannet.networks.robust_features import RobustFeatures, RobustScale
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
    assert isinstance(found.distance, RobustScale)
    assert found.gaussian_baseline > 20 * abs(found.reference)


def test_a_table_is_compared_with_shuffled_columns_not_with_points_that_are_no_rows(
    people, tmp_path
):
    found, session = monitor(people, tmp_path / "run")
    train = session.dataset.train.take(range(len(session.dataset.train))).real
    shuffled = train[:, :].clone()
    for column in range(train.shape[1]):
        shuffled[:, column] = train[:, column].roll(7 * column + 1)
    by_hand = energy_distance(
        found.real_embedded, found.distance(found.embed(shuffled[: found.count]))
    )
    assert found.gaussian_baseline == pytest.approx(by_hand, abs=0.5 * abs(by_hand) + 0.05)


def test_samples_that_come_nearer_to_a_constant_are_nearer(tmp_path):
    """As measured: in oscillating features untrained samples were nearest, and were kept."""
    draw = np.random.default_rng(0)
    rows = draw.standard_normal((2_000, 6))
    rows[::2] = 0.5
    np.save(tmp_path / "rows.npy", rows)
    found, session = monitor(tmp_path / "rows.npy", tmp_path / "run")
    real = session.dataset.train.take(range(len(session.dataset.train))).real
    places, other = found.distance(real[::2]), real[1::2]
    chance = torch.Generator().manual_seed(0)
    distances = [
        energy_distance(
            places, found.distance(other + size * torch.randn(other.shape, generator=chance))
        )
        for size in (0.0, 0.1, 0.3, 1.0)
    ]
    assert distances == sorted(distances)
