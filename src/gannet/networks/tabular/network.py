"""Networks for table rows: each field is a token out of a few, or a place between two numbers.

The generator is told some cells and answers with the odds of every other one. Filled one field at
a time, each told all before it, its rows follow the joint distribution of the table; since any
cells may be the known ones, one network makes rows, obeys conditions and fills holes.

A row is stored as ``(F,)`` numbers, one per field, and expanded to ``(W,)`` zeros and ones only for
the batch at hand: ``W`` is the number of tokens of all fields together. Nothing is normalised over
the batch, so a row never depends on its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gannet.core.types import Condition, Spec
from gannet.networks.mlp import LEAK, ResidualBlock
from gannet.networks.tabular.cosine_features import cosine_basis, share_cosine_features
from gannet.networks.tabular.layout import SLICES, STEEPEST, Layout, missing
from gannet.networks.tabular.sampling import Layers, PrefixCache, fill, uniforms

BARRED = -45.0  # added to the logit of what is never drawn; exp of all of it is not quite nothing
TOGETHER = 65_536  # rows that are filled at once


def _computed_in(numbers: Tensor) -> torch.dtype:
    """The numbers in which layers compute at this moment."""
    place = numbers.device.type
    return torch.get_autocast_dtype(place) if torch.is_autocast_enabled(place) else numbers.dtype


class FieldGenerator(nn.Module):
    """Fills the unknown cells of rows, field by field.

    Source: Hoogeboom et al. 2022, arXiv:2110.02037: any order, one network for all.
    Differs: at use the order is one for all rows, from the least uncertain field to the most. Many
    rows then begin alike, and what the network says after a beginning is worked out once for all.

    Args:
        spec: ``spec.table.cardinalities`` are the tokens per field.
        width: Features of each layer.
        blocks: Residual blocks.
        missing_field: As ``spec.table.missing_field``, if what is missing is to be told as unknown,
            and never drawn.
        cosine_features: That the tokens of each ordered field share; see ``networks.waves``.
    """

    bar: Tensor

    def __init__(
        self,
        spec: Spec,
        width: int,
        blocks: int,
        *,
        missing_field: tuple[int, ...] = (),
        cosine_features: int = 0,
    ) -> None:
        super().__init__()
        self.layout, self.missing_field = Layout(spec.table.cardinalities), missing_field
        count = len(spec.table.cardinalities)
        bar = torch.zeros(self.layout.width)
        bar[self.layout.first[[at for at, owner in enumerate(missing_field) if at == owner]]] = (
            BARRED
        )
        self.register_buffer("bar", bar, persistent=False)
        self.stem = nn.Linear(self.layout.width + count, width)
        # One token or one "unknown" per field is on: the sum of F columns has a spread of one.
        nn.init.normal_(self.stem.weight, std=1 / math.sqrt(count))
        nn.init.uniform_(self.stem.bias, -1, 1)
        self.blocks = nn.Sequential(*(ResidualBlock(width, blocks) for _ in range(blocks)))
        self.output = nn.Linear(width, self.layout.width)
        nn.init.normal_(self.output.weight, std=0.3 / math.sqrt(width))
        nn.init.zeros_(self.output.bias)
        if cosine_features and spec.table.ordinal_from:
            sizes = [size or SLICES for size in spec.table.cardinalities]
            shared = cosine_basis(sizes, spec.table.ordinal_from, cosine_features)
            share_cosine_features(self.stem, self.output, shared, count)

    def logits(self, condition: Condition) -> Tensor:
        """Odds of every token of every field, ``(B, W)``, given the known cells alone."""
        return self.raw_logits(condition).float().clamp(-STEEPEST, STEEPEST)

    def raw_logits(self, condition: Condition) -> Tensor:
        """The same as the last layer gives them, in the numbers in which it computes, unbounded."""
        rows, known = condition.vector.chunk(2, 1)
        features = self.blocks(self._stem(rows, known))
        made: Tensor = self.output(leaky_relu(features, LEAK))
        if self.missing_field:
            made = made + self.bar.to(made.dtype)
        return made

    @torch.no_grad()
    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Whole rows ``(B, F)``; known cells are returned untouched.

        Drawing a token has no slope: for training see ``logits``.

        Args:
            noise: ``(B, N)``; the only chance there is, one number per field and more for places.
            condition: Its vector is what ``told`` gives.
        """
        rows, known = condition.vector.chunk(2, 1)
        fields = rows.shape[1]
        chance = uniforms(noise, fields + len(self.layout.continuous))
        order = self.order()
        made = torch.empty_like(rows)
        for at in range(0, len(rows), TOGETHER):
            some = slice(at, at + TOGETHER)
            symbols = self._fill(rows[some], known[some], chance[some, :fields], order)
            made[some] = self.layout.cells(symbols, chance[some, fields:])
        return torch.where(known > 0, rows, made)

    def order(self) -> list[int]:
        """Fields from the least uncertain to the most; places last, for they tell least."""
        blank = self.stem.weight.new_zeros(1, 2 * len(self.layout.count))
        shares = self.layout.probabilities(
            self.logits(Condition(blank, blank[:, :0], blank[:, :0]))
        )
        doubt = -(shares * shares.log()) @ self.layout.member
        doubt[:, self.layout.continuous] = torch.inf
        found: list[int] = doubt.squeeze(0).argsort(stable=True).tolist()
        return found

    def _fill(self, rows: Tensor, known: Tensor, chance: Tensor, order: Sequence[int]) -> Tensor:
        """The tokens of the rows ``(B, F)``, the unknown ones drawn in the order given."""
        symbols = self.layout.tokens(rows)
        existing = self._begin(rows, known)
        kind = _computed_in(existing.features)
        layers = Layers(self.layout, self.stem, self.blocks, self.output, self.bar, kind)
        fill(layers, existing, symbols, known == 0, chance, order)
        return symbols

    def _begin(self, rows: Tensor, known: Tensor) -> PrefixCache:
        """Where the rows stand before anything is drawn; rows told the same stand together."""
        both = torch.cat([rows, known], 1)
        new = torch.ones(len(both), dtype=torch.bool, device=both.device)
        new[1:] = (both[1:] != both[:-1]).any(1)
        of = new.long().cumsum(0) - 1
        return PrefixCache(self._stem(rows[new], known[new]).float(), of)

    def _stem(self, rows: Tensor, known: Tensor) -> Tensor:
        if self.missing_field:
            known = known.masked_fill(missing(rows, self.missing_field), 0)
        kind = _computed_in(rows)
        looked: Tensor = self.stem(self.layout.embed_known(self.layout.tokens(rows), known, kind))
        return looked


class FieldDiscriminator(nn.Module):
    """Rows to one logit through residual blocks, without normalisation.

    It is told which cells were given, so that it looks for faults in the others.
    """

    def __init__(self, spec: Spec, width: int, blocks: int) -> None:
        super().__init__()
        self.layout = Layout(spec.table.cardinalities)
        count = len(spec.table.cardinalities)
        self.stem = nn.Linear(self.layout.width + count, width)
        nn.init.normal_(self.stem.weight, std=1 / math.sqrt(count))
        nn.init.uniform_(self.stem.bias, -1, 1)
        self.blocks = nn.Sequential(*(ResidualBlock(width, blocks) for _ in range(blocks)))
        self.head = nn.Linear(width, 1)

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """Rows ``(B, F)`` and a condition to logits ``(B,)``; high means real."""
        return self.logits(self.layout.expand(samples), condition.vector)

    def logits(self, expanded: Tensor, vector: Tensor) -> Tensor:
        """The same of expanded rows ``(B, W)``, which may be soft and have a slope."""
        _, known = vector.chunk(2, 1)
        features = self.blocks(self.stem(torch.cat([expanded, known], 1)))
        logits: Tensor = self.head(leaky_relu(features, LEAK)).squeeze(1)
        return logits
