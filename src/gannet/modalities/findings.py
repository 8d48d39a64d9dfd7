"""What may be wrong with data: findings, and how a kind of data looks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from gannet.core.codec import Codec

FLAT = 0.01
"""Standard deviation of an empty sample, as a share of the data's range of numbers."""

FAINT = 0.1
"""Standard deviation of a nearly empty sample, as a share of what is usual."""

FEW_NUMBERS = 16
"""With fewer numbers a sample whose numbers are alike is not empty."""


class Finding(BaseModel):
    """Something that a user should know about the data before training.

    Attributes:
        code: What it is, for programs; stable.
        severity: ``severe`` if results cannot be believed before it is mended, ``warning`` if they
            suffer, ``note`` otherwise.
        sentence: What was found, in words.
        evidence: Counts and figures by name, as JSON values.
        examples: Names of the worst samples, the worst first.
        remedy: What to do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Literal["severe", "warning", "note"]
    sentence: str
    evidence: dict[str, Any] = {}
    examples: tuple[str, ...] = ()
    remedy: str = ""

    def __str__(self) -> str:
        """The sentence, examples and remedy on one line."""
        some = f" ({', '.join(self.examples[:3])})" if self.examples else ""
        return f"{self.sentence}{some}" + (f"; {self.remedy}" if self.remedy else "")


def is_empty(samples: Tensor) -> Tensor:
    """Which samples ``(n, *shape)`` hold nothing: their numbers hardly differ, ``(n,)``.

    Nearly empty is less than a tenth of the usual deviation; usual is what the fuller half has.
    """
    flat = samples.flatten(1).float()
    if flat.shape[1] < FEW_NUMBERS:
        return torch.zeros(len(flat), dtype=torch.bool)
    deviation = flat.std(1)
    limit = FLAT * float(flat.max() - flat.min())
    full = deviation[deviation > limit]
    if len(full):
        usual = full.sort().values[len(full) // 2 :].median()
        limit = max(limit, FAINT * float(usual))
    return deviation <= limit


def numbers_of(_codec: Codec[Any] | None, samples: Tensor) -> Tensor:
    """The numbers of samples ``(n, *shape)``, ``(n, F)``."""
    return samples.flatten(1).float()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """How a kind of data is examined before training.

    Attributes:
        empty: Which samples ``(n, *shape)`` hold nothing, ``(n,)``.
        numbers: From the codec, where it is known, and samples to rows of numbers ``(n, F)``, in
            which copies are looked for; NaN where one is missing.
        keys: Samples to rows ``(n, F)`` whose distances are small for copies that were changed a
            little; by default ``numbers``.
        unlike: How much each of ``(m, *shape)`` differs from another ``(m, *shape)`` after what is
            no difference (brightness, a small crop) was taken away, ``(m,)``; 0 for the same,
            about a half for samples that merely resemble each other. By default distances of
            ``numbers`` are compared with the data's own.
        repeats: Whether equal samples are to be expected, as in a table of few columns.
        columns: Whether each of ``numbers`` has a meaning of its own, so that its range counts.
        names: From the codec to the names of ``numbers``.
    """

    empty: Callable[[Tensor], Tensor] = is_empty
    numbers: Callable[[Codec[Any] | None, Tensor], Tensor] = numbers_of
    keys: Callable[[Tensor], Tensor] | None = None
    unlike: Callable[[Tensor, Tensor], Tensor] | None = None
    repeats: bool = False
    columns: bool = False
    names: Callable[[Codec[Any]], tuple[str, ...]] = lambda _: ()
