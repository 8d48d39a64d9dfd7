"""Can features see? Asked of reals that they never learnt from, before any fake is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gannet.core.errors import GannetError
from gannet.core.scores import FeatureFitness
from gannet.core.seeding import derive_seed
from gannet.evaluation.features.probe import (
    NO_AGREEMENT,
    Agreement,
    agreement,
    foretold_classes,
    linear_probe_auc,
    participation,
)
from gannet.metrics.auc import Auc
from gannet.modalities.corruption import Corruption
from gannet.networks.features import Features, label_of

WELL = 0.6
"""AUC that the whole interval must be above, for reals and worse copies to be told apart."""

AGREED = 0.1
"""Cohen's kappa that the whole interval must be above, for classes to be told."""

MIN_DIMENSIONS = 1.2
"""Directions that features must spread in, where reals do."""

STILL = 1e-5
"""Standard deviation, in units of their size, below which features do not move."""

ALONE = 4
"""Rows that are asked for again by themselves."""

MIXED = 8
"""Reals that an average is made of."""

FEW = 60
"""Reals below which it may be their number that hides what features see."""

FAULTS = (
    GannetError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
)
"""What features of others may raise when they do not suit the samples."""


@dataclass(frozen=True)
class FeatureTrial:
    """What features are asked.

    Attributes:
        reals: ``(n, *shape)`` that no features were fitted to.
        worse: The same reals made worse, by name.
        labeled: ``(m, *shape)`` further such reals with labels; may be the same.
        labels: ``(m,)`` their classes.
        dimensions: Directions that the reals themselves spread in.
    """

    reals: Tensor
    worse: Mapping[str, Tensor]
    labeled: Tensor
    labels: Tensor
    dimensions: float


@dataclass(frozen=True)
class FeatureTrialResult:
    """What was found of some features.

    Attributes:
        features: The features.
        probes: How well reals are told from copies made worse, by name.
        classes: Agreement of the classes that they tell with the labels.
        fault: Why they cannot be used at all; empty if nothing speaks against it.
        needs_classes: Whether they are worth nothing unless they tell classes.
    """

    features: Features
    probes: Mapping[str, Auc] = field(default_factory=dict[str, Auc])
    classes: Agreement = NO_AGREEMENT
    fault: str = ""
    needs_classes: bool = False

    @property
    def detected(self) -> tuple[str, ...]:
        """Names of what reals are told from, well above chance."""
        return tuple(name for name, area in self.probes.items() if area.low > WELL)

    def missed(self, others: Sequence[FeatureTrialResult]) -> tuple[str, ...]:
        """Names of what is not told here, and told better elsewhere by more than both intervals."""
        best = {
            name: max(each.probes[name].low for each in others if name in each.detected)
            for name in visible(others)
        }
        return tuple(
            name
            for name, area in self.probes.items()
            if name in best and name not in self.detected and area.high < best[name]
        )

    @property
    def tells_classes(self) -> bool:
        """Whether the classes are told well above chance."""
        return self.classes.low > AGREED


def trial_of(
    reals: Tensor,
    labeled: Tensor,
    labels: Tensor,
    corruptions: Mapping[str, Corruption],
    thumbnails: Tensor,
    *,
    seed: int,
) -> FeatureTrial:
    """Make the reals worse, in the ways of their kind and by averaging some.

    Args:
        reals: ``(n, *shape)``.
        labeled: ``(m, *shape)`` reals with labels.
        labels: ``(m,)``.
        corruptions: Ways of their kind, by name.
        thumbnails: ``(n, F)`` the reals as few numbers.
        seed: Of the corruptions.
    """
    worse: dict[str, Tensor] = {}
    for number, (name, corrupt) in enumerate({**corruptions, "averages": averaged}.items()):
        rng = torch.Generator().manual_seed(derive_seed(seed, 21, number))
        worse[name] = corrupt(reals, rng)
    return FeatureTrial(reals, worse, labeled, labels, participation(thumbnails))


def averaged(samples: Tensor, rng: torch.Generator) -> Tensor:
    """Averages of eight samples each: what a generator that hedges makes."""
    orders = [torch.randperm(len(samples), generator=rng) for _ in range(MIXED)]
    return torch.stack([samples[order] for order in orders]).mean(0)


def examined(
    features: Features, trial: FeatureTrial, predicted: Tensor | None = None
) -> FeatureTrialResult:
    """What some features tell.

    Args:
        features: Any, ours or a user's.
        trial: The reals.
        predicted: ``(m,)`` classes that these features' own classifier predicts for the labelled
            reals; without them, a probe learns from the features.
    """
    own = predicted is not None
    try:
        rows = features(trial.reals)
        fault = _fault(features, rows, trial)
        if fault:
            return FeatureTrialResult(features, fault=fault, needs_classes=own)
        probes = {
            name: _probe_auc(rows, features(worse), len(trial.worse))
            for name, worse in trial.worse.items()
        }
        if predicted is None and len(trial.labels):
            predicted = foretold_classes(features(trial.labeled), trial.labels)
    except FAULTS as error:
        message = " ".join(str(error).split())[:200] or type(error).__name__
        return FeatureTrialResult(
            features, fault=f"they fail on these samples ({message})", needs_classes=own
        )
    classes = NO_AGREEMENT if predicted is None else agreement(predicted, trial.labels)
    return FeatureTrialResult(features, probes, classes, needs_classes=own)


def _probe_auc(real: Tensor, worse: Tensor, tries: int) -> Auc:
    if not bool(torch.isfinite(worse).all()):
        raise ValueError("for degraded copies they hold numbers that are not finite")
    return linear_probe_auc(real, worse, tries=tries)


def _fault(features: Features, rows: Tensor, trial: FeatureTrial) -> str:
    """What is wrong with features of reals on the face of them; empty for nothing."""
    count = len(trial.reals)
    if rows.shape != (count, features.width):
        return f"they are {tuple(rows.shape)} for {count} samples, and claim {features.width} each"
    if not bool(torch.isfinite(rows).all()):
        return "they hold numbers that are not finite"
    deviation = float(rows.double().std(0, correction=0).square().mean().sqrt())
    size = float(rows.double().square().mean().sqrt())
    if trial.dimensions == 0:
        return "the reals are all alike, so no features can be tested on them"
    if deviation <= STILL * size:
        return "they are the same for all reals"
    alone = features(trial.reals[:ALONE])
    if float((alone - rows[:ALONE]).abs().max()) > 0.01 * deviation:
        return "those of a sample depend on the rest of the batch, or change from call to call"
    dimensions = participation(rows)
    if dimensions < MIN_DIMENSIONS <= trial.dimensions:
        return (
            f"they vary along one direction only ({dimensions:.2f} effective dimensions, the reals "
            f"themselves have {trial.dimensions:.1f})"
        )
    return ""


def judged(findings: Sequence[FeatureTrialResult], samples: int) -> list[FeatureFitness]:
    """Which features are fit; the first of them is used.

    Features are fit that tell classes well above chance, or reals from something, and do not miss
    half or more of what others tell; those of a classifier of the labels must do both, since a
    classifier that learnt nothing is no better than a random network, and one that learnt a single
    thing sees no other.

    Args:
        findings: The most wanted first.
        samples: Reals that were looked at.
    """
    reasons = [_reason(each, findings, samples) for each in findings]
    first = next((at for at, reason in enumerate(reasons) if not reason), -1)
    return [
        FeatureFitness(
            name=label_of(each.features),
            used=at == first,
            fit=not reason,
            detected=("classes",) * each.tells_classes + each.detected,
            missed=each.missed(findings),
            reason=reason,
            samples=samples,
        )
        for at, (each, reason) in enumerate(zip(findings, reasons, strict=True))
    ]


def visible(findings: Sequence[FeatureTrialResult]) -> list[str]:
    """What any of some features tell reals from."""
    return list(dict.fromkeys(name for each in findings for name in each.detected))


def _reason(
    finding: FeatureTrialResult, findings: Sequence[FeatureTrialResult], samples: int
) -> str:
    """Why features are not fit; empty if they are."""
    if finding.fault:
        return finding.fault
    if finding.needs_classes and not finding.tells_classes:
        kappa = finding.classes
        return (
            "their classifier learnt nothing of the classes (on reals it agrees with the labels "
            f"by {kappa.value:.2f} beyond chance, at least {kappa.low:.2f}; {AGREED} is needed)"
        )
    if finding.tells_classes and not finding.needs_classes:
        return ""
    if not finding.detected:
        few = f", on {samples} reals, which are few" if samples < FEW else ""
        return f"they tell reals from none of the degraded copies that were tried{few}"
    missed = finding.missed(findings)
    if 2 * len(missed) < len(visible(findings)):
        return ""
    return f"they do not tell reals from {', '.join(missed)}, which others do"
