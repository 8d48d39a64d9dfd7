"""Fidelity scores of tables: marginals, pairwise dependence, rules between columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.frame import Frame
from gannet.core.scores import Component, Score
from gannet.core.types import BoolArray
from gannet.metrics.confidence import half_samples, std, wilson
from gannet.metrics.tabular.dependence import (
    association,
    contingency_similarity,
    correlation,
    correlation_similarity,
    dependence,
    dependence_distance,
    dependence_similarity,
)
from gannet.metrics.tabular.marginals import ks_complement, missing_gap, variation_complement
from gannet.modalities.table.columns.infer_type import AnyColumn
from gannet.modalities.table.evaluation.encoding import EncodedTable
from gannet.modalities.table.evaluation.samples import ComparedRows, EvaluationRows
from gannet.modalities.table.evaluation.words import DESCRIPTIONS
from gannet.modalities.table.rules import rules_of, violations

HALVES = 12
"""Half-samples of the delete-half jackknife."""
STUDENT = 2.201
"""97.5 % quantile of Student's t for a standard error from 12 half-samples."""
WORST = 10
"""Most components (columns or pairs) that a score lists."""
QUANTILES = 5
"""Bins of a number for dependence; more would resolve finer dependence, but add noise."""
TALL = 8
"""Bins of a category for dependence."""
EVEN = 10
"""Bins of a number for pair trends, as in SDMetrics."""
WIDE = 100
"""Bins of a category for pair trends."""
CORRELATED = 0.5
"""Absolute correlation from which on two numbers have a trend, as in SDMetrics."""
ASSOCIATED = 0.3
"""Cramer's V from which on other pairs have a trend, as in SDMetrics."""


def column_scores(sides: EvaluationRows) -> list[Score]:
    """Marginals, and the gap in missing rates if cells are missing."""
    sizes = sides.train.sizes
    scores = [_by_column("marginals", partial(_shapes, sizes=sizes), sides, "high")]
    if any(
        np.isnan(each.values).any() for each in (sides.held_out, sides.real_reference, sides.fake)
    ):
        scores.append(_by_column("missing rate gap", _gaps, sides, "low"))
    return scores


def pair_scores(sides: EvaluationRows) -> list[Score]:
    """Dependence and pair trends; none for a single column."""
    if len(sides.train.names) < 2:
        return []
    return [_dependence(sides), *_trends(sides)]


Triple = tuple[float, float, float]
"""A value and its 95 % interval."""


def scored(
    name: str,
    value: Triple,
    reference: Triple,
    baseline: float,
    samples: int,
    better: Literal["low", "high"],
    chance_level: float | None = None,
    components: tuple[Component, ...] = (),
    upper_bound: float | None = None,
) -> Score:
    """A score from values with their intervals."""
    return Score(
        name=name,
        value=value[0],
        low=value[1],
        high=value[2],
        reference=reference[0],
        reference_low=reference[1],
        reference_high=reference[2],
        samples=samples,
        better=better,
        baseline=baseline,
        chance_level=chance_level,
        components=components,
        upper_bound=upper_bound,
        **DESCRIPTIONS[name.partition("[")[0]],
    )


def _by_column(
    name: str,
    measure: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    sides: EvaluationRows,
    better: Literal["low", "high"],
) -> Score:
    def mean(real: Tensor, fake: Tensor) -> float:
        return float(measure(real.numpy(), fake.numpy()).mean())

    real, fake, real_reference = (
        torch.from_numpy(each.values) for each in (sides.held_out, sides.fake, sides.real_reference)
    )
    values, reference_values = (
        measure(sides.held_out.values, each.values) for each in (sides.fake, sides.real_reference)
    )
    sample_sets = (real, fake, real_reference, torch.from_numpy(sides.baseline_samples.values))
    components = _worst(sides.train.names, values, reference_values, better)
    return _jackknifed_score(name, mean, sample_sets, better, components, sides.seed)


def _shapes(
    real: NDArray[np.float64], fake: NDArray[np.float64], sizes: Sequence[int]
) -> NDArray[np.float64]:
    similarities = [
        variation_complement(left, right) if size else ks_complement(left, right)
        for left, right, size in zip(real.T, fake.T, sizes, strict=True)
    ]
    return np.array(similarities)


def _gaps(real: NDArray[np.float64], fake: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([missing_gap(*pair) for pair in zip(real.T, fake.T, strict=True)])


def _dependence(sides: EvaluationRows) -> Score:
    edges = sides.row_distance.quantile_edges(QUANTILES)
    real, fake, real_reference, baseline_samples = (
        sides.row_distance.bins(each, edges, TALL)
        for each in (sides.held_out, sides.fake, sides.real_reference, sides.baseline_samples)
    )
    metric = partial(dependence_similarity, sizes=real.sizes)
    values, reference_values = (
        _each(dependence_distance(real.rows, each.rows, real.sizes))
        for each in (fake, real_reference)
    )
    # Components are the fractions kept per pair. In weak pairs these are mostly noise, so the pairs
    # listed are those that lower the score most.
    strong = _each(dependence(real.rows, real.sizes))
    order: list[int] = np.argsort(reference_values - values, kind="stable")[:WORST].tolist()
    called = _pairs(sides.train.names)
    components = tuple(
        Component(
            name=called[at],
            value=_preserved_fraction(float(values[at]), float(strong[at])),
            reference=_preserved_fraction(float(reference_values[at]), float(strong[at])),
        )
        for at in order
    )
    sample_sets = (real.rows, fake.rows, real_reference.rows, baseline_samples.rows)
    return _jackknifed_score("dependence", metric, sample_sets, "high", components, sides.seed)


def _preserved_fraction(gap: float, strength: float) -> float:
    return max(1 - gap / strength, 0.0) if strength > 0 else 0.0


def _trends(sides: EvaluationRows) -> list[Score]:
    """Similarity of the pairs of columns that have a trend; no score if none has."""
    numeric = torch.from_numpy(sides.train.numeric)
    numbers = int(numeric.sum())
    edges = sides.row_distance.even_edges(EVEN)

    def pair_features(table: EncodedTable) -> Tensor:
        values = torch.from_numpy(table.values)[:, numeric]
        return torch.cat([values, sides.row_distance.bins(table, edges, WIDE).rows.double()], 1)

    sizes = sides.row_distance.bins(sides.fake.take(slice(0, 1)), edges, WIDE).sizes
    both = numeric[:, None] & numeric
    real = pair_features(sides.held_out)
    strength = association(real[:, numbers:], sizes) / ASSOCIATED
    strength[both] = correlation(real[:, :numbers]).abs().flatten() / CORRELATED
    trending = _each(strength) > 1
    if not trending.any():
        return []

    def pairs(left: Tensor, right: Tensor) -> NDArray[np.float64]:
        similarities = contingency_similarity(left[:, numbers:], right[:, numbers:], sizes)
        similarities[both] = correlation_similarity(left[:, :numbers], right[:, :numbers]).flatten()
        return _each(similarities)[trending]

    def mean(left: Tensor, right: Tensor) -> float:
        return float(pairs(left, right).mean())

    fake, real_reference = pair_features(sides.fake), pair_features(sides.real_reference)
    called = [
        name
        for name, has_trend in zip(_pairs(sides.train.names), trending, strict=True)
        if has_trend
    ]
    components = _worst(called, pairs(real, fake), pairs(real, real_reference), "high")
    sample_sets = (real, fake, real_reference, pair_features(sides.baseline_samples))
    return [_jackknifed_score("pair trends", mean, sample_sets, "high", components, sides.seed)]


class Jackknifed(NamedTuple):
    """A value with its 95 % interval, and the half-sample values that it comes from."""

    triple: Triple
    half_sample_values: tuple[float, ...]


def _jackknife(
    metric: Callable[[Tensor, Tensor], float], real: Tensor, fake: Tensor, seed: int
) -> Jackknifed:
    value = metric(real, fake)
    values = half_samples(metric, real, fake, times=HALVES, seed=seed)
    half_width = STUDENT * std(values)
    return Jackknifed((value, max(value - half_width, 0.0), min(value + half_width, 1.0)), values)


def _jackknifed_score(
    name: str,
    metric: Callable[[Tensor, Tensor], float],
    sample_sets: tuple[Tensor, Tensor, Tensor, Tensor],
    better: Literal["low", "high"],
    components: tuple[Component, ...],
    seed: int,
) -> Score:
    """A score with jackknife intervals of held-out reals, fakes, further reals and baseline."""
    real, fake, real_reference, baseline_samples = sample_sets
    result, reference = (_jackknife(metric, real, each, seed) for each in (fake, real_reference))
    baseline = metric(real, baseline_samples)
    score = scored(
        name, result.triple, reference.triple, baseline, len(real), better, components=components
    )
    return score.model_copy(update={"half_sample_values": result.half_sample_values})


def _worst(
    names: Sequence[str],
    values: NDArray[np.float64],
    reference_values: NDArray[np.float64],
    better: Literal["low", "high"],
) -> tuple[Component, ...]:
    deficit = values - reference_values if better == "low" else reference_values - values
    order: list[int] = np.argsort(-deficit, kind="stable")[:WORST].tolist()
    return tuple(
        Component(name=names[at], value=float(values[at]), reference=float(reference_values[at]))
        for at in order
    )


def _pairs(names: Sequence[str]) -> list[str]:
    return [f"{one} × {other}" for one, other in combinations(names, 2)]


def _each(pairs: Tensor) -> NDArray[np.float64]:
    above = torch.triu_indices(len(pairs), len(pairs), 1)
    return pairs[above[0], above[1]].numpy()


def rule_scores(train: Frame, rows: ComparedRows, columns: Sequence[AnyColumn]) -> list[Score]:
    """The fraction of rows that break at least one rule, and of each rule; none without rules.

    Rules are found in training rows alone, so that held-out reals, the reference, may break them.
    """
    rules = rules_of(train, columns)
    if not rules:
        return []
    real, fake, trivial = (
        violations(each, rules, columns)
        for each in (rows.held_out, rows.fake, rows.baseline_samples)
    )
    parts = [
        Component(name=rule, value=float(value), reference=float(reference))
        for rule, value, reference in zip(rules, fake.mean(0), real.mean(0), strict=True)
    ]
    parts.sort(key=lambda part: part.reference - part.value)
    score = scored(
        "rule violations",
        _fraction(fake),
        _fraction(real),
        _fraction(trivial)[0],
        len(fake),
        "low",
        components=tuple(parts[:WORST]),
    )
    return [score.model_copy(update={"how": _how(rules)})]


def _fraction(broken: BoolArray) -> Triple:
    """Fraction of rows that break any rule, with its interval."""
    hits = int(broken.any(1).sum())
    return hits / len(broken), *wilson(hits, len(broken))


def _how(rules: Sequence[str]) -> str:
    more = f" and {len(rules) - WORST} more" if len(rules) > WORST else ""
    return (
        "Rule violations: fraction of rows that break at least one of the rules that all training "
        f"rows keep: {', '.join(rules[:WORST])}{more}. Reference: held-out reals."
    )
