"""From measurements to one of eight diagnoses, with the numbers that led to it. All pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gannet.training.monitor.measurements import Measurements
from gannet.training.monitor.symptoms import (
    ALWAYS_CHECKED,
    CHECKED_AFTER_WARM_UP,
    Diagnosis,
    History,
    Symptom,
    discriminator_overfitting,
    mean_of,
    memorizes,
    mode_collapse,
)
from gannet.training.monitor.thresholds import DEFAULT_THRESHOLDS, Thresholds

SEPARATED = 0.9
"""AUC on held-out data from which on the words of a healthy run say that fakes are told apart."""


def diagnose(
    history: History, progress: float, thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> Diagnosis:
    """The diagnosis of the evaluations so far. Pure: depends on the arguments alone.

    Args:
        history: All measurements, oldest first; at least one.
        progress: Fraction of the run that is done, 0..1.
        thresholds: Limits of healthy.
    """
    now, recent = history[-1], history[-thresholds.evaluations :]
    if evidence := _diverged(recent, thresholds):
        return Diagnosis("diverged", evidence)
    if not all(each.finite for each in recent):
        return Diagnosis("healthy", f"recovering: {_numbers(now)}")
    if diagnosis := _first(ALWAYS_CHECKED, history, thresholds):
        return diagnosis
    if len(recent) < thresholds.evaluations or progress < thresholds.warm_up:
        return Diagnosis("healthy", f"warming up: {_numbers(now)}")
    if diagnosis := _first(CHECKED_AFTER_WARM_UP, history, thresholds):
        return diagnosis
    if progress >= thresholds.min_progress_converged and (
        likeness := _no_difference(history[-thresholds.min_evaluations_converged :], thresholds)
    ):
        return Diagnosis(
            "converged",
            f"{thresholds.sample_noun} cannot be told from held-out data: {likeness}; "
            f"{_numbers(now)}",
        )
    still = "" if not is_separated(now) else f"{thresholds.sample_noun} are still told from data: "
    return Diagnosis("healthy", f"{still}{_numbers(now)}")


def is_separated(now: Measurements) -> bool:
    """Whether the discriminator nearly always tells fakes from held-out data.

    Training may be healthy then, with networks that keep up with each other; its samples are not
    good yet.
    """
    return now.auc_held_out >= SEPARATED


def status(diagnosis: Diagnosis, now: Measurements) -> str:
    """A diagnosis in a word or two, as a line of progress shows it."""
    separated = diagnosis.name == "healthy" and is_separated(now)
    return "healthy, but told apart" if separated else diagnosis.name


def healthy_now(now: Measurements, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> bool:
    """Whether one evaluation alone shows no symptom, so that its state is worth a rollback.

    A diagnosis needs several evaluations in a row; the first of them must not count as healthy.
    Conditional outputs may be alike early on, so their validation loss decides instead.
    """
    has_validation_loss = thresholds.conditional and math.isfinite(now.loss_validation)
    return (
        now.finite
        and now.logit_scale <= thresholds.max_logit_scale
        and now.auc_held_out >= thresholds.min_auc
        and (has_validation_loss or not mode_collapse(now, thresholds))
        and not discriminator_overfitting(now, thresholds)
        and not memorizes([now], thresholds)
    )


def _first(
    symptoms: Iterable[Symptom], history: History, thresholds: Thresholds
) -> Diagnosis | None:
    diagnoses = (symptom.diagnose(history, thresholds) for symptom in symptoms)
    return next((diagnosis for diagnosis in diagnoses if diagnosis is not None), None)


def _numbers(now: Measurements) -> str:
    return (
        f"P(D(real) > D(fake)) is {now.auc_train:.2f} on training and {now.auc_held_out:.2f} on "
        f"held-out data, diversity {now.diversity:.2f}, energy distance "
        f"{now.energy_distance:.3g} (reference {now.reference:.2g})"
    )


def _diverged(recent: History, thresholds: Thresholds) -> str:
    """Evidence of divergence, which needs no further evaluation; empty if there is none."""
    now, last = recent[-1], recent[-2:]
    if not now.finite:
        return "weights or logits are no longer finite"
    if now.logit_scale > thresholds.max_logit_scale:
        return f"the discriminator's logits have grown to {now.logit_scale:.3g} on average"
    clear = len(last) > 1 and all(each.finite for each in recent)
    if clear and mean_of(last, "auc_held_out") < thresholds.min_auc:
        return (
            f"the discriminator prefers {thresholds.sample_noun} to held-out data "
            f"{1 - now.auc_held_out:.0%} of the time: the two networks overshoot each other"
        )
    return ""


def _no_difference(recent: History, thresholds: Thresholds) -> str:
    """What could have been seen and was not; empty unless all measures agree, with power.

    Measures are averaged over the evaluations, each of which has fakes of its own.
    """
    now = recent[-1]
    error = _probe_error(now)
    power = (
        len(recent) >= thresholds.min_evaluations_converged
        and now.step >= thresholds.min_steps_converged
        and error <= thresholds.max_probe_error_converged
    )
    if not power or not all(each.finite for each in recent):
        return ""
    distance = mean_of(recent, "energy_distance")
    errors = [each.energy_distance_se for each in recent if math.isfinite(each.energy_distance_se)]
    noise = sum(errors) / len(errors) / math.sqrt(len(recent)) if errors else 0.0
    probe, limit = mean_of(recent, "strongest_probe_auc"), 0.5 + 2 * error
    diversities = [mean_of(recent, name) for name in ("diversity", "nn_diversity")]
    least = thresholds.min_diversity_converged
    fine = (
        distance - 2 * noise <= max(now.reference, 0)
        and probe < limit
        and abs(mean_of(recent, "auc_held_out") - 0.5) < max(2 * error, 0.05)
        and all(least <= each <= 1 / least for each in diversities)
    )
    return (
        f"the strongest of several linear probes tells {probe:.1%} of pairs apart over "
        f"{len(recent)} evaluations, where {limit:.1%} would have been a difference"
        if fine
        else ""
    )


def _probe_error(now: Measurements) -> float:
    """Standard error of a linear probe's AUC, which is tested on half of the samples."""
    return math.sqrt(2) * now.auc_error if math.isfinite(now.auc_error) else math.inf
