"""Make rows like those of a table, with any cells given; the same network fills missing cells.

``corrupt`` masks a random part of each row's cells, from one to all of them, and the generator
learns the distribution of every masked cell given the others (Hoogeboom et al. 2022,
arXiv:2110.02037). The discriminator tells rows that the generator filled from real ones, with a
relativistic loss and R1 and R2 gradient penalties (Huang et al. 2025, arXiv:2501.05441). By default
it only measures: the adversarial loss of the generator has weight 0 (docs/decisions/0013).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor

from gannet.core import device
from gannet.core.recipe import Controls, Evaluation, Inference, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Losses, Networks
from gannet.losses import adversarial as objectives
from gannet.networks.tabular.layout import condition_vector
from gannet.recipes.common.schedules import exponential
from gannet.recipes.common.tabular import (
    CellConfig,
    cell_players,
    condition_on,
    discriminator_loss,
    embed,
    hidden_surprise,
    hide,
    infer,
    share_mask,
    suggest_config,
    tabular_networks,
    validation_loss,
)


class TableConfig(CellConfig):
    """Settings of ``table``."""

    adversarial_weight: float = Field(
        0.0, ge=0, description="adversarial loss weight, beside the masked negative log-likelihood"
    )


def corrupt(batch: Batch, rng: torch.Generator, _config: TableConfig) -> Batch:
    """Mask a random fraction of each row's cells, at least one."""
    rows, fields = batch.real.shape
    place = batch.real.device
    share = torch.rand(rows, 1, generator=rng, device=place)
    hidden = torch.rand(rows, fields, generator=rng, device=place) < share
    one = torch.randint(fields, (rows, 1), generator=rng, device=place)
    hidden = hidden.scatter(1, one, True)
    return hide(batch, hidden)


def discriminator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: TableConfig
) -> Losses:
    """Loss on real and generated rows; fully masked ones unless the generator uses it."""
    told_of = batch if config.adversarial_weight else _untold(batch)
    return discriminator_loss(networks, told_of, noise, config)


def _untold(batch: Batch) -> Batch:
    """The batch with every cell masked, as for whole rows at inference."""
    vector = torch.zeros_like(batch.condition.vector)
    return replace(batch, condition=replace(batch.condition, vector=vector))


def generator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: TableConfig
) -> Losses:
    """Masked negative log-likelihood and, with a weight, the adversarial loss."""
    generator, _ = tabular_networks(networks)
    losses = {"masked_nll": hidden_surprise(generator, batch)}
    if config.adversarial_weight:
        some = slice(config.discriminator_batch)
        with device.autocast(noise.device.type, "float32"):
            found = _last_cell_loss(networks, share_mask(batch[some]), noise[some])
        losses["adversarial"] = config.adversarial_weight * found
    return losses


def _last_cell_loss(networks: Networks, batch: Batch, noise: Tensor) -> Tensor:
    """Adversarial loss of filled rows, with a gradient for one filled cell per row.

    That cell is sampled again given all others, so that the generator learns to continue from its
    own cells, which likelihood on real rows never shows it. The discriminator sees the sampled
    token, the probabilities get the gradient (straight-through estimator, arXiv:1308.3432).
    """
    generator, discriminator = tabular_networks(networks)
    layout = generator.layout
    _, known = batch.condition.vector.chunk(2, 1)
    fake = generator(noise, batch.condition)
    spot = torch.zeros_like(known).scatter(1, torch.multinomial(1 - known, 1), 1.0)
    others = replace(batch.condition, vector=condition_vector(fake, 1 - spot))
    shares = layout.probabilities(generator.logits(others))
    drawn = layout.mark(layout.sample_tokens(shares.detach(), torch.rand_like(known)))
    redrawn = drawn + shares - shares.detach()
    rows = torch.where(layout.repeat_per_token(spot) > 0, redrawn, layout.expand(fake))
    judged = discriminator.logits(rows, batch.condition.vector)
    with torch.no_grad():
        real = discriminator(batch.real, batch.condition)
    return objectives.relativistic_generator(real, judged)


recipe = Recipe(
    config=TableConfig,
    inputs=Inputs(slots={"sample": Slot(("table",))}, derived=frozenset({"vector"})),
    training=Training(
        build=cell_players,
        discriminator_losses=discriminator_losses,
        generator_losses=generator_losses,
        corrupt=corrupt,
        schedule=exponential("learning_rate", "gradient_penalty"),
        suggest=suggest_config,
        controls=Controls(regularize="gradient_penalty"),
        adversarial=lambda config: config.adversarial_weight > 0,
    ),
    inference=Inference(infer=infer, condition_on=condition_on),
    evaluation=Evaluation(embed=embed, validation_loss=validation_loss),
)
