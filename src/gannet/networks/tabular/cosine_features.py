"""Weights that tokens in an order share with their neighbours.

A number becomes a token, one out of up to a few hundred, and a network that has weights of its own
for each must see every one of them often. With few rows it cannot: what it learns of 37 should hold
for 38. So each ordered field's tokens also share a few slow waves over their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

FEWEST = 6
"""Tokens from which on an order is worth sharing."""
OWN = 0.3
"""What tokens keep of the first weights of their own, which are chance."""


def cosine_basis(counts: Sequence[int], ordered: Sequence[int], count: int) -> Tensor:
    """Cosines over the order of each field's tokens, ``(W, K)``.

    Args:
        counts: Tokens of each field; ``W`` is their sum.
        ordered: Of each field the first token of the order, -1 for none.
        count: Waves per field, slowest first; fewer where there are few tokens.
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
    """Weights of their own, and what they share, ``(W, width)`` or turned over."""

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
    """Let the first and the last layer of a network of fields share ``waves`` ``(W, K)``.

    Args:
        evaluation: Reads ``W`` tokens and ``fields`` more numbers.
        answer: Gives ``W`` logits.
        waves: See ``cosine_basis``; of none, nothing changes.
        fields: Number of fields.
    """
    count = waves.shape[1]
    if not count:
        return
    ordered = waves.abs().sum(1) > 0
    with torch.no_grad():
        evaluation.weight[:, : len(waves)][:, ordered] *= OWN
    beyond = torch.cat([waves, waves.new_zeros(fields, count)])
    # As large together as the weights of one token are: the sum of a field's waves.
    spread = math.sqrt(fields / count) / math.sqrt(fields)
    width = evaluation.out_features
    first = _Shared(beyond, width, spread, turned=True)
    last = _Shared(waves, width, 0.3 / math.sqrt(width), turned=False)
    register_parametrization(evaluation, "weight", first, unsafe=True)
    register_parametrization(answer, "weight", last, unsafe=True)
