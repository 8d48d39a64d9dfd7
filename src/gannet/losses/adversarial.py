"""Adversarial losses: pure functions from logits to a scalar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn.functional import logsigmoid, relu, softplus

AdversarialLoss = Callable[[Tensor, Tensor], Tensor]
"""``(real_logits, fake_logits) -> scalar``; high logits mean "looks real"."""


@dataclass(frozen=True, slots=True)
class Objective:
    """Losses of both networks. Both see both logits, so that relativistic losses fit too."""

    discriminator: AdversarialLoss
    generator: AdversarialLoss


def non_saturating_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    r"""Binary cross-entropy on logits, :math:`-\log\sigma(r) - \log(1-\sigma(f))`.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, eq. 1.
    """
    return softplus(-real).mean() + softplus(fake).mean()


def non_saturating_generator(_real: Tensor, fake: Tensor) -> Tensor:
    r"""Keeps its gradient when the discriminator wins: :math:`-\log\sigma(f)`."""
    return softplus(-fake).mean()


def minimax_generator(_real: Tensor, fake: Tensor) -> Tensor:
    r"""The value of the game, :math:`\log(1-\sigma(f))`.

    Its gradient vanishes while the discriminator wins.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, eq. 1.
    """
    return logsigmoid(-fake).mean()


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Reals towards 1, fakes towards 0. Source: Mao et al. 2016, arXiv:1611.04076, eq. 2."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def least_squares_generator(_real: Tensor, fake: Tensor) -> Tensor:
    """Fakes towards 1, the target of the reals."""
    return (fake - 1).square().mean() / 2


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Only logits within a margin of one contribute. Source: Lim and Ye 2017, arXiv:1705.02894."""
    return relu(1 - real).mean() + relu(1 + fake).mean()


def linear_generator(_real: Tensor, fake: Tensor) -> Tensor:
    """Raise the logits of fakes, without a margin: of the hinge and the Wasserstein loss alike."""
    return -fake.mean()


def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Difference of the mean logits. Source: Arjovsky et al. 2017, arXiv:1701.07875, eq. 2.

    A distance only if the discriminator is Lipschitz-continuous: see ``wgan_gp`` of
    ``losses.gradient_penalty``.
    """
    return fake.mean() - real.mean()


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Each real must beat the fake it is paired with.

    Source: Jolicoeur-Martineau 2018, arXiv:1807.00734; Huang et al. 2025, arXiv:2501.05441.
    """
    return softplus(fake - real).mean()


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """The mirror image: each fake must beat its real."""
    return softplus(real - fake).mean()


ObjectiveName = Literal[
    "relativistic", "non_saturating", "minimax", "least_squares", "hinge", "wasserstein"
]
OBJECTIVES: dict[ObjectiveName, Objective] = {
    "relativistic": Objective(relativistic_discriminator, relativistic_generator),
    "non_saturating": Objective(non_saturating_discriminator, non_saturating_generator),
    "minimax": Objective(non_saturating_discriminator, minimax_generator),
    "least_squares": Objective(least_squares_discriminator, least_squares_generator),
    "hinge": Objective(hinge_discriminator, linear_generator),
    "wasserstein": Objective(wasserstein_discriminator, linear_generator),
}
