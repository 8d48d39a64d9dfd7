"""What recipes share whose discriminator only measures, and trains nobody."""

from __future__ import annotations

import torch
from torch import Tensor

from gannet.losses import relativistic_discriminator, slope_penalty
from gannet.types import Batch, Condition, Players, Terms


def told_apart(players: Players, batch: Batch, noise: Tensor, slope: float) -> Terms:
    """What a measuring discriminator minimises: relativistic, with slopes of reals and fakes.

    Source: Huang et al. 2025, arXiv:2501.05441, eq. 2 and section 3.
    """
    with torch.no_grad():
        fake = players.generator(noise, batch.condition)
    shown = torch.cat([batch.real, fake]).requires_grad_(slope > 0)
    logits = players.discriminator(shown, Condition.joined([batch.condition] * 2)).float()
    terms = {"adversarial": relativistic_discriminator(*logits.chunk(2))}
    if slope:
        terms["slope"] = slope * slope_penalty(logits, shown)
    return terms
