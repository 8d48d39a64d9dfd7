"""Trials of remedies: how good a run was before one, how good it is after, and what chance does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, stdev
from typing import Any, Literal, Self

from gannet.training.monitor import Measurements

Standing = Mapping[str, tuple[float, float]]
"""Name of a measure, of which less is better -> its mean over some evaluations, standard error."""

TrialOutcome = Literal["better", "same", "worse"]

CERTAIN = 2.0
"""Standard errors beyond which a change is none by chance."""

MIN_CHANGE = 0.05
"""Change, as a fraction of the value before, below which none counts however certain."""

DIVERSITY_ERROR = 0.03
"""Standard error of a diversity in one evaluation, at least."""


def _distance(each: Measurements) -> tuple[float, float]:
    return each.energy_distance, each.energy_distance_se


def _probe(each: Measurements) -> tuple[float, float]:
    # It is tested on half of the samples.
    return each.linear_probe_auc, math.sqrt(2) * each.auc_error


def _alike(each: Measurements) -> tuple[float, float]:
    return max(1 - each.diversity, 0.0), DIVERSITY_ERROR


def _neighbors_alike(each: Measurements) -> tuple[float, float]:
    return max(1 - each.nn_diversity, 0.0), DIVERSITY_ERROR


def _loss(each: Measurements) -> tuple[float, float]:
    return each.loss_validation, 0.0


MEASURES: Mapping[str, Callable[[Measurements], tuple[float, float]]] = {
    "energy distance": _distance,
    "validation loss": _loss,
    "linear probe": _probe,
    "shortfall in diversity": _alike,
    "shortfall in nearest-neighbour diversity": _neighbors_alike,
}
"""What shows on held-out data how good a generator is; of all of them, less is better."""


def standing(evaluations: Sequence[Measurements]) -> Standing:
    """How good a run was over some evaluations, each measure with its standard error.

    The error is the larger one of what single evaluations claim and of what they differ by, since
    all share the same held-out samples. Measures that are not known are left out.
    """
    finite = [each for each in evaluations if each.finite]
    found: dict[str, tuple[float, float]] = {}
    for name, measure in MEASURES.items():
        values = [value for value, _ in map(measure, finite) if math.isfinite(value)]
        if len(values) < len(evaluations) or not values:
            continue
        errors = [error for _, error in map(measure, finite) if math.isfinite(error)]
        count = math.sqrt(len(values))
        claimed = fmean(errors) / count if errors else 0.0
        between = stdev(values) / count if len(values) > 1 else 0.0
        found[name] = (fmean(values), max(claimed, between))
    return found


def compared(
    before: Standing, after: Standing, certain: float = CERTAIN
) -> tuple[TrialOutcome, str]:
    """Whether a run became better, and the measure that says so with both values.

    The first measure that changed beyond chance decides, in the order of ``MEASURES``: a distance
    is a distance of whole distributions, while a linear probe easily tells broad samples from
    reals, and hardly a narrow clump in their midst. A run that can no longer be measured is worse.

    Args:
        before: How good the run was.
        after: How good it is.
        certain: Standard errors beyond which a change counts.
    """
    if not after:
        return "worse", "weights or logits are no longer finite"
    names = [name for name in MEASURES if name in before and name in after]
    for name in names:
        shift = _shift(before[name], after[name])
        if abs(shift) > certain:
            return ("better" if shift > 0 else "worse"), _numbers(name, before, after)
    return "same", _numbers(names[0], before, after) if names else "nothing could be compared"


def _shift(before: tuple[float, float], after: tuple[float, float]) -> float:
    """How much less a measure became, in standard errors; 0 if it hardly matters."""
    (was, was_error), (now, now_error) = before, after
    if abs(was - now) <= MIN_CHANGE * abs(was):
        return 0.0
    error = math.hypot(was_error, now_error)
    return (was - now) / error if error else math.copysign(math.inf, was - now)


def _numbers(name: str, before: Standing, after: Standing) -> str:
    return f"{name} {_number(before[name])} before, {_number(after[name])} since"


def _number(value: tuple[float, float]) -> str:
    mean, error = value
    return f"{mean:.3g} ± {error:.2g}"


@dataclass(slots=True)
class RemedyTrial:
    """A remedy on trial.

    Attributes:
        remedy: Its name.
        diagnosis: What it answers.
        settings: The changed settings as they were before.
        before: How good the run was before it.
        waits: Evaluations until it is judged.
        judged: Number of the last evaluations that are compared.
        replaced: Whether it replaced the weights by ones that have learnt less.
        evaluations: Measurements since.
    """

    remedy: str
    diagnosis: str
    settings: dict[str, Any]
    before: dict[str, tuple[float, float]]
    waits: int
    judged: int = 2
    replaced: bool = False
    evaluations: list[Measurements] = field(default_factory=list[Measurements])

    def state(self) -> dict[str, Any]:
        """State for the checkpoint."""
        return asdict(self)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """From what ``state`` gave."""
        values: dict[str, Any] = dict(state)
        values["before"] = {name: (mean, error) for name, (mean, error) in state["before"].items()}
        values["evaluations"] = [Measurements(**each) for each in state["evaluations"]]
        return cls(**values)

    @property
    def over(self) -> bool:
        """Whether enough evaluations have followed."""
        return len(self.evaluations) >= self.waits

    def outcome(self) -> tuple[TrialOutcome, str]:
        """Whether the run is better than before, with the numbers."""
        return compared(self.before, standing(self.evaluations[-self.judged :]))

    def seems_worse(self, certain: float = 1.0) -> bool:
        """Whether it seems worse than before, by so many standard errors: that may be chance."""
        after = standing(self.evaluations[-self.judged :])
        return compared(self.before, after, certain)[0] == "worse"
