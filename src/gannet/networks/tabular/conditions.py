"""Cells that are asked for: which, and how often each way in which a wish can come true.

A row is filled field by field, each given those before it. What is wished for must come first, or
the fields before it would be drawn as if nothing had been wished. So the ways in which all wishes
come true together are listed, each with the share that the network gives it, and a row draws one.
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
"""Ways that are kept; of more, this many are drawn by their shares, evenly."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Ways in which the wishes come true.

    Attributes:
        low: ``(U, F)`` the cells that are told, of a place its lower bound.
        high: ``(U, F)`` the same, of a place its upper bound.
        known: ``(U, F)`` one where a cell is told.
        cumulative: ``(U,)`` shares of the ways, summed up to 1.
        probability: Of all rows, that of rows for which the wishes come true without being asked.
    """

    low: Tensor
    high: Tensor
    known: Tensor
    cumulative: Tensor
    probability: float


@torch.no_grad()
def prefixes(generator: FieldGenerator, conditions: CellConditions) -> Prefixes:
    """List the ways in which the wishes come true; exact up to ``MOST`` of them."""
    fields = len(generator.layout.count)
    low = generator.stem.weight.new_zeros(1, fields)
    high, known, weight = low.clone(), low.clone(), low.new_ones(1).double()
    for wish in sorted(conditions, key=len):  # what leaves no choice first: the list stays short
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
            # A place that is told to the last digit is taken for its whole slice.
            cut = ((end - begin) * SLICES).double() if place else torch.zeros_like(part)
            weight[asked] *= part * torch.where(cut > 0, cut, 1)
            low[asked, field], high[asked, field], known[asked, field] = begin, end, 1
    share_of_all = float(weight.sum())
    heaped = weight.cumsum(0) / max(share_of_all, math.ulp(0.0))
    return Prefixes(low, high, known, heaped, share_of_all)


def rows_of(existing: Prefixes, chance: Tensor) -> tuple[Tensor, Tensor]:
    """Rows ``(n, F)`` with what is told, and which cells that are.

    Args:
        existing: The ways.
        chance: ``(n, 1 + K)`` in [0, 1): one to choose the way, one for each column's place.
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
    """Shares ``(U, K)`` of one field's tokens given what is known, 64 bit."""
    blank = rows[:, :0]
    logits = generator.logits(Condition(condition_vector(rows, known), blank, blank))
    return logits[:, generator.layout.parts[field]].double().softmax(1)


def _sliced(piece: CellRange) -> Iterator[CellRange]:
    """The same with places within one slice each, inside which all places are alike."""
    if not piece.within:
        yield piece
        return
    ((field, (low, high)),) = piece.within.items()
    for number in range(int(low * SLICES), min(int(high * SLICES), SLICES - 1) + 1):
        begin, end = max(low, number / SLICES), min(high, math.nextafter((number + 1) / SLICES, 0))
        if begin < end:
            yield CellRange(piece.cells, {field: (begin, end)})


def _bounds(piece: CellRange, field: int) -> tuple[float, float, float]:
    """Lowest and highest cell of a field, and whether the piece says anything of it."""
    found: Mapping[int, tuple[float, float]] = piece.within
    if field in found:
        return (*found[field], 1.0)
    cell = piece.cells.get(field)
    return (0.0, 0.0, 0.0) if cell is None else (cell, cell, 1.0)


def _thinned(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Places and weights of the ways to keep: all, or ``MOST`` at even steps of their sum."""
    total = weight.sum()
    if len(weight) <= MOST or not total > 0:
        return torch.arange(len(weight), device=weight.device), weight
    steps = (torch.arange(MOST, device=weight.device) + 0.5) / MOST * total
    at = torch.searchsorted(weight.cumsum(0), steps).clamp(max=len(weight) - 1)
    return at, (total / MOST).expand(MOST).clone()
