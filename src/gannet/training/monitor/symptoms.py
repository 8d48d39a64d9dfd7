"""Symptoms of failing GAN training: a test on the measurements and the evidence it gives."""

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
    """What the measurements mean.

    Attributes:
        name: One of eight.
        evidence: The numbers that led to it, in a sentence for users.
        advice: The likely cause, and what to do about it; empty where nothing is wrong.
    """

    name: DiagnosisName
    evidence: str
    advice: str = ""


History = Sequence[Measurements]

AVERAGED = ("auc_held_out", "grad_cosine", "logit_scale", "memorization_rate")
"""Measurements whose mean over the recent evaluations evidence may give."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One way in which training fails: its test, and the sentence that gives the evidence.

    Attributes:
        diagnosis: What it means.
        test: Whether the recent evaluations show it, given those before them.
        evidence: Template. ``now`` is the last evaluation, ``mean`` the mean of the recent ones,
            ``best`` the one with the lowest validation loss, ``first`` the first one, ``noun`` the
            name of samples.
        extra_evaluations: Evaluations that must agree beyond the usual number.
    """

    diagnosis: DiagnosisName
    test: Callable[[History, History, Thresholds], bool]
    evidence: str
    extra_evaluations: int = 0

    def diagnose(self, history: History, thresholds: Thresholds) -> Diagnosis | None:
        """The diagnosis, if the symptom shows."""
        count = thresholds.evaluations + self.extra_evaluations
        before, recent = history[:-count], history[-count:]
        if len(recent) < count or not self.test(before, recent, thresholds):
            return None
        mean = {name: mean_of(recent, name) for name in AVERAGED}
        best = lowest_validation_loss(history) or recent[-1]
        evidence = self.evidence.format(
            now=recent[-1], mean=mean, best=best, first=history[0], noun=thresholds.sample_noun
        )
        return Diagnosis(self.diagnosis, evidence)


def mean_of(evaluations: History, name: str) -> float:
    """The mean of one measurement."""
    return sum(getattr(each, name) for each in evaluations) / len(evaluations)


def lowest_validation_loss(evaluations: History) -> Measurements | None:
    """The evaluation with the lowest validation loss, if there is one."""
    measured = [each for each in evaluations if math.isfinite(each.loss_validation)]
    return min(measured, key=lambda each: each.loss_validation, default=None)


def generator_overfitting(before: History, recent: History, thresholds: Thresholds) -> bool:
    """Whether the validation loss rises while the training loss falls.

    For conditional outputs the energy distance must not improve either: sharper ones may raise
    the loss.
    """
    best = lowest_validation_loss(before)
    if thresholds.conditional and improved(recent, _nearest(before), thresholds):
        return False
    return best is not None and all(
        each.loss_validation - best.loss_validation
        > thresholds.max_loss_increase * abs(best.loss_validation)
        and each.loss_train < best.loss_train
        for each in recent
    )


def _energy_distance(evaluation: Measurements) -> float:
    return evaluation.energy_distance if evaluation.finite else math.inf


def improved(recent: History, earlier: Measurements | None, thresholds: Thresholds) -> bool:
    """Whether the energy distance to reals has improved since an evaluation."""
    if earlier is None or not earlier.finite:
        return False
    min_change = (1 - thresholds.max_ratio_to_best) * abs(earlier.energy_distance)
    return min(map(_energy_distance, recent)) < earlier.energy_distance - min_change


def mode_collapse(now: Measurements, thresholds: Thresholds) -> bool:
    """Whether samples are too alike: low pairwise or nearest-neighbor diversity."""
    return (
        now.diversity < thresholds.min_diversity or now.nn_diversity < thresholds.min_nn_diversity
    )


def discriminator_overfitting(now: Measurements, thresholds: Thresholds) -> bool:
    """Whether its AUC is higher on training than on held-out data, beyond chance."""
    gap = now.auc_train - now.auc_held_out
    return gap > max(thresholds.max_auc_gap, 4 * now.auc_error)


def memorizes(recent: History, thresholds: Thresholds) -> bool:
    """Whether more fakes are nearly copies of training samples than chance explains.

    Each evaluation must exceed the limit, and so must the lower end of the interval over all their
    fakes. The distance of a copy rests on the nearest 1 % of held-out samples, which may be two or
    three, so the bound is at least three times the upper end of *their* interval.
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
    """A test that each of the recent evaluations must pass by itself."""
    return lambda _, recent, thresholds: all(shows(each, thresholds) for each in recent)


def _persistent_collapse(before: History, recent: History, thresholds: Thresholds) -> bool:
    """Mode collapse; of conditional outputs, which start as a blur, only if it persists."""
    if not all(mode_collapse(each, thresholds) for each in recent):
        return False
    varied = thresholds.max_ratio_to_best * recent[-1].diversity > (*before, *recent)[0].diversity
    return not (thresholds.conditional and (varied or _improve(recent, thresholds)))


def _improve(recent: History, thresholds: Thresholds) -> bool:
    """Whether the validation loss, or else the energy distance, fell over these evaluations."""
    first, last = recent[0], recent[-1]
    if math.isfinite(first.loss_validation):
        min_change = thresholds.max_loss_increase * abs(first.loss_validation)
        return last.loss_validation < first.loss_validation - min_change
    return improved([last], first, thresholds)


def _discriminator_saturated(_: History, recent: History, thresholds: Thresholds) -> bool:
    """Large logits and a high AUC: no gradient penalty keeps the discriminator in bounds."""
    logit_scale = mean_of(recent, "logit_scale")
    return (
        logit_scale > thresholds.discriminator_saturated
        and mean_of(recent, "auc_held_out") > thresholds.discriminator_saturated_auc
    )


def _nearest(before: History) -> Measurements | None:
    """The evaluation nearest to the data, if there is one."""
    return min(before, key=_energy_distance, default=None)


def _noisy_gradients(before: History, recent: History, thresholds: Thresholds) -> bool:
    """Gradients of batches disagree while samples are far from the data.

    Of batches of a usual size that counts only once samples come no nearer.
    """
    if not thresholds.small_batch and improved(recent, _nearest(before), thresholds):
        return False  # steps are too few so far, and gradients good enough to go on
    far_from_data = all(
        each.energy_distance > thresholds.far_from_data * each.gaussian_baseline
        and each.linear_probe_auc > thresholds.noisy_linear_probe_auc
        for each in recent
    )
    return far_from_data and mean_of(recent, "grad_cosine") < thresholds.min_grad_cosine


def _stuck(before: History, recent: History, thresholds: Thresholds) -> bool:
    """Samples worse than the simple baseline, and no longer improving."""
    if not before or thresholds.conditional:
        return False
    best = min((each.energy_distance for each in before if each.finite), default=math.inf)
    poor = all(
        each.energy_distance > each.gaussian_baseline
        and each.linear_probe_auc > thresholds.max_linear_probe_auc
        for each in recent
    )
    return (
        poor and min(each.energy_distance for each in recent) > thresholds.max_ratio_to_best * best
    )


def _nothing_learnt(before: History, recent: History, thresholds: Thresholds) -> bool:
    """Conditional outputs no better than at the first evaluation, in distance and loss."""
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
    "it prefers training data to {noun} {now.auc_train:.0%} of the time, held-out data only "
    "{now.auc_held_out:.0%}"
)
MEMORIZING = (
    "{mean[memorization_rate]:.0%} of the {noun} are nearly copies of training samples, as 1% of "
    "held-out data are"
)
POOR = (
    "the samples' energy distance of {now.energy_distance:.3g} is above that of the simple "
    "baseline ({now.gaussian_baseline:.3g}) and no longer falls"
)

ALWAYS_CHECKED = (
    Symptom(
        "discriminator_overfitting",
        _overfits_and_memorizes,
        OVERFITTING + ", and " + MEMORIZING + ": it has memorised the training data",
    ),
    Symptom(
        "discriminator_overfitting",
        _in_every_evaluation(discriminator_overfitting),
        OVERFITTING + ": it has memorised the training data",
    ),
    Symptom(
        "generator_overfitting",
        generator_overfitting,
        "its validation loss has risen to {now.loss_validation:.3g}, from "
        "{best.loss_validation:.3g} at step {best.step}, while its training loss fell from "
        "{best.loss_train:.3g} to {now.loss_train:.3g}: it memorises the training data",
    ),
    Symptom(
        "vanishing_gradient",
        _discriminator_saturated,
        "the discriminator saturates: its logits are {mean[logit_scale]:.1f} from the middle and "
        "it is right {mean[auc_held_out]:.0%} of the time, so that the generator learns little",
    ),
    Symptom(
        "vanishing_gradient",
        _noisy_gradients,
        "the generator's gradients from different batches agree only {mean[grad_cosine]:.0%}, "
        "while its samples' energy distance of {now.energy_distance:.3g} is far above the "
        "reference ({now.reference:.2g}): its steps are mostly noise",
        extra_evaluations=1,
    ),
    Symptom(
        "discriminator_underfitting",
        _in_every_evaluation(_logit_collapse),
        "it gives reals {now.d_real:.3f} and fakes {now.d_fake:.3f}, yet a linear probe tells "
        "{now.linear_probe_auc:.0%} of pairs apart: 50:50 proves nothing here",
    ),
)
"""Symptoms that count during warm-up too; the first that shows is the diagnosis."""

CHECKED_AFTER_WARM_UP = (
    Symptom(
        "mode_collapse",
        _persistent_collapse,
        "{noun} are too alike: the distance between them is {now.diversity:.0%} of that between "
        "reals, and to the nearest neighbour {now.nn_diversity:.0%}",
    ),
    # A generator never sees the data: what it copies, its discriminator has memorized.
    Symptom("discriminator_overfitting", _memorizes, MEMORIZING + ": it has memorised them"),
    Symptom(
        "discriminator_underfitting",
        _stuck_at_the_middle,
        "it gives reals {now.d_real:.2f} and fakes {now.d_fake:.2f}, yet a linear probe tells "
        "{now.linear_probe_auc:.0%} of pairs apart and " + POOR + ": 50:50 proves nothing here",
    ),
    Symptom(
        "vanishing_gradient",
        _stuck,
        "the discriminator tells {now.auc_held_out:.1%} of pairs apart, and " + POOR + ": the "
        "generator hardly learns",
    ),
    Symptom(
        "vanishing_gradient",
        _nothing_learnt,
        "its answers are no better than at step {first.step}: their energy distance to reals was "
        "{first.energy_distance:.3g} and is {now.energy_distance:.3g}, their validation loss "
        "{first.loss_validation:.3g} and {now.loss_validation:.3g} (nan: not known)",
        extra_evaluations=2,
    ),
)
"""Symptoms that every generator shows at first; the first that shows is the diagnosis."""
