"""One diagnosis over all evidence: bad news outranks good, and advice names its cause."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

import pytest

from gannet.core.io.training_log import FITTED, TrainingLog, read_training_log
from gannet.core.scores import ABOUT, Score
from gannet.core.scores.causes import FEW_STEPS, still_improving
from gannet.core.scores.diagnosis import diagnose_run, effect, worst
from gannet.core.scores.evidence import Evidence, evidence_of_card
from gannet.recipes.registry import find_recipe, recipe_modules
from gannet.training.monitor.advice import TOO_FEW_STEPS


@dataclass(frozen=True)
class Found:
    accuracy: float
    auc: float


@dataclass(frozen=True)
class Test:
    """A two-sample test, as far as the diagnosis looks at one."""

    __test__ = False
    outcome: str = "no difference"
    detectable: float = 0.04
    tested: int = 1_000
    strongest: Found = Found(0.5, 0.51)


def told(auc: float) -> Test:
    return Test("difference", strongest=Found(auc - 0.1, auc))


def score(name: str, value: float, reference: float, half: float = 0.01, **changes) -> Score:
    numbers = {
        "low": value - half,
        "high": value + half,
        "reference": reference,
        "reference_low": reference - half,
        "reference_high": reference + half,
        "samples": 2_000,
        "better": "high",
    }
    return Score(name=name, value=value, **ABOUT[name], **numbers | changes)


def log(*distances: float, **changes) -> TrainingLog:
    """A run whose energy distance took these values; the reference is 0."""
    monitor = [
        {"energy_distance": value, "energy_distance_se": 0.01, "reference": 0.0, "grad_cosine": 0.8}
        for value in distances
    ]
    evaluations = tuple(
        {"step": 100 * at, "monitor": each, "diagnosis": "healthy"}
        for at, each in enumerate(monitor, 1)
    )
    known = {"steps": 20_000, "batch": 64, "diagnosis": "healthy", "stopped": "all steps are done"}
    return TrainingLog(evaluations=evaluations, **known | changes)


FLAT = (1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
FALLING = (4.0, 3.5, 3.0, 2.4, 2.0, 1.6, 1.2, 0.9, 0.7)
GOOD = Evidence(
    training_log=log(*FLAT),
    training_samples=20_000,
    two_sample=Test(),
    scores=(
        score("coverage", 0.95, 0.95),
        score("precision", 0.8, 0.8),
        score("density", 0.97, 0.97),
        score("duplicate rate", 0.01, 0.01, better="low"),
        score("memorization", 0.01, 0.01, better="low"),
    ),
)


def names(evidence: Evidence) -> list[str]:
    return [cause.name for cause in diagnose_run(evidence).causes]


def test_a_run_without_a_fault_is_good_and_gets_no_advice():
    found = diagnose_run(GOOD)
    assert found.grade == "good"
    assert [part.grade for part in found.parts] == ["good"] * 4
    assert found.advice == ""
    assert "one of 4 points would have been" in found.sentence


@pytest.mark.parametrize(
    ("change", "grade", "words"),
    [
        ({"two_sample": told(0.995)}, "poor", "nearly always told from reals"),
        ({"two_sample": told(0.82)}, "poor", "mostly told"),
        ({"two_sample": told(0.7)}, "fair", "often told"),
        ({"two_sample": told(0.53)}, "good", "so little"),
        ({"two_sample": Test("too few samples", 0.26, 22)}, "not judged", "22 test samples"),
        ({"two_sample": Test("no power")}, "not judged", "no power"),
        ({"two_sample": Test(detectable=0.14)}, "not judged", "14 points"),
        ({"two_sample": None}, "not judged", "no two-sample test"),
    ],
)
def test_the_two_sample_test_sets_the_grade(change, grade, words):
    found = diagnose_run(replace(GOOD, **change))
    assert found.grade == grade
    assert words in found.sentence


@pytest.mark.parametrize(
    ("fault", "grade", "words"),
    [
        (score("coverage", 0.4, 0.95), "poor", "variety missing (40%)"),
        (score("recall", 0.06, 0.7), "poor", "variety missing (6%)"),
        (score("precision", 0.967, 0.8), "fair", "too typical"),
        (score("density", 2.38, 0.97), "poor", "too crowded"),
        (score("duplicate rate", 0.65, 0.01, better="low"), "poor", "65% of the samples repeat"),
        (score("duplicate rate", 0.95, 0.01, better="low"), "collapsed", "95%"),
        (score("memorization", 0.6, 0.01, better="low"), "poor", "nearly copies"),
    ],
)
@pytest.mark.parametrize("test", [Test(), Test("too few samples", 0.3, 16)])
def test_bad_news_outranks_good_news_and_silence(fault, grade, words, test):
    """``Healthy`` beside ``repeated: 65 %``: the training that showed no fault is not praised."""
    scores = (*(each for each in GOOD.scores if each.name != fault.name), fault)
    found = diagnose_run(replace(GOOD, two_sample=test, scores=scores))
    assert found.grade == grade
    assert words in found.sentence
    training = next(part for part in found.parts if part.name == "training")
    assert training.grade != "good"
    assert "healthy" not in found.sentence


def test_a_departure_on_the_good_side_is_one_too():
    assert effect(score("density", 2.38, 0.97)) == "poor"
    assert effect(score("density", 0.41, 0.97)) == "poor"
    assert effect(score("density", 1.0, 0.97)) == "good"


@pytest.mark.parametrize("name", ["healthy", "converged"])
def test_done_after_131_steps_is_not_done_if_a_test_tells(name):
    short = log(diagnosis=name, steps=131)
    found = diagnose_run(replace(GOOD, training_log=short, two_sample=told(0.9)))
    assert found.grade == "poor"
    assert [cause.name for cause in found.causes] == ["too few steps"]
    assert "131 steps are few" in found.advice
    # The same where nothing with power has looked: nobody may call it done.
    blind = replace(GOOD, training_log=short, two_sample=Test("too few samples", 0.3, 16))
    assert diagnose_run(blind).grade == "not judged"


def test_a_small_batch_is_blamed_only_where_steps_were_enough():
    def starved(steps: int, distances: tuple[float, ...], cosine: float) -> Evidence:
        made = log(*distances, steps=steps, batch=32, diagnosis="vanishing_gradient")
        noisy = tuple(
            each | {"monitor": each["monitor"] | {"grad_cosine": cosine}}
            for each in made.evaluations
        )
        return replace(
            GOOD,
            training_log=made.model_copy(update={"evaluations": noisy}),
            two_sample=told(0.9),
        )

    assert names(starved(20_000, FLAT, 0.1)) == ["batch"]
    assert "--batch 128" in diagnose_run(starved(20_000, FLAT, 0.1)).advice
    assert names(starved(131, FLAT, 0.1)) == ["too few steps"]
    assert names(starved(20_000, FALLING, 0.1)) == ["too few steps"]
    assert names(starved(20_000, FLAT, 0.9)) == ["standstill"]


def test_a_distance_in_unfit_features_does_not_outrank_a_test():
    """A table that beats every baseline under the test, with a Gaussian nearer in features."""
    detection = score("c2st accuracy", 0.55, 0.5, better="low", baseline=0.95)
    energy = score("energy", 2.0, 0.1, better="low", baseline=1.0)
    several = (detection, *(energy.model_copy(update={"name": f"energy[{at}]"}) for at in range(5)))
    found = diagnose_run(replace(GOOD, scores=several, two_sample=told(0.6), baseline="Gaussian"))
    assert found.grade == "fair"
    assert "Gaussian" not in found.sentence
    # It does where the test itself prefers the Gaussian, or where none was made.
    lost = detection.model_copy(update={"value": 0.9, "low": 0.89, "high": 0.91, "baseline": 0.6})
    for scores in ((lost, energy), (energy,)):
        found = diagnose_run(replace(GOOD, scores=scores, two_sample=None, baseline="Gaussian"))
        assert found.grade == "poor"
        assert "a plain Gaussian does better" in found.sentence


def test_not_judged_by_the_monitor_is_no_evidence_either_way():
    unjudged = log(*FLAT, diagnosis="not judged", evidence="a plain Gaussian is nearer")
    assert diagnose_run(replace(GOOD, training_log=unjudged)).grade == "good"
    told_apart = replace(GOOD, training_log=unjudged, two_sample=told(0.9))
    assert diagnose_run(told_apart).grade == "poor"


@pytest.mark.parametrize(("suspects", "grade"), [(16, "fair"), (2, "good")])
def test_suspects_beyond_chance_are_no_good_news(suspects, grade):
    """Sixteen of sixteen worst cases suspect, of 250: not ``no sign of memorized rows``."""
    private = Score(
        name="dcr share",
        value=0.5,
        low=0.45,
        high=0.55,
        reference=0.5,
        reference_low=0.45,
        reference_high=0.55,
        samples=250,
        better="low",
        role="privacy",
    )
    found = diagnose_run(replace(GOOD, scores=(private,), suspects=suspects))
    originality = next(part for part in found.parts if part.name == "originality")
    assert originality.grade == grade
    assert ("no sign" in originality.finding) is (grade == "good")


def test_sixteen_suspects_of_two_thousand_are_chance():
    scores = (score("coverage", 0.95, 0.95),)
    found = diagnose_run(replace(GOOD, scores=scores, suspects=16))
    assert "originality" not in [part.name for part in found.parts]


def test_samples_that_were_tested_for_copies_outrank_a_log_that_feared_them():
    feared = log(*FLAT, diagnosis="generator_overfitting")
    assert diagnose_run(replace(GOOD, training_log=feared)).grade == "good"
    assert names(replace(GOOD, training_log=feared)) == []
    untested = tuple(each for each in GOOD.scores if each.role != "memorization")
    assert diagnose_run(replace(GOOD, training_log=feared, scores=untested)).grade == "fair"


def test_nothing_trained_is_not_judged_good():
    found = diagnose_run(Evidence(training_log=log(steps=0, diagnosis="not judged")))
    assert found.grade == "not judged"
    assert [cause.name for cause in found.causes] == ["nothing trained"]


@pytest.mark.parametrize(
    ("count", "steps", "name"),
    [
        (536, 46_000, "too little data"),
        (1_900, 100, "too little data"),
        (90_000, 9_000, "memorizing"),
    ],
)
def test_learning_by_heart_asks_for_data_where_these_are_few(count, steps, name):
    heart = score("memorization", 0.6, 0.01, better="low")
    found = diagnose_run(
        replace(GOOD, training_samples=count, training_log=log(*FLAT, steps=steps), scores=(heart,))
    )
    assert [cause.name for cause in found.causes] == [name], "longer training would make it worse"


def test_few_samples_alone_are_no_cause():
    assert names(replace(GOOD, training_samples=300)) == []
    assert names(replace(GOOD, training_samples=300, two_sample=told(0.9))) == ["standstill"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"training_log": log(diagnosis="diverged")}, "diverged"),
        ({"training_log": log(*FLAT, diagnosis="mode_collapse")}, "collapse"),
        (
            {"training_log": log(*FLAT, diagnosis="discriminator_underfitting")},
            "weak discriminator",
        ),
        ({"unfit_features": "they tell no class"}, "features unfit"),
        ({"two_sample": Test("too few samples", 0.3, 16)}, "test too small"),
        ({"two_sample": Test("no power")}, "test too weak"),
        ({"training_log": log(*FALLING), "two_sample": told(0.9)}, "too few steps"),
        ({"training_log": log(*FLAT), "two_sample": told(0.9)}, "standstill"),
    ],
)
def test_each_cause_is_named_exactly_where_it_holds(change, name):
    assert names(replace(GOOD, **change)) == [name]
    assert name not in names(GOOD)


def smooth(value: float = 0.4) -> Score:
    """The fraction of pictures that are smoother than reals."""
    return score("outlier rate", value, 0.05, better="low").model_copy(
        update={"ends": ("too sharp", "too smooth")}
    )


def test_samples_without_detail_need_training_and_no_larger_network():
    found = diagnose_run(replace(GOOD, two_sample=told(0.9), scores=(smooth(),)))
    assert [each.name for each in found.causes] == ["missing detail"]
    assert "larger network" not in found.advice
    assert f"--steps {3 * GOOD.training_log.steps}" in found.advice
    assert names(replace(GOOD, scores=(smooth(0.05),))) == []
    falling = replace(GOOD, training_log=log(*FALLING), two_sample=told(0.9), scores=(smooth(),))
    assert names(falling) == ["too few steps"], "once is enough"
    heart = score("memorization", 0.6, 0.01, better="low")
    assert "missing detail" not in names(replace(falling, scores=(smooth(), heart)))


def test_too_few_steps_are_so_wherever_they_are_said():
    """The monitor counts passes over the data; the advice at the end must not contradict it."""
    said = log(*FLAT)
    last = said.evaluations[-1] | {"advice": TOO_FEW_STEPS}
    said = said.model_copy(update={"evaluations": (*said.evaluations[:-1], last)})
    assert names(replace(GOOD, training_log=said, two_sample=told(0.9))) == ["too few steps"]


def test_a_standstill_does_not_deny_what_departs():
    crowded = score("density", 2.38, 0.97)
    found = diagnose_run(replace(GOOD, two_sample=told(0.9), scores=(crowded,)))
    assert [each.name for each in found.causes] == ["standstill"]
    assert "too crowded" in found.sentence
    assert found.advice.startswith("No single cause stands out"), "of a fault that is known"


def test_rules_that_nearly_all_samples_break_are_not_blamed_on_a_short_run():
    about = ABOUT["outlier rate"] | {"role": "rules", "ends": ("", "rules broken")}
    broken = score("outlier rate", 0.98, 0.0, better="low").model_copy(update=about)
    short = replace(GOOD, training_log=log(*FALLING), scores=(broken,))
    found = diagnose_run(short)
    assert found.grade == "poor"
    assert [each.name for each in found.causes] == ["rules broken", "too few steps"]
    assert found.advice.startswith("98% of the samples break a rule that all training data keep.")
    seldom = score("outlier rate", 0.05, 0.0, better="low").model_copy(update=about)
    assert names(replace(short, scores=(seldom,))) == ["too few steps"]


@pytest.mark.parametrize("recipe", sorted(recipe_modules()))
def test_causes_name_only_flags_that_the_recipe_has(recipe):
    own = find_recipe(recipe)
    heart = (score("memorization", 0.6, 0.01, better="low"),)
    known = {"controls": own.training.controls}
    changes = [
        {"training_log": log(*FLAT, **known), "two_sample": told(0.9)},
        {"training_log": log(*FLAT, **known), "scores": heart, "training_samples": 500},
        {"training_log": log(*FLAT, **known), "scores": heart, "training_samples": 90_000},
        *(
            {"training_log": log(*FLAT, diagnosis=name, **known)}
            for name in ("mode_collapse", "discriminator_underfitting", "diverged")
        ),
    ]
    for change in changes:
        advice = diagnose_run(replace(GOOD, **change)).advice
        flags = {each[2:].replace("-", "_") for each in re.findall(r"--[a-z-]+", advice)}
        assert flags <= {*own.config.model_fields, "minutes", "auto_adjust"}, advice
        assert "()" not in advice


def test_a_setting_that_a_recipe_has_is_named():
    known = {"controls": find_recipe("generate").training.controls}
    collapsed = replace(GOOD, training_log=log(*FLAT, diagnosis="mode_collapse", **known))
    assert "a higher --gradient-penalty or a larger --batch" in diagnose_run(collapsed).advice
    bare = replace(GOOD, training_log=log(*FLAT, diagnosis="mode_collapse"))
    assert diagnose_run(bare).advice.startswith("The generator makes too few")
    assert "Train anew with a larger --batch" in diagnose_run(bare).advice


def test_faulty_data_are_blamed_for_a_bad_result_and_for_no_other():
    faults = (("half of the pictures are empty", "remove them"),)
    blamed = replace(GOOD, training_log=log(*FLAT, data_faults=faults), two_sample=told(0.9))
    assert diagnose_run(blamed).causes[0].name == "faulty data"
    assert diagnose_run(blamed).advice == "Half of the pictures are empty. Remove them."
    assert names(replace(GOOD, training_log=log(*FLAT, data_faults=faults))) == []


def test_severe_findings_of_a_plan_are_in_its_log(tmp_path):
    findings = [
        {"severity": "severe", "sentence": "half is empty", "remedy": "remove it"},
        {"severity": "warning", "sentence": "the range is narrow"},
    ]
    (tmp_path / "plan.json").write_text(json.dumps({"findings": findings}))
    found = read_training_log(tmp_path, recipe="generate", diagnosis={})
    assert found.data_faults == (("half is empty", "remove it"),)


def test_advice_is_given_in_the_unit_of_the_user():
    timed = log(*FALLING, budget=120.0)
    advice = diagnose_run(replace(GOOD, training_log=timed, two_sample=told(0.9))).advice
    assert "--minutes 6" in advice
    stepped = log(steps=131)
    advice = diagnose_run(replace(GOOD, training_log=stepped, two_sample=told(0.9))).advice
    assert f"--steps {FEW_STEPS}" in advice


def test_improvement_is_seen_beyond_its_error_only():
    assert still_improving(log(*FALLING))
    assert not still_improving(log(*FLAT))
    assert not still_improving(log(*FALLING[:4]))
    assert not still_improving(log(1, 1, 1, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001))


def test_what_was_fitted_is_judged_by_its_samples():
    fitted = TrainingLog(diagnosis=FITTED)
    assert diagnose_run(replace(GOOD, training_log=fitted)).grade == "good"
    found = diagnose_run(replace(GOOD, training_log=fitted, two_sample=told(0.99)))
    assert found.grade == "poor"
    assert found.causes == ()


@pytest.mark.parametrize(("baseline", "grade"), [(0.9, "good"), (0.5, "fair"), (0.2, "poor")])
def test_answers_are_judged_beside_the_best_simple_method(baseline, grade):
    error = score("feature distance", 0.5, 0.0, better="low", baseline=baseline)
    found = diagnose_run(Evidence(scores=(error,), perfect=True, baseline="bicubic"))
    assert found.grade == grade


def test_the_worst_grade_counts_and_silence_does_not():
    assert worst(["good", "not judged", "fair"]) == "fair"
    assert worst([]) == "not judged"


def test_a_card_gives_the_same_story_as_its_log():
    card = {
        "recipe": "table",
        "steps": 131,
        "config": {"batch": 500},
        "data": {"train": 30_000, "held_out": 3_000},
        "diagnosis": {"name": "converged", "evidence": "e", "stopped": "s"},
    }
    found = diagnose_run(evidence_of_card(card, two_sample=told(0.91)))
    assert found.grade == "poor"
    assert "131 steps are few" in found.advice
