"""Gradient penalties (R1, R2, WGAN-GP): they keep a discriminator flat where the data lie."""

from __future__ import annotations

import torch
from torch import Tensor


def gradient_norm_squared(logits: Tensor, samples: Tensor) -> Tensor:
    """Squared norm of the logits' gradient with respect to each sample, ``(B,)``.

    Args:
        logits: ``(B,)`` or ``(B, *patches)``, computed from ``samples``.
        samples: ``(B, *shape)`` with ``requires_grad``.

    Raises:
        RuntimeError: if ``logits`` do not depend on ``samples``.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    return gradient.flatten(1).square().sum(1)


def r1_and_r2(logits: Tensor, samples: Tensor, weight: float) -> dict[str, Tensor]:
    """The gradient penalties R1, on reals, and R2, on fakes: half their mean squared norms.

    They keep the discriminator flat where the data lie, which makes training converge.

    Source: Mescheder et al. 2018, arXiv:1801.04406, eq. 9 and 10.

    Args:
        logits: ``(2B,)`` or ``(2B, *patches)``, computed from ``samples``.
        samples: ``(2B, *shape)`` with ``requires_grad``: reals, then as many fakes.
        weight: Of both.

    Returns:
        The terms ``r1`` and ``r2``, scalars that can be differentiated again.
    """
    real, fake = gradient_norm_squared(logits, samples).chunk(2)
    return {"r1": weight / 2 * real.mean(), "r2": weight / 2 * fake.mean()}


def wgan_gp(logits: Tensor, samples: Tensor) -> Tensor:
    """WGAN-GP: mean squared difference of the gradient norm from one, between reals and fakes.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, eq. 3.
    """
    # The root has no gradient at zero.
    length = (gradient_norm_squared(logits, samples) + 1e-12).sqrt()
    return (length - 1).square().mean()


def interpolate(real: Tensor, fake: Tensor, fraction: Tensor) -> Tensor:
    """Points on the lines from fakes (``fraction`` ``(B,)`` is 0) to reals (1)."""
    weight = fraction.view(-1, *[1] * (real.dim() - 1))
    return fake + weight * (real - fake)
