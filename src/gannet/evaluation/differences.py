"""Comparison of the scores of several runs: differences with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gannet.core.scores import Report, Score
from gannet.metrics.confidence import std

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201)
"""97.5 % points of Student's t for 1, 2, ... degrees of freedom; beyond, the last."""


class Difference(BaseModel):
    """One score of one group of runs against that of the first group.

    Attributes:
        score: Name of the score.
        group: The other group.
        value: Its mean minus that of the first.
        low: Lower end of the 95 % interval.
        high: Upper end.
        conclusion: ``noise`` where the interval contains 0.
        how: Source of the interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: str
    group: str
    value: float
    low: float
    high: float
    conclusion: Literal["noise", "better", "worse"]
    how: str


class Group(BaseModel):
    """Runs that differ in their seed only.

    Attributes:
        name: Name of the first run.
        seeds: Training seeds of the runs.
        reports: One per run.
        baseline: Whether their recipe is a baseline.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    seeds: tuple[int, ...]
    reports: tuple[Report, ...]
    baseline: bool = False

    def values(self, name: str) -> list[float]:
        """One score of each run."""
        return [report.score(name).value for report in self.reports]

    def over_runs(self, name: str) -> tuple[float, float] | None:
        """95 % interval of the mean over training runs; ``None`` for a single one."""
        values = self.values(name)
        if len(values) < 2:
            return None
        half_width = student(len(values) - 1) * stdev(values) / math.sqrt(len(values))
        return fmean(values) - half_width, fmean(values) + half_width


class Comparison(BaseModel):
    """Groups of runs, scored in the same way on the same rows.

    Attributes:
        data: Name of the data.
        groups: The first is the one that others are compared with.
        scores: Names of the scores that all runs have.
        differences: Differences of each other group, score by score.
        protocol: How the scores were measured, in sentences.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    groups: tuple[Group, ...]
    scores: tuple[str, ...]
    differences: tuple[Difference, ...]
    protocol: tuple[str, ...]


def compared(groups: Sequence[Group], data: str) -> Comparison:
    """Compare groups of runs with the first of them."""
    first, *others = groups
    every = [report for group in groups for report in group.reports]
    score_names = [{score.name for score in report.scores} for report in every]
    names = [
        score.name for score in every[0].scores if all(score.name in each for each in score_names)
    ]
    differences = [difference(first, other, name) for other in others for name in names]
    unshared: set[str] = set().union(*score_names) - set(names)
    protocol = [
        *every[0].protocol,
        "All runs: the same held-out rows, the same reference reals, the same counts, seeds and "
        "features. Runs that differ in their seed only make one entry.",
    ]
    if differences:
        protocol += [
            f"Differences: to {first.name}. Where scores have half-samples, half by half on the "
            "same reals (paired jackknife); else from both intervals (Newcombe's square and add). "
            "With several seeds in an entry, the variance over training runs is added to that "
            "over samples.",
            f"Noise: the 95 % interval contains 0. If there were no differences at all, about "
            f"{max(round(len(differences) / 20), 1)} of {len(differences)} would still be called.",
        ]
    if unshared:
        protocol.append(f"Not every run has these scores: {', '.join(sorted(unshared))}.")
    return Comparison(
        data=data,
        groups=tuple(groups),
        scores=tuple(names),
        differences=tuple(differences),
        protocol=tuple(protocol),
    )


def difference(first: Group, other: Group, name: str) -> Difference:
    """Difference of one score between a group and the first group."""
    ours = [report.score(name) for report in other.reports]
    theirs = [report.score(name) for report in first.reports]
    value = fmean(score.value for score in ours) - fmean(score.value for score in theirs)
    under, over, how = _over_samples(ours, theirs)
    runs = over_runs([[score.value for score in side] for side in (ours, theirs)])
    if runs:
        under, over, how = math.hypot(under, runs), math.hypot(over, runs), f"{how}, and runs"
    low, high = value - under, value + over
    conclusion: Literal["noise", "better", "worse"] = "noise"
    if low > 0 or high < 0:
        conclusion = "better" if (value > 0) == (ours[0].better == "high") else "worse"
    return Difference(
        score=name,
        group=other.name,
        value=value,
        low=low,
        high=high,
        conclusion=conclusion,
        how=how,
    )


def student(freedom: int) -> float:
    """97.5 % point of Student's t; slightly conservative beyond eleven degrees of freedom."""
    return STUDENT[min(freedom, len(STUDENT)) - 1]


def _over_samples(ours: Sequence[Score], theirs: Sequence[Score]) -> tuple[float, float, str]:
    """Lower and upper half-width of a difference of means, from sampling, and how obtained."""
    width = len(ours[0].half_sample_values)
    if width and all(len(score.half_sample_values) == width for score in (*ours, *theirs)):
        gaps = [
            fmean(score.half_sample_values[at] for score in ours)
            - fmean(score.half_sample_values[at] for score in theirs)
            for at in range(width)
        ]
        half_width = student(width - 1) * std(gaps)
        return half_width, half_width, "paired halves"
    return (
        math.hypot(mean_half_width(ours, "down"), mean_half_width(theirs, "up")),
        math.hypot(mean_half_width(ours, "up"), mean_half_width(theirs, "down")),
        "both intervals",
    )


def mean_half_width(scores: Sequence[Score], side: Literal["down", "up"]) -> float:
    """Half-width of the interval of a mean of scores on the same reals.

    Their errors are correlated, so it is not divided by their number.
    """
    if side == "down":
        return fmean(score.value - score.low for score in scores)
    return fmean(score.high - score.value for score in scores)


def over_runs(sides: Sequence[Sequence[float]]) -> float:
    """Half-width of a difference of means from training runs; 0 if no run is repeated."""
    several = [side for side in sides if len(side) > 1]
    if not several:
        return 0.0
    error = math.sqrt(sum(stdev(side) ** 2 / len(side) for side in several))
    return student(min(len(side) - 1 for side in several)) * error
