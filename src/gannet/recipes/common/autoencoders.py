"""Shared by autoencoder recipes, in which the discriminator only measures."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from gannet.core.config import Config
from gannet.core.types import Batch, Losses, Networks
from gannet.losses.discriminator import discriminator_loss


class CoderConfig(Config):
    """Settings of autoencoder recipes."""

    latent_dim: int = Field(
        16, ge=1, description="latent dimension: numbers per sample; 0 for none"
    )
    batch: int = Field(64, ge=1, description="batch size: samples per update")
    learning_rate: float = Field(
        2e-3, gt=0, description="learning rate of both optimizers at first"
    )
    beta1: float = Field(
        0.9, ge=0, lt=1, description="beta1 of Adam: decay of the mean of its gradients"
    )
    beta2: float = Field(
        0.999, ge=0, lt=1, description="beta2 of Adam: decay of the mean of their squares"
    )
    discriminator_interval: int = Field(
        8, ge=1, description="discriminator update interval: it learns at every n-th step"
    )
    width: int = Field(
        16, ge=4, le=1024, description="channels at full size; for rows, units of the encoder / 4"
    )
    gradient_penalty: float = Field(
        1.0,
        ge=0,
        description="weight of the R1 and R2 gradient penalties: keep the discriminator flat",
    )


def discriminator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: CoderConfig
) -> Losses:
    """Adversarial loss and gradient penalty of the discriminator."""
    with torch.no_grad():
        fake = networks.generator(noise, batch.condition)
    return discriminator_loss(networks.discriminator, batch, fake, config.gradient_penalty)
