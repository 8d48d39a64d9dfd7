"""How a discriminator learns in recipes that keep it flat around reals and fakes alike."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gannet.core.types import Batch, Condition, Terms
from gannet.losses.adversarial import (
    relativistic_discriminator,
    relativistic_generator,
    slope_penalty,
)
from gannet.networks.perceptual import Glances


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


def glanced_apart(glances: Glances, real: Tensor, fake: Tensor, classes: Tensor) -> Tensor:
    """What discriminators of frozen features minimise; a scalar, each size weighs alike.

    Source: Sauer et al. 2021, arXiv:2111.01007, eq. 2. Differs: relativistic.

    Args:
        glances: The discriminators.
        real: ``(B, C, H, W)``.
        fake: The same, without a gradient.
        classes: Of both, one-hot ``(B, K)``.
    """
    each = glances(torch.cat([real, fake]), classes.repeat(2, 1))
    return torch.stack([relativistic_discriminator(*one.chunk(2)) for one in each]).mean()


def passed_glances(glances: Glances, real: Tensor, fake: Tensor, classes: Tensor) -> Tensor:
    """What a generator minimises so as to pass them; arguments as above, fakes with a gradient."""
    with torch.no_grad():
        theirs = glances(real, classes)
    pairs = zip(theirs, glances(fake, classes), strict=True)
    return torch.stack([relativistic_generator(one, other) for one, other in pairs]).mean()


def least_side(levels: int = 3) -> int:
    """Side of the smallest pictures of which so many halvings leave a patch to judge."""
    return 2**levels
