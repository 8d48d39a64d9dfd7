"""What looks mean: one of seven verdicts, with the numbers that led to it. All pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gannet.training.monitor.measurements import Measures
from gannet.training.monitor.symptoms import (
    AT_ANY_TIME,
    ONCE_GROWN,
    Looks,
    Sign,
    Verdict,
    collapsed,
    copies,
    mean_of,
    overfits,
)
from gannet.training.monitor.thresholds import USUAL, Limits


def judge(history: Looks, share: float, limits: Limits = USUAL) -> Verdict:
    """What the looks so far mean. Pure: the same looks give the same verdict.

    Args:
        history: All looks, oldest first; at least one.
        share: Share of the run that is done, 0..1.
        limits: Where healthy ends.
    """
    now, recent = history[-1], history[-limits.looks :]
    if lost := _diverged(recent, limits):
        return Verdict("diverged", lost)
    if not all(each.finite for each in recent):
        return Verdict("healthy", f"recovering: {_numbers(now)}")
    if found := _first(AT_ANY_TIME, history, limits):
        return found
    if len(recent) < limits.looks or share < limits.warm_up:
        return Verdict("healthy", f"warming up: {_numbers(now)}")
    if found := _first(ONCE_GROWN, history, limits):
        return found
    if share >= limits.annealed and all(_draw(each) for each in recent):
        return Verdict("done", f"{limits.made} cannot be told from held-out data: {_numbers(now)}")
    return Verdict("healthy", _numbers(now))


def sound(now: Measures, limits: Limits = USUAL) -> bool:
    """Whether one look alone shows nothing wrong, so that its state is worth going back to.

    A verdict needs several looks in a row; the first of them must not pass for healthy. Answers
    that are alike may be on their way: how wrong they are says whether a state is worth keeping.
    """
    told = limits.answers and math.isfinite(now.error_held_out)
    return (
        now.finite
        and now.logit_scale <= limits.logits
        and now.auc_held_out >= limits.swing
        and (told or not collapsed(now, limits))
        and not overfits(now, limits)
        and not copies([now], limits)
    )


def _first(signs: Iterable[Sign], history: Looks, limits: Limits) -> Verdict | None:
    found = (sign.of(history, limits) for sign in signs)
    return next((verdict for verdict in found if verdict is not None), None)


def _numbers(now: Measures) -> str:
    return (
        f"P(D(real) > D(fake)) is {now.auc_train:.2f} on training and {now.auc_held_out:.2f} on "
        f"held-out data, spread {now.spread:.2f}, distance {now.distance:.3g} "
        f"(floor {now.floor:.2g})"
    )


def _diverged(recent: Looks, limits: Limits) -> str:
    """How a duel shows that it is lost, which needs no further look; empty if it does not."""
    now, last = recent[-1], recent[-2:]
    if not now.finite:
        return "weights or logits are no longer finite numbers"
    if now.logit_scale > limits.logits:
        return f"the discriminator's logits have grown to {now.logit_scale:.3g} on average"
    clear = len(last) > 1 and all(each.finite for each in recent)
    if clear and mean_of(last, "auc_held_out") < limits.swing:
        return (
            f"the discriminator prefers {limits.made} to held-out data "
            f"{1 - now.auc_held_out:.0%} of the time: the players overshoot each other"
        )
    return ""


def _draw(now: Measures) -> bool:
    near = now.distance - 2 * now.distance_error <= max(now.floor, 0)
    # With fewer than a hundred samples on a side, a draw would only be a lack of evidence.
    enough = now.auc_error < 0.04
    fooled = now.critic < min(0.5 + 4 * now.auc_error, 0.6)
    return near and enough and fooled and abs(now.auc_held_out - 0.5) < 0.1
