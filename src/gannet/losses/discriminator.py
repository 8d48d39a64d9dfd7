"""The discriminator loss with R1 and R2 gradient penalties."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gannet.core.types import Batch, Condition, Losses
from gannet.losses.adversarial import relativistic_discriminator
from gannet.losses.gradient_penalty import r1_and_r2


def discriminator_loss(
    discriminator: nn.Module, batch: Batch, fake: Tensor, penalty_weight: float
) -> Losses:
    """Relativistic loss with gradient penalties on reals (R1) and fakes (R2).

    Source: Huang et al. 2025, arXiv:2501.05441, eq. 2 and section 3. Differs: for a PatchGAN, the
    gradient is that of the mean logit.

    Args:
        discriminator: Gives logits ``(B,)``, or ``(B, h, w)`` for patches.
        batch: Reals ``(B, *shape)``, with the conditions of reals and fakes.
        fake: ``(B, *shape)``, without a gradient.
        penalty_weight: Weight of the penalties; 0 for none.
    """
    samples = torch.cat([batch.real, fake]).requires_grad_(penalty_weight > 0)
    logits = discriminator(samples, Condition.joined([batch.condition] * 2)).float()
    losses = {"adversarial": relativistic_discriminator(*logits.chunk(2))}
    if penalty_weight:
        each = logits.reshape(len(samples), -1).mean(1)
        losses |= r1_and_r2(each, samples, penalty_weight)
    return losses
