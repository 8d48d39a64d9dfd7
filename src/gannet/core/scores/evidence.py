"""All that is known about how good a run is, for one diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gannet.core.io.training_log import TrainingLog
from gannet.core.scores.results import Histogram, Report, Score


class ClassifierEvidence(Protocol):
    """What a classifier of reals and fakes found."""

    @property
    def accuracy(self) -> float:
        """Fraction of test samples that it called rightly; .5 is chance."""
        ...

    @property
    def auc(self) -> float:
        """P(a real seems more real than a fake); .5 is chance."""
        ...


class TwoSampleEvidence(Protocol):
    """What a two-sample test (C2ST) found, and what it could have found."""

    @property
    def outcome(self) -> str:
        """``difference``, ``no difference``, ``too few samples`` or ``no power``."""
        ...

    @property
    def detectable(self) -> float:
        """Smallest excess of accuracy over chance that would have been found."""
        ...

    @property
    def tested(self) -> int:
        """Test samples, of both sides together."""
        ...

    @property
    def strongest(self) -> ClassifierEvidence:
        """The classifier that found most."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a run; whatever is unknown keeps its default.

    Attributes:
        training_log: How it was trained.
        training_samples: Samples it was trained on; 0 if unknown.
        two_sample: Result of the two-sample test; ``None`` if there was none.
        scores: Of a report.
        histograms: Of a report.
        suspects: Of the fakes that a report lists as nearest to training samples, those nearer than
            99 % of held-out reals are.
        baseline: Name of the trivial method of the scores.
        perfect: Whether the reference of each score is a perfect answer, not other reals.
        unfit_features: Why the features of the scores cannot be relied on; empty if they can.
    """

    training_log: TrainingLog | None = None
    training_samples: int = 0
    two_sample: TwoSampleEvidence | None = None
    scores: Sequence[Score] = ()
    histograms: Sequence[Histogram] = ()
    suspects: int = 0
    baseline: str = ""
    perfect: bool = False
    unfit_features: str = ""

    def of_role(self, *roles: str) -> list[Score]:
        """The scores of some roles."""
        return [score for score in self.scores if score.role in roles]


def evidence_of(
    report: Report,
    *,
    two_sample: TwoSampleEvidence | None = None,
) -> Evidence:
    """The evidence of a report, and the two-sample test where it is known as a whole."""
    return Evidence(
        training_log=report.training_log,
        training_samples=report.training_samples,
        two_sample=two_sample,
        scores=report.scores,
        histograms=report.histograms,
        suspects=sum(pair.suspect for pair in report.suspects),
        baseline=report.baseline,
        perfect=report.perfect,
        unfit_features=report.unfit_features,
    )


def evidence_of_card(
    card: Mapping[str, Any],
    *,
    two_sample: TwoSampleEvidence | None = None,
    training_log: TrainingLog | None = None,
) -> Evidence:
    """The evidence at the end of training.

    Args:
        card: Its fields as JSON values: ``recipe``, ``trained_steps``, ``config``, ``data`` and
            ``diagnosis`` are looked at.
        two_sample: Result of the two-sample test.
        training_log: The log, where it can be read; else it is made from the card, and whether
            samples were still getting better stays unknown.
    """
    config: Mapping[str, Any] = card.get("config") or {}
    data: Mapping[str, Any] = card.get("data") or {}
    diagnosis: Mapping[str, Any] = card.get("diagnosis") or {}
    rebuilt = TrainingLog(
        recipe=str(card.get("recipe", "")),
        steps=int(card.get("trained_steps") or card.get("steps", 0)),
        batch=int(config.get("batch", 0)),
        diagnosis=str(diagnosis.get("name", "")),
        evidence=str(diagnosis.get("evidence", "")),
        stopped=str(diagnosis.get("stopped", "")),
    )
    return Evidence(
        training_log=training_log or rebuilt,
        training_samples=int(data.get("train", 0)),
        two_sample=two_sample,
    )
