"""One diagnosis of a run, from all evidence: what a report, a card and a terminal say alike.

Bad news outranks good: the overall grade is the worst of its parts. Nothing is called good that no
test with power has looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gannet.core.scores.causes import Cause, causes_of
from gannet.core.scores.evidence import Evidence
from gannet.core.scores.results import FAIR_AUC, Score

Grade = Literal["good", "fair", "poor", "collapsed", "not judged"]

ORDER: tuple[Grade, ...] = ("good", "fair", "poor", "collapsed")
"""Grades from best to worst."""

POOR_AUC = 0.8
"""AUC of the strongest classifier from which on samples are poor; fair they are from less on."""

POWERFUL = 0.1
"""A test that would only have found more than this excess of accuracy calls nothing good."""

FAIR_EFFECT, POOR_EFFECT = 0.3, 0.8
"""Sizes of a departure (Cohen's h) from which on a fraction is fair, and poor."""

FAIR_RATIO, POOR_RATIO = math.log(1.15), math.log(2)
"""The same of the logarithm of a ratio."""

COLLAPSED = 0.9
"""Duplicate rate from which on a generator has collapsed."""


class Part(BaseModel):
    """One side of a diagnosis.

    Attributes:
        name: ``realism``, ``variety``, ``originality``, ``answers`` or ``training``.
        grade: Of this part alone.
        finding: Why, as a clause.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    grade: Grade
    finding: str


class RunDiagnosis(BaseModel):
    """What all evidence together says of a run.

    Attributes:
        grade: Overall: the worst of the parts.
        sentence: Why, in one plain sentence.
        parts: The sides that were looked at.
        causes: Likely causes, the likeliest first, each with what to do; empty for a good run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    grade: Grade
    sentence: str
    parts: tuple[Part, ...] = ()
    causes: tuple[Cause, ...] = ()

    @property
    def advice(self) -> str:
        """The likeliest cause and what to do about it; empty if there is nothing to do."""
        if not self.causes:
            return ""
        first = self.causes[0]
        return f"{first.why[:1].upper()}{first.why[1:]}. {first.advice}"


def diagnose_run(evidence: Evidence) -> RunDiagnosis:
    """The diagnosis of a run. Pure: depends on the evidence alone.

    Args:
        evidence: All that is known, during training, at its end, or from a report.
    """
    judged = _conditional_outputs(evidence) if evidence.perfect else _realism(evidence)
    parts = [judged, *filter(None, (look(evidence) for look in (_variety, _originality)))]
    if training := _training(evidence, parts):
        parts.append(training)
    grade = _overall(parts)
    causes = causes_of(evidence, {part.name: part.grade for part in parts})
    return RunDiagnosis(
        grade=grade, sentence=_sentence(grade, parts), parts=tuple(parts), causes=causes
    )


def worst(grades: Sequence[Grade]) -> Grade:
    """The worst of some grades; those that are not judged do not count, unless there are no others.

    >>> worst(["good", "poor", "not judged"]), worst(["not judged"])
    ('poor', 'not judged')
    """
    graded: list[Grade] = [grade for grade in ORDER if grade in grades]
    return graded[-1] if graded else "not judged"


def effect(score: Score) -> Grade:
    """How bad a departure is; good for a score like reals, and for those without a scale.

    Fractions by Cohen's h, ratios by their logarithm; both ends alike.

    Source: Cohen 1988, Statistical Power Analysis, sec. 6.2.
    """
    if score.departure == "like reals":
        return "good"
    if score.role in ("ratio", "spread"):
        size = abs(math.log(max(score.value, 1e-9) / max(score.reference, 1e-9)))
        limits = FAIR_RATIO, POOR_RATIO
    else:
        size = abs(_angle(score.value) - _angle(score.reference))
        limits = FAIR_EFFECT, POOR_EFFECT
    return ORDER[sum(size >= limit for limit in limits)]


def _angle(fraction: float) -> float:
    return 2 * math.asin(math.sqrt(min(max(fraction, 0.0), 1.0)))


def _overall(parts: Sequence[Part]) -> Grade:
    """The worst part; without a test of realism nothing is good."""
    grade = worst([part.grade for part in parts])
    return "not judged" if grade == "good" and parts[0].grade == "not judged" else grade


def _sentence(grade: Grade, parts: Sequence[Part]) -> str:
    """The findings that led to a grade."""
    if grade == "not judged":
        findings = [part.finding for part in parts if part.grade == "not judged"][:1]
    elif grade == "good":
        findings = [part.finding for part in parts if part.name != "training"]
    else:
        bad = sorted(
            (part for part in parts if part.grade in ORDER[1:]),
            key=lambda part: -ORDER.index(part.grade),
        )
        findings = [part.finding for part in bad]
    return f"{grade.capitalize()}: {_listed(findings)}."


def _listed(clauses: Sequence[str]) -> str:
    if len(clauses) < 2:
        return "".join(clauses)
    return f"{', '.join(clauses[:-1])}, and {clauses[-1]}"


def _joined(name: str, found: Sequence[tuple[Grade, str]], otherwise: str) -> Part:
    """A part from its findings: the worst ones speak."""
    grade = worst([each for each, _ in found])
    clauses = [clause for each, clause in found if each == grade]
    spoken = clauses[:2] if grade in ORDER[1:] else clauses[:1]
    return Part(name=name, grade=grade, finding=_listed(spoken) or otherwise)


def _realism(evidence: Evidence) -> Part:
    """Whether samples can be told from reals: the two-sample test, then how they depart."""
    found: list[tuple[Grade, str]] = [_of_test(evidence)]
    found += _departures(evidence)
    if lost := _loses(evidence):
        found.append(("poor", lost))
    return _joined("realism", found, "no two-sample test was made")


def _departures(evidence: Evidence) -> Iterator[tuple[Grade, str]]:
    for score in evidence.of_role("shortfall", "ratio", "excess", "rules"):
        grade = effect(score)
        if grade != "good":
            yield grade, _departs(score)


def _departs(score: Score) -> str:
    kind = score.name.partition("[")[0]
    end = score.end
    return f"{'samples are ' * _adjective(end)}{end} ({kind} {_beside(score)})"


def _adjective(end: str) -> bool:
    return end.startswith(("too ", "farther", "nearer", "told")) and end not in (
        "too low",
        "too high",
    )


def _beside(score: Score) -> str:
    return f"{score.value:.2g} where reals get {score.reference:.2g}"


def _of_test(evidence: Evidence) -> tuple[Grade, str]:
    """What the two-sample test allows to claim."""
    test = evidence.two_sample
    if test is None:
        return _of_detection(evidence)
    best, points = test.strongest, round(100 * test.detectable)
    found = f"AUC {best.auc:.2f} on {test.tested:,} samples"
    match test.outcome:
        case "difference":
            return _graded_auc(best.auc, found)
        case "no difference" if test.detectable <= POWERFUL:
            return "good", (
                f"no difference to reals was found, and one of {max(points, 1)} points would have "
                "been"
            )
        case "no power":
            return "not judged", "the two-sample test has no power here: it misses known faults too"
        case _:
            return "not judged", (
                f"{test.tested} test samples are too few: only a difference of {points} points "
                "would have been found"
            )


def _graded_auc(auc: float, found: str) -> tuple[Grade, str]:
    if auc < FAIR_AUC:
        return "good", f"samples differ from reals so little that few would notice ({found})"
    if auc < POOR_AUC:
        return "fair", f"samples are often told from reals ({found})"
    how = "nearly always" if auc >= 0.95 else "mostly"
    return "poor", f"samples are {how} told from reals ({found})"


def _of_detection(evidence: Evidence) -> tuple[Grade, str]:
    """The same from the scores alone, where only these are known."""
    tests = evidence.of_role("detection")
    if not tests:
        return "not judged", "no two-sample test was made"
    best = max(tests, key=lambda score: score.value)
    found = f"accuracy {best.value:.0%} on {best.samples:,} samples"
    half_width = (best.high - best.low) / 2
    if best.low > 0.5:
        return _graded_auc(best.value, found)
    if half_width > POWERFUL:
        return "not judged", f"{best.samples} test samples are too few to tell"
    return "good", f"a two-sample test found no difference to reals ({found})"


def _loses(evidence: Evidence) -> str:
    """Whether a trivial method is harder to tell from reals.

    Distances alone prove nothing: in features that do not suit the data, a Gaussian can lie nearer.
    Where a two-sample test compared both, it decides.
    """
    baseline = "a plain Gaussian" if evidence.baseline == "Gaussian" else evidence.baseline
    tests = [score for score in evidence.of_role("detection") if score.baseline is not None]
    if tests:
        strongest = max(tests, key=lambda score: score.value)
        lost = strongest.beaten == "yes"
    else:
        rated = [score for score in evidence.scores if score.baseline is not None]
        lost = bool(rated) and 2 * sum(score.beaten == "yes" for score in rated) > len(rated)
    return f"{baseline or 'a trivial method'} does better" if lost else ""


def _variety(evidence: Evidence) -> Part | None:
    """Whether all modes are there, and as wide as they should be."""
    found: list[tuple[Grade, str]] = []
    for score in evidence.of_role("duplicate rate"):
        grade = effect(score) if score.departure == "too high" else "good"
        if score.value > COLLAPSED and grade != "good":
            found.append(("collapsed", f"{score.value:.0%} of the samples repeat others"))
        else:
            found.append((grade, f"{score.value:.0%} of the samples repeat others"))
    for score in evidence.of_role("reach", "spread"):
        grade = effect(score)
        what = _beside(score) if score.role == "spread" else f"{score.value:.0%}"
        found.append((grade, f"{score.end} ({what})"))
    if evidence.training_log is not None and evidence.training_log.diagnosis == "mode_collapse":
        found.append(("poor", "samples were too alike when training ended"))
    if not found:
        return None
    if worst([grade for grade, _ in found]) == "good":
        return Part(name="variety", grade="good", finding="as varied as reals")
    return _joined("variety", found, "")


MEMORIZED = 0.03
"""A memorization rate above this counts, where that of other reals is 1 %."""


def _originality(evidence: Evidence) -> Part | None:
    """Whether samples are new, or learnt by heart."""
    found: list[tuple[Grade, str]] = []
    for score in evidence.of_role("memorization"):
        memorized = score.low > max(MEMORIZED, score.reference_high)
        grade: Grade = "fair" if score.value < 0.1 else "poor"
        clause_text = f"{score.value:.0%} of the samples are nearly copies of training samples"
        if not memorized:
            grade, clause_text = "good", f"no more copies than chance explains ({score.value:.1%})"
        found.append((grade, clause_text))
    for score in evidence.of_role("privacy"):
        above = score.low > max(score.reference_high, score.chance_level or 0.0)
        kind = score.name.partition("[")[0]
        excess = score.value - max(score.reference, score.chance_level or 0.0)
        clause_text = f"training samples are given away ({kind} {_beside(score)})"
        grade = "poor" if excess > 0.1 else "fair"
        found.append((grade, clause_text) if above else ("good", ""))
    found += _of_suspects(evidence)
    if not found:
        return None
    clean = "no sign of memorised training samples, which is no proof of privacy"
    if worst([grade for grade, _ in found]) == "good":
        clause_text = next((clause for grade, clause in found if clause and grade == "good"), clean)
        return Part(name="originality", grade="good", finding=clause_text)
    return _joined("originality", found, clean)


def _of_suspects(evidence: Evidence) -> list[tuple[Grade, str]]:
    """Worst cases that are suspect, where no score counts them.

    Of so many samples 1 % are suspect by chance, give or take three standard deviations.
    """
    count = max((score.samples for score in evidence.scores), default=0)
    if evidence.of_role("memorization") or not count:
        return []
    expected = 0.01 * count
    if evidence.suspects <= expected + 3 * math.sqrt(expected) + 1:
        return []
    return [
        (
            "fair",
            f"at least {evidence.suspects} of {count:,} samples lie suspiciously near training "
            "samples",
        )
    ]


def _conditional_outputs(evidence: Evidence) -> Part:
    """Answers that have one right value: beside the best simple method."""
    rated = [score for score in evidence.scores if score.baseline is not None]
    lost, tied = ([score for score in rated if score.beaten == how] for how in ("yes", "tied"))
    by = evidence.baseline or "a simple method"
    if not rated:
        return Part(name="answers", grade="not judged", finding="nothing to compare answers with")
    if lost:
        names = ", ".join(score.name.partition("[")[0] for score in lost[:3])
        return Part(name="answers", grade="poor", finding=f"{by} does better in {names}")
    if tied:
        return Part(name="answers", grade="fair", finding=f"{by} does as well")
    return Part(name="answers", grade="good", finding=f"answers are better than those of {by}")


FAULTS: dict[str, str] = {
    "diverged": "training diverged",
    "mode_collapse": "the generator made few things over and over",
    "discriminator_overfitting": "the discriminator learnt the training data by heart",
    "discriminator_underfitting": "the discriminator could not judge",
    "generator_overfitting": "the generator learnt the training data by heart",
    "vanishing_gradient": "the generator got little to learn from",
}
"""What each diagnosis of the monitor means, as a clause."""


def _training(evidence: Evidence, parts: Sequence[Part]) -> Part | None:
    """How training ended; its own measure never outranks what was tested afterwards."""
    log = evidence.training_log
    if log is None or not log.diagnosis:
        return None
    if log.fitted:
        return Part(name="training", grade="not judged", finding="fitted directly, not trained")
    original = any(part.name == "originality" and part.grade == "good" for part in parts)
    if log.diagnosis == "generator_overfitting" and original:
        finding = "training began to overfit, and its samples are no copies all the same"
        return Part(name="training", grade="not judged", finding=finding)
    if log.diagnosis in FAULTS:
        grade: Grade = "collapsed" if log.diagnosis == "diverged" else "fair"
        return Part(name="training", grade=grade, finding=FAULTS[log.diagnosis])
    if worst([part.grade for part in parts]) in ORDER[1:]:
        finding = "training showed no fault of its own, and its result has one"
        return Part(name="training", grade="not judged", finding=finding)
    if not log.steps or log.diagnosis == "not judged":
        finding = "too little was trained to be judged"
        return Part(name="training", grade="not judged", finding=finding)
    return Part(name="training", grade="good", finding="training ended without a fault")
