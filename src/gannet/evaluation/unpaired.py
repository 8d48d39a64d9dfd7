"""Scores of unpaired translation: outputs without targets, against a target domain."""

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
"""Bootstrap resamples."""

FEWEST = 4
"""Samples of a domain below which it is not scored."""


@dataclass(frozen=True, slots=True)
class UnpairedFeatures:
    """Features ``(n, width)`` of one target domain and of the translations to it.

    Attributes:
        target: Held-out samples of the target domain.
        given: Held-out inputs from the other domains.
        output: Translations of these inputs.
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
    """Score translations of held-out inputs.

    Args:
        answers: Outputs ``(n, *shape)``.
        problem: Held-out samples of the target domains, with the inputs as condition.
        seen: Features of the targets, of the inputs and of the outputs.
        sides: Names of the domains.
        preserved: Measures of what the outputs should preserve of the inputs.
        seed: Seed of the bootstrap.

    Returns:
        ``domain gap closed``: reduction of the energy distance to the target domain relative to
        that of the inputs; 1 for held-out samples of the domain. And the preservation measures,
        with the mean input as baseline.
    """
    # Outputs for unknown target domains cannot be scored.
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
"""Fraction of the gap to a domain that is closed, with the ends of its interval."""


def _covered(
    problem: Batch, seen: tuple[Tensor, Tensor, Tensor], sides: Sequence[str], seed: int
) -> dict[str, CoveredWay]:
    """Gap closed for each domain with enough samples."""
    side = problem.condition.vector.argmax(1)
    found: dict[str, CoveredWay] = {}
    for number, name in enumerate(sides):
        mine = (side == number).nonzero().squeeze(1)
        # Inputs repeat cyclically; keep only the first use of each.
        mine = mine[: len(first_of_each(problem.condition.grid[mine].flatten(1)))]
        if len(mine) >= FEWEST:
            target, given, made = (each[mine] for each in seen)
            covered = domain_gap_closed(UnpairedFeatures(target, given, made), seed=seed)
            if covered is not None:
                found[name] = covered
    return found


def _way_score(covered: Mapping[str, CoveredWay], count: int) -> Score:
    """Mean over the domains."""
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
    """How much of the inputs the outputs preserve."""
    mean = given.mean(0, keepdim=True).expand_as(answers)
    return mean_score(
        kept.name,
        kept.measure(answers, given),
        floor=kept.best,
        better=kept.better,
        baseline=float(kept.measure(mean, given).mean()),
        by="the mean input",
        seed=seed,
        about=kept.about,
    )


def domain_gap_closed(heaps: UnpairedFeatures, *, seed: int) -> CoveredWay | None:
    """Fraction of the gap between inputs and target domain that is closed, with a 95 % interval.

    It is ``1 - D(output, target) / D(given, target)`` with the unbiased energy distance, which is
    0 for samples of the domain itself. The interval is a bootstrap over the samples that keeps an
    input and its output together.

    Returns:
        The fraction and the ends of its interval; ``None`` where the samples are too few to
        distinguish the two domains, so that there is no gap to close.
    """
    count = len(heaps.target)
    within = torch.cdist(heaps.target.double(), heaps.target.double())
    sets = [each.double() for each in (heaps.given, heaps.output)]
    inner = [torch.cdist(each, each) for each in sets]
    across = [torch.cdist(each, heaps.target.double()) for each in sets]

    def distances(these: Tensor, others: Tensor) -> list[float]:
        """Energy distances of inputs and of outputs, for bootstrap counts of targets and inputs."""
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
    """Mean distance between different samples, weighted by counts."""
    pairs = times.sum() ** 2 - times.square().sum()
    return times @ distances @ times / pairs.clamp_min(1)
