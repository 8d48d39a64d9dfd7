"""Make rows like those of a table, with any cells given; the same network fills holes.

``prepare`` hides a random part of each row's cells, from one to all of them, and the generator
learns the odds of every hidden cell given the others (Hoogeboom et al. 2022, arXiv:2110.02037). The
discriminator tells rows that the generator filled up from real ones, relativistically and with
slope penalties on both sides (Huang et al. 2025, arXiv:2501.05441). It measures; its word in what
the generator learns has a weight of zero by default (docs/decisions/0013).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor

from gannet.core import device
from gannet.core.recipe import Controls, Evaluation, Inference, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Players, Terms
from gannet.losses import adversarial as losses
from gannet.networks.tabular.layout import told
from gannet.recipes.common.schedules import exponential
from gannet.recipes.common.tabular import (
    CellConfig,
    alike,
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


class TableConfig(CellConfig):
    """Settings of ``table``."""

    adversarial: float = Field(
        0.0, ge=0, description="weight of the discriminator's word beside the odds of hidden cells"
    )


def prepare(batch: Batch, rng: torch.Generator, _config: TableConfig) -> Batch:
    """Hide cells at random; how large a part differs from row to row, but never nothing."""
    rows, fields = batch.real.shape
    place = batch.real.device
    share = torch.rand(rows, 1, generator=rng, device=place)
    hidden = torch.rand(rows, fields, generator=rng, device=place) < share
    one = torch.randint(fields, (rows, 1), generator=rng, device=place)
    hidden = hidden.scatter(1, one, True)
    return hide(batch, hidden)


def discriminator_terms(
    players: Players, batch: Batch, noise: Tensor, config: TableConfig
) -> Terms:
    """Tell real rows from made ones; whole rows, as at use, unless the generator listens."""
    told_of = batch if config.adversarial else _untold(batch)
    return told_apart(players, told_of, noise, config)


def _untold(batch: Batch) -> Batch:
    """The rows with every cell hidden, which is how whole rows are judged at use."""
    vector = torch.zeros_like(batch.condition.vector)
    return replace(batch, condition=replace(batch.condition, vector=vector))


def generator_terms(players: Players, batch: Batch, noise: Tensor, config: TableConfig) -> Terms:
    """Give hidden cells their true odds and, with a weight, make filled rows look real."""
    generator, _ = fields_of(players)
    terms = {"cells": hidden_surprise(generator, batch)}
    if config.adversarial:
        some = slice(config.judged)
        with device.autocast(noise.device.type, "float32"):
            found = _last_cell(players, alike(batch[some]), noise[some])
        terms["adversarial"] = config.adversarial * found
    return terms


def _last_cell(players: Players, batch: Batch, noise: Tensor) -> Tensor:
    """How much less real than the reals filled rows look, with a slope for one filled cell each.

    The cell is drawn anew, told all others, which were filled before: what the generator learns
    here is to go on from its own cells, which the odds of real rows never show it. The symbol
    that was drawn is judged, the odds get the slope (straight through; arXiv:1308.3432).
    """
    generator, discriminator = fields_of(players)
    layout = generator.layout
    _, known = batch.condition.vector.chunk(2, 1)
    fake = generator(noise, batch.condition)
    spot = torch.zeros_like(known).scatter(1, torch.multinomial(1 - known, 1), 1.0)
    others = replace(batch.condition, vector=told(fake, 1 - spot))
    shares = layout.shares(generator.logits(others))
    drawn = layout.mark(layout.pick(shares.detach(), torch.rand_like(known)))
    redrawn = drawn + shares - shares.detach()
    rows = torch.where(layout.spread(spot) > 0, redrawn, layout.expand(fake))
    judged = discriminator.judge(rows, batch.condition.vector)
    with torch.no_grad():
        real = discriminator(batch.real, batch.condition)
    return losses.relativistic_generator(real, judged)


recipe = Recipe(
    config=TableConfig,
    inputs=Inputs(slots={"sample": Slot(("table",))}, derived=frozenset({"vector"})),
    training=Training(
        build=cell_players,
        discriminator_losses=discriminator_terms,
        generator_losses=generator_terms,
        corrupt=prepare,
        schedule=exponential("learning_rate", "slope"),
        suggest=suggest,
        controls=Controls(regularize="slope"),
        adversarial=lambda config: config.adversarial > 0,
    ),
    inference=Inference(infer=infer, condition_on=ask),
    evaluation=Evaluation(embed=view, validation_loss=error),
)
