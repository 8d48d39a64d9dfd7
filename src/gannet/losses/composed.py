"""How a discriminator learns in recipes that keep it flat around reals and fakes alike."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gannet.core.types import Batch, Condition, Terms
from gannet.losses.adversarial import relativistic_discriminator
from gannet.losses.gradient_penalty import slope_penalty


def told_apart(judge: nn.Module, batch: Batch, fake: Tensor, slope: float) -> Terms:
    """What a discriminator minimises: relativistic, with slopes of reals and fakes.

    Source: Huang et al. 2025, arXiv:2501.05441, eq. 2 and section 3. Differs: of a judge of patches
    the slope is that of their mean.

    Args:
        judge: Gives logits ``(B,)``, or ``(B, h, w)`` for patches.
        batch: Reals ``(B, *shape)``, and what is told of them and of the fakes.
        fake: ``(B, *shape)``, without a gradient.
        slope: Weight of the penalties; 0 for none.
    """
    shown = torch.cat([batch.real, fake]).requires_grad_(slope > 0)
    logits = judge(shown, Condition.joined([batch.condition] * 2)).float()
    terms = {"adversarial": relativistic_discriminator(*logits.chunk(2))}
    if slope:
        each = logits.reshape(len(shown), -1).mean(1)
        terms["slope"] = slope * slope_penalty(each, shown)
    return terms
