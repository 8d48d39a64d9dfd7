"""Make new samples like the given ones with an autoencoder: a baseline.

The generator learns to reconstruct its input and measures the mean and covariance of its latents,
class by class; samples are decoded from Gaussian latents with these statistics (Ghosh et al. 2020,
arXiv:1903.12436, section 4). The discriminator only measures; the generator is not trained on it.
"""

from __future__ import annotations

from torch import Tensor, nn

from gannet.core.recipe import Controls, Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Losses, Networks, Spec
from gannet.networks.autoencoder import (
    Autoencoder,
    GaussianLatentAutoencoder,
    gaussian_nll,
    measuring_discriminator,
)
from gannet.recipes.common.autoencoders import CoderConfig, discriminator_losses
from gannet.recipes.common.kinds import continuous
from gannet.recipes.common.networks import has_image_axes, is_bounded
from gannet.recipes.common.schedules import exponential


class AutoencoderConfig(CoderConfig):
    """Settings of ``autoencoder``."""


def build(config: AutoencoderConfig, spec: Spec) -> Networks:
    """Encoder and decoder in one module, and a discriminator that measures."""
    images, bounded = has_image_axes(spec), is_bounded(spec)
    coder = GaussianLatentAutoencoder(
        spec, config.latent_dim, config.width, images=images, bounded=bounded
    )
    return Networks(coder, measuring_discriminator(spec, config.width, images=images))


def reconstruction_loss(coder: Autoencoder, batch: Batch) -> tuple[Tensor, Tensor]:
    """Latents ``(B, latent_dim)``, and the reconstruction loss in nats per number; a scalar."""
    latents, _ = coder.encode(batch.real, batch.condition)
    reconstructed = coder.decode(latents, batch.condition)
    return latents, gaussian_nll(batch.real, reconstructed, together=coder.bounded)


def generator_losses(
    networks: Networks,
    batch: Batch,
    noise: Tensor,  # noqa: ARG001
    config: AutoencoderConfig,  # noqa: ARG001
) -> Losses:
    """Reconstruction loss; also updates the statistics of the latents."""
    coder = networks.generator
    assert isinstance(coder, GaussianLatentAutoencoder)
    latents, loss = reconstruction_loss(coder, batch)
    coder.update_statistics(latents, batch.condition)
    return {"reconstruction": loss}


def validation_loss(model: nn.Module, batch: Batch, _config: AutoencoderConfig) -> Tensor:
    """``exp`` of the reconstruction loss in nats per number; never below zero."""
    assert isinstance(model, Autoencoder)
    _, loss = reconstruction_loss(model, batch)
    return loss.exp()


recipe = Recipe(
    config=AutoencoderConfig,
    inputs=Inputs(
        slots={
            "sample": Slot(continuous),
            "vector": Slot(("label",), optional=True),
        }
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_losses,
        generator_losses=generator_losses,
        schedule=exponential("learning_rate"),
        controls=Controls(regularize="gradient_penalty", capacity="width"),
        adversarial=lambda _: False,
    ),
    evaluation=Evaluation(validation_loss=validation_loss, is_baseline=True),
)
