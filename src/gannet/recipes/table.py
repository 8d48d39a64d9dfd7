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
from gannet.losses import adversarial
from gannet.networks.tabular.layout import condition_vector
from gannet.recipes.common.schedules import exponential
from gannet.recipes.common.tabular import (
    CellConfig,
    build_tabular_networks,
    condition_on,
    discriminator_loss,
    embed,
    hidden_cells_nll,
    infer,
    mask_cells,
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
    batch_device = batch.real.device
    fraction = torch.rand(rows, 1, generator=rng, device=batch_device)
    mask = torch.rand(rows, fields, generator=rng, device=batch_device) < fraction
    one = torch.randint(fields, (rows, 1), generator=rng, device=batch_device)
    mask = mask.scatter(1, one, True)
    return mask_cells(batch, mask)


def discriminator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: TableConfig
) -> Losses:
    """Loss on real and generated rows; fully masked ones unless the generator uses it."""
    masked_batch = batch if config.adversarial_weight else _fully_masked(batch)
    return discriminator_loss(networks, masked_batch, noise, config)


def _fully_masked(batch: Batch) -> Batch:
    """The batch with every cell masked, as for whole rows at inference."""
    vector = torch.zeros_like(batch.condition.vector)
    return replace(batch, condition=replace(batch.condition, vector=vector))


def generator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: TableConfig
) -> Losses:
    """Masked negative log-likelihood and, with a weight, the adversarial loss."""
    generator, _ = tabular_networks(networks)
    losses = {"masked_nll": hidden_cells_nll(generator, batch)}
    if config.adversarial_weight:
        some = slice(config.discriminator_batch)
        with device.autocast(noise.device.type, "float32"):
            adversarial_loss = _last_cell_loss(networks, share_mask(batch[some]), noise[some])
        losses["adversarial"] = config.adversarial_weight * adversarial_loss
    return losses


def _last_cell_loss(networks: Networks, batch: Batch, noise: Tensor) -> Tensor:
    """Adversarial loss of filled rows, with a gradient for one filled cell per row.

    That cell is sampled again given all others, so that the generator learns to continue from its
    own cells, which likelihood on real rows never shows it. The discriminator sees the sampled
    token, the probabilities get the gradient (straight-through estimator, arXiv:1308.3432).
    """
    generator, discriminator = tabular_networks(networks)
    layout = generator.layout
    _, observed = batch.condition.vector.chunk(2, 1)
    fake = generator(noise, batch.condition)
    last_cell = torch.zeros_like(observed).scatter(1, torch.multinomial(1 - observed, 1), 1.0)
    others = replace(batch.condition, vector=condition_vector(fake, 1 - last_cell))
    probabilities = layout.probabilities(generator.logits(others))
    sampled = layout.one_hot(
        layout.sample_tokens(probabilities.detach(), torch.rand_like(observed))
    )
    straight_through = sampled + probabilities - probabilities.detach()
    rows = torch.where(
        layout.repeat_per_token(last_cell) > 0, straight_through, layout.expand(fake)
    )
    fake_logits = discriminator.logits(rows, batch.condition.vector)
    with torch.no_grad():
        real_logits = discriminator(batch.real, batch.condition)
    return adversarial.relativistic_generator(real_logits, fake_logits)


recipe = Recipe(
    config=TableConfig,
    inputs=Inputs(slots={"sample": Slot(("table",))}, derived=frozenset({"vector"})),
    training=Training(
        build=build_tabular_networks,
        discriminator_losses=discriminator_losses,
        generator_losses=generator_losses,
        corrupt=corrupt,
        schedule=exponential("learning_rate", "gradient_penalty"),
        suggest=suggest_config,
        controls=Controls(regularize="gradient_penalty", capacity="width"),
        adversarial=lambda config: config.adversarial_weight > 0,
    ),
    inference=Inference(infer=infer, condition_on=condition_on),
    evaluation=Evaluation(embed=embed, validation_loss=validation_loss),
)
