"""A case of which the answer is known: samples or data with a planted truth, and what must be said.

What a report or an inspection says is read as a set of findings, so that a case names what it must
find, what it may find beside that, and nothing else. A good case must find nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.scores import Report
from gannet.core.types import Batch, Condition
from gannet.data.inspect import Findings
from gannet.evaluation.evaluate import evaluate
from gannet.evaluation.report.summary import diagnosis_of, summary
from gannet.metrics.two_sample import TwoSampleResult

COUNT = 250
"""Samples on each side of a scored case."""

SAID: Mapping[str, str] = {
    "repeated": r"\*\*(Collapsed|Repeated)\*\*|samples repeat others",
    "memorised": r"\*\*(Memorised|Copies)\*\*|nearly copies of training",
    "blurred": r"\*\*Blurred\*\*|too smooth",
    "noisy": r"\*\*Noisy\*\*|too rough",
    "missing": (
        r"Variety is missing|\*\*Missing (classes|clusters)\*\*|\*\*Values are missing\*\*|Too rare"
    ),
    "narrow": r"modes shrunken|fakes vary 0|too crowded",
    "wide": r"modes too wide|fakes vary [1-9]|too scattered",
    "unbelievable": r"not believable",
    "loses": r"loses to its baseline",
    "disclosed": r"\*\*Disclosed\*\*|given away",
    "blind features": r"features? (are|is) blind|cannot see|not used:|failed:|see nothing",
}
"""Finding -> pattern of the words that say it."""

OUTCOMES: Mapping[str, set[str]] = {
    "difference": {"difference"},
    "no difference": set(),
    "too few samples": {"too few"},
    "no power": {"no power"},
}
"""Outcome of the two-sample test -> findings."""

FINDINGS = frozenset(SAID).union(*OUTCOMES.values())
"""All findings of scored samples."""

PRAISED, ACCUSED = "a good grade", "a bad grade"
"""Findings that a good case may have and never a bad one, and the other way round."""

SHARE = 0.05
"""Share of equal samples from which on an inspection that counts them has found duplicates."""


@dataclass(frozen=True)
class Heap:
    """Samples with labels."""

    samples: Tensor
    labels: NDArray[np.int64]
    kind: str

    def __len__(self) -> int:
        return len(self.samples)

    def take(self, indices: Sequence[int]) -> Batch:
        """Some of them."""
        rows = self.samples[list(indices)]
        return Batch(rows, Condition.none(rows), kind=self.kind)


@dataclass(frozen=True)
class Reals:
    """Reals to train on and held out."""

    train: Heap
    held_out: Heap
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """A generator that hands out ready-made samples, whatever the seed."""

    fakes: Tensor
    classes: tuple[str, ...] = ()

    def sample(self, count: int, *, label: str | int | None = None, seed: int = 0) -> Tensor:
        """The first ``count``."""
        del label, seed
        assert count <= len(self.fakes), "more samples asked for than were made"
        return self.fakes[:count]


@dataclass(frozen=True)
class KnownAnswer:
    """One case.

    Attributes:
        name: What was planted.
        kind: Of data: ``images``, ``rows``, ``table``, ``numbers`` (of an unknown kind),
            ``inspect`` or ``evaluate``.
        fault: The fault of the issue that it stands for; its opposite for a good case.
        found: Runs it, and returns the findings.
        finds: Findings that must be there; none for a good case.
        may: Findings that may be there, since they are true as well.
        small: Whether every test run tries it; the benchmark tries all.
    """

    name: str
    kind: str
    fault: str
    found: Callable[[], set[str]]
    finds: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    small: bool = False
    good: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "good", not self.finds)

    @property
    def title(self) -> str:
        """Name with the kind."""
        return f"{self.kind}: {self.name}"

    def faults(self, found: set[str]) -> list[str]:
        """What was not found, and what was found without cause; empty if it is right."""
        lacking = [f"does not say {name!r}" for name in sorted(self.finds - found)]
        graded = {PRAISED if self.good else ACCUSED}
        extra = sorted(found - self.finds - self.may - graded)
        return lacking + [f"says {name!r} without cause" for name in extra]


def case(  # one argument per column of the table
    kind: str,
    name: str,
    fault: str,
    found: Callable[[], set[str]],
    finds: str = "",
    may: str = "",
    *,
    small: bool = False,
) -> KnownAnswer:
    """A case whose findings are listed with commas."""
    must, can = (
        frozenset(word.strip() for word in each.split(",") if word.strip()) for each in (finds, may)
    )
    return KnownAnswer(name, kind, fault, found, must, can, small=small)


def findings(report: Report) -> set[str]:
    """What a report says is wrong."""
    said, grade = summary(report), diagnosis_of(report).grade
    found = {name for name, pattern in SAID.items() if re.search(pattern, said)}
    if report.two_sample_test:
        found |= OUTCOMES[TwoSampleResult.of(report.two_sample_test).outcome]
    if grade == "good":
        found.add(PRAISED)
    return found if grade in ("good", "not judged") else found | {ACCUSED}


def scored(reals: Reals, fakes: Tensor, *, count: int = COUNT, steps: int = 40) -> set[str]:
    """Findings of the general evaluation on planted samples."""
    sampler = Given(fakes.float())
    return findings(evaluate(sampler, reals, count=count, steps=steps))


def inspected(report: Findings) -> set[str]:
    """Codes of what an inspection found."""
    problems = report.model_dump()["problems"]
    found = {each["code"] for each in problems if each["severity"] != "note"}
    copies = report.duplicates > SHARE * report.count
    return found | ({"duplicates"} if copies else set())


def chance(seed: int) -> torch.Generator:
    """A random generator."""
    return torch.Generator().manual_seed(seed)
