"""Are fills scored as what they are: the truth, exact draws, too sure, or no better than a mean?"""

from __future__ import annotations

import numpy as np
import pytest

from gannet.core.errors import DataError
from gannet.core.frame import Frame
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.imputation import score_imputation

pytest.importorskip("sklearn")
ROWS = 600


def table(noise: np.ndarray) -> Frame:
    rng = np.random.default_rng(0)
    size = rng.normal(0, 1, ROWS)
    kind = np.where(size + rng.normal(0, 0.2, ROWS) > 0, "big", "small").astype(object)
    return Frame(("size", "weight", "kind"), (size, 2 * size + noise, kind))


RNG = np.random.default_rng(1)
TRUTH = table(RNG.normal(0, 1, ROWS))
HIDDEN = np.zeros((ROWS, 3), np.bool_)
HIDDEN[:, 1] = RNG.random(ROWS) < 0.3
HIDDEN[:, 2] = RNG.random(ROWS) < 0.3
CODEC = TableCodec.fit_frame(TRUTH)


def scores(filled):
    return {score.name: score for score in score_imputation(TRUTH, HIDDEN, filled, CODEC)}


def draws(count, spread):
    return [table(RNG.normal(0, spread, ROWS)) for _ in range(count)]


def test_the_truth_has_no_error_and_simple_methods_stand_beside_it():
    found = scores([TRUTH])
    assert set(found) == {"imputation rmse", "imputation error rate"}
    for score in found.values():
        assert score.value == score.high == 0
        methods = {part.name: part.value for part in score.components}
        assert methods["by mean or commonest"] == score.baseline
        assert 0 < methods["by iterative regression"] < 0.7 * score.baseline
        assert 0 < methods["by trees"] < 0.7 * score.baseline
    assert found["imputation rmse"].baseline == pytest.approx(1, abs=0.1)
    assert found["imputation error rate"].samples == HIDDEN[:, 2].sum()


def test_exact_draws_cover_what_they_say_and_too_narrow_ones_do_not():
    exact = scores(draws(39, 1))["interval coverage[90%]"]
    assert exact.value == pytest.approx(0.9, abs=0.05)
    assert exact.at_reference
    narrow = scores(draws(39, 0.3))["interval coverage[90%]"]
    assert narrow.high < 0.6
    assert not narrow.at_reference


def test_few_draws_claim_no_more_than_they_can_say():
    few = scores(draws(5, 1))["interval coverage[67%]"]
    assert few.value == pytest.approx(2 / 3, abs=0.08)


def test_a_mask_or_a_draw_of_other_rows_is_refused():
    with pytest.raises(DataError, match="the mask of hidden cells is"):
        score_imputation(TRUTH, HIDDEN[:5], [TRUTH], CODEC)
    with pytest.raises(DataError, match="expected 600 in each draw"):
        score_imputation(TRUTH, HIDDEN, [TRUTH[:5]], CODEC)
    with pytest.raises(DataError, match="no known cell was hidden"):
        score_imputation(TRUTH, np.zeros_like(HIDDEN), [TRUTH], CODEC)
