"""Make new samples like the given ones with a variational autoencoder: a baseline.

The generator learns the evidence lower bound (Kingma and Welling 2013, arXiv:1312.6114) with the
decoder variance that makes it best (Rybkin et al. 2021, arXiv:2006.13202), and nothing from the
discriminator, which only measures. Samples are the decoder's means, without its variance.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from gannet.core import config
from gannet.core.recipe import Controls, Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Players, Spec, Terms
from gannet.losses.composed import told_apart
from gannet.networks.autoencoder import Coder, coder_of, divergence, judge, surprise
from gannet.recipes.common.networks import has_image_axes, is_bounded


class Config(config.Config):
    """Settings of ``vae``."""

    noise: int = Field(16, ge=1, description="numbers of a code")
    batch: int = Field(64, ge=1, description="samples per update")
    learning_rate: float = Field(2e-3, gt=0, description="step size of both optimisers at first")
    momentum: float = Field(0.9, ge=0, lt=1, description="beta1 of Adam")
    second_momentum: float = Field(0.999, ge=0, lt=1, description="beta2 of Adam")
    discriminator_every: int = Field(
        8, ge=1, description="steps from one at which the discriminator learns to the next"
    )
    width: int = Field(
        16, ge=4, le=1024, description="channels at full size; for rows, units of the encoder / 4"
    )
    slope: float = Field(1.0, ge=0, description="weight of the discriminator's slope penalties")
    divergence: float = Field(
        1.0, ge=0, description="weight of the codes' divergence from the prior"
    )


def build(config: Config, spec: Spec) -> Players:
    """Encoder and decoder in one module, and a discriminator that measures."""
    images, bounded = has_image_axes(spec), is_bounded(spec)
    coder = Coder(spec, config.noise, config.width, spreads=True, images=images, bounded=bounded)
    return Players(coder, judge(spec, config.width, images=images))


def discriminator_terms(players: Players, batch: Batch, noise: Tensor, config: Config) -> Terms:
    """Tell samples from reals, and stay flat around both."""
    with torch.no_grad():
        fake = players.generator(noise, batch.condition)
    return told_apart(players.discriminator, batch, fake, config.slope)


def bound(coder: Coder, batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor]:
    """The two parts of the negative evidence lower bound, in nats per number; scalars."""
    mean, spread = coder.encode(batch.real, batch.condition)
    made = coder.decode(mean + (spread / 2).exp() * noise, batch.condition)
    numbers = batch.real[0].numel()
    kept = surprise(batch.real, made, together=coder.bounded)
    return kept, divergence(mean, spread).mean() / numbers


def generator_terms(players: Players, batch: Batch, noise: Tensor, config: Config) -> Terms:
    """Give back what went in, through codes that look like the prior."""
    kept, far = bound(coder_of(players), batch, noise)
    return {"reconstruction": kept, "divergence": config.divergence * far}


def error(product: nn.Module, batch: Batch, config: Config) -> Tensor:
    """``exp`` of the negative evidence lower bound in nats per number; never below zero.

    Codes are drawn alike at every call. The decoder variance is that of the samples themselves.
    """
    assert isinstance(product, Coder)
    chance = torch.Generator().manual_seed(0)
    noise = torch.randn(len(batch), config.noise, generator=chance).to(batch.real.device)
    return sum(bound(product, batch, noise), batch.real.new_zeros(())).exp()


def schedule(config: Config, share: float) -> Config:
    """The learning rate falls by the same factor in every equal part of the run."""
    left = config.learning_rate_end**share
    return config.model_copy(update={"learning_rate": config.learning_rate * left})


recipe = Recipe(
    config=Config,
    inputs=Inputs(
        slots={
            "sample": Slot(("image", "vector")),
            "vector": Slot(("label",), optional=True),
        }
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_terms,
        generator_losses=generator_terms,
        schedule=schedule,
        controls=Controls(regularize="slope"),
        adversarial=lambda _: False,
    ),
    evaluation=Evaluation(validation_loss=error, is_baseline=True),
)
