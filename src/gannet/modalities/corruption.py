"""Reals made worse in a known way: what a test, features or a judge must be able to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

TRIES = 4
"""Other samples that are tried for a number that differs."""

Corruption = Callable[[Tensor, torch.Generator], Tensor]
"""Samples ``(n, *shape)``, two or more, and a random generator to as many corrupted ones."""


def shuffled_parts(samples: Tensor, rng: torch.Generator) -> Tensor:
    """Each number from another sample, so that marginals stay and all dependence is lost."""
    flat = samples.flatten(1)
    order = torch.rand(flat.shape, generator=rng).argsort(0)
    return flat.gather(0, order).reshape(samples.shape)


def noised(samples: Tensor, rng: torch.Generator) -> Tensor:
    """White noise of a third of each number's standard deviation on top."""
    std = samples.float().std(0, keepdim=True)
    std = std.clamp(min=float(std.square().mean().sqrt()) / 10)
    return samples + 0.33 * std * torch.randn(samples.shape, generator=rng)


def replaced_numbers(samples: Tensor, rng: torch.Generator) -> Tensor:
    """One number in four from another sample: tokens stay tokens."""
    chosen = torch.rand(samples.shape, generator=rng) < 0.25
    return torch.where(chosen, shuffled_parts(samples, rng), samples)


def one_replaced(samples: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """One number of each sample replaced by a different one, of another sample.

    Which one is drawn evenly. A few others are tried until one differs, and samples without one are
    left out; where no number differs at all, the samples come back as they are.

    Args:
        samples: ``(n, *shape)``, one or more.
        rng: Of the choice.

    Returns:
        Up to as many samples, and the index of the number that was replaced in each, ``(m,)``.
    """
    flat = samples.flatten(1)
    rows = torch.arange(len(flat))
    at = torch.randint(flat.shape[1], rows.shape, generator=rng)
    before = flat[rows, at]
    after = before
    for _ in range(TRIES):
        other = torch.randint(len(flat), rows.shape, generator=rng)
        after = torch.where(after == before, flat[other, at], after)
    changed = flat.clone()
    changed[rows, at] = after
    differs = after != before
    if not bool(differs.any()):
        return samples, at
    return changed[differs].reshape(-1, *samples.shape[1:]), at[differs]


NUMBERS: Mapping[str, Corruption] = {"noise": noised, "shuffled parts": shuffled_parts}
"""What suits any kind of numbers."""

TOKENS: Mapping[str, Corruption] = {
    "replaced cells": replaced_numbers,
    "shuffled columns": shuffled_parts,
}
"""What suits whole numbers that stand for something."""
