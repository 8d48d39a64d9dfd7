"""Are the distances the right numbers? Closed forms, and an independent library where installed."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gannet.metrics import METRICS
from gannet.metrics.confidence import fair_coin_p_value, half_samples, std, wilson
from gannet.metrics.distribution import (
    chunks,
    coverage,
    density,
    energy_distance,
    frechet_distance,
    kernel_distance,
    nearest,
    precision,
    recall,
)


def normal(count: int, width: int, seed: int) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)).double()


def whitened(count: int, width: int, seed: int) -> Tensor:
    """Rows whose sample mean is exactly 0 and whose sample covariance is exactly the identity."""
    rows = normal(count, width, seed)
    rows = rows - rows.mean(0)
    return torch.linalg.qr(rows).Q * math.sqrt(count - 1)


@pytest.mark.parametrize(("count", "width"), [(50, 3), (40, 30)])
def test_frechet_distance_of_two_gaussians_is_the_closed_form(count, width):
    first, second = whitened(count, width, 0), whitened(count + 7, width, 1)
    spread = torch.linspace(0.5, 2, width).double()
    shift = torch.linspace(-1, 1, width).double()
    expected = float((shift**2).sum() + ((spread - 1) ** 2).sum())
    assert frechet_distance(first, second * spread + shift) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_correlated_gaussians_is_the_closed_form():
    base = whitened(60, 2, 0)
    one = torch.tensor([[2.0, 1.0], [1.0, 3.0]]).double()
    other = torch.tensor([[1.0, -0.5], [-0.5, 2.0]]).double()
    first = base @ torch.linalg.cholesky(one).T
    second = base @ torch.linalg.cholesky(other).T
    # Of a 2x2 matrix the trace of the root is sqrt(trace + 2 sqrt(determinant)).
    model = one @ other
    root = math.sqrt(float(model.trace()) + 2 * math.sqrt(float(model.det())))
    expected = float(one.trace() + other.trace()) - 2 * root
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_is_exact_with_fewer_samples_than_features():
    few = normal(5, 40, 0)
    assert frechet_distance(few, few.clone()) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(few, few + 2) == pytest.approx(160, rel=1e-9)


def test_frechet_distance_agrees_with_torchmetrics():
    fid = pytest.importorskip("torchmetrics.image.fid")
    real, fake = normal(80, 12, 0), normal(90, 12, 1) * 1.3 + 0.2
    other = fid.FrechetInceptionDistance(Passing(12), normalize=True, input_img_size=(3, 2, 2))
    other.set_dtype(torch.float64)
    other.update(real.reshape(-1, 3, 2, 2), real=True)
    other.update(fake.reshape(-1, 3, 2, 2), real=False)
    assert frechet_distance(real, fake) == pytest.approx(float(other.compute()), rel=1e-4)


@pytest.mark.filterwarnings("ignore:Metric .Kernel")
def test_kernel_distance_agrees_with_torchmetrics():
    kid = pytest.importorskip("torchmetrics.image.kid")
    real, fake = normal(60, 12, 0).float(), (normal(60, 12, 1) * 1.3 + 0.2).float()
    other = kid.KernelInceptionDistance(Passing(12), subsets=1, subset_size=60, normalize=True)
    other.update(real.reshape(-1, 3, 2, 2), real=True)
    other.update(fake.reshape(-1, 3, 2, 2), real=False)
    assert kernel_distance(real, fake) == pytest.approx(float(other.compute()[0]), rel=1e-4)


class Passing(torch.nn.Module):
    """Numbers in, the same numbers out, for libraries that insist on a network."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.reshape(len(pictures), -1)


def test_energy_distance_of_a_shift_far_away_is_twice_the_shift():
    real, fake = normal(200, 3, 0), normal(200, 3, 1)
    far = 1e4
    within = energy_distance(real, fake + torch.tensor([far, 0, 0]))
    assert within == pytest.approx(2 * far, rel=1e-3)


def test_energy_distance_is_the_mean_over_all_pairs_written_out():
    real, fake = normal(7, 3, 0), normal(5, 3, 1)
    across = sum(float((a - b).norm()) for a in real for b in fake) / 35
    first = sum(float((a - b).norm()) for a in real for b in real) / 42
    second = sum(float((a - b).norm()) for a in fake for b in fake) / 20
    assert energy_distance(real, fake) == pytest.approx(2 * across - first - second, rel=1e-6)


def test_unbiased_distances_average_to_zero_between_equal_distributions():
    for metric in (kernel_distance, energy_distance):
        values = [metric(normal(30, 4, 2 * at), normal(30, 4, 2 * at + 1)) for at in range(60)]
        mean, error = torch.tensor(values).mean(), torch.tensor(values).std() / math.sqrt(60)
        assert abs(mean) < 3 * error, metric.__name__


def test_neighbor_scores_of_a_hand_made_line_are_as_counted_by_hand():
    real = torch.arange(10.0)[:, None]  # neighbours at 1, 1, 2, 2, 3 away, farther at the ends
    fake = torch.tensor([[0.0], [9.0], [100.0], [101.0]])
    assert precision(real, fake) == 0.5
    assert coverage(real, fake) == 0.8  # 4 and 5 have nobody within 3
    # The ball of 0 reaches 5, of 9 reaches 4; a ball inside reaches 3 to 4 away.
    inside = sum(abs(a - b) <= r for b in (0, 9) for a, r in enumerate(radii_of_a_line()))
    assert density(real, fake) == pytest.approx(inside / 20)
    assert recall(real, fake) == 1.0


def radii_of_a_line() -> list[int]:
    return [sorted(abs(a - b) for b in range(10) if a != b)[4] for a in range(10)]


def test_a_dropped_half_lowers_recall_and_coverage_but_not_precision():
    centers = torch.tensor([[-10.0, 0.0], [10.0, 0.0]])
    real = normal(200, 2, 0) + centers[torch.arange(200) % 2]
    fake = normal(200, 2, 1) + centers[0]
    assert precision(real, fake) > 0.9
    assert 0.4 < recall(real, fake) < 0.6
    assert 0.4 < coverage(real, fake) < 0.6


def test_one_repeated_sample_has_no_variety():
    real = normal(100, 4, 0)
    fake = real[:1].repeat(100, 1)
    assert precision(real, fake) == 1
    assert recall(real, fake) <= 0.01
    assert coverage(real, fake) < 0.2


@pytest.mark.parametrize("cells", [1, 50, 1 << 20])
def test_scores_do_not_depend_on_the_size_of_chunks(cells):
    real, fake = normal(33, 5, 0), normal(29, 5, 1)
    for metric in (kernel_distance, energy_distance):
        value = metric(real, fake, cells=cells)
        assert value == pytest.approx(metric(real, fake), rel=1e-9)
    found, rows = nearest(real, fake, 3, cells=cells)
    assert torch.equal(rows, nearest(real, fake, 3)[1])
    assert torch.allclose(found, torch.cdist(real, fake).sort().values[:, :3])


def test_chunks_cover_every_row_once():
    assert [row for part in chunks(10, 3, 7) for row in range(10)[part]] == list(range(10))


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_ranks_noise_behind_reals_and_changes_nothing(name):
    metric, better, least, most = METRICS[name]
    real, alike, noise = normal(150, 6, 0), normal(150, 6, 1), normal(150, 6, 2) / 3 + 4
    before = real.clone()
    good, bad = metric(real, alike), metric(real, noise)
    assert (good < bad) if better == "low" else (good > bad)
    assert least <= min(good, bad)
    assert max(good, bad) <= most
    assert torch.equal(real, before)
    turned = torch.randperm(150, generator=torch.Generator().manual_seed(3))
    assert metric(real[turned], alike) == pytest.approx(good, rel=1e-9, abs=1e-9)


def test_wilson_interval_holds_its_promise_and_never_leaves_0_to_1():
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-3)
    assert wilson(10, 10)[1] == pytest.approx(1)
    assert wilson(10, 10)[1] <= 1
    assert wilson(0, 0) == (0, 1)
    coins = torch.randint(0, 2, (2000, 40), generator=torch.Generator().manual_seed(0)).sum(1)
    held = sum(low <= 0.5 <= high for low, high in (wilson(int(each), 40) for each in coins))
    assert 0.93 < held / 2000 < 0.98


def test_chance_of_a_coin_is_binomial():
    assert fair_coin_p_value(0, 10) == pytest.approx(1)
    assert fair_coin_p_value(9, 10) == pytest.approx(11 / 1024)
    assert fair_coin_p_value(5_150, 10_000) == pytest.approx(0.0013, abs=3e-4)


@pytest.mark.parametrize("name", ["frechet", "energy"])
def test_the_error_from_halves_is_the_spread_over_new_samples(name):
    metric = METRICS[name].function
    drawn = [(normal(120, 4, 2 * at), normal(120, 4, 2 * at + 1) + 0.5) for at in range(40)]
    truth = float(torch.tensor([metric(*pair) for pair in drawn]).std())
    guessed = sum(std(half_samples(metric, *pair, times=12, seed=0)) for pair in drawn[:10]) / 10
    assert 0.75 * truth < guessed < 1.5 * truth  # 40 draws know the spread to some 11 %
