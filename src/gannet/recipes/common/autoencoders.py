"""What recipes share whose generator gives back what went in; the discriminator only measures."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from gannet.core.config import Config
from gannet.core.types import Batch, Players, Terms
from gannet.losses.composed import told_apart


class CoderConfig(Config):
    """Settings that they share."""

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


def discriminator_terms(
    players: Players, batch: Batch, noise: Tensor, config: CoderConfig
) -> Terms:
    """Tell samples from reals, and stay flat around both."""
    with torch.no_grad():
        fake = players.generator(noise, batch.condition)
    return told_apart(players.discriminator, batch, fake, config.slope)
