"""Scores of filled cells against scikit-learn and order statistics."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_squared_error

from gannet.core.frame import Frame
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.encoding import EncodedTable
from gannet.modalities.table.evaluation.imputation import _coverage, score_imputation
from tests.reference.agreement import agree, reference

ROWS, DRAWS = 400, 39
RNG = np.random.default_rng(4)
KNOWN = RNG.normal(size=(ROWS, 2)) * [3, 50] + [100, -7]
KINDS = RNG.choice(np.array(["red", "green", "blue"], object), ROWS)
HIDDEN = RNG.random((ROWS, 3)) < 0.25
UNITS = ((1.0, 0.0), (1000.0, 5.0))


def frame(numbers: np.ndarray, kinds: np.ndarray, unit: float = 1, place: float = 0) -> Frame:
    return Frame(("a", "b", "kind"), (*(numbers * unit + place).T, kinds))


def guesses() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    kinds = np.where(rng.random(ROWS) < 0.3, "red", KINDS).astype(object)
    return np.where(HIDDEN[:, :2], KNOWN + rng.normal(0, [2, 20], KNOWN.shape), KNOWN), kinds


def scores(unit: float = 1, place: float = 0, missing: bool = False):
    numbers, kinds = guesses()
    truth = frame(KNOWN, KINDS, unit, place)
    best = frame(np.where(HIDDEN[:, :2] & missing, np.nan, numbers), kinds, unit, place)
    codec = TableCodec.fit_frame(truth)
    return {
        score.name: score for score in score_imputation(truth, HIDDEN, [best], codec, best=best)
    }


@reference("imputation-rmse")
@pytest.mark.parametrize(("unit", "place"), UNITS)
def test_the_error_of_numbers_is_scikit_learns_in_deviations_of_the_column(unit, place):
    numbers, _ = guesses()

    def error(filled: np.ndarray) -> list[float]:
        """Deviations divide by the number of rows: a mean then gets 1 where all are hidden."""
        return [
            np.sqrt(mean_squared_error(KNOWN[gone, at], filled[gone, at])) / KNOWN[:, at].std()
            for at, gone in ((0, HIDDEN[:, 0]), (1, HIDDEN[:, 1]))
        ]

    score = scores(unit, place)["imputation rmse"]
    agree("imputation-rmse", score.value, np.mean(error(numbers)))
    told = {part.name: part.value for part in score.components}
    agree("imputation-rmse", [told["a"], told["b"]], error(numbers))
    means = [KNOWN[~HIDDEN[:, at], at].mean() for at in (0, 1)]
    agree("imputation-rmse", score.baseline, np.mean(error(np.broadcast_to(means, KNOWN.shape))))


@reference("imputation-rmse")
def test_a_cell_left_empty_is_wrong_by_one_deviation():
    agree("imputation-rmse", scores(missing=True)["imputation rmse"].value, 1.0)


@reference("imputation-error-rate")
def test_the_share_of_wrong_words_is_scikit_learns():
    gone, (_, kinds) = HIDDEN[:, 2], guesses()
    score = scores()["imputation error rate"]
    agree("imputation-error-rate", score.value, 1 - accuracy_score(KINDS[gone], kinds[gone]))
    names, counts = np.unique(KINDS[~gone], return_counts=True)
    wanted = np.mean(KINDS[gone] != names[counts.argmax()])
    agree("imputation-error-rate", score.baseline, wanted)


@reference("interval-coverage")
@pytest.mark.parametrize("unit", [1.0, 1e-12, 1e12])
@pytest.mark.parametrize("width", [0.2, 1.0])
def test_coverage_counts_truths_between_the_second_and_the_last_but_one_draw(unit, width):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(ROWS, 2)) * unit
    draws = rng.normal(0, width, (DRAWS, ROWS, 2)) * unit
    mask = HIDDEN[:, :2]
    ranked = np.sort(draws, 0)
    inside = (ranked[1] <= truth) & (truth <= ranked[-2])
    score = _coverage(EncodedTable(("a", "b"), (0, 0), truth), mask, draws)
    agree("interval-coverage", score.value, inside[mask].mean())
    agree("interval-coverage", score.reference, 0.9)  # 36 of the 40 places between 39 draws


@reference("interval-coverage")
def test_coverage_of_constant_draws_is_that_of_the_value_itself():
    truth = np.where(RNG.random((ROWS, 1)) < 0.7, 0.3, 0.4)
    mask = np.ones((ROWS, 1), np.bool_)
    score = _coverage(EncodedTable(("a",), (0,), truth), mask, np.full((DRAWS, ROWS, 1), 0.1 * 3))
    agree("interval-coverage", score.value, (truth == 0.3).mean())
