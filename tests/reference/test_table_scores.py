"""Scores of tables against SDMetrics, scikit-learn, scipy and loops."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from gannet.metrics.dependence import correlation, dependence_similarity
from gannet.metrics.tabular_distance import EncodedRows, kernel_width
from gannet.modalities.table.evaluation import fidelity
from gannet.modalities.table.evaluation.fidelity import (
    column_scores,
    pair_scores,
    two_sample_scores,
)
from gannet.modalities.table.evaluation.privacy import privacy_scores
from gannet.modalities.table.evaluation.utility import Target, _f1, _mean_auc, tstr_scores
from tests.reference.agreement import agree, reference
from tests.reference.inputs import FAKE, HELD_OUT, NAMES, SIZES, TRAIN
from tests.reference.sides import gower, one_hot, places, sides, with_fakes

WANTED = json.loads((Path(__file__).parent / "values.json").read_text("utf-8"))["sdmetrics"]
SIDES = sides()


def by_name(scores):
    return {score.name: score for score in scores}


@reference("marginals", "missing-rate-gap")
@pytest.mark.parametrize(
    ("name", "page", "key"),
    [
        ("marginals", "marginals", "marginals"),
        ("missing rate gap", "missing-rate-gap", "missing"),
    ],
)
def test_columns_are_scored_as_by_sdmetrics(name, page, key):
    score = by_name(column_scores(SIDES))[name]
    agree(page, score.value, np.mean(WANTED[key]))
    told = {part.name: part.value for part in score.components}
    agree(page, [told[name] for name in NAMES], WANTED[key])


@reference("marginals", "missing-rate-gap", "dependence", "pair-trends")
def test_a_table_of_one_value_or_of_none_has_nothing_in_common():
    blank, constant = np.full_like(FAKE, np.nan), np.tile([1e6, 1e9, 2.0, 1.0], (len(FAKE), 1))
    found = by_name(column_scores(with_fakes(SIDES, blank)))
    agree("marginals", found["marginals"].value, 0.0)
    agree("missing-rate-gap", found["missing rate gap"].value, 1 - np.isnan(HELD_OUT).mean())
    found = by_name(pair_scores(with_fakes(SIDES, constant)))
    agree("dependence", found["dependence"].value, 0.0)
    # Correlation with a constant is none, so that half of what there was is missed.
    parts = {part.name: part.value for part in found["pair trends"].components}
    known = ~np.isnan(HELD_OUT[:, :2]).any(1)
    real = np.corrcoef(HELD_OUT[known, :2].T)[0, 1]
    agree("pair-trends", parts["age × income"], 1 - abs(real) / 2)


@reference("pair-trends")
def test_pairs_with_a_trend_are_scored_as_by_sdmetrics():
    score = by_name(pair_scores(SIDES))["pair trends"]
    agree("pair-trends", score.value, WANTED["pair trends"])
    assert len(score.components) == WANTED["trending"]
    told = {part.name: part.value for part in score.components}
    agree("pair-trends", list(told.values()), [WANTED["pairs"][name] for name in told])


@reference("pair-trends")
def test_holes_do_not_weaken_a_correlation():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 3))
    rows[:, 1] += 2 * rows[:, 0]
    rows[rng.random(rows.shape) < 0.4] = np.nan
    rows = rows * [1, 1e-6, 1e6] + [1e4, 3, -1e7]
    pairs = [(0, 1), (0, 2), (1, 2)]
    wanted = [np.corrcoef(rows[~np.isnan(rows[:, pair]).any(1)][:, pair].T)[0, 1] for pair in pairs]
    found = correlation(torch.from_numpy(rows))
    agree("pair-trends", [float(found[pair]) for pair in pairs], wanted)


def bins(values: np.ndarray, column: int) -> np.ndarray:
    """Fifths of the training numbers, or codes; missing cells apart."""
    if SIZES[column]:
        return np.nan_to_num(values[:, column], nan=99)
    held = TRAIN[~np.isnan(TRAIN[:, column]), column]
    edges = np.quantile(held, [0.2, 0.4, 0.6, 0.8])
    found = [99 if np.isnan(v) else int((v >= edges).sum()) for v in values[:, column]]
    return np.array(found)


def excess(one: np.ndarray, other: np.ndarray) -> dict[tuple[float, float], float]:
    """Joint share of each pair of values, less the product of the shares of both."""
    return {
        (a, b): np.mean((one == a) & (other == b)) - np.mean(one == a) * np.mean(other == b)
        for a in range(100)
        if (one == a).any()
        for b in range(100)
        if (other == b).any()
    }


@reference("dependence")
def test_dependence_kept_is_the_sum_over_cells_of_all_contingency_tables():
    def kept(fake: np.ndarray) -> float:
        lost = most = 0.0
        for left, right in combinations(range(4), 2):
            one, other = (excess(bins(v, left), bins(v, right)) for v in (HELD_OUT, fake))
            most += sum(map(abs, one.values())) + sum(map(abs, other.values()))
            lost += sum(abs(one.get(k, 0) - other.get(k, 0)) for k in one.keys() | other.keys())
        return 1 - lost / most

    score = by_name(pair_scores(SIDES))["dependence"]
    agree("dependence", [score.value, score.reference], [kept(FAKE), kept(TRAIN[:300])])


@reference("dependence")
def test_dependence_does_not_see_names_order_or_sides():
    codes = np.random.default_rng(0).integers(0, 3, (2, 200, 3)).astype(float)
    codes[:, :, 1] = codes[:, :, 0]
    codes[1, :80, 1] = 0
    real, fake = (one_hot(side, (3, 3, 3)) for side in codes)
    value = dependence_similarity(real, fake, [3, 3, 3])
    renamed = [one_hot((2 - side)[::-1], (3, 3, 3)) for side in codes]
    agree("dependence", dependence_similarity(*renamed, [3, 3, 3]), value)
    agree("dependence", dependence_similarity(fake, real, [3, 3, 3]), value)
    agree("dependence", dependence_similarity(real.repeat(3, 1), fake, [3, 3, 3]), value)


def of_critics(rows: np.ndarray) -> np.ndarray:
    """What a linear model is given: places in -1..1, holes flagged, codes one-hot."""
    numbers = places(rows[:, :2], TRAIN[:, :2])
    gone = np.isnan(rows[:, :2])
    parts = [np.where(gone, 0, 2 * numbers - 1), gone]
    for column, size in ((2, 4), (3, 3)):
        codes = np.nan_to_num(rows[:, column], nan=size + 1)
        parts.append(codes[:, None] == np.arange(size + 2))
    return np.concatenate(parts, 1).astype(float)


@reference("c2st-accuracy", "c2st-auc")
def test_fresh_critics_are_those_of_scikit_learn():
    first = np.concatenate([HELD_OUT[:150], FAKE[:150]])
    second = np.concatenate([HELD_OUT[150:], FAKE[150:]])
    truth = np.repeat([0, 1], 150)
    linear = LogisticRegression(max_iter=200).fit(of_critics(first), truth)
    boosting = HistGradientBoostingClassifier(
        max_iter=100, early_stopping=False, random_state=0
    ).fit(first, truth)
    found = by_name(two_sample_scores(SIDES))
    told = {
        "linear": linear.predict_proba(of_critics(second))[:, 1],
        "boosting": boosting.predict_proba(second)[:, 1],
    }
    for name, chances in told.items():
        agree(
            "c2st-accuracy",
            found[f"c2st accuracy[{name}]"].value,
            accuracy_score(truth, chances > 0.5),
        )
        agree("c2st-auc", found[f"c2st auc[{name}]"].value, roc_auc_score(truth, chances))


@reference("c2st-accuracy", "c2st-auc")
def test_a_critic_without_opinion_is_a_coin_to_the_half_hit():
    # Rows 0 to 2 are told apart, all others of the second halves are alike: .5 of each.
    opinions = np.concatenate([[0.1], np.full(149, 0.5), np.full(150, 0.5)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fidelity, "learn", lambda *_: lambda _: np.stack([1 - opinions, opinions], 1))
        found = by_name(two_sample_scores(SIDES))
    agree("c2st-accuracy", found["c2st accuracy[linear]"].value, 0.5 + 0.5 / 300, 1e-9)
    truth = np.repeat([0, 1], 150)
    agree("c2st-auc", found["c2st auc[linear]"].value, roc_auc_score(truth, opinions))


@reference("tstr", "tstr-f1")
def test_what_is_learnt_from_fakes_is_what_scikit_learn_learns():
    target = Target("smokes", np.array([0.0, 1.0]))
    scores = by_name(tstr_scores(SIDES, [target]))
    for rows, field in ((FAKE, "value"), (TRAIN[:300], "reference")):
        known, asked = (side[~np.isnan(side[:, 3])] for side in (rows, HELD_OUT))
        model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=0)
        chances = model.fit(known[:, :3], known[:, 3]).predict_proba(asked[:, :3])
        wanted = (
            roc_auc_score(asked[:, 3], chances[:, 1]),
            f1_score(asked[:, 3], chances.argmax(1), average="macro"),
        )
        for page, name, value in zip(("tstr", "tstr-f1"), ("tstr", "tstr f1"), wanted, strict=True):
            agree(page, getattr(scores[f"{name}[smokes, boosting]"], field), value)


@reference("tstr", "tstr-f1")
@pytest.mark.parametrize("classes", [2, 4])
def test_auc_and_f1_over_classes_are_scikit_learns_also_with_ties_and_missing_classes(classes):
    rng = np.random.default_rng(classes)
    truth = rng.integers(0, classes, 120)
    truth[:classes] = np.arange(classes)
    chances = rng.dirichlet(np.ones(classes), 120) + (truth[:, None] == np.arange(classes))
    chances = np.round(chances / chances.sum(1, keepdims=True) * 8)
    chances[:, 0] = 8 - chances[:, 1:].sum(1)
    chances /= 8
    wanted = roc_auc_score(
        truth, chances[:, 1] if classes == 2 else chances, multi_class="ovr", average="macro"
    )
    agree("tstr", _mean_auc(chances, truth)[0], wanted)
    called = chances.argmax(1)
    called[called == 1] = 0  # a class that is never called
    wanted = f1_score(truth, called, labels=range(classes), average="macro", zero_division=0)
    agree("tstr-f1", _f1(called, truth, classes, rng)[0], wanted)
    constant = np.full((120, classes), 1 / classes)
    agree("tstr", _mean_auc(constant, truth)[0], 0.5)


def test_the_inputs_have_what_the_tests_need():
    assert set(np.unique(FAKE[:, 2])) <= {0, 1, 2}
    assert np.isnan(TRAIN).any(0).tolist() == [True, True, False, True]


def privacy(those):
    target = Target("smokes", np.array([0.0, 1.0]))
    return by_name(privacy_scores(those, [target]))


LEAKY = np.concatenate([TRAIN[300:420], FAKE[120:]])
"""Fakes of which the first are copies of training rows."""


@reference("dcr-share")
@pytest.mark.parametrize("fake", [FAKE, LEAKY], ids=["apart", "leaky"])
def test_the_share_nearer_to_training_rows_is_that_counted(fake):
    near, far = (
        gower(fake, rows, TRAIN, SIZES).min(1).round(6) for rows in (TRAIN[300:600], HELD_OUT)
    )
    wanted = np.mean((near < far) + (near == far) / 2)
    agree("dcr-share", privacy(with_fakes(SIDES, fake))["dcr share"].value, wanted)


@reference("dcr-share")
def test_ties_of_coarse_tables_count_half():
    rng = np.random.default_rng(0)
    sizes = (0, 0, 0, 3)
    coarse = rng.integers(0, 3, (1000, 4)) * np.array([1, 0.1, 1 / 3, 1])
    train, held_out, fake = coarse[:400], coarse[400:600], coarse[600:800]
    near, far = (
        gower(fake, rows, train, sizes).min(1).round(6) for rows in (train[200:], held_out)
    )
    assert (near == far).mean() > 0.5
    wanted = np.mean((near < far) + (near == far) / 2)
    score = by_name(privacy_scores(sides(train, held_out, fake, sizes), []))["dcr share"]
    agree("dcr-share", score.value, wanted)


@reference("exact-duplicates")
def test_copies_are_the_rows_that_stand_in_a_set_of_all():
    def keys(rows: np.ndarray) -> list[tuple[str, ...]]:
        return [tuple("" if np.isnan(v) else repr(float(v) + 0.0) for v in row) for row in rows]

    some = LEAKY.copy()
    some[:120][some[:120] == 0] = -0.0
    train = set(keys(TRAIN))
    score = privacy(with_fakes(SIDES, some))["exact duplicates"]
    agree("exact-duplicates", score.value, np.mean([key in train for key in keys(some)]))
    agree("exact-duplicates", score.reference, np.mean([key in train for key in keys(HELD_OUT)]))
    assert score.value >= 120 / 300


@reference("membership-inference")
@pytest.mark.parametrize("fake", [FAKE, LEAKY], ids=["apart", "leaky"])
def test_the_attack_is_that_on_the_ratio_of_densities(fake):
    members, strangers, others = TRAIN[300:450], HELD_OUT[:150], HELD_OUT[150:]
    own = gower(others, others, TRAIN, SIZES)
    np.fill_diagonal(own, np.inf)
    width = max(0.1 * np.median(own.min(1)), 0.01 / 4)

    def density(rows: np.ndarray, heap: np.ndarray) -> np.ndarray:
        return logsumexp(gower(rows, heap, TRAIN, SIZES) / -width, axis=1) - np.log(len(heap))

    asked = np.concatenate([members, strangers])
    ratio = density(asked, fake) - density(asked, others)
    wanted = roc_auc_score(np.repeat([1, 0], 150), ratio.round(3))
    # A ratio on the edge between two thousandths may be rounded either way in 32 bit.
    found = privacy(with_fakes(SIDES, fake))["membership inference"].value
    agree("membership-inference", found, wanted, 2e-4)


@reference("membership-inference")
@pytest.mark.parametrize("rows", [6, 7])
def test_the_width_of_the_attack_is_a_tenth_of_the_median_of_even_counts_too(rows):
    heap = np.random.default_rng(rows).random((rows, 2))
    near = cdist(heap, heap, "cityblock") / 2 + 9 * np.eye(rows)
    found = kernel_width(EncodedRows(torch.from_numpy(heap).float(), torch.zeros(rows, 0)))
    agree("membership-inference", found, 0.1 * np.median(near.min(1)))


@reference("attribute-inference")
@pytest.mark.parametrize("fake", [FAKE, LEAKY], ids=["apart", "leaky"])
def test_the_gain_is_that_of_the_nearest_fakes_value(fake):
    shares = []
    for rows in (TRAIN[300:450], HELD_OUT[:150]):
        near = gower(rows[:, :3], fake[:, :3], TRAIN[:, :3], SIZES[:3]).round(6).argmin(1)
        shares.append(np.mean(fake[near, 3] == rows[:, 3]))
    found = privacy(with_fakes(SIDES, fake))["attribute inference[smokes]"].value
    agree("attribute-inference", found, shares[0] - shares[1])


@reference("dcr-share", "exact-duplicates", "membership-inference")
def test_units_of_numbers_do_not_matter_for_privacy():
    unit, place = np.array([1e-3, 1e6, 1, 1]), np.array([5, -1e6, 0, 0])
    plain = privacy(with_fakes(SIDES, LEAKY))
    other = sides(TRAIN * unit + place, HELD_OUT * unit + place, LEAKY * unit + place)
    for page in ("dcr-share", "exact-duplicates", "membership-inference"):
        name = page.replace("-", " ")
        agree(page, privacy(other)[name].value, plain[name].value)
