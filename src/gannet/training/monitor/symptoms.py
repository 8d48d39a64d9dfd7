"""The signs by which an ill of a duel is known, each with the words that say so."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from gannet.metrics.confidence import wilson
from gannet.training.monitor.measurements import USUAL_COPY_RATE, Measurements
from gannet.training.monitor.thresholds import Thresholds

DiagnosisName = Literal[
    "healthy",
    "converged",
    "mode_collapse",
    "discriminator_overfitting",
    "discriminator_underfitting",
    "generator_overfitting",
    "vanishing_gradient",
    "diverged",
]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a look means.

    Attributes:
        name: One of eight.
        evidence: The numbers that led to it, in a sentence.
    """

    name: DiagnosisName
    evidence: str


History = Sequence[Measurements]

AVERAGED = ("auc_held_out", "grad_cosine", "logit_scale", "memorization_rate")
"""Measures whose mean over the recent looks evidence may give."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """Something that can be wrong with a duel: how it shows, and how that is said.

    Attributes:
        diagnosis: What it means.
        test: Whether the recent looks show it, given those before them.
        evidence: The evidence. ``now`` is the last look, ``mean`` what the recent ones are on
            average, ``best`` the one at which the generator was least wrong about held-out samples,
            ``first`` the first one, ``made`` what samples are called.
        extra_evaluations: Looks that must agree beyond the usual number.
    """

    diagnosis: DiagnosisName
    test: Callable[[History, History, Thresholds], bool]
    evidence: str
    extra_evaluations: int = 0

    def diagnose(self, history: History, thresholds: Thresholds) -> Diagnosis | None:
        """The verdict, if the sign shows."""
        count = thresholds.evaluations + self.extra_evaluations
        before, recent = history[:-count], history[-count:]
        if len(recent) < count or not self.test(before, recent, thresholds):
            return None
        mean = {name: mean_of(recent, name) for name in AVERAGED}
        best = lowest_validation_loss(history) or recent[-1]
        words = self.evidence.format(
            now=recent[-1], mean=mean, best=best, first=history[0], made=thresholds.sample_noun
        )
        return Diagnosis(self.diagnosis, words)


def mean_of(evaluations: History, name: str) -> float:
    """The mean of one measure."""
    return sum(getattr(each, name) for each in evaluations) / len(evaluations)


def lowest_validation_loss(evaluations: History) -> Measurements | None:
    """The look at which the generator was least wrong about held-out samples, if that is known."""
    known = [each for each in evaluations if math.isfinite(each.loss_validation)]
    return min(known, key=lambda each: each.loss_validation, default=None)


def generator_overfitting(before: History, recent: History, thresholds: Thresholds) -> bool:
    """Whether a generator gets worse on held-out samples while it gets better on training ones.

    Answers that become sharper may miss more pixels: they must have come no nearer to reals either.
    """
    best = lowest_validation_loss(before)
    if thresholds.conditional and improved(
        recent, min(before, key=_energy_distance, default=None), thresholds
    ):
        return False
    return best is not None and all(
        each.loss_validation - best.loss_validation
        > thresholds.max_loss_increase * abs(best.loss_validation)
        and each.loss_train < best.loss_train
        for each in recent
    )


def _energy_distance(evaluation: Measurements) -> float:
    return evaluation.energy_distance if evaluation.finite else math.inf


def improved(recent: History, then: Measurements | None, thresholds: Thresholds) -> bool:
    """Whether samples have come nearer to reals since a look."""
    if then is None or not then.finite:
        return False
    least = (1 - thresholds.min_improvement) * abs(then.energy_distance)
    return min(map(_energy_distance, recent)) < then.energy_distance - least


def mode_collapse(now: Measurements, thresholds: Thresholds) -> bool:
    """Whether samples are too alike, as a whole or one by one."""
    return (
        now.diversity < thresholds.min_diversity or now.nn_diversity < thresholds.min_nn_diversity
    )


def discriminator_overfitting(now: Measurements, thresholds: Thresholds) -> bool:
    """Whether the discriminator knows training data better than chance explains."""
    gap = now.auc_train - now.auc_held_out
    return gap > max(thresholds.max_auc_gap, 4 * now.auc_error)


def memorizes(recent: History, thresholds: Thresholds) -> bool:
    """Whether more fakes are nearly copies of training samples than chance explains.

    Each look must show it, and the lower end of the interval of all their fakes together. What
    counts as near rests on the nearest 1 % of the held-out samples, which may be two or three: the
    bound is three times the upper end of *their* interval, or the limit if that is more.
    """
    count = recent[-1].samples
    if not count or any(
        each.memorization_rate <= thresholds.max_memorization_rate for each in recent
    ):
        return False
    low, _ = wilson(
        round(sum(each.memorization_rate for each in recent) * count), count * len(recent)
    )
    _, usual = wilson(math.ceil(USUAL_COPY_RATE * (count - 1)) + 1, count)
    return low > max(thresholds.max_memorization_rate, 3 * usual)


def _memorizes(_: History, recent: History, thresholds: Thresholds) -> bool:
    return memorizes(recent, thresholds)


def _overfits_and_memorizes(before: History, recent: History, thresholds: Thresholds) -> bool:
    return _in_every_evaluation(discriminator_overfitting)(
        before, recent, thresholds
    ) and memorizes(recent, thresholds)


def _logit_collapse(now: Measurements, thresholds: Thresholds) -> bool:
    return (
        now.logit_scale < thresholds.logit_collapse
        and now.linear_probe_auc > thresholds.logit_collapse_auc
    )


def _in_every_evaluation(
    shows: Callable[[Measurements, Thresholds], bool],
) -> Callable[[History, History, Thresholds], bool]:
    """A sign that each of the recent looks must show by itself."""
    return lambda _, recent, thresholds: all(shows(each, thresholds) for each in recent)


def _persistent_collapse(before: History, recent: History, thresholds: Thresholds) -> bool:
    """Samples too alike; of answers, which are all a blur at first, only if that is their end."""
    if not all(mode_collapse(each, thresholds) for each in recent):
        return False
    varied = thresholds.min_improvement * recent[-1].diversity > (*before, *recent)[0].diversity
    return not (thresholds.conditional and (varied or _improve(recent, thresholds)))


def _improve(recent: History, thresholds: Thresholds) -> bool:
    """Whether answers are less wrong at the last of some looks than at the first, or nearer."""
    first, last = recent[0], recent[-1]
    if math.isfinite(first.loss_validation):
        least = thresholds.max_loss_increase * abs(first.loss_validation)
        return last.loss_validation < first.loss_validation - least
    return improved([last], first, thresholds)


def _discriminator_saturated(_: History, recent: History, thresholds: Thresholds) -> bool:
    """Sure of itself and right: a bounded slope keeps logits small, so large ones mean none."""
    certain = mean_of(recent, "logit_scale")
    return (
        certain > thresholds.discriminator_saturated
        and mean_of(recent, "auc_held_out") > thresholds.discriminator_saturated_auc
    )


def _noisy_gradients(_: History, recent: History, thresholds: Thresholds) -> bool:
    """Far from the data the way is clear: batches that disagree there are too small."""
    far = all(
        each.energy_distance > thresholds.far_from_data * each.gaussian_baseline
        and each.linear_probe_auc > thresholds.noisy_linear_probe_auc
        for each in recent
    )
    return far and mean_of(recent, "grad_cosine") < thresholds.min_grad_cosine


def _stuck(before: History, recent: History, thresholds: Thresholds) -> bool:
    """Poor samples, and no better than before: worse than a Gaussian, and no longer improving."""
    if not before or thresholds.conditional:
        return False
    best = min((each.energy_distance for each in before if each.finite), default=math.inf)
    poor = all(
        each.energy_distance > each.gaussian_baseline
        and each.linear_probe_auc > thresholds.max_linear_probe_auc
        for each in recent
    )
    return poor and min(each.energy_distance for each in recent) > thresholds.min_improvement * best


def _nothing_learnt(before: History, recent: History, thresholds: Thresholds) -> bool:
    """Answers no nearer to reals than at the first look, and no less wrong where that is known."""
    if not before or not thresholds.conditional or improved(recent, before[0], thresholds):
        return False
    first = before[0].loss_validation
    if math.isfinite(first):
        return min(
            each.loss_validation for each in recent
        ) > first - thresholds.max_loss_increase * abs(first)
    return all(each.energy_distance > each.gaussian_baseline for each in recent)


def _stuck_at_the_middle(before: History, recent: History, thresholds: Thresholds) -> bool:
    return recent[-1].d_real < thresholds.unsure_probability and _stuck(before, recent, thresholds)


OVERFITTING = (
    "it prefers training data to {made} {now.auc_train:.0%} of the time, held-out data only "
    "{now.auc_held_out:.0%}"
)
MEMORIZING = (
    "{mean[memorization_rate]:.0%} of the {made} are nearly copies of training samples, as 1% of "
    "held-out "
    "data are"
)
POOR = (
    "the samples' distance of {now.energy_distance:.3g} is above that of one plain Gaussian "
    "({now.gaussian_baseline:.3g}) and no longer falls"
)

ALWAYS_CHECKED = (
    Symptom(
        "discriminator_overfitting",
        _overfits_and_memorizes,
        OVERFITTING + ", and " + MEMORIZING + ": it knows the training data by heart",
    ),
    Symptom(
        "discriminator_overfitting",
        _in_every_evaluation(discriminator_overfitting),
        OVERFITTING + ": it knows the training data by heart",
    ),
    Symptom(
        "generator_overfitting",
        generator_overfitting,
        "its error on held-out data has risen to {now.loss_validation:.3g}, from "
        "{best.loss_validation:.3g} at step {best.step}, while that on training data fell from "
        "{best.loss_train:.3g} to {now.loss_train:.3g}: it learns the training data by heart",
    ),
    Symptom(
        "vanishing_gradient",
        _discriminator_saturated,
        "the discriminator's logits stand {mean[logit_scale]:.1f} from the middle and it is right "
        "{mean[auc_held_out]:.0%} of the time: nothing keeps it from being certain, and the "
        "generator learns little",
    ),
    Symptom(
        "vanishing_gradient",
        _noisy_gradients,
        "batches agree only {mean[grad_cosine]:.0%} on where the generator should go, while its "
        "samples' distance of {now.energy_distance:.3g} is far above the floor "
        "({now.reference:.2g}): the "
        "batch is too small",
        extra_evaluations=1,
    ),
    Symptom(
        "discriminator_underfitting",
        _in_every_evaluation(_logit_collapse),
        "it gives everything {now.d_real:.3f} to {now.d_fake:.3f}, yet a fresh linear critic tells "
        "{now.linear_probe_auc:.0%} of pairs apart: 50:50 proves nothing here",
    ),
)
"""What is wrong even while a generator finds its feet; the first that shows is said."""

CHECKED_AFTER_WARM_UP = (
    Symptom(
        "mode_collapse",
        _persistent_collapse,
        "{made} are too alike: the distance between them is {now.diversity:.0%} of that between "
        "reals, and from one to the nearest other {now.nn_diversity:.0%}",
    ),
    # A generator never sees the data: what it copies, its discriminator knows by heart.
    Symptom("discriminator_overfitting", _memorizes, MEMORIZING + ": it has taught them by heart"),
    Symptom(
        "discriminator_underfitting",
        _stuck_at_the_middle,
        "its needle rests at {now.d_real:.2f} : {now.d_fake:.2f}, yet a fresh linear critic tells "
        "{now.linear_probe_auc:.0%} of pairs apart and " + POOR + ": 50:50 proves nothing here",
    ),
    Symptom(
        "vanishing_gradient",
        _stuck,
        "the discriminator tells {now.auc_held_out:.1%} of pairs apart, and " + POOR + ": the "
        "generator learns next to nothing",
    ),
    Symptom(
        "vanishing_gradient",
        _nothing_learnt,
        "its answers are no better than at step {first.step}: their distance to reals was "
        "{first.energy_distance:.3g} and is {now.energy_distance:.3g}, their error "
        "{first.loss_validation:.3g} "
        "and {now.loss_validation:.3g} (nan: not known)",
        extra_evaluations=2,
    ),
)
"""What every generator shows at first, and none should later; the first that shows is said."""
