"""Samples to codes and back: what a variational autoencoder and a plain autoencoder share.

The decoder is a generator of ``networks.convolutional`` (images) or ``networks.mlp`` (any other
numbers), so that a baseline differs from ``generate`` in what it learns from, not in its decoder.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gannet.core.types import Condition, Networks, Spec
from gannet.networks import convolutional, mlp

LEAST_VARIANCE = 1e-4
"""Of what a decoder leaves over: data without spread would otherwise have no finite surprise."""
CALM = 6.0
"""Bound on the logarithm of a code's variance, so that no first step makes it infinite."""
FRESH = 0.02
"""Weight of the newest batch in the moments of codes."""


class Autoencoder(nn.Module):
    """An encoder to a mean and a spread of codes, and the decoder that people use alone.

    Source: Kingma and Welling 2013, arXiv:1312.6114, section 3 and appendix C.

    Args:
        spec: Sizes of samples and condition.
        noise: Numbers of a code.
        width: Channels at full size; for rows a decoder has eight times as many units.
        gaussian: Whether the encoder tells a spread beside the mean.
        images: Whether samples are images ``(C, H, W)``; else they are taken as rows.
        bounded: Whether samples end in [-1, 1], all of their numbers in one unit.
    """

    def __init__(
        self,
        spec: Spec,
        noise: int,
        width: int,
        *,
        gaussian: bool,
        images: bool = False,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        self.gaussian, self.images, self.bounded = gaussian, images, bounded
        units = 4 * width
        self.decoder: nn.Module
        if images:
            self.decoder = convolutional.StridedGenerator(spec, noise, width)
            self.stem = convolutional.StridedDiscriminator(spec, width).layers
            seen = convolutional.WIDEST * width
        else:
            self.decoder = mlp.ResidualRowGenerator(spec, noise, 2 * units, bounded=bounded)
            self.stem = mlp.plain_layers(math.prod(spec.shape), units, 3)
            seen = units
        self.mean = nn.Linear(seen + spec.vector, noise)
        self.log_var = nn.Linear(seen + spec.vector, noise) if gaussian else None

    def encode(self, samples: Tensor, condition: Condition) -> tuple[Tensor, Tensor]:
        """``(B, *spec.shape)`` to means and log variances of codes, each ``(B, noise)``."""
        looked_at = samples if self.images else samples.flatten(1)
        seen = torch.cat([self.stem(looked_at), condition.vector], 1)
        mean: Tensor = self.mean(seen).float()
        if self.log_var is None:
            return mean, torch.zeros_like(mean)
        return mean, CALM * (self.log_var(seen).float() / CALM).tanh()

    def decode(self, codes: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` to ``(B, *spec.shape)``."""
        made: Tensor = self.decoder(codes, condition)
        return made.float()

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Normal noise ``(B, noise)`` is a code of the prior; to ``(B, *spec.shape)``."""
        return self.decode(noise, condition)


class GaussianLatentAutoencoder(Autoencoder):
    """A coder without a prior: it measures the normal distributions nearest to its codes.

    Source of drawing codes from a density fitted afterwards: Ghosh et al. 2020, arXiv:1903.12436,
    section 4. Differs: each class has a mean of its own, and all share one covariance; the moments
    are gathered during training, not in a pass after it.
    """

    shares: Tensor
    sums: Tensor
    moments: Tensor

    def __init__(
        self, spec: Spec, noise: int, width: int, *, images: bool = False, bounded: bool = False
    ) -> None:
        super().__init__(spec, noise, width, gaussian=False, images=images, bounded=bounded)
        # The last row is of samples whose class nobody told.
        self.register_buffer("shares", torch.zeros(spec.vector + 1))
        self.register_buffer("sums", torch.zeros(spec.vector + 1, noise))
        self.register_buffer("moments", torch.eye(noise))

    @torch.no_grad()
    def update_statistics(self, codes: Tensor, condition: Condition) -> None:
        """Take codes ``(B, noise)`` into the means of their classes and the second moments."""
        told = _with_unknown(condition)
        self.shares.lerp_(told.mean(0), FRESH)
        # Products element by element stay in 32 bit, also where networks compute in 16.
        self.sums.lerp_((told[:, :, None] * codes[:, None, :]).mean(0), FRESH)
        self.moments.lerp_((codes[:, :, None] * codes[:, None, :]).mean(0), FRESH)

    def sample_latents(self, noise: Tensor, condition: Condition) -> Tensor:
        """Normal noise ``(B, noise)`` to codes with the mean and covariance that were measured."""
        shares = self.shares[:, None]
        centers = self.sums / shares.clamp_min(1e-12)
        between = (self.sums[:, :, None] * centers[:, None, :]).sum(0)
        sizes, axes = torch.linalg.eigh(self.moments - between)
        anywhere = self.sums.sum(0) / shares.sum().clamp_min(1e-12)
        known = torch.where(shares > 0, centers, anywhere)
        center = (_with_unknown(condition)[:, :, None] * known).sum(1)
        return center + (noise @ axes * sizes.clamp_min(0).sqrt()) @ axes.T

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Normal noise ``(B, noise)`` to samples ``(B, *spec.shape)``."""
        return self.decode(self.sample_latents(noise, condition), condition)


def _with_unknown(condition: Condition) -> Tensor:
    """Classes ``(B, K)`` with a further column that is 1 where none is told: ``(B, K + 1)``."""
    vector = condition.vector
    return torch.cat([vector, 1 - vector.sum(1, keepdim=True)], 1)


def autoencoder_of(networks: Networks) -> Autoencoder:
    """The generator as what ``build`` made it."""
    assert isinstance(networks.generator, Autoencoder)
    return networks.generator


def measuring_discriminator(spec: Spec, width: int, *, images: bool = False) -> nn.Module:
    """A discriminator that measures, and from which the coder learns nothing."""
    if images:
        return convolutional.StridedDiscriminator(spec, width)
    return mlp.ResidualRowDiscriminator(spec, 4 * width)


def gaussian_nll(real: Tensor, made: Tensor, *, together: bool = False) -> Tensor:
    """Nats per number of reals under a normal density around what was decoded; a scalar.

    The variance is the one that makes it least.

    Source: Rybkin et al. 2021, arXiv:2006.13202, eq. 7.
    Differs: ``LEAST_VARIANCE`` is added to it.

    Args:
        real: ``(B, *shape)``.
        made: The same shape.
        together: Whether all numbers of a sample have one unit and so one variance, as those of a
            image; else each has its own, as each column of rows.
    """
    left = (real - made).square()
    variance = left.mean() if together else left.mean(0)
    # With the least variance added instead of a bound, no slope is lost where data are exact.
    return ((variance + LEAST_VARIANCE) * 2 * math.pi * math.e).log().mean() / 2


def kl_divergence(mean: Tensor, spread: Tensor) -> Tensor:
    """Nats from normal codes to the standard normal prior, per sample: ``(B,)``.

    Source: Kingma and Welling 2013, arXiv:1312.6114, appendix B.

    Args:
        mean: ``(B, Z)``.
        spread: Logarithms of variances, ``(B, Z)``.
    """
    return (mean.square() + spread.exp() - 1 - spread).sum(1) / 2
