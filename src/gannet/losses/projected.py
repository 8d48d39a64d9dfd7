"""Losses of projected discriminators (Projected GAN), which see features of a frozen network."""

from __future__ import annotations

import torch
from torch import Tensor

from gannet.losses.adversarial import relativistic_discriminator, relativistic_generator
from gannet.networks.perceptual import ProjectedDiscriminators


def projected_discriminator_loss(
    discriminators: ProjectedDiscriminators, real: Tensor, fake: Tensor, classes: Tensor
) -> Tensor:
    """Discriminator loss, the mean over all scales; a scalar.

    Source: Sauer et al. 2021, arXiv:2111.01007, eq. 2. Differs: relativistic.

    Args:
        discriminators: The discriminators.
        real: ``(B, C, H, W)``.
        fake: The same, without a gradient.
        classes: Of both, one-hot ``(B, K)``.
    """
    each = discriminators(torch.cat([real, fake]), classes.repeat(2, 1))
    return torch.stack([relativistic_discriminator(*one.chunk(2)) for one in each]).mean()


def projected_generator_loss(
    discriminators: ProjectedDiscriminators, real: Tensor, fake: Tensor, classes: Tensor
) -> Tensor:
    """Generator loss; arguments as above, but the fakes have a gradient."""
    with torch.no_grad():
        theirs = discriminators(real, classes)
    pairs = zip(theirs, discriminators(fake, classes), strict=True)
    return torch.stack([relativistic_generator(one, other) for one, other in pairs]).mean()
