"""Fill the holes of a table, once as well as can be or many times so that uncertainty shows.

The network of ``table``, which learns the odds of hidden cells given the others. Cells that are
really missing are always hidden and never asked for, and that a cell is missing is never an answer.
Beside it stand conditional means by other methods, fitted once the duel is over, with which its own
is blended: see ``gannet.recipes.common.imputation.impute``.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor

from gannet.core.recipe import Controls, Evaluation, Inference, Inputs, Recipe, Slot, Training
from gannet.core.transform import Transform
from gannet.core.types import Batch, Condition, Players, Spec, Terms
from gannet.networks.tabular.layout import missing, told
from gannet.recipes.common.imputation.fit import settle
from gannet.recipes.common.imputation.impute import turn
from gannet.recipes.common.schedules import exponential
from gannet.recipes.common.tabular import (
    CellConfig,
    ask,
    cell_players,
    error,
    fields_of,
    hidden_surprise,
    hide,
    infer,
    suggest,
    told_apart,
    view,
)


class ImputeConfig(CellConfig):
    """Settings of ``impute``."""

    most_hidden: float = Field(
        1.0, gt=0, le=1, description="largest share of a row's known cells that is hidden at once"
    )


def build(config: ImputeConfig, spec: Spec) -> Players:
    """The players of ``table``, but for cells that are missing, which are never drawn."""
    return cell_players(config, spec, spec.table.missing_field)


def prepare(batch: Batch, rng: torch.Generator, config: ImputeConfig) -> Batch:
    """Hide all that is missing and, of what is known, a part that differs from row to row."""
    rows, fields = batch.real.shape
    place = batch.real.device
    gone = missing(batch.real, batch.table.missing_field)
    share = config.most_hidden * torch.rand(rows, 1, generator=rng, device=place)
    chance = torch.rand(rows, fields, generator=rng, device=place)
    # One known cell at least, or the row would teach nothing.
    one = chance.masked_fill(gone, 2).argmin(1, keepdim=True)
    hidden = (chance < share).scatter(1, one, True) | gone
    return hide(batch, hidden)


def generator_terms(players: Players, batch: Batch, _noise: Tensor, _config: ImputeConfig) -> Terms:
    """Give hidden cells their true odds; of cells that are missing, nobody knows the truth."""
    generator, _ = fields_of(players)
    return {"cells": hidden_surprise(generator, batch)}


def told_holes(batch: Batch, spec: Spec) -> Condition:
    """Nothing but which cells are missing, so that samples have the holes of the reals."""
    known = missing(batch.real, spec.table.missing_field).float()
    return replace(spec.blank(len(batch)), vector=told(batch.real, known).cpu())


recipe = Recipe(
    config=ImputeConfig,
    inputs=Inputs(slots={"sample": Slot(("table",))}, derived=frozenset({"vector"})),
    training=Training(
        build=build,
        discriminator_losses=told_apart,
        generator_losses=generator_terms,
        corrupt=prepare,
        schedule=exponential("learning_rate", "slope"),
        suggest=suggest,
        controls=Controls(regularize="slope"),
    ),
    inference=Inference(
        infer=infer,
        condition_on=ask,
        transforms={"fill": Transform(words="fills the holes of a table", apply=turn)},
        fit_after_training=settle,
    ),
    evaluation=Evaluation(condition=told_holes, embed=view, validation_loss=error),
)
