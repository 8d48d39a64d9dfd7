"""Fill the missing cells of a table, once with the best estimate or several times by sampling.

The network of ``table``, which learns the distribution of masked cells given the others. Cells that
are missing in the data are always masked and never a target, and are never filled with "missing".
Its conditional means are blended with those of other methods, fitted after training: see
``gannet.recipes.common.imputation.impute``.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor

from gannet.core.recipe import Controls, Evaluation, Inference, Inputs, Recipe, Slot, Training
from gannet.core.transform import Transform
from gannet.core.types import Batch, Condition, Losses, Networks, Spec
from gannet.networks.tabular.layout import condition_vector, missing
from gannet.recipes.common.imputation.fit import fit_after_training
from gannet.recipes.common.imputation.impute import transform
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
    suggest_config,
    tabular_networks,
    validation_loss,
)


class ImputeConfig(CellConfig):
    """Settings of ``impute``."""

    max_mask_ratio: float = Field(
        1.0,
        gt=0,
        le=1,
        description="maximum mask ratio: largest share of a row's known cells that is hidden at "
        "once",
    )


def build(config: ImputeConfig, spec: Spec) -> Networks:
    """The networks of ``table``, but without sampling missing values."""
    return build_tabular_networks(config, spec, spec.table.missing_field)


def corrupt(batch: Batch, rng: torch.Generator, config: ImputeConfig) -> Batch:
    """Mask all missing cells and a random fraction of the observed ones, row by row."""
    rows, fields = batch.real.shape
    device = batch.real.device
    missing_mask = missing(batch.real, batch.table.missing_field)
    fraction = config.max_mask_ratio * torch.rand(rows, 1, generator=rng, device=device)
    uniforms = torch.rand(rows, fields, generator=rng, device=device)
    # At least one observed cell, or nothing would be learnt from the row.
    one = uniforms.masked_fill(missing_mask, 2).argmin(1, keepdim=True)
    mask = (uniforms < fraction).scatter(1, one, True) | missing_mask
    return mask_cells(batch, mask)


def generator_losses(
    networks: Networks, batch: Batch, _noise: Tensor, _config: ImputeConfig
) -> Losses:
    """Masked negative log-likelihood of masked cells that are not missing in the data."""
    generator, _ = tabular_networks(networks)
    return {"masked_nll": hidden_cells_nll(generator, batch)}


def evaluation_condition(batch: Batch, spec: Spec) -> Condition:
    """Only which cells are missing, so that samples have the missing cells of the reals."""
    observed = missing(batch.real, spec.table.missing_field).float()
    return replace(spec.blank(len(batch)), vector=condition_vector(batch.real, observed).cpu())


recipe = Recipe(
    config=ImputeConfig,
    inputs=Inputs(slots={"sample": Slot(("table",))}, derived=frozenset({"vector"})),
    training=Training(
        build=build,
        discriminator_losses=discriminator_loss,
        generator_losses=generator_losses,
        corrupt=corrupt,
        schedule=exponential("learning_rate", "gradient_penalty"),
        suggest=suggest_config,
        controls=Controls(regularize="gradient_penalty", capacity="width"),
    ),
    inference=Inference(
        infer=infer,
        condition_on=condition_on,
        transforms={"fill": Transform(description="fills the holes of a table", apply=transform)},
        fit_after_training=fit_after_training,
    ),
    evaluation=Evaluation(
        condition=evaluation_condition, embed=embed, validation_loss=validation_loss
    ),
)
