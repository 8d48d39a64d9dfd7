"""Autoregressive sampling of many rows, field by field, with a cache of shared prefixes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gannet.networks.mlp import LEAK, ResidualBlock
from gannet.networks.tabular.layout import STEEPEST, Layout

MOST_BRANCHES = 16  # per row; with more, finding shared prefixes costs more than it saves
PART = 4_096  # rows that go through the layers at once: their features fit the CPU's cache


@dataclass(slots=True)
class PrefixCache:
    """The distinct prefixes of the rows that are being sampled.

    Attributes:
        features: ``(U, width)`` output of the first layer for each prefix.
        prefix_of_row: ``(B,)`` index of each row's prefix.
        one_per_row: Whether row n has prefix n, and no other row has it.
    """

    features: Tensor
    prefix_of_row: Tensor
    one_per_row: bool = False

    def separate(self) -> None:
        """Give every row a prefix of its own."""
        if not self.one_per_row:
            self.features, self.one_per_row = self.features[self.prefix_of_row], True

    def draw(self, heaped: Tensor, chance: Tensor) -> Tensor:
        """Sample the next token ``(B,)`` by cumulative weights ``(U, K)`` of each prefix."""
        count = heaped.shape[1]
        if self.one_per_row:
            goal = chance[:, None].to(heaped.dtype) * heaped[:, -1:]
            found = torch.searchsorted(heaped, goal, right=True).squeeze(1)
        else:
            # One sorted list for all: the probabilities of prefix n lie in [n, n + 1).
            level = (heaped / heaped[:, -1:]).double()
            level += torch.arange(len(heaped), device=heaped.device)[:, None]
            goal = self.prefix_of_row + chance
            found = (
                torch.searchsorted(level.flatten(), goal, right=True) - self.prefix_of_row * count
            )
        return found.clamp_(0, count - 1)

    def extend(self, step: Tensor, drawn: Tensor) -> None:
        """Append the token ``drawn`` ``(B,)``; ``step`` ``(K, width)`` is added per token."""
        count, rows = len(step), len(drawn)
        if self.one_per_row or len(self.features) * count > MOST_BRANCHES * rows:
            self.separate()
            self.features = self.features + step[drawn]
            return
        branch = self.prefix_of_row * count + drawn
        taken = torch.bincount(branch, minlength=len(self.features) * count) > 0
        kept = taken.nonzero().squeeze(1)
        self.prefix_of_row = (taken.cumsum(0) - 1)[branch]
        self.features = self.features[kept // count] + step[kept % count]
        if 2 * len(kept) > rows:
            self.separate()


def uniforms(noise: Tensor, fields: int) -> Tensor:
    """Uniform numbers in [0, 1), ``(B, fields)``, from normal ones ``(B, N)``.

    With fewer numbers of noise than fields, the rest are sums of two, modulo one: each is uniform
    and pairwise independent, up to ``N * N / 2`` fields. Samples thus remain a function of the
    row's own noise.
    """
    even = torch.special.ndtr(noise[:, :fields]).double()
    count = min(noise.shape[1], fields)
    if not count:
        return even.new_full((len(noise), fields), 0.5)  # no noise: deterministic medians
    turns = range(1, math.ceil(fields / count))
    sums = [(even + even.roll(turn, 1)) % 1 for turn in turns]
    return torch.cat([even, *sums], 1)[:, :fields].clamp(0, 1 - 1e-12)


class Layers:
    """A generator's layers for sampling, with weights converted to ``kind`` once.

    Args:
        layout: Of the tokens.
        evaluation: The first layer, ``W + F`` features to ``width``.
        blocks: Of ``ResidualBlock``.
        answer: The last layer, ``width`` features to ``W``.
        bar: ``(W,)`` added to the logits.
        kind: Floating-point type in which layers compute.

    Attributes:
        steps: For each field, ``(K, width)``: change of the first layer's output for each token.
            The input changes by one token at a time, so the output is updated incrementally.
    """

    def __init__(
        self,
        layout: Layout,
        evaluation: nn.Linear,
        blocks: Iterable[nn.Module],
        answer: nn.Linear,
        bar: Tensor,
        kind: torch.dtype,
    ) -> None:
        self.kind = kind
        seen, hides = evaluation.weight.T.tensor_split([layout.width])
        self.steps = [seen[part] - hides[field] for field, part in enumerate(layout.parts)]
        self.blocks: list[tuple[Tensor, Tensor, Tensor]] = []
        for block in blocks:
            assert isinstance(block, ResidualBlock)
            held = block.first.weight.T, block.first.bias, block.second.weight.T
            self.blocks.append((held[0].to(kind), held[1].to(kind), held[2].to(kind)))
        weight = answer.weight.to(kind)
        bias = (answer.bias + bar).to(kind)
        self.outputs = [(weight[part].T, bias[part]) for part in layout.parts]

    def cumulative(self, features: Tensor, field: int) -> Tensor:
        """Cumulative weights ``(U, K)`` of one field's tokens after each prefix."""
        with torch.autocast(features.device.type, enabled=False):  # it would convert weights again
            starts = range(0, max(len(features), 1), PART)
            parts = (features[at : at + PART].to(self.kind) for at in starts)
            found = [self._cumulative(part, field) for part in parts]
        return torch.cat(found) if len(found) > 1 else found[0]

    def _cumulative(self, features: Tensor, field: int) -> Tensor:
        seen = features
        for first, shift, second in self.blocks:
            inside = leaky_relu(torch.addmm(shift, seen, first), LEAK, inplace=True)
            seen = torch.addmm(seen, inside, second)
        weight, bias = self.outputs[field]
        logits: Tensor = torch.addmm(bias, leaky_relu(seen, LEAK), weight).float()
        return logits.clamp_(-STEEPEST, STEEPEST).exp_().cumsum(1)


def fill(
    layers: Layers,
    existing: PrefixCache,
    symbols: Tensor,
    hidden: Tensor,
    chance: Tensor,
    order: Sequence[int],
) -> None:
    """Sample the unobserved tokens of rows, in place.

    Args:
        layers: Of the generator.
        existing: The cache before sampling; it is changed.
        symbols: ``(B, F)``, changed in place.
        hidden: ``(B, F)`` mask of unobserved tokens.
        chance: ``(B, F)`` uniform in [0, 1).
        order: Of the fields.
    """
    some, every = hidden.any(0).tolist(), hidden.all(0).tolist()
    rest = [field for field in order if some[field]]
    # Rows share prefixes while there are few of them.
    while rest and every[rest[0]] and not existing.one_per_row:
        field = rest.pop(0)
        drawn = existing.draw(layers.cumulative(existing.features, field), chance[:, field])
        existing.extend(layers.steps[field], drawn)
        symbols[:, field] = drawn
    # Then rows are completed in parts, whose features fit the CPU's cache.
    existing.separate()
    for at in range(0, len(symbols) if rest else 0, PART):
        few = slice(at, at + PART)
        alone = PrefixCache(existing.features[few], existing.prefix_of_row[few], one_per_row=True)
        for field in rest:
            asks = slice(None) if every[field] else hidden[few, field].nonzero().squeeze(1)
            mine = alone.features[asks]
            drawn = alone.draw(layers.cumulative(mine, field), chance[few, field][asks])
            symbols[few, field][asks] = drawn
            if field != rest[-1]:
                alone.features[asks] = mine.add_(layers.steps[field][drawn])
