"""Likely causes of a run that is not good, and what to do about each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gannet.core.config import NO_CONTROLS, either, with_flag
from gannet.core.io.training_log import TrainingLog
from gannet.core.scores.evidence import Evidence

CauseName = Literal[
    "features unfit",
    "nothing trained",
    "faulty data",
    "diverged",
    "rules broken",
    "too few steps",
    "too little data",
    "memorizing",
    "collapse",
    "batch",
    "weak discriminator",
    "test too small",
    "test too weak",
    "missing detail",
    "standstill",
]

FEW_STEPS = 1_000
"""Steps below which a run that is not good was too short, whatever else it shows."""

FEW_SAMPLES = 2_000
"""Training samples below which more data help most against memorizing."""

MANY_PASSES = 500
"""Times that each training sample was seen, from which on few samples are learnt by heart."""

MANY_BROKEN = 0.1
"""Fraction of samples that break a rule, above which it is the likeliest cause of a bad grade."""

STILL_FALLING = 0.85
"""Energy distance of the last third of a run over that of the third before, below which samples
were still getting better."""

MIN_EVALUATIONS = 6
"""Evaluations below which nobody can say whether samples were still getting better."""

TOO_FEW = "too few steps"
"""How the monitor's advice begins where a run was short."""

TOO_SMOOTH = "too smooth"
"""What samples without fine detail are called; see ``Score.ends``."""

NOISY = 0.3
"""Gradient cosine below which batches are too small (see ``training.monitor``)."""


class Cause(BaseModel):
    """Why a run is not good.

    Attributes:
        name: Of the cause.
        why: The evidence, as a sentence without its full stop.
        advice: What to do, as a sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: CauseName
    why: str
    advice: str


def causes_of(evidence: Evidence, grades: Mapping[str, str]) -> tuple[Cause, ...]:
    """Likely causes, the likeliest first.

    Args:
        evidence: All that is known of the run.
        grades: Grade of each part of its diagnosis, by name.
    """
    found = [cause for look in LOOKS if (cause := look(evidence, grades)) is not None]
    bad = any(grade in ("fair", "poor", "collapsed") for grade in grades.values())
    log = evidence.training_log
    if bad and not found and log is not None and log.steps and not log.fitted:
        found.append(_standstill(log))
    return tuple(found)


def _standstill(log: TrainingLog) -> Cause:
    """What remains where no cause stands out: a network, or data, that give no more."""
    measured = len(log.series("energy_distance")) >= MIN_EVALUATIONS
    larger = with_flag("a larger network (", log.controls.capacity, ")")
    return Cause(
        name="standstill",
        why=f"no single cause stands out after {log.steps:,} steps"
        + ", the last of which brought no improvement" * measured,
        advice=f"Try {either(larger, 'more data')}.",
    )


def still_improving(log: TrainingLog) -> bool:
    """Whether the energy distance was still falling when training ended.

    The last third of the evaluations is compared with the third before; what lies within the
    reference (real against real) and twice its standard error is as low as it gets.
    """
    series = [value for _, value in log.series("energy_distance") if math.isfinite(value)]
    if len(series) < MIN_EVALUATIONS:
        return False
    third = len(series) // 3
    last, before = series[-third:], series[-2 * third : -third]
    now, then = sum(last) / third, sum(before) / third
    lowest = [value for _, value in log.series("reference")][-1:] or [0.0]
    errors = [value for _, value in log.series("energy_distance_se")][-1:] or [0.0]
    return now > max(lowest[0], 0.0) + 2 * errors[0] and now < STILL_FALLING * then


def passes(evidence: Evidence) -> float:
    """How often each training sample was seen; 0 if unknown."""
    log = evidence.training_log
    if log is None or not evidence.training_samples:
        return 0.0
    return log.steps * log.batch / evidence.training_samples


def _bad(grades: Mapping[str, str], *names: str) -> bool:
    return any(grades.get(name) in ("fair", "poor", "collapsed") for name in names)


def _trained(evidence: Evidence) -> TrainingLog | None:
    """The log of a run that was trained by steps."""
    log = evidence.training_log
    return None if log is None or log.fitted or not log.diagnosis else log


def _memorizes(evidence: Evidence, grades: Mapping[str, str]) -> bool:
    log = _trained(evidence)
    overfitted = log is not None and log.diagnosis.endswith("overfitting")
    if log is not None and log.diagnosis == "generator_overfitting":
        overfitted = grades.get("originality") != "good"  # tested afterwards, and found new
    return overfitted or _bad(grades, "originality")


def _unfit_features(evidence: Evidence, _: Mapping[str, str]) -> Cause | None:
    if not evidence.unfit_features:
        return None
    return Cause(
        name="features unfit",
        why=f"the features of the scores cannot be relied on: {evidence.unfit_features}",
        advice="Choose others with --features; if there are labels, see whether they are right.",
    )


def _nothing_trained(evidence: Evidence, _: Mapping[str, str]) -> Cause | None:
    log = _trained(evidence)
    if log is None or log.steps:
        return None
    return Cause(
        name="nothing trained",
        why="no training step was made",
        advice="Train longer: give more --minutes.",
    )


def _faulty_data(evidence: Evidence, grades: Mapping[str, str]) -> Cause | None:
    log = evidence.training_log
    bad = any(grade in ("fair", "poor", "collapsed") for grade in grades.values())
    if log is None or not log.data_faults or not bad:
        return None
    sentence, remedy = log.data_faults[0]
    return Cause(
        name="faulty data",
        why=sentence.rstrip("."),
        advice=f"{remedy[:1].upper()}{remedy[1:].rstrip('.')}."
        if remedy
        else "Mend the data, and train anew.",
    )


def _diverged(evidence: Evidence, _: Mapping[str, str]) -> Cause | None:
    log = _trained(evidence)
    if log is None or log.diagnosis != "diverged":
        return None
    return Cause(
        name="diverged",
        why=f"training diverged: {log.evidence}",
        advice="Train anew with a lower --learning-rate, and leave --auto-adjust on.",
    )


def _broken_rules(evidence: Evidence, _: Mapping[str, str]) -> Cause | None:
    """Rules that many samples break, or nearly all: a network meets no sum to the last digit."""
    for score in evidence.of_role("rules"):
        if score.departure == "too high" and score.value > MANY_BROKEN:
            return Cause(
                name="rules broken",
                why=f"{score.value:.0%} of the samples break a rule that all training data keep",
                advice="More training seldom mends that: ask for the rule when sampling, or leave "
                "out of the data what follows from the rest.",
            )
    return None


def _too_few_steps(evidence: Evidence, grades: Mapping[str, str]) -> Cause | None:
    log = _trained(evidence)
    if log is None or not log.steps or log.diagnosis == "diverged":
        return None
    if not _bad(grades, "realism", "variety", "answers", "training") or _memorizes(
        evidence, grades
    ):
        return None
    if still_improving(log):
        why = f"samples were still getting better when training ended after {log.steps:,} steps"
    elif log.steps < FEW_STEPS:
        why = f"{log.steps:,} steps are few"
    elif TOO_FEW in _last_advice(log):  # the monitor counts in passes over the data, too
        why = f"{log.steps:,} steps of {log.batch:,} are few for these data"
    else:
        return None
    return Cause(
        name="too few steps",
        why=why,
        advice=f"Train longer: give {_longer(log)}.",
    )


def _last_advice(log: TrainingLog) -> str:
    """What the monitor advised at its last evaluation."""
    return str(log.evaluations[-1].get("advice", "")) if log.evaluations else ""


def _longer(log: TrainingLog) -> str:
    """Three times as long, in the user's own unit; the run trains on in its folder."""
    if log.budget:
        return f"the same command at least --minutes {math.ceil(3 * log.budget / 60)}"
    return f"the same command at least --steps {max(3 * log.steps, FEW_STEPS)}"


def _memorizing(evidence: Evidence, grades: Mapping[str, str]) -> Cause | None:
    if not _memorizes(evidence, grades):
        return None
    count, epochs = evidence.training_samples, passes(evidence)
    controls = evidence.training_log.controls if evidence.training_log else NO_CONTROLS
    augment = with_flag("augment (", controls.augment, " 0.3)")
    if count and (count < FEW_SAMPLES or epochs > MANY_PASSES):
        often = f", each seen {epochs:,.0f} times" if epochs >= 2 else ""
        return Cause(
            name="too little data",
            why=f"{count:,} training samples are few{often}: they are learnt by heart",
            advice="Give more data, which helps most; else "
            f"{either(augment, 'train for fewer steps')}.",
        )
    smaller = with_flag("a smaller network (", controls.capacity, ")")
    return Cause(
        name="memorizing",
        why="training samples are learnt by heart",
        advice=f"Train {either(smaller, 'for fewer steps', augment)}.",
    )


def _collapse(evidence: Evidence, grades: Mapping[str, str]) -> Cause | None:
    log = _trained(evidence)
    alike = log is not None and log.diagnosis == "mode_collapse"
    if not alike and grades.get("variety") not in ("poor", "collapsed"):
        return None
    if log is None:
        return None
    flatter = with_flag("a higher ", log.controls.regularize)
    return Cause(
        name="collapse",
        why="the generator makes too few different things",
        advice=f"Train anew with {either(flatter, 'a larger --batch')}; see with `gannet inspect` "
        "whether the data themselves repeat.",
    )


def _small_batch(evidence: Evidence, grades: Mapping[str, str]) -> Cause | None:
    """Noisy gradients, of a run that was long enough and no longer improves."""
    log = _trained(evidence)
    if log is None or log.diagnosis != "vanishing_gradient":
        return None
    cosines = [value for _, value in log.series("grad_cosine")][-3:]
    noisy = bool(cosines) and sum(cosines) / len(cosines) < NOISY
    if not noisy or _too_few_steps(evidence, grades) is not None:
        return None
    return Cause(
        name="batch",
        why=f"gradients of different batches of {log.batch} agree too little",
        advice=f"Train with a larger batch: --batch {4 * max(log.batch, 1)}.",
    )


def _weak_discriminator(evidence: Evidence, _: Mapping[str, str]) -> Cause | None:
    log = _trained(evidence)
    if log is None or log.diagnosis != "discriminator_underfitting":
        return None
    freer = with_flag("a lower ", log.controls.regularize)
    return Cause(
        name="weak discriminator",
        why="the discriminator was held so flat that it could not judge",
        advice=f"Train anew with {freer or 'a discriminator that is held back less'}.",
    )


def _small_test(evidence: Evidence, _: Mapping[str, str]) -> Cause | None:
    test = evidence.two_sample
    if test is None or test.outcome != "too few samples":
        return None
    return Cause(
        name="test too small",
        why=f"the two-sample test had {test.tested} samples",
        advice="Give more data, so that more are held out, or evaluate on a file of your own.",
    )


def _weak_test(evidence: Evidence, _: Mapping[str, str]) -> Cause | None:
    test = evidence.two_sample
    if test is None or test.outcome != "no power":
        return None
    return Cause(
        name="test too weak",
        why="the two-sample test misses faults that are known to be there",
        advice="Give it stronger features (--features), or install the extras it asks for.",
    )


def _missing_detail(evidence: Evidence, grades: Mapping[str, str]) -> Cause | None:
    """Samples that are smoother than reals, which a distance watched in training hardly sees."""
    log = _trained(evidence)
    smooth = any(score.end == TOO_SMOOTH for score in evidence.scores)
    if log is None or not log.steps or not smooth or not _bad(grades, "realism"):
        return None
    if _memorizes(evidence, grades) or _too_few_steps(evidence, grades) is not None:
        return None
    freer = with_flag("; or train anew with a lower ", log.controls.regularize)
    return Cause(
        name="missing detail",
        why="samples lack fine detail, which comes last in training",
        advice=f"Train longer: give {_longer(log)}{freer}.",
    )


LOOKS: tuple[Callable[[Evidence, Mapping[str, str]], Cause | None], ...] = (
    _unfit_features,
    _nothing_trained,
    _faulty_data,
    _diverged,
    _broken_rules,
    _too_few_steps,
    _memorizing,
    _collapse,
    _small_batch,
    _weak_discriminator,
    _small_test,
    _weak_test,
    _missing_detail,
)
"""Causes in the order in which they outrank each other."""
