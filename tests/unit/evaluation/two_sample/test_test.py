"""Do new classifiers find what is there, and only that?"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gannet.core.errors import DataError
from gannet.evaluation.two_sample.learners import BoostedTrees, LinearModel, Network
from gannet.evaluation.two_sample.test import View, classifier_two_sample_test, views_of
from gannet.metrics.two_sample import LEVEL, TwoSampleResult
from gannet.modalities.registry import find_modality

pytest.importorskip("sklearn")
IMAGE = find_modality("image")


def digits() -> Tensor:
    data = pytest.importorskip("sklearn.datasets").load_digits()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(0))
    return torch.from_numpy(data.images).float()[order, None] / 8 - 1


def ring(count: int, spread: float, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    angle = torch.randint(0, 8, (count,), generator=rng) * torch.pi / 4
    noise = torch.randn(count, 2, generator=rng)
    return torch.stack([angle.cos(), angle.sin()], 1) + spread * noise


def normal(count: int, width: int, seed: int, shift: float = 0.0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) + shift


def as_they_are(samples: Tensor) -> Tensor:
    return samples.flatten(1).float()


CHEAP = [View("numbers", as_they_are, [LinearModel(), BoostedTrees()])]


def told(real: Tensor, fake: Tensor, seed: int = 0) -> TwoSampleResult:
    return classifier_two_sample_test(real, fake, seed=seed, views=CHEAP)


@pytest.mark.parametrize("count", [8, 60, 200])
def test_alike_sides_are_called_different_no_more_often_than_claimed(count):
    found = [
        told(normal(count, 3, 2 * run), normal(count, 3, 2 * run + 1), seed=run)
        for run in range(200)
    ]
    assert sum(each.outcome == "difference" for each in found) / len(found) <= 0.08
    expected = "no difference" if count == 200 else "too few samples"
    named = {each.outcome for each in found} - {"difference"}
    assert named <= {expected, "no power"}


def test_a_known_shift_is_found_as_often_as_claimed():
    # The best accuracy that any classifier reaches on normals d apart is the normal at d / 2. A
    # linear model knows the direction nearly, so that it must reach the power that is claimed.
    best = torch.distributions.Normal(0.0, 1.0)
    views = [View("numbers", as_they_are, [LinearModel()])]
    claimed = told(normal(400, 1, 0), normal(400, 1, 1))
    excess = replace(claimed, classifiers=claimed.classifiers[:1]).detectable
    shift = 2 * float(best.icdf(torch.tensor(0.5 + excess)))
    hits = [
        classifier_two_sample_test(
            normal(400, 1, 2 * run), normal(400, 1, 2 * run + 1, shift), seed=run, views=views
        ).outcome
        == "difference"
        for run in range(60)
    ]
    assert sum(hits) / len(hits) >= 0.7  # of .8, less what 60 tries vary


def test_reals_against_reals_show_no_difference():
    pictures = digits()
    found = classifier_two_sample_test(
        pictures[:400], pictures[400:800], seed=0, views=views_of(IMAGE, steps=60)
    )
    assert found.p_value > LEVEL
    assert found.strongest.low <= 0.5 <= found.strongest.high
    assert found.tested == found.trained == 400


def test_slightly_noisy_pictures_are_found_out():
    pictures = digits()
    noise = torch.randn(400, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    found = classifier_two_sample_test(
        pictures[:400], pictures[400:800] + 0.5 * noise, seed=0, views=views_of(IMAGE, steps=100)
    )
    assert found.outcome == "difference"
    assert found.strongest.accuracy > 0.8
    assert found.p_value < 1e-6


def test_modes_that_are_too_wide_are_found_out():
    found = classifier_two_sample_test(ring(500, 0.02, 0), ring(500, 0.06, 1), seed=0)
    assert found.strongest.low > 0.6


def test_equal_arguments_give_an_equal_result():
    real, fake = ring(100, 0.1, 0), ring(100, 0.2, 1)
    before = torch.random.get_rng_state()
    first = classifier_two_sample_test(real, fake, seed=3)
    second = classifier_two_sample_test(real, fake, seed=3)
    for one, other in zip(first.classifiers, second.classifiers, strict=True):
        # Up to single samples: sums of a second call may be taken in another order.
        assert (one.name, one.auc) == (other.name, pytest.approx(other.auc, abs=0.01))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_longer_side_is_cut_so_that_guessing_one_side_gains_nothing():
    found = told(ring(500, 0.1, 0), ring(60, 0.1, 1))
    assert found.tested == 60
    assert found.trained == 60


def test_too_few_samples_are_refused_with_a_remedy():
    with pytest.raises(DataError, match="8 samples per side, got 7 and 100"):
        told(ring(7, 0.1, 0), ring(100, 0.1, 1))


@pytest.mark.parametrize("width", [1, 3])
def test_sides_that_are_all_one_value_are_a_coin(width):
    one = torch.full((300, width), 2.5)
    found = classifier_two_sample_test(one, one.clone(), seed=0)
    assert found.p_value == 1
    assert {each.auc for each in found.classifiers} == {0.5}
    assert {each.accuracy for each in found.classifiers} == {0.5}


def test_constant_columns_and_ties_claim_nothing():
    coins = torch.randint(0, 2, (2, 400, 3), generator=torch.Generator().manual_seed(0)).float()
    coins[:, :, 1] = 7
    found = classifier_two_sample_test(*coins, seed=0)
    assert found.outcome != "difference"


def test_missing_cells_are_seen_and_not_feared():
    real, fake = normal(400, 3, 0), normal(400, 3, 1)
    real[::5, 1] = torch.nan
    assert classifier_two_sample_test(real, real.flip(0), seed=0).strongest.p_value > 0.001
    found = classifier_two_sample_test(real, fake, seed=0)
    assert found.outcome == "difference", "one side alone has holes"
    assert all(0 <= each.p_value <= 1 for each in found.classifiers)


def test_samples_of_a_generator_that_diverged_are_told_by_every_network():
    broken = normal(100, 3, 1)
    broken[::2] = torch.inf
    found = classifier_two_sample_test(normal(100, 3, 0), broken, seed=0)
    assert found.outcome == "difference"
    assert found.strongest.auc > 0.7


def test_controls_end_where_enough_are_told():
    real = normal(400, 2, 0)
    bad = [("nothing", normal(400, 2, 7)), ("shift", real + 2), ("scale", 3 * real)]
    views = [View("numbers", as_they_are, [LinearModel(), Network(steps=60)])]
    found = classifier_two_sample_test(
        real, normal(400, 2, 1), seed=0, views=views, corrupted=bad, enough=1
    )
    assert [each.name for each in found.positive] == ["nothing", "shift"]
    assert found.blind_to == ("nothing",)
    assert found.outcome == "no difference"
    every = classifier_two_sample_test(
        real, normal(400, 2, 1), seed=0, views=views, corrupted=bad, real_reference=normal(90, 2, 5)
    )
    assert len(every.positive) == 3
    assert every.negative is not None
    assert not every.negative.detected
    assert every.strongest == found.strongest


def test_large_samples_are_looked_at_few_at_a_time():
    seen: list[int] = []

    def spy(samples: Tensor) -> Tensor:
        seen.append(samples.numel())
        return samples.flatten(1)[:, :4]

    view = View("corner", spy, [LinearModel()])
    assert view.features(torch.zeros(20, 1, 1_500, 1_500)).shape == (20, 4)
    assert max(seen) <= 1 << 22
