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

MAX_BRANCHES = 16  # per row; with more, finding shared prefixes costs more than it saves
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

    def draw(self, cumulative: Tensor, uniforms: Tensor) -> Tensor:
        """Sample the next token ``(B,)`` by cumulative weights ``(U, K)`` of each prefix."""
        count = cumulative.shape[1]
        if self.one_per_row:
            goal = uniforms[:, None].to(cumulative.dtype) * cumulative[:, -1:]
            sampled = torch.searchsorted(cumulative, goal, right=True).squeeze(1)
        else:
            # One sorted list for all: the probabilities of prefix n lie in [n, n + 1).
            level = (cumulative / cumulative[:, -1:]).double()
            level += torch.arange(len(cumulative), device=cumulative.device)[:, None]
            goal = self.prefix_of_row + uniforms
            sampled = (
                torch.searchsorted(level.flatten(), goal, right=True) - self.prefix_of_row * count
            )
        return sampled.clamp_(0, count - 1)

    def extend(self, step: Tensor, sampled: Tensor) -> None:
        """Append the token ``sampled`` ``(B,)``; ``step`` ``(K, width)`` is added per token."""
        count, rows = len(step), len(sampled)
        if self.one_per_row or len(self.features) * count > MAX_BRANCHES * rows:
            self.separate()
            self.features = self.features + step[sampled]
            return
        branch = self.prefix_of_row * count + sampled
        occupied = torch.bincount(branch, minlength=len(self.features) * count) > 0
        branches = occupied.nonzero().squeeze(1)
        self.prefix_of_row = (occupied.cumsum(0) - 1)[branch]
        self.features = self.features[branches // count] + step[branches % count]
        if 2 * len(branches) > rows:
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
    """A generator's layers for sampling, with weights converted to ``dtype`` once.

    Args:
        layout: Of the tokens.
        stem: The first layer, ``W + F`` features to ``width``.
        blocks: Of ``ResidualBlock``.
        output: The last layer, ``width`` features to ``W``.
        logit_bias: ``(W,)`` added to the logits.
        dtype: Floating-point type in which layers compute.

    Attributes:
        steps: For each field, ``(K, width)``: change of the first layer's output for each token.
            The input changes by one token at a time, so the output is updated incrementally.
    """

    def __init__(
        self,
        layout: Layout,
        stem: nn.Linear,
        blocks: Iterable[nn.Module],
        output: nn.Linear,
        logit_bias: Tensor,
        dtype: torch.dtype,
    ) -> None:
        self.dtype = dtype
        observed_weight, mask_weight = stem.weight.T.tensor_split([layout.width])
        self.steps = [
            observed_weight[part] - mask_weight[field] for field, part in enumerate(layout.parts)
        ]
        self.blocks: list[tuple[Tensor, Tensor, Tensor]] = []
        for block in blocks:
            assert isinstance(block, ResidualBlock)
            weights = block.first.weight.T, block.first.bias, block.second.weight.T
            self.blocks.append((weights[0].to(dtype), weights[1].to(dtype), weights[2].to(dtype)))
        weight = output.weight.to(dtype)
        bias = (output.bias + logit_bias).to(dtype)
        self.outputs = [(weight[part].T, bias[part]) for part in layout.parts]

    def cumulative(self, features: Tensor, field: int) -> Tensor:
        """Cumulative weights ``(U, K)`` of one field's tokens after each prefix."""
        with torch.autocast(features.device.type, enabled=False):  # it would convert weights again
            starts = range(0, max(len(features), 1), PART)
            parts = (features[at : at + PART].to(self.dtype) for at in starts)
            chunks = [self._cumulative(part, field) for part in parts]
        return torch.cat(chunks) if len(chunks) > 1 else chunks[0]

    def _cumulative(self, features: Tensor, field: int) -> Tensor:
        x = features
        for first, shift, second in self.blocks:
            hidden = leaky_relu(torch.addmm(shift, x, first), LEAK, inplace=True)
            x = torch.addmm(x, hidden, second)
        weight, bias = self.outputs[field]
        logits: Tensor = torch.addmm(bias, leaky_relu(x, LEAK), weight).float()
        return logits.clamp_(-STEEPEST, STEEPEST).exp_().cumsum(1)


def fill(
    layers: Layers,
    prefixes: PrefixCache,
    tokens: Tensor,
    missing: Tensor,
    uniforms: Tensor,
    order: Sequence[int],
    *,
    whole: bool | None = None,
) -> None:
    """Sample the unobserved tokens of rows, in place.

    Args:
        layers: Of the generator.
        prefixes: The cache before sampling; it is changed.
        tokens: ``(B, F)``, changed in place.
        missing: ``(B, F)`` mask of unobserved tokens.
        uniforms: ``(B, F)`` uniform in [0, 1).
        order: Of the fields.
        whole: Whether all rows go through the layers for each field, and observed tokens are put
            back; by default on a GPU, which would be waited for to know which rows can be spared.
    """
    whole = tokens.device.type != "cpu" if whole is None else whole
    some, every = torch.stack([missing.any(0), missing.all(0)]).tolist()
    remaining = [field for field in order if some[field]]
    # Rows share prefixes while there are few of them.
    while remaining and every[remaining[0]] and not prefixes.one_per_row:
        field = remaining.pop(0)
        sampled = prefixes.draw(layers.cumulative(prefixes.features, field), uniforms[:, field])
        prefixes.extend(layers.steps[field], sampled)
        tokens[:, field] = sampled
    # Then rows are completed in parts, whose features fit the CPU's cache.
    prefixes.separate()
    for at in range(0, len(tokens) if remaining else 0, PART):
        few = slice(at, at + PART)
        branch = PrefixCache(prefixes.features[few], prefixes.prefix_of_row[few], one_per_row=True)
        for field in remaining:
            if whole and not every[field]:
                _fill_where(layers, branch, tokens[few], missing[few], uniforms[few], field)
                continue
            selected = slice(None) if every[field] else missing[few, field].nonzero().squeeze(1)
            mine = branch.features[selected]
            sampled = branch.draw(layers.cumulative(mine, field), uniforms[few, field][selected])
            tokens[few, field][selected] = sampled
            if field != remaining[-1]:
                branch.features[selected] = mine.add_(layers.steps[field][sampled])


def _fill_where(
    layers: Layers,
    branch: PrefixCache,
    tokens: Tensor,
    missing: Tensor,
    uniforms: Tensor,
    field: int,
) -> None:
    """Sample one field of all rows, in place, and keep the tokens that are observed."""
    absent = missing[:, field]
    sampled = branch.draw(layers.cumulative(branch.features, field), uniforms[:, field])
    tokens[:, field] = torch.where(absent, sampled, tokens[:, field])
    branch.features += layers.steps[field][sampled] * absent[:, None]
