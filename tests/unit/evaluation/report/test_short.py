"""What a terminal shows of a report."""

from __future__ import annotations

import pytest

from gannet.evaluation.report.short import WIDTH, short_table
from gannet.evaluation.report.summary import summary
from tests.unit.evaluation.report.test_markdown import report, score


@pytest.mark.parametrize("count", [1, 5, 40])
def test_a_report_of_any_length_is_some_twelve_lines(count):
    scores = [score("c2st accuracy[samples]", 0.95, low=0.93)]
    scores += [score(f"kid[{at}]", 0.5) for at in range(count)]
    scores += [score("frechet[x]", 9.0), score("coverage[x]", 0.5), score("density[x]", 2.38)]
    lines = short_table(report(*scores)).splitlines()
    assert len(lines) <= 14
    assert all(len(line) <= WIDTH for line in lines)
    assert lines[0].startswith("Poor: ")
    assert "**" not in "".join(lines)


def test_the_test_comes_first_then_what_departs():
    like, test = score("kid[x]", 0.5), score("c2st accuracy[samples]", 0.5)
    crowded = score("density[x]", 2.38, better="high", baseline=None)
    text = short_table(report(like, crowded, test))
    table = text.partition("result")[2]
    places = [table.index(name) for name in ("c2st accuracy", "density", "kid")]
    assert places == sorted(places)
    assert "differs: too crowded" in text
    assert "like reals" in text


def test_the_test_outranks_scores_that_see_no_difference():
    """As a Fréchet distance in features of labels, which see no smoothness."""
    blind, told = score("frechet[classifier]", 0.5), score("c2st accuracy[samples]", 0.9, low=0.88)
    found = report(blind, told)
    assert found.distinguished
    assert "like reals" not in short_table(found)
    assert "sees no difference" in short_table(found)
    assert "1 of 2 scores miss the difference that the test finds" in summary(found)
    assert "like those of other reals" not in summary(found)
    by_a_hair = report(blind, score("c2st accuracy[samples]", 0.54, low=0.53))
    assert "like reals" in short_table(by_a_hair)
    assert "like those of other reals" in summary(by_a_hair)


def test_a_report_without_scores_has_a_line_too():
    assert short_table(report()).startswith("Not judged: no two-sample test was made.")


def test_a_wide_interval_is_no_praise():
    wide = {"low": 0.0, "high": 180.0, "reference_low": 0.0, "reference_high": 8.0}
    few = score("frechet[x]", 88.0, reference=3.8, **wide)
    enough = score("frechet[x]", 4.0, reference=3.8, **(wide | {"high": 9.0}))
    assert "unclear: too few samples" in short_table(report(few))
    assert "like reals" not in short_table(report(few)).partition("result")[2]
    assert "unclear" not in short_table(report(enough))
    assert "1 is unclear for want of samples" in summary(report(few))
