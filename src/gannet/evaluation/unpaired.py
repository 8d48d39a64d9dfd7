"""Scores of answers that have no target of their own, but a heap that they shall be like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gannet.core.scores import ABOUT, Component, Score
from gannet.core.seeding import derive_seed
from gannet.core.types import Batch
from gannet.evaluation.paired import mean_score
from gannet.metrics.kmeans import first_of_each
from gannet.modalities.hooks import PairMeasure

DRAWN = 200
"""Bootstrap draws of samples."""

FEWEST = 4
"""Samples of a side below which nothing is said about it."""


@dataclass(frozen=True, slots=True)
class UnpairedFeatures:
    """Features ``(n, width)`` of what lies on one side and of what was made for it.

    Attributes:
        target: Held-out samples of the side.
        given: Held-out samples of the other.
        output: What was made of these.
    """

    target: Tensor
    given: Tensor
    output: Tensor


def unpaired_scores(
    answers: Tensor,
    problem: Batch,
    seen: tuple[Tensor, Tensor, Tensor],
    sides: Sequence[str],
    *,
    preserved: Sequence[PairMeasure] = (),
    seed: int,
) -> list[Score]:
    """Score answers to held-out samples of the other side.

    Args:
        answers: ``(n, *shape)``.
        problem: Held-out samples of the wanted sides, with what was given of the other.
        seen: Features of the targets, of what was given and of the answers.
        sides: Names.
        preserved: What of the given samples shall be kept.
        seed: Of the bootstrap.

    Returns:
        ``domain gap closed``: by how much the energy distance to the wanted heap falls, as a share
            of
        that of the given samples themselves, 1 being held-out samples of the heap; and what is
        kept, with the mean of what was given as the baseline.
    """
    # Of a sample whose side nobody knows, no answer is right or wrong.
    known = problem.condition.vector.sum(1) > 0
    if not known.any():
        return []
    answers, problem = answers[known], problem[known]
    seen = (seen[0][known], seen[1][known], seen[2][known])
    covered = _covered(problem, seen, sides, seed)
    return [
        *([_way_score(covered, len(answers))] if covered else []),
        *(_kept_score(each, answers, problem.condition.grid, seed) for each in preserved),
    ]


CoveredWay = tuple[float, float, float]
"""Share of the way to a side that is covered, with its interval."""


def _covered(
    problem: Batch, seen: tuple[Tensor, Tensor, Tensor], sides: Sequence[str], seed: int
) -> dict[str, CoveredWay]:
    """The way to each side about which something can be said."""
    side = problem.condition.vector.argmax(1)
    found: dict[str, CoveredWay] = {}
    for number, name in enumerate(sides):
        mine = (side == number).nonzero().squeeze(1)
        # What is given goes round by turns: of more, the same samples would count as others.
        mine = mine[: len(first_of_each(problem.condition.grid[mine].flatten(1)))]
        if len(mine) >= FEWEST:
            target, given, made = (each[mine] for each in seen)
            covered = domain_gap_closed(UnpairedFeatures(target, given, made), seed=seed)
            if covered is not None:
                found[name] = covered
    return found


def _way_score(covered: Mapping[str, CoveredWay], count: int) -> Score:
    """The mean over the sides."""
    value, low, high = (
        sum(column) / len(covered) for column in zip(*covered.values(), strict=True)
    )
    return Score(
        name="domain gap closed",
        value=value,
        low=low,
        high=high,
        reference=1.0,
        reference_low=1.0,
        reference_high=1.0,
        samples=count,
        better="high",
        baseline=0.0,
        baseline_name="the input itself",
        components=tuple(
            Component(name=f"to {name}", value=each[0], reference=1.0)
            for name, each in covered.items()
        ),
        **ABOUT["domain gap closed"],
    )


def _kept_score(kept: PairMeasure, answers: Tensor, given: Tensor, seed: int) -> Score:
    """What of the given samples is left in the answers."""
    mean = given.mean(0, keepdim=True).expand_as(answers)
    return mean_score(
        kept.name,
        kept.measure(answers, given),
        floor=kept.best,
        better=kept.better,
        baseline=float(kept.measure(mean, given).mean()),
        by="the mean of what is given",
        seed=seed,
        about=kept.about,
    )


def domain_gap_closed(heaps: UnpairedFeatures, *, seed: int) -> CoveredWay | None:
    """Share of the way from the given samples to the wanted heap, with a 95 % interval.

    It is ``1 - D(made, target) / D(given, target)`` with the energy distance without bias, whose
    value for samples of the heap itself is 0. The interval is a bootstrap over the samples, in
    which a sample and what was made of it stay together.

    Returns:
        The share and the ends of its interval; ``None`` where the samples are too few to tell the
        two heaps apart, so that there is no way to cover.
    """
    count = len(heaps.target)
    within = torch.cdist(heaps.target.double(), heaps.target.double())
    sets = [each.double() for each in (heaps.given, heaps.output)]
    inner = [torch.cdist(each, each) for each in sets]
    across = [torch.cdist(each, heaps.target.double()) for each in sets]

    def distances(these: Tensor, others: Tensor) -> list[float]:
        """By numbers of how often each target, and each given sample, is counted."""
        return [
            float(2 * _mean(cross, others, these) - _apart(own, others) - _apart(within, these))
            for cross, own in zip(across, inner, strict=True)
        ]

    once = torch.ones(count, dtype=torch.float64)
    chance = torch.Generator().manual_seed(derive_seed(seed, 9))

    def again() -> Tensor:
        rows = torch.randint(count, (count,), generator=chance)
        return torch.bincount(rows, minlength=count).double()

    far, near = torch.tensor([distances(again(), again()) for _ in range(DRAWN)]).unbind(1)
    if float(far.quantile(0.025)) <= 0:
        return None
    ends = (1 - near / far).quantile(torch.tensor([0.025, 0.975]))
    before, after = distances(once, once)
    return 1 - after / before, float(ends[0]), float(ends[1])


def _mean(distances: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return rows @ distances @ columns / (rows.sum() * columns.sum())


def _apart(distances: Tensor, times: Tensor) -> Tensor:
    """Mean distance of two different samples, each counted so many times."""
    pairs = times.sum() ** 2 - times.square().sum()
    return times @ distances @ times / pairs.clamp_min(1)
