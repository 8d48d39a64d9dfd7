"""One-hot encoding of table rows, with a mask of the observed cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

SLICES = 16  # tokens of a continuous position in [0, 1]; it is uniform within each
STEEPEST = 40.0  # bound on logits: exp of it, summed over any table, is finite in float32


def condition_vector(rows: Tensor, known: Tensor) -> Tensor:
    """The condition vector ``(B, 2F)``: observed cells, zero elsewhere, and their mask.

    Args:
        rows: ``(B, F)`` cells as the codec encodes them.
        known: ``(B, F)`` one where a cell is observed, zero where it is to be sampled.
    """
    return torch.cat([torch.where(known > 0, rows, 0), known], 1)


def missing(rows: Tensor, holes: Sequence[int]) -> Tensor:
    """Mask ``(B, F)`` of the missing cells; see ``TableLayout.missing_field``."""
    if not holes:
        return torch.zeros_like(rows, dtype=torch.bool)
    at = torch.tensor(holes, device=rows.device)
    return (rows[:, at.clamp(min=0)] < 0.5) & (at >= 0)  # tokens are whole


class Layout(nn.Module):
    """Position of each field's tokens in an expanded (one-hot) row ``(W,)``.

    Args:
        fields: Tokens per field; zero for a continuous position, which has ``SLICES`` tokens.

    Attributes:
        count: ``(F,)`` number of tokens of each field.
        first: ``(F,)`` the first token of each field in the expanded row.
        span: ``(F,)`` factor from a cell to its token: 1, or ``SLICES``.
        member: ``(W, F)`` one where the token belongs to the field.
        width: ``W``.
        parts: Slice of each field in the expanded row.
        continuous: The fields that are continuous positions.
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
        # Not saved, because they follow from ``fields``.
        self.register_buffer("count", count, persistent=False)
        self.register_buffer("first", count.cumsum(0) - count, persistent=False)
        span = torch.tensor([1 if each else SLICES for each in fields])
        self.register_buffer("span", span, persistent=False)
        member = torch.eye(len(counts))[owner]
        self.register_buffer("member", member, persistent=False)

    def tokens(self, rows: Tensor) -> Tensor:
        """Cells ``(B, F)`` as tokens ``(B, F)``, from 0 in each field."""
        found = (rows * self.span).long()
        return torch.minimum(found.clamp_(min=0), self.count - 1)

    def expand(self, rows: Tensor) -> Tensor:
        """Cells ``(B, F)`` as one-hot rows ``(B, W)``, with a one per field."""
        return self.mark(self.tokens(rows))

    def mark(self, symbols: Tensor) -> Tensor:
        """Tokens ``(B, F)`` as one-hot rows ``(B, W)``."""
        blank = self.member.new_zeros(len(symbols), self.width)
        return blank.scatter_(1, symbols + self.first, 1.0)

    def repeat_per_token(self, cells: Tensor) -> Tensor:
        """A number per cell ``(B, F)``, repeated for every token of the field, ``(B, W)``."""
        return cells @ self.member.T  # three times as fast as a gather (measured)

    def embed_known(self, symbols: Tensor, known: Tensor, kind: torch.dtype) -> Tensor:
        """Input of a first layer, ``(B, W + F)``: a one per observed token or masked field.

        Args:
            symbols: ``(B, F)``.
            known: ``(B, F)`` one where the token is observed.
            kind: Floating-point type of the result.
        """
        hidden = torch.arange(self.width, self.width + symbols.shape[1], device=symbols.device)
        at = torch.where(known > 0, symbols + self.first, hidden)
        blank = torch.zeros(len(symbols), self.width + len(hidden), dtype=kind, device=at.device)
        return blank.scatter_(1, at, 1.0)

    def cross_entropy(self, logits: Tensor, symbols: Tensor) -> Tensor:
        """Cross-entropy ``(B, F)`` of each field, in nats, of logits ``(B, W)`` of any float type.

        It can be differentiated once, not twice.
        """
        found: Tensor = _CrossEntropy.apply(logits, symbols + self.first, self.member)  # pyright: ignore[reportUnknownMemberType, reportAssignmentType]  # not typed in torch's stubs
        return found

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities ``(B, W)`` that sum to one over each field (softmax per field)."""
        odds = logits.exp()
        return odds * self.repeat_per_token(1 / (odds @ self.member))

    def sample_tokens(self, shares: Tensor, chance: Tensor) -> Tensor:
        """Sample tokens ``(B, F)`` by ``shares`` ``(B, W)`` and uniform ``chance`` in [0, 1)."""
        heaped = shares.double().cumsum(1)  # float32 would round off rare tokens at the end
        end = heaped[:, self.first + self.count - 1]
        start = torch.cat([torch.zeros_like(end[:, :1]), end[:, :-1]], 1)
        at = torch.searchsorted(heaped, start + chance * (end - start), right=True)
        return torch.minimum((at - self.first).clamp_(min=0), self.count - 1)

    def cells(self, symbols: Tensor, inside: Tensor) -> Tensor:
        """Tokens ``(B, F)`` as cells; ``inside`` in [0, 1) is the position within a slice."""
        made = symbols.float()
        made[:, self.continuous] = (made[:, self.continuous] + inside.float()) / SLICES
        return made


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy of many concatenated softmaxes, with few passes over memory.

    Clamping logits is ignored in the gradient, so that logits out of bounds are pulled back too.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, at: Tensor, member: Tensor) -> Tensor:
        bounded = logits.float().clamp(-STEEPEST, STEEPEST)
        told = bounded.gather(1, at)
        # Sums of exps over each field's tokens: one product instead of a softmax per field.
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
