"""Scores of samples of any kind against scikit-learn, scipy, torchmetrics, prdc and loops."""

from __future__ import annotations

import json
import math
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import linalg, stats
from scipy.spatial.distance import cdist
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from gannet.core.seeding import derive_seed
from gannet.core.types import Batch, Condition
from gannet.evaluation.evaluate import evaluation_samples
from gannet.evaluation.memorization import duplicate_score, memorization_score
from gannet.evaluation.paired import diversity, paired_scores
from gannet.evaluation.scores import PredictedClasses, class_score, labeled_samples, tstr_score
from gannet.evaluation.two_sample import learners
from gannet.evaluation.two_sample.test import View, _counted, classifier_two_sample_test
from gannet.evaluation.unpaired import UnpairedFeatures, domain_gap_closed, unpaired_scores
from gannet.metrics import METRICS
from gannet.metrics.two_sample import LEVEL, mann_whitney, two_sample_scores
from gannet.modalities.modality import NUMBERS
from gannet.networks.features import IdentityFeatures
from tests.reference import inputs
from tests.reference.agreement import agree, reference
from tests.unit.evaluation.test_evaluate import Heap, Library, Some

WANTED = json.loads((Path(__file__).parent / "values.json").read_text("utf-8"))
NEIGHBORS = ("precision", "recall", "density", "coverage")
REAL, FAKE = inputs.heaps(0)


def found(name: str, real: np.ndarray, fake: np.ndarray) -> float:
    return METRICS[name].function(torch.from_numpy(real), torch.from_numpy(fake))


@reference("frechet")
@pytest.mark.parametrize("seed", [0, 1])
def test_frechet_is_the_root_of_the_product_of_covariances_by_scipy(seed):
    real, fake = inputs.heaps(seed)
    one, other = np.cov(real.T), np.cov(fake.T)
    root = np.real(linalg.sqrtm(one @ other))
    wanted = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(one + other - 2 * root)
    agree("frechet", found("frechet", real, fake), wanted)


@reference("kid")
@pytest.mark.parametrize("seed", [0, 1])
def test_kid_is_the_unbiased_estimate_from_scikit_learns_kernel(seed):
    sides = inputs.heaps(seed)
    (one, across), (_, other) = (
        [polynomial_kernel(a, b, degree=3, gamma=1 / a.shape[1], coef0=1) for b in sides]
        for a in sides
    )
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (one, other)]
    wanted = sum(within) - 2 * across.mean()
    agree("kid", found("kid", *sides) / wanted, 1.0)


@reference("energy")
def test_energy_in_one_number_is_scipys_without_pairs_of_a_row_with_itself():
    real, fake = REAL[:, :1], FAKE[:, :1]
    # Scipy's is the root, and takes the mean over all pairs, those of a row with itself too.
    biased = stats.energy_distance(real[:, 0], fake[:, 0]) ** 2
    extra = [cdist(side, side).mean() / (len(side) - 1) for side in (real, fake)]
    agree("energy", found("energy", real, fake), biased - sum(extra))


@reference("energy")
@pytest.mark.parametrize("seed", [0, 1])
def test_energy_is_the_mean_over_all_pairs(seed):
    real, fake = inputs.heaps(seed)
    within = [np.mean([math.dist(a, b) for a, b in combinations(side, 2)]) for side in (real, fake)]
    wanted = 2 * np.mean([math.dist(a, b) for a in real for b in fake]) - sum(within)
    agree("energy", found("energy", real, fake), wanted)


@reference(*NEIGHBORS)
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", NEIGHBORS)
def test_neighborhoods_are_those_of_prdc(name, seed):
    agree(name, found(name, *inputs.heaps(seed)), WANTED["prdc"][str(seed)][name])


@reference(*NEIGHBORS)
@pytest.mark.parametrize("place", [0.0, 0.1, 1000.3])
@pytest.mark.parametrize("name", NEIGHBORS)
def test_ties_of_coarse_data_count_as_near_wherever_these_lie(name, place):
    rng = np.random.default_rng(0)
    real, fake = (rng.integers(0, 4, (rows, 4)) for rows in (150, 140))
    across = cdist(real, fake, "sqeuclidean").round()
    own, made = (np.sort(cdist(side, side, "sqeuclidean").round(), 1) for side in (real, fake))
    wanted = {
        "precision": (across <= own[:, 3, None]).any(0).mean(),
        "recall": (across <= made[:, 3]).any(1).mean(),
        "density": (across <= own[:, 5, None]).sum() / 5 / len(fake),
        "coverage": (across.min(1) <= own[:, 5]).mean(),
    }
    agree(name, found(name, real * 0.1 + place, fake * 0.1 + place), wanted[name])


SWAPPED = {"frechet": "frechet", "kid": "kid", "energy": "energy", "precision": "recall"}
"""Score to what it is with the two sides in each other's place."""

SCALED = {"frechet": 2, "energy": 1, "precision": 0, "recall": 0, "density": 0, "coverage": 0}
"""Power of a unit that a score grows with; kid's kernel has a unit of its own."""


@reference(*METRICS)
@pytest.mark.parametrize("name", METRICS)
def test_what_must_not_matter_does_not(name):
    value = found(name, REAL, FAKE)
    turn = linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    agree(name, found(name, REAL @ turn, FAKE @ turn), value)
    agree(name, found(name, REAL[::-1].copy(), np.roll(FAKE, 5, 0)), value)
    if name != "kid":
        agree(name, found(name, REAL + 300, FAKE + 300), value)
        agree(name, found(name, REAL * 20, FAKE * 20) / 20 ** SCALED[name], value)
    if name in SWAPPED:
        agree(name, found(SWAPPED[name], FAKE, REAL), value)


@reference(*METRICS)
@pytest.mark.parametrize("name", METRICS)
def test_constant_columns_change_nothing_but_the_width(name):
    sides = [np.concatenate([side, np.full((len(side), 2), 0.1)], 1) for side in (REAL, FAKE)]
    if name == "kid":  # its kernel divides by the width, and sees the constant
        scaled = [
            np.concatenate([s * math.sqrt(8 / 6), np.zeros((len(s), 2))], 1) for s in (REAL, FAKE)
        ]
        agree(name, found(name, *scaled), found(name, REAL, FAKE))
        return
    agree(name, found(name, *sides), found(name, REAL, FAKE))


def test_a_number_that_is_none_is_not_called_alike():
    broken = REAL.copy()
    broken[3, 2] = np.nan
    assert math.isnan(found("energy", broken, FAKE))
    assert math.isnan(found("kid", broken, FAKE))


def nearest(rows: np.ndarray) -> np.ndarray:
    return np.sort(cdist(rows, rows), 1)[:, 1]


@reference("duplicate-rate")
@pytest.mark.parametrize("twins", [0, 40])
def test_duplicates_are_those_counted_also_where_reals_have_twins(twins):
    rng = np.random.default_rng(1)
    heaps = [rng.normal(size=(200, 8)) * 7 + 3 for _ in range(4)]
    for heap, copies in zip(heaps, (twins, 60, 10, 0), strict=True):
        heap[:copies] = heap[len(heap) - copies :]
    limit = np.quantile(nearest(heaps[0]), 0.01)
    wanted = [(nearest(each) <= limit).mean() for each in heaps[1:]]
    score = duplicate_score(*map(torch.from_numpy, heaps), "view")
    agree("duplicate-rate", [score.value, score.reference, score.baseline], wanted)


def labeled(seed: int = 0, rows: int = 90) -> tuple[Heap, Library]:
    chance = torch.Generator().manual_seed(seed)
    labels = np.arange(3 * rows) % 3
    samples = torch.randn(3 * rows, 5, generator=chance) * torch.tensor([1, 2, 30, 0.1, 1])
    samples += torch.from_numpy(labels)[:, None] * 1.5
    parts = [slice(0, 2 * rows), slice(2 * rows, None)]
    train, held_out = (Some(samples[part], labels[part]) for part in parts)
    data = Heap(train, held_out, classes=("a", "b", "c"))
    copies = Some(
        torch.cat([samples[: rows // 2], samples[2 * rows :] + 0.3]),
        np.concatenate([labels[: rows // 2], labels[2 * rows :]]),
    )
    return data, Library(copies, data.classes)


@reference("memorization")
def test_copies_are_those_counted_by_distance_and_its_ratio():
    data, generator = labeled()
    made = evaluation_samples(generator, data, count=60, seed=0)
    reals = made.held_out.double().numpy()
    spread = reals.std(0, ddof=1)
    spread = np.maximum(spread, np.sqrt((spread**2).mean()) / 10)
    train = data.train.samples[list(made.remaining)].double().numpy() / spread
    heaps = [reals, made.fake.numpy(), made.real_reference.numpy(), made.baseline_samples.numpy()]
    near = [np.sort(cdist(heap / spread, train), 1)[:, :11] for heap in heaps]
    ratios = [each[:, 0] / each[:, 1:].mean(1) for each in near]
    limits = np.quantile(near[0][:, 0], 0.01), np.quantile(ratios[0], 0.01)
    wanted = [
        ((each[:, 0] <= limits[0]) & (ratio <= limits[1])).mean()
        for each, ratio in zip(near[1:], ratios[1:], strict=True)
    ]
    score = memorization_score(made, data).score
    assert wanted[0] > 0.1
    agree("memorization", [score.value, score.reference, score.baseline], wanted)


@reference("c2st-accuracy", "c2st-auc")
def test_what_logits_say_is_what_scikit_learn_and_scipy_say():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(0.4, 1, 70).round(1), rng.normal(-0.2, 1, 70).round(1)
    told = _counted("a network", torch.from_numpy(real), torch.from_numpy(fake), 1)
    truth, logits = np.repeat([1, 0], 70), np.concatenate([real, fake])
    share = accuracy_score(truth, logits > 0)
    low, high = stats.binomtest(round(share * 140), 140).proportion_ci(
        1 - 2 * LEVEL, method="wilson"
    )
    agree("c2st-accuracy", [told.accuracy, told.low, told.high], [share, low, high])
    agree("c2st-auc", told.auc, roc_auc_score(truth, logits))
    for above, below in ((real, fake), (fake, real), (real, real), (real[:4], fake[:4])):
        found = mann_whitney(roc_auc_score(*_labeled(above, below)), above, below)
        test = stats.mannwhitneyu(above, below, alternative="greater", method="asymptotic")
        agree("c2st-auc", found, test.pvalue)


def _labeled(above: np.ndarray, below: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([1, 0], [len(above), len(below)]), np.concatenate([above, below])


def _seen(samples: Tensor) -> Tensor:
    return samples


@reference("c2st-accuracy", "c2st-auc")
@pytest.mark.parametrize("trees", [True, False])
def test_classifiers_of_rows_are_those_of_scikit_learn(trees, monkeypatch):
    monkeypatch.setattr(learners, "RIDGES", (0.1,))
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 500, 4, generator=rng).double()
    fake[:, 0] += fake[:, 1] / 2
    fake[:, 2] += 0.4
    learner = learners.BoostedTrees() if trees else learners.LinearModel()
    test = partial(classifier_two_sample_test, seed=3, views=[View("cells", _seen, [learner])])
    found = test(real, fake, real_reference=torch.randn(500, 4, generator=rng))
    halves = [
        side[torch.randperm(500, generator=torch.Generator().manual_seed(derive_seed(3, at)))]
        .numpy()
        .reshape(2, 250, 4)
        for at, side in enumerate((real, fake))
    ]
    lesson, exam = (np.concatenate([side[half] for side in halves]) for half in (0, 1))
    truth = np.repeat([1, 0], 250)
    if trees:
        model = HistGradientBoostingClassifier(
            max_iter=150, early_stopping=True, validation_fraction=0.15, random_state=3
        )
    else:  # so much more on the diagonal is so much shrinkage
        scale = StandardScaler().fit(lesson)
        lesson, exam = map(scale.transform, (lesson, exam))
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1 / 1.1)
    model.fit(lesson, truth)
    known, logits = (model.decision_function(rows) for rows in (lesson, exam))
    middle = np.mean([_lower_median(known[truth == side]) for side in (0, 1)])
    accuracy, area = two_sample_scores(found, found.strongest)
    agree("c2st-accuracy", accuracy.value, accuracy_score(truth, logits > middle))
    agree("c2st-auc", area.value, roc_auc_score(truth, logits))
    assert found.negative is not None
    usual = found.negative.classifiers[0]
    agree("c2st-accuracy", accuracy.reference, usual.accuracy)
    agree("c2st-auc", area.reference, usual.auc)


def _lower_median(values: np.ndarray) -> float:
    """As PyTorch takes it."""
    return float(np.sort(values)[(len(values) - 1) // 2])


def test_a_test_of_two_normals_reaches_what_any_can_and_no_more():
    # Of two normals d apart the best accuracy is the normal at d / 2; sampling moves it by 2 %.
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 1200, 4, generator=rng)
    fake[:, 0] += 2
    told = classifier_two_sample_test(real, fake, seed=0)
    for each in told.classifiers:
        assert each.accuracy == pytest.approx(stats.norm.cdf(1), abs=0.05), each.name
    alike = classifier_two_sample_test(*torch.randn(2, 600, 4, generator=rng), seed=0)
    assert alike.strongest.low <= 0.5 <= alike.strongest.high


@reference("class-accuracy", "tstr")
def test_right_classes_are_counted_as_scikit_learn_counts_them():
    data, generator = labeled()
    made = evaluation_samples(generator, data, count=60, seed=0)
    rng = np.random.default_rng(0)
    told = [torch.from_numpy(rng.integers(0, 3, len(made.fake))) for _ in range(3)]
    score = class_score(made, PredictedClasses(*told), data.classes)
    wanted = [accuracy_score(made.labels, each) for each in told]
    agree("class-accuracy", [score.value, score.reference, score.baseline], wanted)
    commonest = np.bincount(made.labels).max() / len(made.labels)
    agree("class-accuracy", score.chance_level, commonest)
    lesson = labeled_samples(data, made)

    class Told:
        """In place of a classifier: near or far, by the mean of what it was taught."""

        def __init__(self, samples: Tensor, labels: Tensor) -> None:
            self.middles = torch.stack([samples[labels == at].mean(0) for at in range(3)])

        def predict(self, samples: Tensor) -> Tensor:
            return torch.cdist(samples, self.middles).argmin(1)

    fakes = generator.sample(len(lesson.labels), seed=5)
    taught = tstr_score(made, lesson, told[1], fakes, Told, 0, data.classes)
    middles = [fakes.numpy()[lesson.labels.numpy() == at].mean(0) for at in range(3)]
    calls = cdist(made.held_out.numpy(), np.stack(middles)).argmin(1)
    agree("tstr", taught.value, accuracy_score(made.labels, calls))
    agree("tstr", taught.reference, wanted[1])


@reference("class-accuracy", "tstr")
def test_samples_of_unknown_class_count_neither_way():
    data, generator = labeled()
    data.held_out.labels[::2] = -1
    made = evaluation_samples(generator, data, count=60, seed=0)
    told = torch.where(made.labels >= 0, made.labels, 0)
    told[(made.labels >= 0).nonzero()[0]] += 1
    known = made.labels >= 0
    score = class_score(made, PredictedClasses(told, told, told), data.classes)
    agree("class-accuracy", score.value, accuracy_score(made.labels[known], told[known]))
    assert score.samples == int(known.sum()) < len(made.labels)


def drawn(seed: int = 0, rows: int = 30) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Targets in the order of their kind, answers, and further answers."""
    chance = torch.Generator().manual_seed(seed)
    targets = torch.randn(rows, 4, generator=chance)
    targets[:, 0] += torch.arange(rows) // 3 * 2.0
    answers = [targets + 0.5 * torch.randn(rows, 4, generator=chance) for _ in range(6)]
    return targets, answers[0], answers[1:]


@reference("feature-distance", "diversity")
def test_distances_are_told_as_shares_of_those_of_different_targets():
    targets, answers, again = drawn()
    apart = np.mean([math.dist(a, b) for a, b in combinations(targets.tolist(), 2)])
    scores = {
        score.name: score.value
        for score in paired_scores(
            answers, targets, {}, IdentityFeatures(4), again.__getitem__, modality=NUMBERS, seed=0
        )
    }
    wanted = np.mean(
        [math.dist(a, b) for a, b in zip(answers.tolist(), targets.tolist(), strict=True)]
    )
    agree("feature-distance", scores["feature distance"], wanted / apart)
    wanted = np.mean(
        [
            math.dist(a, b)
            for one, other in combinations(again, 2)
            for a, b in zip(one.tolist(), other.tolist(), strict=True)
        ]
    )
    agree("diversity", scores["diversity"], wanted / apart)


@reference("feature-distance", "diversity")
def test_the_order_of_targets_their_place_and_their_unit_do_not_matter():
    targets, answers, again = drawn()
    mixed = torch.randperm(len(targets), generator=torch.Generator().manual_seed(1))

    def values(rows: Tensor, scale: float = 1.0, shift: float = 0.0) -> list[float]:
        told = [side[rows] * scale + shift for side in (targets, answers, *again)]
        made = paired_scores(
            told[1],
            told[0],
            {},
            IdentityFeatures(4),
            told[2:].__getitem__,
            modality=NUMBERS,
            seed=0,
        )
        return [score.value for score in made]

    plain = values(torch.arange(len(targets)))
    for other in (values(mixed), values(mixed, scale=8), values(mixed, shift=64)):
        agree("feature-distance", other[0], plain[0])
        agree("diversity", other[1], plain[1])
    alone = diversity(targets, IdentityFeatures(4), again.__getitem__, seed=0)
    agree("diversity", alone.value, plain[1])


@reference("domain-gap-closed")
def test_the_gap_closed_is_that_of_energy_distances_written_out():
    rng = np.random.default_rng(0)
    target, given = rng.normal(size=(40, 5)), rng.normal(2, 1, (40, 5))
    made = target[rng.permutation(40)] + 0.5

    def energy(one: np.ndarray, other: np.ndarray) -> float:
        within = [np.mean([math.dist(a, b) for a, b in combinations(s, 2)]) for s in (one, other)]
        return 2 * np.mean([math.dist(a, b) for a in one for b in other]) - sum(within)

    wanted = 1 - energy(made, target) / energy(given, target)
    for place in (0, 1e6):
        heaps = [torch.from_numpy(each + place) for each in (target, given, made)]
        value, low, high = domain_gap_closed(UnpairedFeatures(*heaps), seed=0)
        agree("domain-gap-closed", value, wanted, 1e-6)  # it was off by more far from zero
        assert low <= value <= high
    assert domain_gap_closed(UnpairedFeatures(heaps[0], heaps[0], heaps[2]), seed=0) is None
    # One way only, and of all that was given; and by the score of the same name.
    heaps = [torch.from_numpy(each) for each in (target, given, made)]
    none = torch.zeros(40, 0, 0)
    condition = Condition(vector=torch.ones(40, 1), grid=heaps[1], tokens=none)
    problem = Batch(heaps[0], condition, kind="")
    (score,) = unpaired_scores(heaps[2], problem, tuple(heaps), ("there",), seed=0)
    agree("domain-gap-closed", score.value, wanted)
