"""Remedies for each diagnosis, the likeliest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gannet.core.config import Config
from gannet.core.recipe import Controls
from gannet.training.monitor import DiagnosisName
from gannet.training.monitor.thresholds import SMALL_BATCH

MAX_AUGMENT = 0.6
"""Augmentation probability that is never exceeded."""

NOISY = ("mode_collapse", "discriminator_underfitting", "vanishing_gradient")
"""Diagnoses that batches of a few samples cause."""

MIN_PENALTY = 1e-3
"""Least gradient penalty weight where there was none."""

RESTART_RATE = 0.7
"""Learning rate of a restart, as a fraction of the one before."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change that may help.

    Attributes:
        name: In messages; a remedy that did not help is known by it.
        description: What is done, with values.
        changes: Settings and their new values.
        rollback: Whether weights are restored from the last healthy state.
        restart: Whether training begins anew with other initial weights.
    """

    name: str
    description: str
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    rollback: bool = False
    restart: bool = False


def remedies(
    diagnosis: DiagnosisName, config: Config, controls: Controls, usual_penalty: float = 0.0
) -> list[Remedy]:
    """What may help against a diagnosis with these settings, in the order in which it is tried.

    Changes are large, since a trial is short and a small effect would drown in noise.

    Args:
        diagnosis: What is to be cured.
        config: Settings in force.
        controls: Which of them regularize and augment.
        usual_penalty: Gradient penalty weight that the recipe suggests for the data.
    """
    settings = config.model_dump()
    penalty, augment = settings.get(controls.regularize), settings.get(controls.augment)
    lower_rate = _rate(config.learning_rate, 0.5)

    def scaled(factor: float) -> list[Remedy]:
        known = penalty is not None and (penalty > 0 or factor > 1)
        if not known:
            return []
        weight = (penalty or 0.0) * factor
        least = max(usual_penalty, MIN_PENALTY) if factor > 1 else 0.0
        return [_penalty(controls.regularize, max(weight, least), higher=factor > 1)]

    if config.batch < SMALL_BATCH and diagnosis in NOISY:
        return [lower_rate]  # the cause is known, and nothing else softens it
    found = _usual(diagnosis, config, lower_rate, scaled, controls, augment)
    missing = scaled(4.0) if penalty == 0 and usual_penalty and found else []
    # Where nothing keeps the discriminator flat, that comes first.
    return [*missing, *(each for each in found if each not in missing)]


def _usual(
    diagnosis: DiagnosisName,
    config: Config,
    lower_rate: Remedy,
    scaled: Callable[[float], list[Remedy]],
    controls: Controls,
    augment: float | None,
) -> list[Remedy]:
    """Remedies of a diagnosis in their usual order."""
    match diagnosis:
        case "discriminator_overfitting":
            if augment is None or augment >= MAX_AUGMENT:
                return scaled(4.0)
            return [_augment(controls.augment, augment), *scaled(4.0)]
        case "mode_collapse":
            back = [_return(each, config.learning_rate) for each in scaled(2.0)]
            return [*back, lower_rate]
        case "discriminator_underfitting":
            return [*scaled(1 / 3), _rounds(config.n_critic, config.n_critic + 1)]
        case "vanishing_gradient":
            fewer = _rounds(config.n_critic, 1)
            return [*([fewer] if config.n_critic > 1 else []), *scaled(4.0), lower_rate]
        case "diverged":
            return [_rate(config.learning_rate, 0.1, rollback=True), *scaled(4.0)]
        case _:
            return []


def restart(config: Config) -> Remedy:
    """Begin anew, with smaller steps."""
    return Remedy(
        "restart",
        "restart with new initial weights and a lower learning rate",
        {"learning_rate": config.learning_rate * RESTART_RATE},
        restart=True,
    )


def _augment(name: str, augment: float) -> Remedy:
    more = round(min(augment + 0.15, MAX_AUGMENT), 2)
    return Remedy("more augmentation", f"augmentation probability up to {more}", {name: more})


def _penalty(name: str, weight: float, *, higher: bool) -> Remedy:
    way, word = ("up", "higher") if higher else ("down", "lower")
    return Remedy(
        f"a {word} gradient penalty", f"gradient penalty {way} to {weight:.2g}", {name: weight}
    )


def _rate(rate: float, factor: float, *, rollback: bool = False) -> Remedy:
    lower = rate * factor
    description = f"learning rate down to {lower:.2g}"
    return Remedy(
        "a lower learning rate",
        f"rollback to the last healthy state, {description}" if rollback else description,
        {"learning_rate": lower},
        rollback=rollback,
    )


def _rounds(now: int, then: int) -> Remedy:
    way, word = ("up", "more") if then > now else ("down", "fewer")
    return Remedy(
        f"{word} discriminator updates",
        f"discriminator updates per step {way} to {then}",
        {"n_critic": then},
    )


def _return(penalty: Remedy, rate: float) -> Remedy:
    return Remedy(
        "a rollback with a higher gradient penalty",
        "rollback to the last healthy state, with a higher gradient penalty and a lower learning "
        "rate",
        penalty.changes | {"learning_rate": rate * RESTART_RATE},
        rollback=True,
    )
