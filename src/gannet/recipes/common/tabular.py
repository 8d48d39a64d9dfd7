"""Training of tabular recipes: masked negative log-likelihood, and a discriminator of filled rows.

``generator_losses`` of a recipe is the likelihood of masked cells given the others (Hoogeboom et
al. 2022, arXiv:2110.02037). The discriminator tells rows that the generator filled from real ones,
with a relativistic loss and R1 and R2 gradient penalties (Huang et al. 2025, arXiv:2501.05441).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor, nn

from gannet.core import device
from gannet.core.config import Config
from gannet.core.recipe import SampledCondition, Suggestion
from gannet.core.types import Batch, CellConditions, Condition, Losses, Networks, Spec
from gannet.losses import adversarial
from gannet.losses.gradient_penalty import r1_and_r2
from gannet.networks.tabular.conditions import prefixes, rows_of
from gannet.networks.tabular.layout import Layout, condition_vector, missing
from gannet.networks.tabular.network import FieldDiscriminator, FieldGenerator

FEW_ROWS = 3_000
"""Rows of a table below which neighbouring values share cosine features."""

FEW_ROWS_COSINE_FEATURES = 6
"""Number of these cosine features."""

FEW_ROWS_LEARNING_RATE = 3e-3
"""Learning rate for a table of few rows."""

EMBEDDING_DIM = 128
"""Dimension of the space in which rows are compared."""


class CellConfig(Config):
    """Settings of recipes that fill cells; each recipe adds its own.

    If ``latent_dim`` is below the number of fields, their random numbers are mixed from it.
    """

    batch: int = Field(1_000, ge=1, description="batch size: rows per update")
    learning_rate: float = Field(
        8e-3, gt=0, description="learning rate of both optimizers at first"
    )
    learning_rate_end: float = Field(
        0.005,
        gt=0,
        le=1,
        description="final learning-rate factor: share of the rate that is left at the end",
    )
    discriminator_interval: int = Field(
        8, ge=1, description="discriminator update interval: it learns at every n-th step"
    )
    beta1: float = Field(
        0.9, ge=0, lt=1, description="beta1 of Adam: decay of the mean of its gradients"
    )
    beta2: float = Field(
        0.99, ge=0, lt=1, description="beta2 of Adam: decay of the mean of their squares"
    )
    width: int = Field(128, ge=4, le=4096, description="units of the generator's hidden layers")
    blocks: int = Field(2, ge=1, le=32, description="residual blocks of the generator")
    cosine_features: int = Field(
        0,
        ge=0,
        le=32,
        description="cosine basis functions that the values of a column of numbers share; 0 for "
        "none",
    )
    discriminator_batch: int = Field(
        64, ge=1, description="discriminator batch size: rows of a batch that it sees"
    )
    gradient_penalty: float = Field(
        1.0, ge=0, description="weight of the R1 and R2 gradient penalties at first"
    )
    gradient_penalty_end: float = Field(
        0.1,
        gt=0,
        le=1,
        description="final gradient penalty factor: share of the weight that is left at the end",
    )


def discriminator_loss(
    networks: Networks, batch: Batch, noise: Tensor, config: CellConfig
) -> Losses:
    """Adversarial loss of real rows against filled rows, with gradient penalties."""
    # In float32: for a few rows, converting the weights takes longer than using them.
    with device.autocast(noise.device.type, "float32"):
        return _relativistic_losses(
            networks,
            share_mask(batch[: config.discriminator_batch]),
            noise[: config.discriminator_batch],
            config,
        )


def _relativistic_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: CellConfig
) -> Losses:
    generator, discriminator = tabular_networks(networks)
    fake = generator(noise, batch.condition)
    # Both in one pass: for a few rows, time depends on the number of operations.
    cells = discriminator.layout.expand(torch.cat([batch.real, fake]))
    cells.requires_grad_(config.gradient_penalty > 0)
    vector = batch.condition.vector.repeat(2, 1)
    logits = discriminator.logits(cells, vector)
    losses = {"adversarial": adversarial.relativistic_discriminator(*logits.chunk(2))}
    if config.gradient_penalty:
        losses |= r1_and_r2(logits, cells, config.gradient_penalty)
    return losses


def share_mask(batch: Batch) -> Batch:
    """Use one mask for the whole batch, so that a field known in every row is never sampled.

    Filling a few rows for the discriminator would otherwise take half the time of a step.
    """
    _, observed = batch.condition.vector.chunk(2, 1)
    vector = condition_vector(batch.real, observed[:1].expand_as(observed))
    return replace(batch, condition=replace(batch.condition, vector=vector))


def masked_nll(generator: FieldGenerator, batch: Batch, target_mask: Tensor) -> Tensor:
    """Masked negative log-likelihood: mean over rows of the mean over their target cells.

    Rows with few and with many target cells have equal weight. Times F it bounds the negative
    log-likelihood of whole rows (arXiv:2110.02037).

    Args:
        generator: Sees ``batch.condition`` alone.
        batch: Rows ``(B, F)``.
        target_mask: ``(B, F)`` one for a target cell.
    """
    logits = generator.raw_logits(batch.condition)
    cross_entropy = generator.layout.cross_entropy(logits, generator.layout.tokens(batch.real))
    return ((cross_entropy * target_mask).sum(1) / target_mask.sum(1).clamp(min=1)).mean()


def hidden_cells_nll(generator: FieldGenerator, batch: Batch) -> Tensor:
    """Negative log-likelihood of masked cells, without those that are missing in the data."""
    _, observed = batch.condition.vector.chunk(2, 1)
    return masked_nll(
        generator,
        batch,
        (1 - observed).masked_fill(missing(batch.real, generator.missing_field), 0),
    )


@torch.no_grad()
def validation_loss(model: nn.Module, batch: Batch, config: CellConfig) -> Tensor:
    """Masked negative log-likelihood of masked cells; see ``masked_nll``."""
    assert isinstance(model, FieldGenerator)
    with device.autocast(batch.real.device.type, config.precision):
        return hidden_cells_nll(model, batch)


def build_tabular_networks(
    config: CellConfig, spec: Spec, missing_field: tuple[int, ...] = ()
) -> Networks:
    """A generator and a discriminator of the same width for the fields of a table.

    Args:
        config: Sizes.
        spec: Of the rows.
        missing_field: ``spec.table.missing_field`` if missing values are never sampled.
    """
    return Networks(
        FieldGenerator(
            spec,
            config.width,
            config.blocks,
            missing_field=missing_field,
            cosine_features=config.cosine_features,
        ),
        FieldDiscriminator(spec, config.width, config.blocks),
    )


def mask_cells(batch: Batch, mask: Tensor) -> Batch:
    """Mask cells: those where ``(B, F)`` is true are left out of the condition."""
    vector = condition_vector(batch.real, 1 - mask.float())
    return replace(batch, condition=replace(Condition.none(batch.real), vector=vector))


def tabular_networks(networks: Networks) -> tuple[FieldGenerator, FieldDiscriminator]:
    """The generator and the discriminator with their types."""
    generator, discriminator = networks.generator, networks.discriminator
    assert isinstance(generator, FieldGenerator)
    assert isinstance(discriminator, FieldDiscriminator)
    return generator, discriminator


def infer(model: nn.Module, noise: Tensor, condition: Condition, config: CellConfig) -> Tensor:
    """Fill the cells that are not in the condition; the others stay unchanged."""
    with device.autocast(noise.device.type, config.precision):
        rows: Tensor = model(noise, condition)
    return rows


def embed(samples: Tensor, spec: Spec) -> Tensor:
    """Embed rows ``(B, F)`` as points ``(B, 128)``, farther apart the more fields differ.

    Random projection of the one-hot tokens: it nearly keeps distances (Johnson and Lindenstrauss
    1984), and no rare token has an axis of its own that standardizing would blow up.
    """
    layout = Layout(spec.table.cardinalities)
    rng = torch.Generator().manual_seed(EMBEDDING_DIM)
    projection = torch.randn(layout.width, EMBEDDING_DIM, generator=rng) / math.sqrt(EMBEDDING_DIM)
    return layout.expand(samples) @ projection


def suggest_config(some: Batch, rows: int) -> Iterator[Suggestion]:
    """One latent number per field, so that the fields' random numbers are independent.

    With few rows, values of a column of numbers are too rare to be learnt one by one.
    """
    needed = len(some.table.cardinalities) + some.table.cardinalities.count(0)
    yield (
        f"one latent number for each of {len(some.table.cardinalities)} fields",
        {"latent_dim": needed},
    )
    if rows < FEW_ROWS and max(some.table.ordinal_from, default=-1) >= 0:
        why = f"only {rows} rows, so neighbouring values share cosine features"
        yield (
            why,
            {"cosine_features": FEW_ROWS_COSINE_FEATURES, "learning_rate": FEW_ROWS_LEARNING_RATE},
        )


def condition_on(
    model: nn.Module, spec: Spec, conditions: CellConditions, uniforms: Tensor, config: CellConfig
) -> SampledCondition:
    """Sample the conditioned cells first, since the network samples field by field.

    A single value is taken as it is. Of several values, or of a range, one is sampled with its
    probability under the network given the conditions on all other columns.
    """
    assert isinstance(model, FieldGenerator)
    with device.autocast(uniforms.device.type, config.precision):
        existing = prefixes(model, conditions)
    rows, observed = rows_of(existing, uniforms)
    vector = condition_vector(rows, observed)
    return SampledCondition(replace(spec.blank(len(uniforms)), vector=vector), existing.probability)
