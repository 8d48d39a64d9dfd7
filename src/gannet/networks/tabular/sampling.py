"""Drawing the unknown cells of many rows, field by field: what rows share is worked out once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gannet.networks.mlp import LEAK, ResidualBlock
from gannet.networks.tabular.layout import STEEPEST, Layout

MOST_BRANCHES = 16  # per row; beyond, looking for rows that begin alike costs more than it saves
PART = 4_096  # rows that go through the layers at once: their features stay in the cache


@dataclass(slots=True)
class PrefixCache:
    """The different beginnings of the rows that are being filled.

    Attributes:
        features: ``(U, width)`` what the first layer makes of each.
        prefix_of_row: ``(B,)`` which of them each row has.
        one_per_row: Whether row n has beginning n, and no other row has it.
    """

    features: Tensor
    prefix_of_row: Tensor
    one_per_row: bool = False

    def separate(self) -> None:
        """Give every row a beginning of its own."""
        if not self.one_per_row:
            self.features, self.one_per_row = self.features[self.prefix_of_row], True

    def draw(self, heaped: Tensor, chance: Tensor) -> Tensor:
        """The next token ``(B,)`` by the heaped-up odds ``(U, K)`` of each beginning."""
        count = heaped.shape[1]
        if self.one_per_row:
            goal = chance[:, None].to(heaped.dtype) * heaped[:, -1:]
            found = torch.searchsorted(heaped, goal, right=True).squeeze(1)
        else:
            # One sorted list for all: the shares of beginning n lie in [n, n + 1).
            level = (heaped / heaped[:, -1:]).double()
            level += torch.arange(len(heaped), device=heaped.device)[:, None]
            goal = self.prefix_of_row + chance
            found = (
                torch.searchsorted(level.flatten(), goal, right=True) - self.prefix_of_row * count
            )
        return found.clamp_(0, count - 1)

    def extend(self, step: Tensor, drawn: Tensor) -> None:
        """Go on by the token ``drawn`` ``(B,)``; ``step`` ``(K, width)`` is what each adds."""
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
    and independent of any other one, up to ``N * N / 2`` fields. Chance then stays a function of
    the row's own noise.
    """
    even = torch.special.ndtr(noise[:, :fields]).double()
    count = min(noise.shape[1], fields)
    if not count:
        return even.new_full((len(noise), fields), 0.5)  # the middle: no chance at all
    turns = range(1, math.ceil(fields / count))
    sums = [(even + even.roll(turn, 1)) % 1 for turn in turns]
    return torch.cat([even, *sums], 1)[:, :fields].clamp(0, 1 - 1e-12)


class Layers:
    """A generator's layers as filling needs them, each weight turned into ``kind`` but once.

    Args:
        layout: Where each field's tokens lie.
        evaluation: The first layer, ``W + F`` features to ``width``.
        blocks: Of ``ResidualBlock``.
        answer: The last layer, ``width`` features to ``W``.
        bar: ``(W,)`` what is added to the logits.
        kind: The numbers in which layers compute.

    Attributes:
        steps: Of each field, ``(K, width)``: what its tokens add to what the first layer sees,
            which changes by one token at a time, so that its sum is carried along.
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
        """Heaped-up odds ``(U, K)`` of one field's tokens after each beginning."""
        with torch.autocast(features.device.type, enabled=False):  # it would turn weights again
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
    """Draw the hidden tokens of rows, in place.

    Args:
        layers: Of the generator.
        existing: Where the rows stand before anything is drawn; it is used up.
        symbols: ``(B, F)``, to be filled.
        hidden: ``(B, F)`` which are unknown.
        chance: ``(B, F)`` in [0, 1).
        order: Of the fields.
    """
    some, every = hidden.any(0).tolist(), hidden.all(0).tolist()
    rest = [field for field in order if some[field]]
    # Rows that begin alike go together while there are few beginnings.
    while rest and every[rest[0]] and not existing.one_per_row:
        field = rest.pop(0)
        drawn = existing.draw(layers.cumulative(existing.features, field), chance[:, field])
        existing.extend(layers.steps[field], drawn)
        symbols[:, field] = drawn
    # The others are filled to their end some at a time: what they carry stays in the cache.
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
