"""Rule violations against pandas, a closed form, and what must not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gannet.core.frame import Frame
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.fidelity import rule_scores
from gannet.modalities.table.evaluation.samples import ComparedRows
from gannet.modalities.table.rules import rules_of, violations
from tests.reference.agreement import agree, reference


def stays(count: int, seed: int, *, wrong: float = 0.0) -> pd.DataFrame:
    """Stays with start and end, and bills of a bed and drugs; some rows exchange start and end."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, count), "D")
    end = start + pd.to_timedelta(rng.integers(1, 9, count), "D")
    bed, drugs = (rng.integers(0, 99_999, count) / 100 for _ in range(2))
    turned = np.arange(count) < wrong * count
    table = pd.DataFrame({"start": start, "end": end, "bed": bed, "drugs": drugs})
    table["total"] = (bed + drugs).round(2)
    table.loc[turned, ["start", "end"]] = table.loc[turned, ["end", "start"]].to_numpy()
    return table


def framed(table: pd.DataFrame) -> Frame:
    cells = table.assign(**{n: table[n].dt.strftime("%Y-%m-%d") for n in ("start", "end")})
    return Frame(tuple(cells), tuple(cells[name].to_numpy() for name in cells))


TRAIN = framed(stays(600, 0))
CODEC = TableCodec.fit_frame(TRAIN)


def score_of(fake: pd.DataFrame):
    rows = ComparedRows(framed(stays(300, 1)), framed(fake), TRAIN, framed(mixed(fake)))
    (score,) = rule_scores(TRAIN, rows, CODEC.columns)
    return score


def mixed(table: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    return pd.DataFrame({name: rng.permutation(table[name]) for name in table})


def test_the_rules_are_those_that_the_rows_were_made_by():
    assert {"start <= end", "total == bed + drugs"} <= set(rules_of(TRAIN, CODEC.columns))


@reference("rule-violations")
def test_rows_that_break_a_rule_are_those_that_pandas_counts():
    fake = mixed(stays(300, 2))
    late = fake.start > fake.end
    summed = ~np.isclose(fake.total, fake.bed + fake.drugs, rtol=1e-9, atol=0)
    over = (fake.bed > fake.total) | (fake.drugs > fake.total)
    wanted = (late | summed | over).mean()
    agree("rule-violations", score_of(fake).value, wanted)
    found = {each.name: each.value for each in score_of(fake).components}
    agree("rule-violations", found["start <= end"], late.mean())
    agree("rule-violations", found["total == bed + drugs"], summed.mean())


@reference("rule-violations")
@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.5])
def test_as_many_are_found_as_were_turned_round(wrong):
    score = score_of(stays(300, 3, wrong=wrong))
    agree("rule-violations", [score.value, score.reference], [wrong, 0.0])
    assert score.departure == ("too high" if wrong else "like reals")
    assert score.baseline is not None
    assert score.baseline > 0.9


def test_a_missing_cell_breaks_no_rule_and_order_does_not_matter():
    fake = mixed(stays(200, 4))
    rules = rules_of(TRAIN, CODEC.columns)
    whole = violations(framed(fake), rules, CODEC.columns)
    assert (violations(framed(fake[::-1]), rules, CODEC.columns) == whole[::-1]).all()
    fake["total"] = np.nan
    fake["end"] = pd.NaT
    assert not violations(framed(fake), rules, CODEC.columns).any()


def test_a_table_without_rules_has_no_such_score():
    rng = np.random.default_rng(0)
    frame = Frame(("a", "b"), (rng.normal(size=300).round(2), rng.normal(size=300).round(2)))
    codec = TableCodec.fit_frame(frame)
    assert rule_scores(frame, ComparedRows(frame, frame, frame, frame), codec.columns) == []
