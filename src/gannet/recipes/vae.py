"""Make new samples like the given ones with a variational autoencoder: a baseline.

The generator learns the evidence lower bound (Kingma and Welling 2013, arXiv:1312.6114) with the
optimal decoder variance (Rybkin et al. 2021, arXiv:2006.13202). The discriminator only measures;
the generator is not trained on it. Samples are the decoder's means, without its variance.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from gannet.core.recipe import Controls, Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Losses, Networks, Spec
from gannet.networks.autoencoder import (
    Autoencoder,
    autoencoder_of,
    gaussian_nll,
    kl_divergence,
    measuring_discriminator,
)
from gannet.recipes.common.autoencoders import CoderConfig, discriminator_losses
from gannet.recipes.common.kinds import continuous
from gannet.recipes.common.networks import has_image_axes, is_bounded
from gannet.recipes.common.schedules import exponential


class VaeConfig(CoderConfig):
    """Settings of ``vae``."""

    kl_weight: float = Field(
        1.0,
        ge=0,
        description="KL weight (beta of a beta-VAE): divergence of the latents from the prior",
    )


def build(config: VaeConfig, spec: Spec) -> Networks:
    """Encoder and decoder in one module, and a discriminator that measures."""
    images, bounded = has_image_axes(spec), is_bounded(spec)
    coder = Autoencoder(
        spec, config.latent_dim, config.width, gaussian=True, images=images, bounded=bounded
    )
    return Networks(coder, measuring_discriminator(spec, config.width, images=images))


def evidence_lower_bound(coder: Autoencoder, batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor]:
    """The two parts of the negative evidence lower bound, in nats per number; scalars."""
    mean, log_var = coder.encode(batch.real, batch.condition)
    reconstructed = coder.decode(mean + (log_var / 2).exp() * noise, batch.condition)
    numbers = batch.real[0].numel()
    nll = gaussian_nll(batch.real, reconstructed, together=coder.bounded)
    return nll, kl_divergence(mean, log_var).mean() / numbers


def generator_losses(networks: Networks, batch: Batch, noise: Tensor, config: VaeConfig) -> Losses:
    """Reconstruction loss and KL divergence of the latents from the prior."""
    reconstruction, divergence = evidence_lower_bound(autoencoder_of(networks), batch, noise)
    return {"reconstruction": reconstruction, "kl": config.kl_weight * divergence}


def validation_loss(model: nn.Module, batch: Batch, config: VaeConfig) -> Tensor:
    """``exp`` of the negative evidence lower bound in nats per number; never below zero.

    The same latents are drawn at every call. The decoder variance is fitted to the batch.
    """
    assert isinstance(model, Autoencoder)
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(len(batch), config.latent_dim, generator=rng).to(batch.real.device)
    return sum(evidence_lower_bound(model, batch, noise), batch.real.new_zeros(())).exp()


recipe = Recipe(
    config=VaeConfig,
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
