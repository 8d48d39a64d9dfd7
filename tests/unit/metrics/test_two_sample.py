"""Words and scores follow from what a two-sample test found, and from what it could have found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gannet.metrics.two_sample import (
    ClassifierResult,
    Control,
    TwoSampleResult,
    detectable_excess,
    two_sample_scores,
)


def classifier(accuracy: float, p_value: float, name: str = "a network on samples"):
    low, high = accuracy - 0.03, accuracy + 0.03
    return ClassifierResult(name, accuracy, low, high, accuracy, low, high, p_value)


def result(accuracy: float, p_value: float, tested: int = 1_000, **fields) -> TwoSampleResult:
    best = classifier(accuracy, p_value)
    other = classifier(0.5, 0.9, "boosted trees on numbers")
    usual = {"positive": (Control("noise", 0.9, detected=True),)}
    return TwoSampleResult(best, (best, other), tested, 1_000, **(usual | fields))


@pytest.mark.parametrize(
    ("found", "outcome", "said"),
    [
        (result(0.95, 1e-9), "difference", "told apart nearly always"),
        (result(0.53, 0.002), "difference", "differ a little"),
        (result(0.53, 0.006), "no difference", "one of 5 points would have been"),
        (result(0.318, 0.9, 22), "too few samples", "differences of 36 points or more"),
        (result(0.51, 0.3, positive=()), "no power", "not tried on samples that are known"),
        (
            result(0.51, 0.3, positive=(Control("blur", 0.5, detected=False),)),
            "no power",
            "cannot tell blur from reals either",
        ),
        (
            result(
                0.51,
                0.3,
                positive=(Control("a", 0.5, detected=False), Control("b", 0.8, detected=True)),
            ),
            "no difference",
            "it tells b from reals, AUC 0.80; not a",
        ),
        (
            result(0.7, 1e-9, negative=Control("training reals", 0.68, detected=True)),
            "difference",
            "Held-out and training reals differ as well (AUC 0.68)",
        ),
        (result(0.51, 0.3, missing=("table",)), "no difference", "gannet-gan[table]"),
    ],
)
def test_what_is_claimed_follows_from_the_p_value_and_the_power(found, outcome, said):
    assert found.outcome == outcome
    assert said in found.sentence()
    assert "50:50" not in found.sentence()
    assert ("No difference found" in found.sentence()) == (outcome in ("no difference", "no power"))


def test_several_classifiers_claim_no_more_than_one():
    one = result(0.53, 0.006)
    assert one.p_value == 0.012
    assert replace(one, classifiers=one.classifiers[:1]).outcome == "difference"
    assert one.detectable > replace(one, classifiers=one.classifiers[:1]).detectable


def test_more_samples_see_smaller_differences():
    powers = [detectable_excess(tested, 3) for tested in (16, 100, 1_000, 10_000)]
    assert powers == sorted(powers, reverse=True)
    assert powers[0] <= 0.5


def test_a_result_survives_its_record():
    found = result(
        0.6,
        0.001,
        negative=Control(
            "training reals", 0.5, detected=False, classifiers=(classifier(0.5, 0.5),)
        ),
    )
    assert TwoSampleResult.of(json.loads(json.dumps(found.record()))) == found


def test_scores_are_those_of_the_strongest_beside_the_negative_control():
    usual = classifier(0.52, 0.3)
    found = result(
        0.6, 0.001, negative=Control("training reals", 0.53, detected=False, classifiers=(usual,))
    )
    accuracy, area = two_sample_scores(found, classifier(0.9, 1e-9))
    assert (accuracy.name, area.name) == ("c2st accuracy", "c2st auc")
    assert (accuracy.value, accuracy.low, accuracy.high) == (0.6, 0.57, 0.63)
    assert (accuracy.reference, accuracy.baseline, accuracy.samples) == (0.52, 0.9, 1_000)
    assert [part.name for part in accuracy.components] == [each.name for each in found.classifiers]
    assert [part.reference for part in accuracy.components] == [0.52, 0.5]


@pytest.mark.parametrize(
    ("accuracy", "of_reals", "departure"),
    [
        (0.54, 0.52, "too high"),  # its interval leaves out chance, and reals are at chance
        (0.52, 0.52, "like reals"),
        (0.56, 0.56, "like reals"),  # reals are told as well
        (0.3, 0.52, "like reals"),
    ],
)
def test_a_score_departs_where_the_test_finds_a_difference(accuracy, of_reals, departure):
    usual = Control("training reals", of_reals, False, (classifier(of_reals, 0.5),))
    scores = two_sample_scores(result(accuracy, 0.001, negative=usual), classifier(0.9, 1e-9))
    assert [each.departure for each in scores] == [departure, departure]
