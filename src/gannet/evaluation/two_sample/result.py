"""What a classifier two-sample test found, with its power, and the sentence that says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any, Literal, Self

LEVEL = 0.05
"""Error of the first kind of a whole test, over all of its classifiers."""

POWER = 0.8
"""Chance with which ``detectable`` differences are found."""

COARSE = 0.15
"""Smallest detectable excess over a coin from which on samples are called too few."""

Outcome = Literal["difference", "no difference", "too few samples", "no power"]


@dataclass(frozen=True, slots=True)
class ClassifierResult:
    """What one classifier found.

    Attributes:
        name: The classifier and what it looked at: ``boosted trees on cells``.
        accuracy: Share of test samples it called rightly; .5 is a coin.
        low: Lower end of the interval of the accuracy (Wilson).
        high: Upper end.
        auc: P(a real seems more real than a generated sample); needs no threshold.
        auc_low: Lower end of its interval (DeLong).
        auc_high: Upper end.
        p_value: Chance of such an AUC or more if both sides were alike (Mann-Whitney), of this
            classifier alone.
    """

    name: str
    accuracy: float
    low: float
    high: float
    auc: float
    auc_low: float
    auc_high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Control:
    """The same test on two sides of which the answer is known.

    Attributes:
        name: What stood in place of the generated samples: ``noise``, ``shuffled parts``.
        auc: Of the classifier that told it best.
        told: Whether a difference was found.
    """

    name: str
    auc: float
    told: bool


@dataclass(frozen=True, slots=True)
class TwoSampleResult:
    """The strongest of several classifiers, and what the test could have seen.

    Attributes:
        strongest: The classifier with the smallest p value.
        classifiers: All of them, the strongest first.
        tested: Test samples, as many real as generated.
        trained: Samples that each classifier learnt from, as many real as generated.
        positive: Reals against corrupted reals, which the test must tell apart.
        negative: Held-out reals against training reals, which it should not.
    """

    strongest: ClassifierResult
    classifiers: tuple[ClassifierResult, ...]
    tested: int
    trained: int
    positive: tuple[Control, ...] = ()
    negative: Control | None = None
    missing: tuple[str, ...] = field(default=())
    """What would have made the test stronger and is not installed: names of extras."""

    @property
    def p_value(self) -> float:
        """Of the whole test: the smallest, times the number of classifiers (Bonferroni)."""
        return min(self.strongest.p_value * len(self.classifiers), 1.0)

    @property
    def detectable(self) -> float:
        """Smallest excess of accuracy over a coin that is found in four of five cases."""
        return detectable_excess(self.tested, len(self.classifiers))

    @property
    def blind_to(self) -> tuple[str, ...]:
        """Positive controls that were not told apart."""
        return tuple(each.name for each in self.positive if not each.told)

    @property
    def outcome(self) -> Outcome:
        """What may be claimed."""
        if self.p_value <= LEVEL:
            return "difference"
        if self.detectable > COARSE:
            return "too few samples"
        return "no power" if self.blind_to else "no difference"

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """From what ``record`` gave."""
        negative = record.get("negative")
        return cls(
            strongest=ClassifierResult(**record["strongest"]),
            classifiers=tuple(ClassifierResult(**each) for each in record["classifiers"]),
            tested=record["tested"],
            trained=record["trained"],
            positive=tuple(Control(**each) for each in record.get("positive", ())),
            negative=None if negative is None else Control(**negative),
            missing=tuple(record.get("missing", ())),
        )

    def sentence(self) -> str:
        """What was found and what could have been, for people."""
        best = self.strongest
        figures = (
            f"{best.name} is right in {best.accuracy:.1%} of {self.tested:,} cases "
            f"({best.low:.1%} to {best.high:.1%}; AUC {best.auc:.2f}; a coin: 50 %)"
        )
        points = 100 * self.detectable
        match self.outcome:
            case "difference":
                return f"Real and generated {_graded(best.accuracy, best.auc)}: {figures}."
            case "too few samples":
                return (
                    f"Too few samples to claim anything: {self.tested} test samples show only "
                    f"differences of {points:.0f} points or more; {figures}."
                )
            case "no power":
                return (
                    f"No difference found, but nothing follows: the same test cannot tell "
                    f"{_listed(self.blind_to)} from reals either; {figures}."
                )
            case "no difference":
                return (
                    f"No difference found, and one of {max(points, 1):.0f} points would have been "
                    f"in four of five cases{self._controls()}: {figures}."
                )

    def _controls(self) -> str:
        if not self.positive:
            return ""
        weakest = min(self.positive, key=lambda each: each.auc)
        names = _listed([each.name for each in self.positive])
        return f" (it tells {names} apart, AUC at least {weakest.auc:.2f})"


def detectable_excess(tested: int, classifiers: int = 1) -> float:
    """Smallest excess of accuracy over 1/2 that ``tested`` samples show with a power of .8.

    Args:
        tested: Test samples of both sides together; at least 1.
        classifiers: How many are tried, each at ``LEVEL`` over this number.

    >>> round(detectable_excess(1_000), 3), round(detectable_excess(22), 3)
    (0.039, 0.265)
    """
    normal = NormalDist()
    quantiles = normal.inv_cdf(1 - LEVEL / classifiers) + normal.inv_cdf(POWER)
    return min(quantiles / (2 * math.sqrt(max(tested, 1))), 0.5)


def _graded(accuracy: float, auc: float) -> str:
    if accuracy < 0.6 and auc < 0.65:
        return "differ a little"
    if accuracy < 0.75 and auc < 0.85:
        return "are often told apart"
    return "are told apart nearly always" if accuracy >= 0.9 else "are mostly told apart"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
