"""What is likely to be the cause of a diagnosis, and what to do about it. All pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gannet.core.config import NO_CONTROLS, Controls, either, with_flag
from gannet.core.scores.causes import TOO_FEW
from gannet.training.monitor.symptoms import Diagnosis, History
from gannet.training.monitor.thresholds import SMALL_BATCH

FEW_STEPS = 1_000
"""Steps below which a run that is still poor was simply short."""

FEW_EPOCHS = 3.0
"""Epochs below which a run has hardly seen its data."""

MANY_EPOCHS = 100.0
"""Epochs above which data are few for the time spent on them."""

FEW_LATENTS = 4
"""Size of the noise below which it limits how much samples can vary."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a cause may lie in, besides the measurements.

    Attributes:
        batch: Samples per step.
        latent_dim: Size of the noise.
        train: Training samples.
        steps: Planned steps.
        unregularized: Whether nothing keeps the discriminator flat.
        controls: Settings of the recipe that advice may name.
    """

    batch: int
    latent_dim: int
    train: int
    steps: int
    unregularized: bool = False
    controls: Controls = NO_CONTROLS


def advised(diagnosis: Diagnosis, history: History, known: Circumstances) -> Diagnosis:
    """The same diagnosis with its likely cause and what to do about it.

    Args:
        diagnosis: Of the evaluations so far.
        history: All evaluations of the run, oldest first; at least one.
        known: Circumstances of the run.
    """
    advise = ADVICE.get(diagnosis.name)
    return diagnosis if advise is None else replace(diagnosis, advice=advise(history, known))


def _epochs(history: History, known: Circumstances) -> float:
    return history[-1].step * known.batch / max(known.train, 1)


def _short(history: History, known: Circumstances) -> bool:
    """Whether the run was short: few steps in all, or few epochs of batches of usual size."""
    few = history[-1].step < FEW_STEPS
    return few and known.batch >= SMALL_BATCH


TOO_FEW_STEPS = f"{TOO_FEW} so far: give it more --minutes or --steps"
TOO_SMALL_A_BATCH = "the batch of {batch} is too small: give a larger --batch"


def _unregularized(known: Circumstances) -> str:
    weight = known.controls.regularize or "weight_clip"
    return with_flag("nothing keeps the discriminator flat: give a ", weight)


def _vanishing(history: History, known: Circumstances) -> str:
    if known.batch < SMALL_BATCH:
        return TOO_SMALL_A_BATCH.format(batch=known.batch)
    if history[-1].logit_scale > SURE:
        penalty = with_flag(
            "a " if known.unregularized else "a larger ", known.controls.regularize, ", and "
        )
        return f"the discriminator is too strong: give {penalty}--n-critic 1"
    if known.unregularized:
        return _unregularized(known)
    if _short(history, known):
        return TOO_FEW_STEPS
    return "steps are too noisy or too large: give a larger --batch or a smaller --learning-rate"


SURE = 3.0
"""Mean size of logits above which the discriminator is sure of itself."""


def _collapse(_: History, known: Circumstances) -> str:
    if 0 < known.latent_dim < FEW_LATENTS:
        return (
            f"noise of {known.latent_dim} number{'s' * (known.latent_dim != 1)} cannot vary much: "
            "give more --latent-dim"
        )
    if known.batch < SMALL_BATCH:
        return TOO_SMALL_A_BATCH.format(batch=known.batch)
    if known.unregularized:
        return _unregularized(known)
    smaller = either("a smaller --learning-rate", with_flag("a larger ", known.controls.regularize))
    return (
        f"steps are too large, or the data hold many copies: give {smaller}, and see "
        "`gannet inspect`"
    )


def _overfitting(history: History, known: Circumstances) -> str:
    epochs = _epochs(history, known)
    if epochs > MANY_EPOCHS:
        less = either(
            with_flag("", known.controls.augment),
            "fewer minutes",
            with_flag("a smaller ", known.controls.capacity),
        )
        return (
            f"too little data: each of {known.train} training samples was seen {epochs:.0f} times; "
            f"more data help most, then {less}"
        )
    back = either(
        with_flag("a larger ", known.controls.regularize), with_flag("", known.controls.augment)
    )
    give = f"give {back}, and " if back else ""
    return (
        f"the discriminator is not held back: {give}see in `gannet inspect` whether held-out data "
        "are like the training data"
    )


def _underfitting(history: History, known: Circumstances) -> str:
    if known.batch < SMALL_BATCH:
        return TOO_SMALL_A_BATCH.format(batch=known.batch)
    if _short(history, known) or _epochs(history, known) < FEW_EPOCHS:
        return TOO_FEW_STEPS
    freer = either(
        with_flag("a smaller ", known.controls.regularize),
        "no --weight-clip",
        with_flag("a larger ", known.controls.capacity),
    )
    return f"the discriminator is held too flat: give {freer}"


def _memorizing(_: History, known: Circumstances) -> str:
    return (
        f"too little data: {known.train} training samples; more rows help most, and fewer minutes "
        "lose nothing"
    )


def _overshoot(_: History, known: Circumstances) -> str:
    if known.batch < SMALL_BATCH:
        return TOO_SMALL_A_BATCH.format(batch=known.batch)
    if known.unregularized:
        return _unregularized(known)
    calmer = either(
        "a smaller --learning-rate",
        with_flag("a larger ", known.controls.regularize),
        "--precision float32",
    )
    return f"steps are too large: give {calmer}"


ADVICE = {
    "vanishing_gradient": _vanishing,
    "mode_collapse": _collapse,
    "discriminator_overfitting": _overfitting,
    "discriminator_underfitting": _underfitting,
    "generator_overfitting": _memorizing,
    "diverged": _overshoot,
}
"""Diagnosis -> its advice, from all evaluations and the circumstances."""
