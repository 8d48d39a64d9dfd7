"""Gradient penalties: what keeps a discriminator flat where the data lie (R1, R2, WGAN-GP)."""

from __future__ import annotations

import torch
from torch import Tensor


def gradient_norm_squared(logits: Tensor, samples: Tensor) -> Tensor:
    """Squared length of the logits' gradient with respect to each sample, ``(B,)``.

    Args:
        logits: ``(B,)`` or ``(B, *patches)``, computed from ``samples``.
        samples: ``(B, *shape)`` with ``requires_grad``.

    Raises:
        RuntimeError: if ``samples`` did not take part in ``logits``.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    return gradient.flatten(1).square().sum(1)


def gradient_penalty(logits: Tensor, samples: Tensor) -> Tensor:
    """Mean squared length of the logits' gradient with respect to the samples.

    Called R1 on real samples and R2 on fakes. It keeps the discriminator flat where the data lie,
    which is what makes the duel converge (Mescheder et al. 2018, arXiv:1801.04406).

    Args:
        logits: ``(B,)`` or ``(B, *patches)``, computed from ``samples``.
        samples: ``(B, *shape)`` with ``requires_grad``.

    Returns:
        A scalar that can be differentiated again.
    """
    return gradient_norm_squared(logits, samples).mean()


def wgan_gp(logits: Tensor, samples: Tensor) -> Tensor:
    """Mean squared distance of the slope's length from one, between reals and fakes.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, eq. 3.
    """
    length = (
        gradient_norm_squared(logits, samples) + 1e-12
    ).sqrt()  # the root has no slope at zero
    return (length - 1).square().mean()


def interpolate(real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Points on the lines from fakes to reals; ``share`` ``(B,)`` in [0, 1] is the place."""
    place = share.view(-1, *[1] * (real.dim() - 1))
    return fake + place * (real - fake)
