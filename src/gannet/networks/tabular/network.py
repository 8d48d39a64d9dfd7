"""Networks for table rows: each field is a symbol out of a few, or a place between two numbers.

The generator is told some cells and answers with the odds of every other one. Filled one field at
a time, each told all before it, its rows follow the joint distribution of the table; since any
cells may be the known ones, one network makes rows, obeys conditions and fills holes.

A row is stored as ``(F,)`` numbers, one per field, and expanded to ``(W,)`` zeros and ones only for
the batch at hand: ``W`` is the number of symbols of all fields together. Nothing is normalised over
the batch, so a row never depends on its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gannet.core.types import Condition, Spec
from gannet.networks.mlp import LEAK, RowBlock
from gannet.networks.tabular.cosine_features import share_waves, waves_of
from gannet.networks.tabular.layout import SLICES, STEEPEST, Layout, missing
from gannet.networks.tabular.sampling import Beginnings, Layers, chances, fill

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
        spec: ``spec.table.cardinalities`` are the symbols per field.
        width: Features of each layer.
        blocks: Residual blocks.
        holes: As ``spec.table.missing_field``, if what is missing is to be told as unknown, and
            never drawn.
        waves: That the symbols of each ordered field share; see ``networks.waves``.
    """

    bar: Tensor

    def __init__(
        self,
        spec: Spec,
        width: int,
        blocks: int,
        *,
        holes: tuple[int, ...] = (),
        waves: int = 0,
    ) -> None:
        super().__init__()
        self.layout, self.holes = Layout(spec.table.cardinalities), holes
        count = len(spec.table.cardinalities)
        bar = torch.zeros(self.layout.width)
        bar[self.layout.first[[at for at, owner in enumerate(holes) if at == owner]]] = BARRED
        self.register_buffer("bar", bar, persistent=False)
        self.look = nn.Linear(self.layout.width + count, width)
        # One symbol or one "unknown" per field is on: the sum of F columns has a spread of one.
        nn.init.normal_(self.look.weight, std=1 / math.sqrt(count))
        nn.init.uniform_(self.look.bias, -1, 1)
        self.blocks = nn.Sequential(*(RowBlock(width, blocks) for _ in range(blocks)))
        self.answer = nn.Linear(width, self.layout.width)
        nn.init.normal_(self.answer.weight, std=0.3 / math.sqrt(width))
        nn.init.zeros_(self.answer.bias)
        if waves and spec.table.ordinal_from:
            sizes = [size or SLICES for size in spec.table.cardinalities]
            shared = waves_of(sizes, spec.table.ordinal_from, waves)
            share_waves(self.look, self.answer, shared, count)

    def logits(self, condition: Condition) -> Tensor:
        """Odds of every symbol of every field, ``(B, W)``, given the known cells alone."""
        return self.answers(condition).float().clamp(-STEEPEST, STEEPEST)

    def answers(self, condition: Condition) -> Tensor:
        """The same as the last layer gives them, in the numbers in which it computes, unbounded."""
        rows, known = condition.vector.chunk(2, 1)
        features = self.blocks(self._look(rows, known))
        made: Tensor = self.answer(leaky_relu(features, LEAK))
        if self.holes:
            made = made + self.bar.to(made.dtype)
        return made

    @torch.no_grad()
    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Whole rows ``(B, F)``; known cells are returned untouched.

        Drawing a symbol has no slope: for training see ``logits``.

        Args:
            noise: ``(B, N)``; the only chance there is, one number per field and more for places.
            condition: Its vector is what ``told`` gives.
        """
        rows, known = condition.vector.chunk(2, 1)
        fields = rows.shape[1]
        chance = chances(noise, fields + len(self.layout.places))
        order = self.order()
        made = torch.empty_like(rows)
        for at in range(0, len(rows), TOGETHER):
            some = slice(at, at + TOGETHER)
            symbols = self._fill(rows[some], known[some], chance[some, :fields], order)
            made[some] = self.layout.cells(symbols, chance[some, fields:])
        return torch.where(known > 0, rows, made)

    def order(self) -> list[int]:
        """Fields from the least uncertain to the most; places last, for they tell least."""
        blank = self.look.weight.new_zeros(1, 2 * len(self.layout.count))
        shares = self.layout.shares(self.logits(Condition(blank, blank[:, :0], blank[:, :0])))
        doubt = -(shares * shares.log()) @ self.layout.member
        doubt[:, self.layout.places] = torch.inf
        found: list[int] = doubt.squeeze(0).argsort(stable=True).tolist()
        return found

    def _fill(self, rows: Tensor, known: Tensor, chance: Tensor, order: Sequence[int]) -> Tensor:
        """The symbols of the rows ``(B, F)``, the unknown ones drawn in the order given."""
        symbols = self.layout.symbols(rows)
        begun = self._begin(rows, known)
        kind = _computed_in(begun.features)
        layers = Layers(self.layout, self.look, self.blocks, self.answer, self.bar, kind)
        fill(layers, begun, symbols, known == 0, chance, order)
        return symbols

    def _begin(self, rows: Tensor, known: Tensor) -> Beginnings:
        """Where the rows stand before anything is drawn; rows told the same stand together."""
        both = torch.cat([rows, known], 1)
        new = torch.ones(len(both), dtype=torch.bool, device=both.device)
        new[1:] = (both[1:] != both[:-1]).any(1)
        of = new.long().cumsum(0) - 1
        return Beginnings(self._look(rows[new], known[new]).float(), of)

    def _look(self, rows: Tensor, known: Tensor) -> Tensor:
        if self.holes:
            known = known.masked_fill(missing(rows, self.holes), 0)
        kind = _computed_in(rows)
        looked: Tensor = self.look(self.layout.show(self.layout.symbols(rows), known, kind))
        return looked


class FieldDiscriminator(nn.Module):
    """Rows to one logit through residual blocks, without normalisation.

    It is told which cells were given, so that it looks for faults in the others.
    """

    def __init__(self, spec: Spec, width: int, blocks: int) -> None:
        super().__init__()
        self.layout = Layout(spec.table.cardinalities)
        count = len(spec.table.cardinalities)
        self.look = nn.Linear(self.layout.width + count, width)
        nn.init.normal_(self.look.weight, std=1 / math.sqrt(count))
        nn.init.uniform_(self.look.bias, -1, 1)
        self.blocks = nn.Sequential(*(RowBlock(width, blocks) for _ in range(blocks)))
        self.verdict = nn.Linear(width, 1)

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """Rows ``(B, F)`` and a condition to logits ``(B,)``; high means real."""
        return self.judge(self.layout.expand(samples), condition.vector)

    def judge(self, expanded: Tensor, vector: Tensor) -> Tensor:
        """The same of expanded rows ``(B, W)``, which may be soft and have a slope."""
        _, known = vector.chunk(2, 1)
        features = self.blocks(self.look(torch.cat([expanded, known], 1)))
        logits: Tensor = self.verdict(leaky_relu(features, LEAK)).squeeze(1)
        return logits
