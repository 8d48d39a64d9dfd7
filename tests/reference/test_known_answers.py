"""Does the measuring call fakes of which the truth is known what they are, and order them right?"""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("sklearn")

from benchmarks.known_answers import (
    ORDERS,
    PICTURES,
    TABLE_ORDERS,
    TABLES,
    bias,
    blurred,
    digits,
    out_of_order,
    picture_reports,
    table_reports,
    wrong,
)
from gannet.evaluation.memorization import duplicate_score
from gannet.evaluation.mode_coverage import cluster_histogram
from gannet.evaluation.report.summary import of_clusters, summary
from gannet.metrics.distribution import precision
from gannet.modalities.image.evaluation.sharpness import roughness
from gannet.networks.features import RandomConvolutionFeatures

pytestmark = pytest.mark.timeout(600)  # half a minute of processor time, on busy machines more


@pytest.fixture(scope="module")
def pictures():
    return picture_reports()


@pytest.fixture(scope="module")
def tables():
    return table_reports()


@pytest.mark.parametrize("case", PICTURES, ids=lambda case: case.name)
def test_pictures_are_called_what_they_are(case, pictures):
    assert not wrong(case, pictures[case.name]), summary(pictures[case.name])


@pytest.mark.parametrize("case", TABLES, ids=lambda case: case.name)
def test_tables_are_called_what_they_are(case, tables):
    assert not wrong(case, tables[case.name]), summary(tables[case.name])


def test_scores_order_as_the_truth_does(pictures, tables):
    assert not out_of_order(pictures, ORDERS) + out_of_order(tables, TABLE_ORDERS)


def test_a_verdict_that_fits_another_case_is_found_wrong(pictures):
    good, noise = PICTURES[0], PICTURES[1]
    assert wrong(noise, pictures[good.name])
    assert wrong(good, pictures[noise.name])


def test_kinds_that_are_missing_are_counted_without_labels():
    data = digits()
    few, rest = data.spare_labels < 5, data.spare_labels >= 5
    feature_extractor = RandomConvolutionFeatures(data.train.samples)
    fresh, held_out, spare = map(
        feature_extractor, (data.train.samples, data.held_out.samples, data.spare)
    )
    (whole,) = cluster_histogram(fresh, held_out, spare, seed=0)
    (half,) = cluster_histogram(fresh, held_out, spare[few], seed=0)
    (other,) = cluster_histogram(fresh, held_out, spare[rest], seed=0)
    assert not of_clusters(whole)
    for profile in (half, other):
        assert any("Missing clusters" in words for words in of_clusters(profile))
    assert cluster_histogram(fresh[:99], held_out, spare, seed=0) == ()


def test_few_samples_bias_the_frechet_distance_and_not_the_others():
    told = bias(sizes=(50, 400), times=20)
    assert told["frechet_50"][0] > 4 * told["frechet_400"][0] > 0
    for name in ("kid_50", "kid_400", "energy_50", "energy_400"):
        mean, error = told[name]
        assert abs(mean) < 3.5 * error, name


def test_features_do_not_depend_on_the_batch_they_come_in():
    reals = digits().held_out.samples
    feature_extractor = RandomConvolutionFeatures(reals)
    whole = feature_extractor(reals)
    for size in (1, 7, 256):
        parts = torch.cat([feature_extractor(part) for part in reals.split(size)])
        assert torch.allclose(parts, whole, atol=1e-4)


def test_precision_sees_noise_in_random_features():
    """In those of a classifier it need not: noise can look like a digit to it."""
    held_out, train = (heap.samples for heap in (digits().held_out, digits().train))
    noise = torch.rand(held_out.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    feature_extractor = RandomConvolutionFeatures(train)
    assert precision(feature_extractor(held_out), feature_extractor(noise)) < 0.05
    assert precision(feature_extractor(held_out), feature_extractor(digits().spare)) > 0.7


def test_roughness_is_that_of_noise_and_of_blank_and_not_of_contrast():
    chance = torch.Generator().manual_seed(0)
    noise = torch.randn(4, 2, 64, 64, generator=chance)
    assert roughness(noise).mean() == pytest.approx(2, abs=0.05)
    assert torch.allclose(roughness(noise / 3 + 1), roughness(noise), rtol=1e-3)
    assert roughness(torch.ones(3, 1, 8, 8)).tolist() == [0, 0, 0]
    assert (roughness(blurred(noise)) < roughness(noise) / 3).all()


def test_repeats_are_counted_one_by_one():
    chance = torch.Generator().manual_seed(0)
    held_out, fake, fresh, plain = torch.randn(4, 200, 8, generator=chance).double()
    fake = torch.cat([fake[:150], fake[:50]])  # 50 stand twice
    score = duplicate_score(held_out, fake, fresh, plain, "view")
    assert 0.5 <= score.value < 0.54
    assert score.reference < 0.05
