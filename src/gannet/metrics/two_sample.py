"""What a classifier two-sample test found, with its power, its scores and its sentence.

The test itself is in ``gannet.evaluation.two_sample``. Its result stands here, since a run's card
holds it and the model card prints it, and inference does not import evaluation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from gannet.core.io.names import enumerated
from gannet.core.scores import ABOUT, Component, Score

LEVEL = 0.01
"""Error of the first kind of a whole test, over all of its classifiers.

At .05 one good run in twenty would be accused.
"""

POWER = 0.8
"""Chance with which ``detectable`` differences are found."""

COARSE = 0.15
"""Smallest detectable excess over a coin from which on samples are called too few."""

HOW = (
    "Two-sample test (C2ST): each classifier learns from one half of held-out reals and as many "
    "fakes, and is tested on the other; the one with the smallest p value (Mann-Whitney, times the "
    "number of classifiers) counts, and intervals are widened alike. Reference: held-out reals "
    "against training reals. On the run's own data this is the test on its card."
)
"""Protocol of the test."""

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
        detected: Whether a difference was found.
        classifiers: What each found, the strongest first; empty where that was not kept.
    """

    name: str
    auc: float
    detected: bool
    classifiers: tuple[ClassifierResult, ...] = ()

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """From a JSON object."""
        each = record.get("classifiers", ())
        return cls(
            record["name"],
            record["auc"],
            record["detected"],
            tuple(ClassifierResult(**found) for found in each),
        )


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
        missing: Extras that are not installed and would have made the test stronger.
        brief: Whether effort was spared, since the generator was trained briefly.
    """

    strongest: ClassifierResult
    classifiers: tuple[ClassifierResult, ...]
    tested: int
    trained: int
    positive: tuple[Control, ...] = ()
    negative: Control | None = None
    missing: tuple[str, ...] = ()
    brief: bool = False

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
        return tuple(each.name for each in self.positive if not each.detected)

    @property
    def outcome(self) -> Outcome:
        """What may be claimed; nothing, if none of the positive controls was told apart."""
        if self.p_value <= LEVEL:
            return "difference"
        if self.detectable > COARSE:
            return "too few samples"
        return "no power" if len(self.blind_to) == len(self.positive) else "no difference"

    def record(self) -> dict[str, Any]:
        """As a JSON object."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """From what ``record`` gave."""
        negative = record.get("negative")
        return cls(
            strongest=ClassifierResult(**record["strongest"]),
            classifiers=tuple(ClassifierResult(**each) for each in record["classifiers"]),
            tested=record["tested"],
            trained=record["trained"],
            positive=tuple(Control.of(each) for each in record.get("positive", ())),
            negative=None if negative is None else Control.of(negative),
            missing=tuple(record.get("missing", ())),
            brief=record.get("brief", False),
        )

    def sentence(self) -> str:
        """What was found and what could have been, for people."""
        best = self.strongest
        figures = (
            f"the strongest classifier, {best.name}, was right in {best.accuracy:.1%} of "
            f"{self.tested:,} cases "
            f"({best.low:.1%} to {best.high:.1%}; AUC {best.auc:.2f}; chance: 50 %)"
        )
        points = 100 * self.detectable
        match self.outcome:
            case "difference":
                return (
                    f"Real and generated {_graded(best.accuracy, best.auc)}: {figures}."
                    f"{self._doubt()}"
                )
            case "too few samples":
                return (
                    f"Too few samples to claim anything: {self.tested} test samples show only "
                    f"differences of {points:.0f} points or more; {figures}."
                )
            case "no power":
                return f"No difference found, but nothing follows{self._blindness()}; {figures}."
            case "no difference":
                return (
                    f"No difference found, and one of {max(points, 1):.0f} points would have been "
                    f"in four of five cases{self._controls()}: {figures}.{self._lacks()}"
                )

    def _doubt(self) -> str:
        if self.negative is None or not self.negative.detected:
            return ""
        return (
            f" Held-out and {self.negative.name} differ as well (AUC {self.negative.auc:.2f}), so "
            "part of it may not be the generator's."
        )

    def _blindness(self) -> str:
        if not self.positive:
            return ", since the test was not tried on samples that are known to differ"
        return f": the same test cannot tell {enumerated(self.blind_to)} from reals either"

    def _controls(self) -> str:
        detected = [each for each in self.positive if each.detected]
        weakest = min(each.auc for each in detected)
        text = (
            f"it tells {enumerated([each.name for each in detected])} from reals, AUC {weakest:.2f}"
        )
        text += " or more" if len(detected) > 1 else ""
        return f" ({text}; not {enumerated(self.blind_to)})" if self.blind_to else f" ({text})"

    def _lacks(self) -> str:
        if not self.missing:
            return ""
        extras = ",".join(self.missing)
        return f" With the extra {extras} (pip install 'gannet-gan[{extras}]') it would see more."


def detectable_excess(tested: int, classifiers: int = 1) -> float:
    """Smallest excess of accuracy over 1/2 that ``tested`` samples show with a power of .8.

    Args:
        tested: Test samples of both sides together; at least 1.
        classifiers: How many are tried, each at ``LEVEL`` over this number.

    >>> round(detectable_excess(1_000), 3), round(detectable_excess(22), 3)
    (0.05, 0.338)
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


def mann_whitney(area: float, above: NDArray[np.float64], below: NDArray[np.float64]) -> float:
    """Chance of such an AUC or more if both sides were alike, by the normal limit.

    Args:
        area: The AUC.
        above: ``(n,)`` scores of those that should be higher.
        below: ``(m,)`` scores of the others.

    Source: Mann and Whitney 1947, Annals of Mathematical Statistics 18, p. 50, with the usual
        corrections for ties and for continuity.
    """
    n, m = len(above), len(below)
    counts = np.unique(np.concatenate([above, below]), return_counts=True)[1].astype(np.float64)
    total = n + m
    lost = float((counts**3 - counts).sum()) / (total * (total - 1))
    variance = n * m / 12 * (total + 1 - lost)
    if variance <= 0:
        return 1.0
    return NormalDist().cdf(-((area - 0.5) * n * m - 0.5) / math.sqrt(variance))


def two_sample_scores(found: TwoSampleResult, baseline: ClassifierResult) -> list[Score]:
    """Accuracy and AUC of one test as scores, for every kind of data.

    The value is that of the strongest classifier; the components are all of them. The reference is
    the negative control: held-out reals against training reals.

    Args:
        found: The test, with its negative control.
        baseline: The strongest classifier of the same test on samples of a trivial method.
    """
    references = () if found.negative is None else found.negative.classifiers
    by_name = {each.name: each for each in references}
    reference = references[0] if references else None
    best = found.strongest
    ends = {
        "c2st accuracy": [
            (each.accuracy, each.low, each.high) for each in (best, reference or best)
        ],
        "c2st auc": [(each.auc, each.auc_low, each.auc_high) for each in (best, reference or best)],
    }
    if reference is None:
        ends = {name: [value, (0.5, 0.5, 0.5)] for name, (value, _) in ends.items()}
    scores: list[Score] = []
    for name, (value, usual) in ends.items():
        of = "accuracy" if name == "c2st accuracy" else "auc"
        components = tuple(
            Component(
                name=each.name,
                value=getattr(each, of),
                reference=getattr(by_name[each.name], of) if each.name in by_name else 0.5,
            )
            for each in found.classifiers
        )
        scores.append(
            Score(
                name=name,
                value=value[0],
                low=value[1],
                high=value[2],
                reference=usual[0],
                reference_low=usual[1],
                reference_high=usual[2],
                samples=found.tested,
                better="low",
                baseline=getattr(baseline, of),
                chance_level=0.5,
                components=components,
                how=HOW,
                **ABOUT[name],
            )
        )
    return scores
