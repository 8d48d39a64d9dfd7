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

MIN_TOKENS = 6
"""Minimum number of ordinal tokens of a field with cosine features."""
OWN_SCALE = 0.3
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
    for cardinality, first in zip(counts, ordered, strict=True):
        size = cardinality - first
        if first >= 0 and size >= MIN_TOKENS:
            frequencies = torch.arange(1, min(count, size - 1) + 1)
            positions = (torch.arange(size) + 0.5) / size
            part = torch.zeros(sum(counts), len(frequencies))
            part[at + first : at + cardinality] = torch.cos(
                math.pi * positions[:, None] * frequencies
            )
            parts.append(part)
        at += cardinality
    return torch.cat(parts, 1) if parts else torch.zeros(sum(counts), 0)


class _Shared(nn.Module):
    """Parametrization: per-token weights plus shared cosines, ``(W, width)`` or transposed."""

    basis: Tensor

    def __init__(self, basis: Tensor, width: int, std: float, *, transposed: bool) -> None:
        super().__init__()
        self.transposed = transposed
        self.register_buffer("basis", basis, persistent=False)
        self.heights = nn.Parameter(std * torch.randn(basis.shape[1], width))

    def forward(self, own: Tensor) -> Tensor:
        shared = self.basis @ self.heights
        return own + (shared.T if self.transposed else shared)


def share_cosine_features(stem: nn.Linear, output: nn.Linear, basis: Tensor, fields: int) -> None:
    """Add cosine features ``basis`` ``(W, K)`` to the weights of the first and the last layer.

    Args:
        stem: First layer, from ``W`` tokens and ``fields`` mask tokens.
        output: Last layer, to ``W`` logits.
        basis: See ``cosine_basis``; if empty, nothing changes.
        fields: Number of fields.
    """
    count = basis.shape[1]
    if not count:
        return
    ordered = basis.abs().sum(1) > 0
    with torch.no_grad():
        stem.weight[:, : len(basis)][:, ordered] *= OWN_SCALE
    beyond = torch.cat([basis, basis.new_zeros(fields, count)])
    # The sum of a field's cosines is as large as the weights of one token.
    std = math.sqrt(fields / count) / math.sqrt(fields)
    width = stem.out_features
    first = _Shared(beyond, width, std, transposed=True)
    last = _Shared(basis, width, 0.3 / math.sqrt(width), transposed=False)
    register_parametrization(stem, "weight", first, unsafe=True)
    register_parametrization(output, "weight", last, unsafe=True)
