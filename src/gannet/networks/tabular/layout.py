"""Where each field of a row lies among zeros and ones, and which cells are told."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

SLICES = 16  # tokens that stand for a place in [0, 1]; within one, all places are alike
STEEPEST = 40.0  # bound on logits: exp of it, summed over any table, is finite in 32 bit


def condition_vector(rows: Tensor, known: Tensor) -> Tensor:
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
    return (rows[:, at.clamp(min=0)] < 0.5) & (at >= 0)  # tokens are whole


class Layout(nn.Module):
    """Where each field's tokens lie in an expanded row ``(W,)``.

    Args:
        fields: Tokens per field; zero for a place in [0, 1], which counts as ``SLICES`` tokens.

    Attributes:
        count: ``(F,)`` tokens of each field.
        first: ``(F,)`` the first token of each field in the expanded row.
        span: ``(F,)`` by what a cell is multiplied to give its token: 1, or ``SLICES``.
        member: ``(W, F)`` one where the token is the field's.
        width: ``W``.
        parts: Where each field lies in the expanded row.
        continuous: The fields that are places.
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
        self.continuous = [at for at, symbols in enumerate(fields) if not symbols]
        owner = torch.arange(len(counts)).repeat_interleave(count)
        # They follow from ``fields``, hence are not saved.
        self.register_buffer("count", count, persistent=False)
        self.register_buffer("first", count.cumsum(0) - count, persistent=False)
        span = torch.tensor([1 if each else SLICES for each in fields])
        self.register_buffer("span", span, persistent=False)
        member = torch.eye(len(counts))[owner]
        self.register_buffer("member", member, persistent=False)

    def tokens(self, rows: Tensor) -> Tensor:
        """Cells ``(B, F)`` as tokens ``(B, F)``, counted from each field's own first."""
        found = (rows * self.span).long()
        return torch.minimum(found.clamp_(min=0), self.count - 1)

    def expand(self, rows: Tensor) -> Tensor:
        """Cells ``(B, F)`` as zeros and ones ``(B, W)``, one one per field."""
        return self.mark(self.tokens(rows))

    def mark(self, symbols: Tensor) -> Tensor:
        """Tokens ``(B, F)`` as zeros and ones ``(B, W)``."""
        blank = self.member.new_zeros(len(symbols), self.width)
        return blank.scatter_(1, symbols + self.first, 1.0)

    def repeat_per_token(self, cells: Tensor) -> Tensor:
        """A number per cell ``(B, F)``, repeated for every token of the field, ``(B, W)``."""
        return cells @ self.member.T  # a third of the time of a gather (measured)

    def embed_known(self, symbols: Tensor, known: Tensor, kind: torch.dtype) -> Tensor:
        """What a first layer sees, ``(B, W + F)``: a one for each known token or hidden field.

        Args:
            symbols: ``(B, F)``.
            known: ``(B, F)`` one where the token is told.
            kind: Of the numbers that come out.
        """
        hidden = torch.arange(self.width, self.width + symbols.shape[1], device=symbols.device)
        at = torch.where(known > 0, symbols + self.first, hidden)
        blank = torch.zeros(len(symbols), self.width + len(hidden), dtype=kind, device=at.device)
        return blank.scatter_(1, at, 1.0)

    def cross_entropy(self, logits: Tensor, symbols: Tensor) -> Tensor:
        """Cross-entropy ``(B, F)`` of each field, in nats, of logits ``(B, W)`` of any kind.

        Its slope can be taken once, not twice.
        """
        found: Tensor = _CrossEntropy.apply(logits, symbols + self.first, self.member)  # pyright: ignore[reportUnknownMemberType, reportAssignmentType]  # not typed in torch's stubs
        return found

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities ``(B, W)`` that sum to one over each field."""
        odds = logits.exp()
        return odds * self.repeat_per_token(1 / (odds @ self.member))

    def sample_tokens(self, shares: Tensor, chance: Tensor) -> Tensor:
        """One token per field ``(B, F)`` by ``shares`` ``(B, W)`` and ``chance`` in [0, 1)."""
        heaped = shares.double().cumsum(1)  # 32 bit would blur rare tokens at the far end
        end = heaped[:, self.first + self.count - 1]
        start = torch.cat([torch.zeros_like(end[:, :1]), end[:, :-1]], 1)
        at = torch.searchsorted(heaped, start + chance * (end - start), right=True)
        return torch.minimum((at - self.first).clamp_(min=0), self.count - 1)

    def cells(self, symbols: Tensor, inside: Tensor) -> Tensor:
        """Tokens ``(B, F)`` as cells; ``inside`` says where in its slice each place lies."""
        made = symbols.float()
        made[:, self.continuous] = (made[:, self.continuous] + inside.float()) / SLICES
        return made


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy of many softmaxes side by side, with as few passes over them as there can be.

    Bounding logits has no slope of its own here: what lies beyond is pulled back like the rest.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, at: Tensor, member: Tensor) -> Tensor:
        bounded = logits.float().clamp(-STEEPEST, STEEPEST)
        told = bounded.gather(1, at)
        # One product instead of a softmax per field: the sum of exps of each field's tokens.
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
