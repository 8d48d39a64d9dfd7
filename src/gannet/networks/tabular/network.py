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
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gannet.core.types import Condition, Spec
from gannet.networks.mlp import LEAK, RowBlock
from gannet.networks.tabular.cosine_features import share_waves, waves_of

SLICES = 16  # symbols that stand for a place in [0, 1]; within one, all places are alike
STEEPEST = 40.0  # bound on logits: exp of it, summed over any table, is finite in 32 bit
BARRED = -45.0  # added to the logit of what is never drawn; exp of all of it is not quite nothing
TOGETHER = 65_536  # rows that are filled at once
MOST_BRANCHES = 16  # per row; beyond, looking for rows that begin alike costs more than it saves
PART = 4_096  # rows that go through the layers at once: their features stay in the cache


def told(rows: Tensor, known: Tensor) -> Tensor:
    """The condition vector ``(B, 2F)``: the known cells, zero elsewhere, and which they are.

    Args:
        rows: ``(B, F)`` cells as the codec gives them.
        known: ``(B, F)`` one where a cell is told, zero where it is to be found.
    """
    return torch.cat([torch.where(known > 0, rows, 0), known], 1)


def missing(rows: Tensor, holes: Sequence[int]) -> Tensor:
    """Which cells ``(B, F)`` of rows are said to be missing; see ``TableLayout.missing_field``."""
    if not holes:
        return torch.zeros_like(rows, dtype=torch.bool)
    at = torch.tensor(holes, device=rows.device)
    return (rows[:, at.clamp(min=0)] < 0.5) & (at >= 0)  # symbols are whole


class Layout(nn.Module):
    """Where each field's symbols lie in an expanded row ``(W,)``.

    Args:
        fields: Symbols per field; zero for a place in [0, 1], which counts as ``SLICES`` symbols.

    Attributes:
        count: ``(F,)`` symbols of each field.
        first: ``(F,)`` the first symbol of each field in the expanded row.
        span: ``(F,)`` by what a cell is multiplied to give its symbol: 1, or ``SLICES``.
        member: ``(W, F)`` one where the symbol is the field's.
        width: ``W``.
        parts: Where each field lies in the expanded row.
        places: The fields that are places.
    """

    count: Tensor
    first: Tensor
    span: Tensor
    member: Tensor

    def __init__(self, fields: Sequence[int]) -> None:
        super().__init__()
        counts = [count or SLICES for count in fields]
        self.width = sum(counts)
        ends = [*accumulate(counts)]
        self.parts = [slice(end - size, end) for end, size in zip(ends, counts, strict=True)]
        count = torch.tensor(counts)
        self.places = [at for at, symbols in enumerate(fields) if not symbols]
        owner = torch.arange(len(counts)).repeat_interleave(count)
        # They follow from ``fields``, hence are not saved.
        self.register_buffer("count", count, persistent=False)
        self.register_buffer("first", count.cumsum(0) - count, persistent=False)
        span = torch.tensor([1 if each else SLICES for each in fields])
        self.register_buffer("span", span, persistent=False)
        member = torch.eye(len(counts))[owner]
        self.register_buffer("member", member, persistent=False)

    def symbols(self, rows: Tensor) -> Tensor:
        """Cells ``(B, F)`` as symbols ``(B, F)``, counted from each field's own first."""
        found = (rows * self.span).long()
        return torch.minimum(found.clamp_(min=0), self.count - 1)

    def expand(self, rows: Tensor) -> Tensor:
        """Cells ``(B, F)`` as zeros and ones ``(B, W)``, one one per field."""
        return self.mark(self.symbols(rows))

    def mark(self, symbols: Tensor) -> Tensor:
        """Symbols ``(B, F)`` as zeros and ones ``(B, W)``."""
        blank = self.member.new_zeros(len(symbols), self.width)
        return blank.scatter_(1, symbols + self.first, 1.0)

    def spread(self, cells: Tensor) -> Tensor:
        """A number per cell ``(B, F)``, repeated for every symbol of the field, ``(B, W)``."""
        return cells @ self.member.T  # a third of the time of a gather (measured)

    def show(self, symbols: Tensor, known: Tensor, kind: torch.dtype) -> Tensor:
        """What a first layer sees, ``(B, W + F)``: a one for each known symbol or hidden field.

        Args:
            symbols: ``(B, F)``.
            known: ``(B, F)`` one where the symbol is told.
            kind: Of the numbers that come out.
        """
        hidden = torch.arange(self.width, self.width + symbols.shape[1], device=symbols.device)
        at = torch.where(known > 0, symbols + self.first, hidden)
        blank = torch.zeros(len(symbols), self.width + len(hidden), dtype=kind, device=at.device)
        return blank.scatter_(1, at, 1.0)

    def surprise(self, logits: Tensor, symbols: Tensor) -> Tensor:
        """Cross-entropy ``(B, F)`` of each field, in nats, of logits ``(B, W)`` of any kind.

        Its slope can be taken once, not twice.
        """
        found: Tensor = _Surprise.apply(logits, symbols + self.first, self.member)  # pyright: ignore[reportUnknownMemberType, reportAssignmentType]  # not typed in torch's stubs
        return found

    def shares(self, logits: Tensor) -> Tensor:
        """Probabilities ``(B, W)`` that sum to one over each field."""
        odds = logits.exp()
        return odds * self.spread(1 / (odds @ self.member))

    def pick(self, shares: Tensor, chance: Tensor) -> Tensor:
        """One symbol per field ``(B, F)`` by ``shares`` ``(B, W)`` and ``chance`` in [0, 1)."""
        heaped = shares.double().cumsum(1)  # 32 bit would blur rare symbols at the far end
        end = heaped[:, self.first + self.count - 1]
        start = torch.cat([torch.zeros_like(end[:, :1]), end[:, :-1]], 1)
        at = torch.searchsorted(heaped, start + chance * (end - start), right=True)
        return torch.minimum((at - self.first).clamp_(min=0), self.count - 1)

    def cells(self, symbols: Tensor, inside: Tensor) -> Tensor:
        """Symbols ``(B, F)`` as cells; ``inside`` says where in its slice each place lies."""
        made = symbols.float()
        made[:, self.places] = (made[:, self.places] + inside.float()) / SLICES
        return made


class _Surprise(torch.autograd.Function):
    """Cross-entropy of many softmaxes side by side, with as few passes over them as there can be.

    Bounding logits has no slope of its own here: what lies beyond is pulled back like the rest.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, at: Tensor, member: Tensor) -> Tensor:
        bounded = logits.float().clamp(-STEEPEST, STEEPEST)
        told = bounded.gather(1, at)
        # One product instead of a softmax per field: the sum of exps of each field's symbols.
        odds = bounded.exp_()
        total = odds @ member
        ctx.save_for_backward(odds, total, at, member)
        ctx.kind = logits.dtype
        return total.log() - told

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        odds, total, at, member = ctx.saved_tensors
        slope = slopes[0].float()
        found = odds * ((slope / total) @ member.T)
        return found.scatter_add_(1, at, -slope).to(ctx.kind), None, None


@dataclass(slots=True)
class Beginnings:
    """The different beginnings of the rows that are being filled.

    Attributes:
        features: ``(U, width)`` what the first layer makes of each.
        of: ``(B,)`` which of them each row has.
        alone: Whether row n has beginning n, and no other row has it.
    """

    features: Tensor
    of: Tensor
    alone: bool = False

    def apart(self) -> None:
        """Give every row a beginning of its own."""
        if not self.alone:
            self.features, self.alone = self.features[self.of], True

    def draw(self, heaped: Tensor, chance: Tensor) -> Tensor:
        """The next symbol ``(B,)`` by the heaped-up odds ``(U, K)`` of each beginning."""
        count = heaped.shape[1]
        if self.alone:
            goal = chance[:, None].to(heaped.dtype) * heaped[:, -1:]
            found = torch.searchsorted(heaped, goal, right=True).squeeze(1)
        else:
            # One sorted list for all: the shares of beginning n lie in [n, n + 1).
            level = (heaped / heaped[:, -1:]).double()
            level += torch.arange(len(heaped), device=heaped.device)[:, None]
            goal = self.of + chance
            found = torch.searchsorted(level.flatten(), goal, right=True) - self.of * count
        return found.clamp_(0, count - 1)

    def branch(self, step: Tensor, drawn: Tensor) -> None:
        """Go on by the symbol ``drawn`` ``(B,)``; ``step`` ``(K, width)`` is what each adds."""
        count, rows = len(step), len(drawn)
        if self.alone or len(self.features) * count > MOST_BRANCHES * rows:
            self.apart()
            self.features = self.features + step[drawn]
            return
        branch = self.of * count + drawn
        taken = torch.bincount(branch, minlength=len(self.features) * count) > 0
        kept = taken.nonzero().squeeze(1)
        self.of = (taken.cumsum(0) - 1)[branch]
        self.features = self.features[kept // count] + step[kept % count]
        if 2 * len(kept) > rows:
            self.apart()


def chances(noise: Tensor, fields: int) -> Tensor:
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
        layers = _Layers(self, _computed_in(begun.features))
        hidden = known == 0
        some, every = hidden.any(0).tolist(), hidden.all(0).tolist()
        rest = [field for field in order if some[field]]
        # Rows that begin alike go together while there are few beginnings.
        while rest and every[rest[0]] and not begun.alone:
            field = rest.pop(0)
            drawn = begun.draw(layers.heaped(begun.features, field), chance[:, field])
            begun.branch(layers.steps[field], drawn)
            symbols[:, field] = drawn
        # The others are filled to their end some at a time: what they carry stays in the cache.
        begun.apart()
        for at in range(0, len(rows) if rest else 0, PART):
            few = slice(at, at + PART)
            alone = Beginnings(begun.features[few], begun.of[few], alone=True)
            for field in rest:
                asks = slice(None) if every[field] else hidden[few, field].nonzero().squeeze(1)
                mine = alone.features[asks]
                drawn = alone.draw(layers.heaped(mine, field), chance[few, field][asks])
                symbols[few, field][asks] = drawn
                if field != rest[-1]:
                    alone.features[asks] = mine.add_(layers.steps[field][drawn])
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


class _Layers:
    """A generator's layers as filling needs them, each weight turned into ``kind`` but once.

    Attributes:
        steps: Of each field, ``(K, width)``: what its symbols add to what the first layer sees,
            which changes by one symbol at a time, so that its sum is carried along.
    """

    def __init__(self, network: FieldGenerator, kind: torch.dtype) -> None:
        self.kind, parts = kind, network.layout.parts
        seen, hides = network.look.weight.T.tensor_split([network.layout.width])
        self.steps = [seen[part] - hides[field] for field, part in enumerate(parts)]
        self.blocks: list[tuple[Tensor, Tensor, Tensor]] = []
        for block in network.blocks:
            assert isinstance(block, RowBlock)
            held = block.first.weight.T, block.first.bias, block.second.weight.T
            self.blocks.append((held[0].to(kind), held[1].to(kind), held[2].to(kind)))
        weight = network.answer.weight.to(kind)
        bias = (network.answer.bias + network.bar).to(kind)
        self.answers = [(weight[part].T, bias[part]) for part in parts]

    def heaped(self, features: Tensor, field: int) -> Tensor:
        """Heaped-up odds ``(U, K)`` of one field's symbols after each beginning."""
        with torch.autocast(features.device.type, enabled=False):  # it would turn weights again
            starts = range(0, max(len(features), 1), PART)
            parts = (features[at : at + PART].to(self.kind) for at in starts)
            found = [self._heaped(part, field) for part in parts]
        return torch.cat(found) if len(found) > 1 else found[0]

    def _heaped(self, features: Tensor, field: int) -> Tensor:
        seen = features
        for first, shift, second in self.blocks:
            inside = leaky_relu(torch.addmm(shift, seen, first), LEAK, inplace=True)
            seen = torch.addmm(seen, inside, second)
        weight, bias = self.answers[field]
        logits: Tensor = torch.addmm(bias, leaky_relu(seen, LEAK), weight).float()
        return logits.clamp_(-STEEPEST, STEEPEST).exp_().cumsum(1)


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
