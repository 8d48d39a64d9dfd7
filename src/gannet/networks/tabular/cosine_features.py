"""Cosine features (a DCT basis) that ordinal tokens share.

A number becomes one of up to a few hundred tokens, and a network with separate weights for each
must see every token often. In small tables it cannot: what it learns about 37 should hold for 38.
So the tokens of each ordinal field also share a few low-frequency cosines over their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

FEWEST = 6
"""Minimum number of ordinal tokens of a field with cosine features."""
OWN = 0.3
"""Scale of the random per-token initial weights; the shared cosine features carry the rest."""


def cosine_basis(counts: Sequence[int], ordered: Sequence[int], count: int) -> Tensor:
    """Cosines over the ordinal tokens of each field, ``(W, K)``.

    Args:
        counts: Tokens of each field; ``W`` is their sum.
        ordered: For each field the first ordinal token, -1 for none.
        count: Cosines per field, lowest frequency first; fewer where there are few tokens.
    """
    parts: list[Tensor] = []
    at = 0
    for symbols, first in zip(counts, ordered, strict=True):
        held = symbols - first
        if first >= 0 and held >= FEWEST:
            turns = torch.arange(1, min(count, held - 1) + 1)
            where = (torch.arange(held) + 0.5) / held
            part = torch.zeros(sum(counts), len(turns))
            part[at + first : at + symbols] = torch.cos(math.pi * where[:, None] * turns)
            parts.append(part)
        at += symbols
    return torch.cat(parts, 1) if parts else torch.zeros(sum(counts), 0)


class _Shared(nn.Module):
    """Parametrization: per-token weights plus shared cosines, ``(W, width)`` or transposed."""

    basis: Tensor

    def __init__(self, waves: Tensor, width: int, spread: float, *, turned: bool) -> None:
        super().__init__()
        self.turned = turned
        self.register_buffer("basis", waves, persistent=False)
        self.heights = nn.Parameter(spread * torch.randn(waves.shape[1], width))

    def forward(self, own: Tensor) -> Tensor:
        shared = self.basis @ self.heights
        return own + (shared.T if self.turned else shared)


def share_cosine_features(
    evaluation: nn.Linear, answer: nn.Linear, waves: Tensor, fields: int
) -> None:
    """Add cosine features ``waves`` ``(W, K)`` to the weights of the first and the last layer.

    Args:
        evaluation: First layer, from ``W`` tokens and ``fields`` mask tokens.
        answer: Last layer, to ``W`` logits.
        waves: See ``cosine_basis``; if empty, nothing changes.
        fields: Number of fields.
    """
    count = waves.shape[1]
    if not count:
        return
    ordered = waves.abs().sum(1) > 0
    with torch.no_grad():
        evaluation.weight[:, : len(waves)][:, ordered] *= OWN
    beyond = torch.cat([waves, waves.new_zeros(fields, count)])
    # The sum of a field's cosines is as large as the weights of one token.
    spread = math.sqrt(fields / count) / math.sqrt(fields)
    width = evaluation.out_features
    first = _Shared(beyond, width, spread, turned=True)
    last = _Shared(waves, width, 0.3 / math.sqrt(width), turned=False)
    register_parametrization(evaluation, "weight", first, unsafe=True)
    register_parametrization(answer, "weight", last, unsafe=True)
