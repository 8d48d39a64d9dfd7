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

MOST = 4_096
"""Maximum number of prefixes; of more, this many are sampled systematically by probability."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Prefixes of rows that satisfy the cell conditions.

    Attributes:
        low: ``(U, F)`` the conditioned cells; for a continuous position its lower bound.
        high: ``(U, F)`` the same; for a continuous position its upper bound.
        known: ``(U, F)`` one where a cell is conditioned.
        cumulative: ``(U,)`` cumulative probabilities of the prefixes, up to 1.
        probability: Marginal probability of the condition under the model.
    """

    low: Tensor
    high: Tensor
    known: Tensor
    cumulative: Tensor
    probability: float


@torch.no_grad()
def prefixes(generator: FieldGenerator, conditions: CellConditions) -> Prefixes:
    """List the prefixes that satisfy the conditions; exact up to ``MOST`` of them."""
    fields = len(generator.layout.count)
    low = generator.stem.weight.new_zeros(1, fields)
    high, known, weight = low.clone(), low.clone(), low.new_ones(1).double()
    for wish in sorted(conditions, key=len):  # fewest alternatives first: the list stays short
        pieces = [part for piece in wish for part in _sliced(piece)]
        first = next(iter(pieces[0].cells))
        share = _share(generator, low, known, first)
        symbols = torch.tensor([int(piece.cells[first]) for piece in pieces])
        weighed = (weight[:, None] * share[:, symbols.to(share.device)]).flatten()
        at, weight = _thinned(weighed)
        existing, number = at // len(pieces), at % len(pieces)
        low, high, known = low[existing], high[existing], known[existing]
        low, high, known = low.clone(), high.clone(), known.clone()
        low[:, first] = high[:, first] = symbols.to(low)[number]
        known[:, first] = 1
        rest = {field for piece in pieces for field in (*piece.cells, *piece.within)} - {first}
        for field in sorted(rest):
            bounds = torch.tensor([_bounds(piece, field) for piece in pieces]).to(low)[number]
            asked = bounds[:, 2] > 0
            share = _share(generator, low[asked], known[asked], field)
            begin, end = bounds[asked, 0], bounds[asked, 1]
            place = field in generator.layout.continuous
            which = (begin * SLICES if place else begin).long().clamp(max=share.shape[1] - 1)
            part = share.gather(1, which[:, None]).squeeze(1)
            # An exact position gets the probability of its whole slice.
            cut = ((end - begin) * SLICES).double() if place else torch.zeros_like(part)
            weight[asked] *= part * torch.where(cut > 0, cut, 1)
            low[asked, field], high[asked, field], known[asked, field] = begin, end, 1
    share_of_all = float(weight.sum())
    heaped = weight.cumsum(0) / max(share_of_all, math.ulp(0.0))
    return Prefixes(low, high, known, heaped, share_of_all)


def rows_of(existing: Prefixes, chance: Tensor) -> tuple[Tensor, Tensor]:
    """Rows ``(n, F)`` with the conditioned cells, and a mask ``(n, F)`` of these.

    Args:
        existing: The prefixes.
        chance: ``(n, 1 + K)`` uniform in [0, 1): to select a prefix, and for K positions.
    """
    chance = chance.to(existing.cumulative)
    at = torch.searchsorted(existing.cumulative, chance[:, 0].contiguous(), right=True)
    at = at.clamp(max=len(existing.cumulative) - 1)
    low, high = existing.low[at], existing.high[at]
    wide = (existing.high > existing.low).any(0).nonzero().squeeze(1)
    rows = low.clone()
    inside = chance[:, 1 : 1 + len(wide)].to(low)
    rows[:, wide] += inside * (high - low)[:, wide]
    return torch.minimum(rows, high), existing.known[at]


def _share(generator: FieldGenerator, rows: Tensor, known: Tensor, field: int) -> Tensor:
    """Probabilities ``(U, K)`` of one field's tokens, given the observed cells; float64."""
    blank = rows[:, :0]
    logits = generator.logits(Condition(condition_vector(rows, known), blank, blank))
    return logits[:, generator.layout.parts[field]].double().softmax(1)


def _sliced(piece: CellRange) -> Iterator[CellRange]:
    """The range split at slice bounds: within a slice, all positions are equally likely."""
    if not piece.within:
        yield piece
        return
    ((field, (low, high)),) = piece.within.items()
    for number in range(int(low * SLICES), min(int(high * SLICES), SLICES - 1) + 1):
        begin, end = max(low, number / SLICES), min(high, math.nextafter((number + 1) / SLICES, 0))
        if begin < end:
            yield CellRange(piece.cells, {field: (begin, end)})


def _bounds(piece: CellRange, field: int) -> tuple[float, float, float]:
    """Lowest and highest cell of a field, and whether the range constrains it."""
    found: Mapping[int, tuple[float, float]] = piece.within
    if field in found:
        return (*found[field], 1.0)
    cell = piece.cells.get(field)
    return (0.0, 0.0, 0.0) if cell is None else (cell, cell, 1.0)


def _thinned(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Indices and weights of the prefixes to keep: all, or ``MOST`` by systematic sampling."""
    total = weight.sum()
    if len(weight) <= MOST or not total > 0:
        return torch.arange(len(weight), device=weight.device), weight
    steps = (torch.arange(MOST, device=weight.device) + 0.5) / MOST * total
    at = torch.searchsorted(weight.cumsum(0), steps).clamp(max=len(weight) - 1)
    return at, (total / MOST).expand(MOST).clone()
