"""One-hot encoding of table rows, with a mask of the observed cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

SLICES = 16  # tokens of a continuous position in [0, 1]; it is uniform within each
STEEPEST = 40.0  # bound on logits: exp of it, summed over any table, is finite in float32


def condition_vector(rows: Tensor, observed: Tensor) -> Tensor:
    """The condition vector ``(B, 2F)``: observed cells, zero elsewhere, and their mask.

    Args:
        rows: ``(B, F)`` cells as the codec encodes them.
        observed: ``(B, F)`` one where a cell is observed, zero where it is to be sampled.
    """
    return torch.cat([torch.where(observed > 0, rows, 0), observed], 1)


def missing(rows: Tensor, missing_field: Sequence[int]) -> Tensor:
    """Mask ``(B, F)`` of the missing cells; see ``TableLayout.missing_field``."""
    if not missing_field:
        return torch.zeros_like(rows, dtype=torch.bool)
    at = _on_device(tuple(missing_field), rows.device)
    return (rows[:, at.clamp(min=0)] < 0.5) & (at >= 0)  # tokens are whole


@lru_cache(maxsize=64)
def _on_device(numbers: tuple[int, ...], device: torch.device) -> Tensor:
    """Whole numbers as a tensor, copied to the device once: each copy waits for a GPU."""
    with torch.inference_mode(mode=False):
        return torch.tensor(numbers, dtype=torch.int64, device=device)


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
        tokens = (rows * self.span).long()
        return torch.minimum(tokens.clamp_(min=0), self.count - 1)

    def expand(self, rows: Tensor) -> Tensor:
        """Cells ``(B, F)`` as one-hot rows ``(B, W)``, with a one per field."""
        return self.one_hot(self.tokens(rows))

    def one_hot(self, tokens: Tensor) -> Tensor:
        """Tokens ``(B, F)`` as one-hot rows ``(B, W)``."""
        blank = self.member.new_zeros(len(tokens), self.width)
        return blank.scatter_(1, tokens + self.first, 1.0)

    def repeat_per_token(self, cells: Tensor) -> Tensor:
        """A number per cell ``(B, F)``, repeated for every token of the field, ``(B, W)``."""
        return cells @ self.member.T  # three times as fast as a gather (measured)

    def embed_observed(self, tokens: Tensor, observed: Tensor, dtype: torch.dtype) -> Tensor:
        """Input of a first layer, ``(B, W + F)``: a one per observed token or masked field.

        Args:
            tokens: ``(B, F)``.
            observed: ``(B, F)`` one where the token is observed.
            dtype: Floating-point type of the result.
        """
        mask_tokens = torch.arange(self.width, self.width + tokens.shape[1], device=tokens.device)
        at = torch.where(observed > 0, tokens + self.first, mask_tokens)
        blank = torch.zeros(
            len(tokens), self.width + len(mask_tokens), dtype=dtype, device=at.device
        )
        return blank.scatter_(1, at, 1.0)

    def cross_entropy(self, logits: Tensor, tokens: Tensor) -> Tensor:
        """Cross-entropy ``(B, F)`` of each field, in nats, of logits ``(B, W)`` of any float type.

        It can be differentiated once, not twice.
        """
        losses: Tensor = _CrossEntropy.apply(logits, tokens + self.first, self.member)  # pyright: ignore[reportUnknownMemberType, reportAssignmentType]  # not typed in torch's stubs
        return losses

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities ``(B, W)`` that sum to one over each field (softmax per field)."""
        weights = logits.exp()
        return weights * self.repeat_per_token(1 / (weights @ self.member))

    def sample_tokens(self, probabilities: Tensor, uniforms: Tensor) -> Tensor:
        """Sample tokens ``(B, F)`` by ``probabilities`` ``(B, W)`` and ``uniforms`` in [0, 1)."""
        cumulative = probabilities.double().cumsum(
            1
        )  # float32 would round off rare tokens at the end
        end = cumulative[:, self.first + self.count - 1]
        start = torch.cat([torch.zeros_like(end[:, :1]), end[:, :-1]], 1)
        at = torch.searchsorted(cumulative, start + uniforms * (end - start), right=True)
        return torch.minimum((at - self.first).clamp_(min=0), self.count - 1)

    def cells(self, tokens: Tensor, inside: Tensor) -> Tensor:
        """Tokens ``(B, F)`` as cells; ``inside`` in [0, 1) is the position within a slice."""
        cells = tokens.float()
        at = _on_device(tuple(self.continuous), cells.device)
        cells[:, at] = (cells[:, at] + inside.float()) / SLICES
        return cells


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy of many concatenated softmaxes, with few passes over memory.

    Clamping logits is ignored in the gradient, so that logits out of bounds are pulled back too.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, at: Tensor, member: Tensor) -> Tensor:
        bounded = logits.float().clamp(-STEEPEST, STEEPEST)
        target_logits = bounded.gather(1, at)
        # Sums of exps over each field's tokens: one product instead of a softmax per field.
        weights = bounded.exp_()
        total = weights @ member
        ctx.save_for_backward(weights, total, at, member)
        ctx.kind = logits.dtype
        return total.log() - target_logits

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        weights, total, at, member = ctx.saved_tensors
        gradient = gradients[0].float()
        logit_gradient = weights * ((gradient / total) @ member.T)
        return logit_gradient.scatter_add_(1, at, -gradient).to(ctx.kind), None, None
