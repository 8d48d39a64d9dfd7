"""Cell conditions: prefixes of rows that satisfy them, with their probabilities.

A row is sampled autoregressively, field by field. Conditioned fields must come first, or the
fields before them would be sampled as if there were no condition. So all prefixes that satisfy the
conditions are listed, each with its probability under the model, and each row samples one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gannet.core.types import CellConditions, CellRange, Condition
from gannet.networks.tabular.layout import SLICES, condition_vector
from gannet.networks.tabular.network import FieldGenerator

MAX_PREFIXES = 4_096
"""Maximum number of prefixes; of more, this many are sampled systematically by probability."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Prefixes of rows that satisfy the cell conditions.

    Attributes:
        low: ``(U, F)`` the conditioned cells; for a continuous position its lower bound.
        high: ``(U, F)`` the same; for a continuous position its upper bound.
        observed: ``(U, F)`` one where a cell is conditioned.
        cumulative: ``(U,)`` cumulative probabilities of the prefixes, up to 1.
        probability: Marginal probability of the condition under the model.
    """

    low: Tensor
    high: Tensor
    observed: Tensor
    cumulative: Tensor
    probability: float


@torch.no_grad()
def prefixes(generator: FieldGenerator, conditions: CellConditions) -> Prefixes:
    """List the prefixes that satisfy the conditions; exact up to ``MOST`` of them."""
    fields = len(generator.layout.count)
    low = generator.stem.weight.new_zeros(1, fields)
    high, observed, weight = low.clone(), low.clone(), low.new_ones(1).double()
    for cell_condition in sorted(
        conditions, key=len
    ):  # fewest alternatives first: the list stays short
        ranges = [part for cell_range in cell_condition for part in _sliced(cell_range)]
        first = next(iter(ranges[0].cells))
        probabilities = _field_probabilities(generator, low, observed, first)
        tokens = torch.tensor([int(cell_range.cells[first]) for cell_range in ranges])
        weighed = (weight[:, None] * probabilities[:, tokens.to(probabilities.device)]).flatten()
        at, weight = _subsampled(weighed)
        parent, choice = at // len(ranges), at % len(ranges)
        low, high, observed = low[parent], high[parent], observed[parent]
        low, high, observed = low.clone(), high.clone(), observed.clone()
        low[:, first] = high[:, first] = tokens.to(low)[choice]
        observed[:, first] = 1
        other_fields = {
            field for cell_range in ranges for field in (*cell_range.cells, *cell_range.within)
        } - {first}
        for field in sorted(other_fields):
            bounds = torch.tensor([_bounds(cell_range, field) for cell_range in ranges]).to(low)[
                choice
            ]
            constrained = bounds[:, 2] > 0
            probabilities = _field_probabilities(
                generator, low[constrained], observed[constrained], field
            )
            lower, upper = bounds[constrained, 0], bounds[constrained, 1]
            continuous = field in generator.layout.continuous
            which = (
                (lower * SLICES if continuous else lower)
                .long()
                .clamp(max=probabilities.shape[1] - 1)
            )
            part = probabilities.gather(1, which[:, None]).squeeze(1)
            # An exact position gets the probability of its whole slice.
            cut = ((upper - lower) * SLICES).double() if continuous else torch.zeros_like(part)
            weight[constrained] *= part * torch.where(cut > 0, cut, 1)
            low[constrained, field], high[constrained, field], observed[constrained, field] = (
                lower,
                upper,
                1,
            )
    total = float(weight.sum())
    cumulative = weight.cumsum(0) / max(total, math.ulp(0.0))
    return Prefixes(low, high, observed, cumulative, total)


def rows_of(prefixes: Prefixes, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """Rows ``(n, F)`` with the conditioned cells, and a mask ``(n, F)`` of these.

    Args:
        prefixes: The prefixes.
        uniforms: ``(n, 1 + K)`` uniform in [0, 1): to select a prefix, and for K positions.
    """
    uniforms = uniforms.to(prefixes.cumulative)
    at = torch.searchsorted(prefixes.cumulative, uniforms[:, 0].contiguous(), right=True)
    at = at.clamp(max=len(prefixes.cumulative) - 1)
    low, high = prefixes.low[at], prefixes.high[at]
    wide = (prefixes.high > prefixes.low).any(0).nonzero().squeeze(1)
    rows = low.clone()
    inside = uniforms[:, 1 : 1 + len(wide)].to(low)
    rows[:, wide] += inside * (high - low)[:, wide]
    return torch.minimum(rows, high), prefixes.observed[at]


def _field_probabilities(
    generator: FieldGenerator, rows: Tensor, observed: Tensor, field: int
) -> Tensor:
    """Probabilities ``(U, K)`` of one field's tokens, given the observed cells; float64."""
    blank = rows[:, :0]
    logits = generator.logits(Condition(condition_vector(rows, observed), blank, blank))
    return logits[:, generator.layout.parts[field]].double().softmax(1)


def _sliced(cell_range: CellRange) -> Iterator[CellRange]:
    """The range split at slice bounds: within a slice, all positions are equally likely."""
    if not cell_range.within:
        yield cell_range
        return
    ((field, (low, high)),) = cell_range.within.items()
    for number in range(int(low * SLICES), min(int(high * SLICES), SLICES - 1) + 1):
        lower, upper = (
            max(low, number / SLICES),
            min(high, math.nextafter((number + 1) / SLICES, 0)),
        )
        if lower < upper:
            yield CellRange(cell_range.cells, {field: (lower, upper)})


def _bounds(cell_range: CellRange, field: int) -> tuple[float, float, float]:
    """Lowest and highest cell of a field, and whether the range constrains it."""
    within: Mapping[int, tuple[float, float]] = cell_range.within
    if field in within:
        return (*within[field], 1.0)
    cell = cell_range.cells.get(field)
    return (0.0, 0.0, 0.0) if cell is None else (cell, cell, 1.0)


def _subsampled(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Indices and weights of the prefixes to keep: all, or ``MOST`` by systematic sampling."""
    total = weight.sum()
    if len(weight) <= MAX_PREFIXES or not total > 0:
        return torch.arange(len(weight), device=weight.device), weight
    steps = (torch.arange(MAX_PREFIXES, device=weight.device) + 0.5) / MAX_PREFIXES * total
    at = torch.searchsorted(weight.cumsum(0), steps).clamp(max=len(weight) - 1)
    return at, (total / MAX_PREFIXES).expand(MAX_PREFIXES).clone()
