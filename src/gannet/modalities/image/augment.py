"""DiffAugment: differentiable augmentation of reals and fakes alike, so that it cannot leak.

Source: Zhao et al. 2020, arXiv:2006.10738. Differs: applied with a probability, so that a
controller can turn it up and down (Karras et al. 2020, arXiv:2006.06676).
"""

from __future__ import annotations

import torch
from torch import Tensor


def augment(samples: Tensor, p: float, rng: torch.Generator | None = None) -> Tensor:
    """Augment samples; gradients pass through.

    Args:
        samples: ``(B, C, H, W)`` images in [-1, 1].
        p: Probability of each augmentation, 0..1; 0 returns the samples themselves.
        rng: Random generator; by default PyTorch's own, which the trainer forks and seeds at every
            step, as for dropout.
    """
    if p <= 0:
        return samples
    return _cut(_shift(_recolor(samples, p, rng), p, rng), p, rng)


def _some(samples: Tensor, p: float, rng: torch.Generator | None = None) -> Tensor:
    """``(B, 1, 1, 1)``: 1 for the samples that are changed."""
    uniforms = torch.rand(len(samples), 1, 1, 1, generator=rng, device=samples.device)
    return (uniforms < p).to(samples)


def _recolor(samples: Tensor, p: float, rng: torch.Generator | None = None) -> Tensor:
    """Brightness within a half, contrast between a half and one and a half."""
    chosen = _some(samples, p, rng)
    uniforms = torch.rand(2, len(samples), 1, 1, 1, generator=rng, device=samples.device)
    brightness = (uniforms[0] - 0.5) * chosen
    contrast = 1 + (uniforms[1] - 0.5) * chosen
    mean = samples.mean((1, 2, 3), keepdim=True)
    return (samples - mean) * contrast + mean + brightness


def _shift(samples: Tensor, p: float, rng: torch.Generator | None = None) -> Tensor:
    """Shift by up to an eighth of the side, with edge padding."""
    count, _, high, wide = samples.shape
    chosen = _some(samples, p, rng).view(-1, 1).long()
    uniforms = torch.rand(count, 2, generator=rng, device=samples.device)
    max_shift = [max(side // 8, 1) for side in (high, wide)]
    ways = [
        (uniforms[:, axis] * (2 * most + 1)).long() - most for axis, most in enumerate(max_shift)
    ]
    return moved(samples, torch.stack(ways, 1) * chosen)


def moved(samples: Tensor, pixels: Tensor) -> Tensor:
    """Shift each image by its own offset, with edge padding.

    Args:
        samples: ``(B, C, H, W)``.
        pixels: ``(B, 2)`` integers: offset of the new top left corner, down and right.
    """
    high, wide = samples.shape[2:]
    # No number is read back here: a GPU would have to finish all it was asked for first.
    rows = (pixels[:, :1] + torch.arange(high, device=samples.device)).clamp(0, high - 1)
    columns = (pixels[:, 1:] + torch.arange(wide, device=samples.device)).clamp(0, wide - 1)
    which = torch.arange(len(samples), device=samples.device)[:, None, None]
    # Indexing puts channels last; permute them back.
    return samples.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]].permute(
        0, 3, 1, 2
    )


def _cut(samples: Tensor, p: float, rng: torch.Generator | None = None) -> Tensor:
    """Cutout: set a square of half the side to grey."""
    count, _, high, wide = samples.shape
    chosen = _some(samples, p, rng)
    center = torch.rand(count, 2, generator=rng, device=samples.device)
    rows = torch.arange(high, device=samples.device) - (center[:, :1] * high)
    columns = torch.arange(wide, device=samples.device) - (center[:, 1:] * wide)
    cutout = (rows.abs() < high / 4)[:, None, :, None] & (columns.abs() < wide / 4)[
        :, None, None, :
    ]
    return samples * (1 - cutout.to(samples) * chosen)
