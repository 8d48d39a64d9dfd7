"""Autoencoders: variational (VAE), and with a Gaussian fitted to the latents.

The decoder is a generator of ``networks.convolutional`` (images) or ``networks.mlp`` (vectors), so
that these baselines differ from ``generate`` in their loss, not in the decoder.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gannet.core.types import Condition, Networks, Spec
from gannet.networks import convolutional, mlp

MIN_VARIANCE = 1e-4
"""Added to the variance of residuals: constant data would otherwise have an infinite likelihood."""
MAX_LOG_VAR = 6.0
"""Bound on the log-variance of a latent, so that an early step cannot make it infinite."""
MOVING_AVERAGE_WEIGHT = 0.02
"""Weight of the newest batch in the moving averages of the moments of latents."""


class Autoencoder(nn.Module):
    """An encoder to the mean and log-variance of latents, and a decoder, which generates alone.

    Source: Kingma and Welling 2013, arXiv:1312.6114, section 3 and appendix C.

    Args:
        spec: Sizes of samples and condition.
        noise: Latent dimension.
        width: Channels at full size; for vectors a decoder has eight times as many units.
        gaussian: Whether the encoder gives a log-variance besides the mean.
        images: Whether samples are images ``(C, H, W)``; else they are treated as vectors.
        bounded: Whether outputs lie in [-1, 1].
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
            features = convolutional.WIDEST * width
        else:
            self.decoder = mlp.ResidualRowGenerator(spec, noise, 2 * units, bounded=bounded)
            self.stem = mlp.mlp_layers(math.prod(spec.shape), units, 3)
            features = units
        self.mean = nn.Linear(features + spec.vector, noise)
        self.log_var = nn.Linear(features + spec.vector, noise) if gaussian else None

    def encode(self, samples: Tensor, condition: Condition) -> tuple[Tensor, Tensor]:
        """``(B, *spec.shape)`` to means and log-variances of latents, each ``(B, noise)``."""
        inputs = samples if self.images else samples.flatten(1)
        features = torch.cat([self.stem(inputs), condition.vector], 1)
        mean: Tensor = self.mean(features).float()
        if self.log_var is None:
            return mean, torch.zeros_like(mean)
        return mean, MAX_LOG_VAR * (self.log_var(features).float() / MAX_LOG_VAR).tanh()

    def decode(self, codes: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` to ``(B, *spec.shape)``."""
        decoded: Tensor = self.decoder(codes, condition)
        return decoded.float()

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Normal noise ``(B, noise)``, the prior of latents, to ``(B, *spec.shape)``."""
        return self.decode(noise, condition)


class GaussianLatentAutoencoder(Autoencoder):
    """An autoencoder without a prior: a Gaussian per class is fitted to its latents.

    Source (latents from a density fitted afterwards): Ghosh et al. 2020, arXiv:1903.12436,
    section 4. Differs: each class has a mean of its own, and all share one covariance; the moments
    are moving averages over training, not computed in a pass after it.
    """

    class_frequencies: Tensor
    sums: Tensor
    moments: Tensor

    def __init__(
        self, spec: Spec, noise: int, width: int, *, images: bool = False, bounded: bool = False
    ) -> None:
        super().__init__(spec, noise, width, gaussian=False, images=images, bounded=bounded)
        # The last row is for unlabelled samples.
        self.register_buffer("class_frequencies", torch.zeros(spec.vector + 1))
        self.register_buffer("sums", torch.zeros(spec.vector + 1, noise))
        self.register_buffer("moments", torch.eye(noise))

    @torch.no_grad()
    def update_statistics(self, codes: Tensor, condition: Condition) -> None:
        """Update class means and second moments with latents ``(B, noise)``."""
        classes = _with_unknown(condition)
        self.class_frequencies.lerp_(classes.mean(0), MOVING_AVERAGE_WEIGHT)
        # Elementwise products stay in float32 under autocast.
        self.sums.lerp_((classes[:, :, None] * codes[:, None, :]).mean(0), MOVING_AVERAGE_WEIGHT)
        self.moments.lerp_((codes[:, :, None] * codes[:, None, :]).mean(0), MOVING_AVERAGE_WEIGHT)

    def sample_latents(self, noise: Tensor, condition: Condition) -> Tensor:
        """Normal noise ``(B, noise)`` to latents with the fitted mean and covariance."""
        frequencies = self.class_frequencies[:, None]
        centers = self.sums / frequencies.clamp_min(1e-12)
        between = (self.sums[:, :, None] * centers[:, None, :]).sum(0)
        sizes, axes = torch.linalg.eigh(self.moments - between)
        anywhere = self.sums.sum(0) / frequencies.sum().clamp_min(1e-12)
        filled_centers = torch.where(frequencies > 0, centers, anywhere)
        center = (_with_unknown(condition)[:, :, None] * filled_centers).sum(1)
        return center + (noise @ axes * sizes.clamp_min(0).sqrt()) @ axes.T

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """Normal noise ``(B, noise)`` to samples ``(B, *spec.shape)``."""
        return self.decode(self.sample_latents(noise, condition), condition)


def _with_unknown(condition: Condition) -> Tensor:
    """Classes ``(B, K)`` with a column that is 1 for unlabelled samples: ``(B, K + 1)``."""
    vector = condition.vector
    return torch.cat([vector, 1 - vector.sum(1, keepdim=True)], 1)


def autoencoder_of(networks: Networks) -> Autoencoder:
    """The generator, typed as the ``Autoencoder`` that ``build`` made."""
    assert isinstance(networks.generator, Autoencoder)
    return networks.generator


def measuring_discriminator(spec: Spec, width: int, *, images: bool = False) -> nn.Module:
    """A discriminator for monitoring only; the autoencoder does not learn from it."""
    if images:
        return convolutional.StridedDiscriminator(spec, width)
    return mlp.ResidualRowDiscriminator(spec, 4 * width)


def gaussian_nll(real: Tensor, decoded: Tensor, *, together: bool = False) -> Tensor:
    """Gaussian negative log-likelihood around the decoded samples, in nats per number; a scalar.

    The variance is the maximum-likelihood estimate.

    Source: Rybkin et al. 2021, arXiv:2006.13202, eq. 7.
    Differs: ``LEAST_VARIANCE`` is added to it.

    Args:
        real: ``(B, *shape)``.
        decoded: The same shape.
        together: Whether all numbers of a sample share one variance, as in images; else each has
            its own, as the columns of vectors.
    """
    residuals = (real - decoded).square()
    variance = residuals.mean() if together else residuals.mean(0)
    # Added instead of clamped, so that the gradient never vanishes.
    return ((variance + MIN_VARIANCE) * 2 * math.pi * math.e).log().mean() / 2


def kl_divergence(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL divergence of Gaussian latents from the standard normal prior, nats per sample ``(B,)``.

    Source: Kingma and Welling 2013, arXiv:1312.6114, appendix B.

    Args:
        mean: ``(B, Z)``.
        log_var: Log-variances, ``(B, Z)``.
    """
    return (mean.square() + log_var.exp() - 1 - log_var).sum(1) / 2
