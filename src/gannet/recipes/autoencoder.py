"""Make new samples like the given ones with an autoencoder: a baseline.

The generator learns to give back what went in, and measures the covariance of its codes and their
mean, class by class; samples are decoded from normal codes with these (Ghosh et al. 2020,
arXiv:1903.12436, section 4).
It learns nothing from the discriminator, which only measures.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from gannet.core import config
from gannet.core.recipe import Controls, Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Players, Spec, Terms
from gannet.losses.composed import told_apart
from gannet.networks.autoencoder import Coder, MeasuredCoder, judge, surprise
from gannet.recipes.common.networks import has_image_axes, is_bounded


class Config(config.Config):
    """Settings of ``autoencoder``."""

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


def build(config: Config, spec: Spec) -> Players:
    """Encoder and decoder in one module, and a discriminator that measures."""
    images, bounded = has_image_axes(spec), is_bounded(spec)
    coder = MeasuredCoder(spec, config.noise, config.width, images=images, bounded=bounded)
    return Players(coder, judge(spec, config.width, images=images))


def discriminator_terms(players: Players, batch: Batch, noise: Tensor, config: Config) -> Terms:
    """Tell samples from reals, and stay flat around both."""
    with torch.no_grad():
        fake = players.generator(noise, batch.condition)
    return told_apart(players.discriminator, batch, fake, config.slope)


def left_over(coder: Coder, batch: Batch) -> tuple[Tensor, Tensor]:
    """Codes ``(B, noise)``, and how badly samples come back, in nats per number; a scalar."""
    codes, _ = coder.encode(batch.real, batch.condition)
    made = coder.decode(codes, batch.condition)
    return codes, surprise(batch.real, made, together=coder.bounded)


def generator_terms(players: Players, batch: Batch, noise: Tensor, config: Config) -> Terms:  # noqa: ARG001
    """Give back what went in; in passing, measure the codes."""
    coder = players.generator
    assert isinstance(coder, MeasuredCoder)
    codes, kept = left_over(coder, batch)
    coder.measure(codes, batch.condition)
    return {"reconstruction": kept}


def error(product: nn.Module, batch: Batch, _config: Config) -> Tensor:
    """``exp`` of the nats per number with which samples come back; never below zero."""
    assert isinstance(product, Coder)
    _, kept = left_over(product, batch)
    return kept.exp()


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
