"""The signs by which an ill of a duel is known, each with the words that say so."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from gannet.metrics.confidence import wilson
from gannet.training.monitor.measurements import COPIED_USUALLY, Measures
from gannet.training.monitor.thresholds import Limits

VerdictName = Literal[
    "healthy",
    "done",
    "collapsed",
    "discriminator overfits",
    "discriminator too weak",
    "generator overfits",
    "generator starved",
    "diverged",
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look means.

    Attributes:
        name: One of eight.
        evidence: The numbers that led to it, in a sentence.
    """

    name: VerdictName
    evidence: str


Looks = Sequence[Measures]

AVERAGED = ("auc_held_out", "agreement", "logit_scale", "copied")
"""Measures whose mean over the recent looks evidence may give."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that can be wrong with a duel: how it shows, and how that is said.

    Attributes:
        verdict: What it means.
        shows: Whether the recent looks show it, given those before them.
        words: The evidence. ``now`` is the last look, ``mean`` what the recent ones are on average,
            ``best`` the one at which the generator was least wrong about held-out samples,
            ``first`` the first one, ``made`` what samples are called.
        more: Looks that must agree beyond the usual number.
    """

    verdict: VerdictName
    shows: Callable[[Looks, Looks, Limits], bool]
    words: str
    more: int = 0

    def of(self, history: Looks, limits: Limits) -> Verdict | None:
        """The verdict, if the sign shows."""
        count = limits.looks + self.more
        before, recent = history[:-count], history[-count:]
        if len(recent) < count or not self.shows(before, recent, limits):
            return None
        mean = {name: mean_of(recent, name) for name in AVERAGED}
        best = least_wrong(history) or recent[-1]
        words = self.words.format(
            now=recent[-1], mean=mean, best=best, first=history[0], made=limits.made
        )
        return Verdict(self.verdict, words)


def mean_of(looks: Looks, name: str) -> float:
    """The mean of one measure."""
    return sum(getattr(each, name) for each in looks) / len(looks)


def least_wrong(looks: Looks) -> Measures | None:
    """The look at which the generator was least wrong about held-out samples, if that is known."""
    known = [each for each in looks if math.isfinite(each.error_held_out)]
    return min(known, key=lambda each: each.error_held_out, default=None)


def by_heart(before: Looks, recent: Looks, limits: Limits) -> bool:
    """Whether a generator gets worse on held-out samples while it gets better on training ones.

    Answers that become sharper may miss more pixels: they must have come no nearer to reals either.
    """
    best = least_wrong(before)
    if limits.answers and nearer(recent, min(before, key=_distance, default=None), limits):
        return False
    return best is not None and all(
        each.error_held_out - best.error_held_out > limits.worse * abs(best.error_held_out)
        and each.error_train < best.error_train
        for each in recent
    )


def _distance(look: Measures) -> float:
    return look.distance if look.finite else math.inf


def nearer(recent: Looks, then: Measures | None, limits: Limits) -> bool:
    """Whether samples have come nearer to reals since a look."""
    if then is None or not then.finite:
        return False
    least = (1 - limits.progress) * abs(then.distance)
    return min(map(_distance, recent)) < then.distance - least


def collapsed(now: Measures, limits: Limits) -> bool:
    """Whether samples are too alike, as a whole or one by one."""
    return now.spread < limits.spread or now.crowding < limits.crowding


def overfits(now: Measures, limits: Limits) -> bool:
    """Whether the discriminator knows training data better than chance explains."""
    gap = now.auc_train - now.auc_held_out
    return gap > max(limits.overfit_gap, 4 * now.auc_error)


def copies(recent: Looks, limits: Limits) -> bool:
    """Whether more fakes are nearly copies of training samples than chance explains.

    Each look must show it, and the lower end of the interval of all their fakes together. What
    counts as near rests on the nearest 1 % of the held-out samples, which may be two or three: the
    bound is three times the upper end of *their* interval, or the limit if that is more.
    """
    count = recent[-1].samples
    if not count or any(each.copied <= limits.copied for each in recent):
        return False
    low, _ = wilson(round(sum(each.copied for each in recent) * count), count * len(recent))
    _, usual = wilson(math.ceil(COPIED_USUALLY * (count - 1)) + 1, count)
    return low > max(limits.copied, 3 * usual)


def _copies(_: Looks, recent: Looks, limits: Limits) -> bool:
    return copies(recent, limits)


def _overfits_and_copies(before: Looks, recent: Looks, limits: Limits) -> bool:
    return _in_all(overfits)(before, recent, limits) and copies(recent, limits)


def _resting(now: Measures, limits: Limits) -> bool:
    return now.logit_scale < limits.resting and now.critic > limits.seen


def _in_all(shows: Callable[[Measures, Limits], bool]) -> Callable[[Looks, Looks, Limits], bool]:
    """A sign that each of the recent looks must show by itself."""
    return lambda _, recent, limits: all(shows(each, limits) for each in recent)


def _alike(before: Looks, recent: Looks, limits: Limits) -> bool:
    """Samples too alike; of answers, which are all a blur at first, only if that is their end."""
    if not all(collapsed(each, limits) for each in recent):
        return False
    varied = limits.progress * recent[-1].spread > (*before, *recent)[0].spread
    return not (limits.answers and (varied or _improve(recent, limits)))


def _improve(recent: Looks, limits: Limits) -> bool:
    """Whether answers are less wrong at the last of some looks than at the first, or nearer."""
    first, last = recent[0], recent[-1]
    if math.isfinite(first.error_held_out):
        least = limits.worse * abs(first.error_held_out)
        return last.error_held_out < first.error_held_out - least
    return nearer([last], first, limits)


def _won(_: Looks, recent: Looks, limits: Limits) -> bool:
    """Sure of itself and right: a bounded slope keeps logits small, so large ones mean none."""
    certain = mean_of(recent, "logit_scale")
    return certain > limits.won and mean_of(recent, "auc_held_out") > limits.won_auc


def _noisy(_: Looks, recent: Looks, limits: Limits) -> bool:
    """Far from the data the way is clear: batches that disagree there are too small."""
    far = all(
        each.distance > limits.far * each.baseline and each.critic > limits.plainer
        for each in recent
    )
    return far and mean_of(recent, "agreement") < limits.agreement


def _stuck(before: Looks, recent: Looks, limits: Limits) -> bool:
    """Poor samples, and no better than before: worse than a Gaussian, and no longer improving."""
    if not before or limits.answers:
        return False
    best = min((each.distance for each in before if each.finite), default=math.inf)
    poor = all(each.distance > each.baseline and each.critic > limits.plain for each in recent)
    return poor and min(each.distance for each in recent) > limits.progress * best


def _nothing_learnt(before: Looks, recent: Looks, limits: Limits) -> bool:
    """Answers no nearer to reals than at the first look, and no less wrong where that is known."""
    if not before or not limits.answers or nearer(recent, before[0], limits):
        return False
    first = before[0].error_held_out
    if math.isfinite(first):
        return min(each.error_held_out for each in recent) > first - limits.worse * abs(first)
    return all(each.distance > each.baseline for each in recent)


def _stuck_at_the_middle(before: Looks, recent: Looks, limits: Limits) -> bool:
    return recent[-1].d_real < limits.flat and _stuck(before, recent, limits)


BY_HEART = (
    "it prefers training data to {made} {now.auc_train:.0%} of the time, held-out data only "
    "{now.auc_held_out:.0%}"
)
COPIED = (
    "{mean[copied]:.0%} of the {made} are nearly copies of training samples, as 1% of held-out "
    "data are"
)
POOR = (
    "the samples' distance of {now.distance:.3g} is above that of one plain Gaussian "
    "({now.baseline:.3g}) and no longer falls"
)

AT_ANY_TIME = (
    Sign(
        "discriminator overfits",
        _overfits_and_copies,
        BY_HEART + ", and " + COPIED + ": it knows the training data by heart",
    ),
    Sign(
        "discriminator overfits",
        _in_all(overfits),
        BY_HEART + ": it knows the training data by heart",
    ),
    Sign(
        "generator overfits",
        by_heart,
        "its error on held-out data has risen to {now.error_held_out:.3g}, from "
        "{best.error_held_out:.3g} at step {best.step}, while that on training data fell from "
        "{best.error_train:.3g} to {now.error_train:.3g}: it learns the training data by heart",
    ),
    Sign(
        "generator starved",
        _won,
        "the discriminator's logits stand {mean[logit_scale]:.1f} from the middle and it is right "
        "{mean[auc_held_out]:.0%} of the time: nothing keeps it from being certain, and the "
        "generator learns little",
    ),
    Sign(
        "generator starved",
        _noisy,
        "batches agree only {mean[agreement]:.0%} on where the generator should go, while its "
        "samples' distance of {now.distance:.3g} is far above the floor ({now.floor:.2g}): the "
        "batch is too small",
        more=1,
    ),
    Sign(
        "discriminator too weak",
        _in_all(_resting),
        "it gives everything {now.d_real:.3f} to {now.d_fake:.3f}, yet a fresh linear critic tells "
        "{now.critic:.0%} of pairs apart: 50:50 proves nothing here",
    ),
)
"""What is wrong even while a generator finds its feet; the first that shows is said."""

ONCE_GROWN = (
    Sign(
        "collapsed",
        _alike,
        "{made} are too alike: the distance between them is {now.spread:.0%} of that between "
        "reals, and from one to the nearest other {now.crowding:.0%}",
    ),
    # A generator never sees the data: what it copies, its discriminator knows by heart.
    Sign("discriminator overfits", _copies, COPIED + ": it has taught them by heart"),
    Sign(
        "discriminator too weak",
        _stuck_at_the_middle,
        "its needle rests at {now.d_real:.2f} : {now.d_fake:.2f}, yet a fresh linear critic tells "
        "{now.critic:.0%} of pairs apart and " + POOR + ": 50:50 proves nothing here",
    ),
    Sign(
        "generator starved",
        _stuck,
        "the discriminator tells {now.auc_held_out:.1%} of pairs apart, and " + POOR + ": the "
        "generator learns next to nothing",
    ),
    Sign(
        "generator starved",
        _nothing_learnt,
        "its answers are no better than at step {first.step}: their distance to reals was "
        "{first.distance:.3g} and is {now.distance:.3g}, their error {first.error_held_out:.3g} "
        "and {now.error_held_out:.3g} (nan: not known)",
        more=2,
    ),
)
"""What every generator shows at first, and none should later; the first that shows is said."""
