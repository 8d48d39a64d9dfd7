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

BOOTSTRAP_DRAWS = 200
"""Bootstrap resamples."""

MIN_SAMPLES = 4
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
    outputs: Tensor,
    batch: Batch,
    features: tuple[Tensor, Tensor, Tensor],
    domains: Sequence[str],
    *,
    preserved: Sequence[PairMeasure] = (),
    given: str = "grid",
    seed: int,
) -> list[Score]:
    """Score translations of held-out inputs.

    Args:
        outputs: Outputs ``(n, *shape)``.
        batch: Held-out samples of the target domains, with the inputs as condition.
        features: Features of the targets, of the inputs and of the outputs.
        domains: Names of the domains.
        preserved: Measures of what the outputs should preserve of the inputs.
        given: Role of the inputs in the condition.
        seed: Seed of the bootstrap.

    Returns:
        ``domain gap closed``: reduction of the energy distance to the target domain relative to
        that of the inputs; 1 for held-out samples of the domain. And the preservation measures,
        with the mean input as baseline.
    """
    # Outputs for unknown target domains cannot be scored.
    has_domain = batch.condition.vector.sum(1) > 0
    if not has_domain.any():
        return []
    outputs, batch = outputs[has_domain], batch[has_domain]
    features = (features[0][has_domain], features[1][has_domain], features[2][has_domain])
    inputs = batch.condition.slot(given)
    gaps = _domain_gaps(inputs, batch.condition.vector, features, domains, seed)
    return [
        *([_domain_gap_score(gaps, len(outputs))] if gaps else []),
        *(_preservation_score(each, outputs, inputs, seed) for each in preserved),
    ]


DomainGap = tuple[float, float, float]
"""Fraction of the gap to a domain that is closed, with the ends of its interval."""


def _domain_gaps(
    inputs: Tensor,
    wanted: Tensor,
    features: tuple[Tensor, Tensor, Tensor],
    domains: Sequence[str],
    seed: int,
) -> dict[str, DomainGap]:
    """Gap closed for each wanted domain, one-hot ``(n, K)``, with enough samples."""
    domain = wanted.argmax(1)
    gaps: dict[str, DomainGap] = {}
    for number, name in enumerate(domains):
        indices = (domain == number).nonzero().squeeze(1)
        # Inputs repeat cyclically; keep only the first use of each.
        indices = indices[: len(first_of_each(inputs[indices].flatten(1)))]
        if len(indices) >= MIN_SAMPLES:
            target, given, output = (each[indices] for each in features)
            gap = domain_gap_closed(UnpairedFeatures(target, given, output), seed=seed)
            if gap is not None:
                gaps[name] = gap
    return gaps


def _domain_gap_score(gaps: Mapping[str, DomainGap], count: int) -> Score:
    """Mean over the domains."""
    value, low, high = (sum(column) / len(gaps) for column in zip(*gaps.values(), strict=True))
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
            for name, each in gaps.items()
        ),
        **ABOUT["domain gap closed"],
    )


def _preservation_score(
    pair_measure: PairMeasure, outputs: Tensor, given: Tensor, seed: int
) -> Score:
    """How much of the inputs the outputs preserve."""
    mean = given.mean(0, keepdim=True).expand_as(outputs)
    return mean_score(
        pair_measure.name,
        pair_measure.measure(outputs, given),
        reference=pair_measure.best,
        better=pair_measure.better,
        baseline=float(pair_measure.measure(mean, given).mean()),
        baseline_name="the mean input",
        seed=seed,
        about=pair_measure.about,
    )


def domain_gap_closed(features: UnpairedFeatures, *, seed: int) -> DomainGap | None:
    """Fraction of the gap between inputs and target domain that is closed, with a 95 % interval.

    It is ``1 - D(output, target) / D(given, target)`` with the unbiased energy distance, which is
    0 for samples of the domain itself. The interval is a bootstrap over the samples that keeps an
    input and its output together.

    Returns:
        The fraction and the ends of its interval; ``None`` where the samples are too few to
        distinguish the two domains, so that there is no gap to close.
    """
    count = len(features.target)
    center = features.target.double().mean(0)  # distances cancel badly far from zero
    wanted = features.target.double() - center
    within = torch.cdist(wanted, wanted)
    sets = [each.double() - center for each in (features.given, features.output)]
    inner = [torch.cdist(each, each) for each in sets]
    across = [torch.cdist(each, wanted) for each in sets]

    def distances(target_counts: Tensor, given_counts: Tensor) -> list[float]:
        """Energy distances of inputs and of outputs, for bootstrap counts of targets and inputs."""
        return [
            float(
                2 * _mean_across(cross, given_counts, target_counts)
                - _mean_within(own, given_counts)
                - _mean_within(within, target_counts)
            )
            for cross, own in zip(across, inner, strict=True)
        ]

    once = torch.ones(count, dtype=torch.float64)
    rng = torch.Generator().manual_seed(derive_seed(seed, 9))

    def bootstrap_counts() -> Tensor:
        rows = torch.randint(count, (count,), generator=rng)
        return torch.bincount(rows, minlength=count).double()

    given_distances, output_distances = torch.tensor(
        [distances(bootstrap_counts(), bootstrap_counts()) for _ in range(BOOTSTRAP_DRAWS)]
    ).unbind(1)
    if float(given_distances.quantile(0.025)) <= 0:
        return None
    ends = (1 - output_distances / given_distances).quantile(torch.tensor([0.025, 0.975]))
    before, after = distances(once, once)
    return 1 - after / before, float(ends[0]), float(ends[1])


def _mean_across(distances: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return rows @ distances @ columns / (rows.sum() * columns.sum())


def _mean_within(distances: Tensor, counts: Tensor) -> Tensor:
    """Mean distance between different samples, weighted by counts."""
    pairs = counts.sum() ** 2 - counts.square().sum()
    return counts @ distances @ counts / pairs.clamp_min(1)
