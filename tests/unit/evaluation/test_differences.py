"""Differences of scores: which are more than noise, and how they are told."""

from __future__ import annotations

import numpy as np
import pytest

from gannet.core.scores import Report, Score
from gannet.evaluation.differences import Group, compared, difference
from gannet.evaluation.report.comparison import to_markdown


def score(value: float, *, halves=(), reach: float = 0.05, better: str = "low") -> Score:
    numbers = {"reference": 0.0, "reference_low": 0.0, "reference_high": 0.1, "samples": 100}
    return Score(
        name="energy",
        value=value,
        low=value - reach,
        high=value + reach,
        better=better,
        half_sample_values=halves,
        **numbers,
    )


def group(name: str, *scores: Score) -> Group:
    reports = tuple(
        Report(
            artifact=name,
            data="d",
            scores=(each,),
            suspects=(),
            seed=0,
            gannet="0",
            protocol=("How.",),
        )
        for each in scores
    )
    return Group(name=name, seeds=tuple(range(len(scores))), reports=reports)


def test_halves_on_the_same_reals_are_subtracted_one_by_one():
    common = np.random.default_rng(0).normal(0, 1, 12)  # what the choice of reals does to both
    one = score(1.0, halves=tuple(1.0 + common), reach=2.2)
    other = score(1.2, halves=tuple(1.2 + common + 0.001 * np.arange(12)), reach=2.2)
    found = difference(group("a", one), group("b", other), "energy")
    assert (
        found.conclusion == "worse"
    )  # although either interval is ten times as wide as the difference
    assert found.low < 0.2 < found.high < 0.25
    assert found.how == "paired halves"


def test_without_halves_both_intervals_count():
    found = difference(group("a", score(1.0)), group("b", score(1.2, reach=0.12)), "energy")
    assert found.low == pytest.approx(0.2 - 0.13)
    assert found.conclusion == "worse"
    found = difference(group("a", score(1.0, reach=0.2)), group("b", score(1.2)), "energy")
    assert found.conclusion == "noise"


def test_which_end_is_good_decides_what_is_better():
    ends = {
        better: difference(
            group("a", score(1.0, better=better)), group("b", score(0.5, better=better)), "energy"
        ).conclusion
        for better in ("low", "high")
    }
    assert ends == {"low": "better", "high": "worse"}


def test_the_spread_over_runs_makes_noise_of_what_one_run_shows():
    single = difference(group("a", score(1.0)), group("b", score(1.2)), "energy")
    several = difference(
        group("a", score(0.8), score(1.2)), group("b", score(1.0), score(1.4)), "energy"
    )
    assert single.conclusion == "worse"
    assert several.value == pytest.approx(0.2)
    assert several.conclusion == "noise"
    assert several.how.endswith("and runs")


def test_the_interval_over_runs_is_students():
    low, high = group("a", score(1.0), score(2.0), score(3.0)).over_runs("energy")
    assert (low + high) / 2 == pytest.approx(2.0)
    assert (high - low) / 2 == pytest.approx(4.303 / 3**0.5, rel=1e-3)
    assert group("a", score(1.0)).over_runs("energy") is None


def test_words_say_what_is_noise():
    found = compared([group("a", score(1.0)), group("b", score(1.01))], "d")
    text = to_markdown(found)
    assert "b cannot be told from a: all 1 differences are noise." in text
    assert "another seed may reverse" in text
    assert "| energy | b | 0.010 |" in text


def test_who_loses_to_a_baseline_is_told_so_wherever_it_stands():
    plain = group("plain", score(1.0)).model_copy(update={"baseline": True})
    worse, equal = group("worse", score(1.2)), group("equal", score(1.01))
    for order in ([plain, worse, equal], [worse, equal, plain]):
        text = to_markdown(compared(order, "d"))
        assert "**worse loses to the baseline plain** in energy." in text
        assert text.count("loses to the baseline") == 1
    assert "baseline" not in to_markdown(compared([group("a", score(1.0)), worse], "d"))
