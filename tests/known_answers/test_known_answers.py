"""The known-answer table in its small form; ``make bench NAME=known_answers`` tries every case."""

from __future__ import annotations

from collections import Counter

import pytest

pytest.importorskip("sklearn")

from benchmarks._known.cases import CASES, answer
from benchmarks._known.record import FINDINGS, case

SMALL = [known for known in CASES if known.small]

pytestmark = pytest.mark.timeout(600)  # a minute of processor time, on busy machines more


@pytest.mark.parametrize("known", SMALL, ids=lambda known: known.title)
def test_what_was_planted_is_said_and_nothing_else(known):
    assert not answer(known).faults


def test_the_table_is_as_large_as_was_asked():
    assert len(CASES) >= 60
    assert len({known.title for known in CASES}) == len(CASES)
    kinds = {"images", "rows", "table", "numbers", "inspect", "evaluate"}
    assert {known.kind for known in CASES} == kinds


def test_every_kind_and_every_fault_has_its_opposite():
    good = Counter(known.kind for known in CASES if known.good and known.fault == "good")
    assert all(good[kind] for kind in {known.kind for known in CASES})
    assert sum(good.values()) >= 20


def test_a_case_that_finds_too_little_or_too_much_is_wrong():
    blurred = case("images", "blurred", "x", lambda: {"blurred"}, "blurred", "loses")
    assert not blurred.faults({"blurred"})
    assert not blurred.faults({"blurred", "loses"})
    assert blurred.faults({"loses"}) == ["does not say 'blurred'"]
    assert blurred.faults({"blurred", "memorised"}) == ["says 'memorised' without cause"]
    good = case("images", "good", "good", lambda: set())
    assert good.good
    assert good.faults({"noisy"})


def test_a_case_that_fails_is_wrong_and_the_table_goes_on():
    def broken():
        raise ValueError("broken")

    assert answer(case("rows", "broken", "x", broken)).faults == ["fails: ValueError: broken"]


def test_expectations_use_words_that_can_be_found():
    scored = {"images", "rows", "table", "numbers"}
    for known in CASES:
        if known.kind in scored:
            assert known.finds | known.may <= FINDINGS, known.title
