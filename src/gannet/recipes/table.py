"""Make rows like those of a table, with any cells given; the same network fills holes.

``prepare`` hides a random part of each row's cells, from one to all of them, and the generator
learns the odds of every hidden cell given the others (Hoogeboom et al. 2022, arXiv:2110.02037). The
discriminator tells rows that the generator filled up from real ones, relativistically and with
slope penalties on both sides (Huang et al. 2025, arXiv:2501.05441). It measures; its word in what
the generator learns has a weight of zero by default (docs/decisions/0013).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor, nn

from gannet import config, device, losses
from gannet.networks.fields import FieldDiscriminator, FieldGenerator, Layout, told
from gannet.networks.wishes import beginnings, rows_of
from gannet.recipe import Asked, Column, Recipe, Suggestion
from gannet.types import Batch, Condition, Players, Spec, Terms, Wishes

VIEW = 128
"""Axes in which rows are compared."""


class Config(config.Config):
    """Settings of ``table``. With ``noise`` below the number of fields, chance is mixed from it."""

    batch: int = Field(1_000, ge=1, description="rows per update")
    learning_rate: float = Field(8e-3, gt=0, description="step size of both optimisers at first")
    learning_rate_end: float = Field(
        0.005, gt=0, le=1, description="share of the learning rate that is left at the end"
    )
    discriminator_every: int = Field(
        8, ge=1, description="steps from one at which the discriminator learns to the next"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="beta1 of Adam")
    second_momentum: float = Field(0.99, ge=0, lt=1, description="beta2 of Adam")
    width: int = Field(128, ge=4, le=4096, description="units of the generator's layers")
    blocks: int = Field(2, ge=1, le=32, description="residual blocks of the generator")
    adversarial: float = Field(
        0.0, ge=0, description="weight of the discriminator's word beside the odds of hidden cells"
    )
    judged: int = Field(64, ge=1, description="rows of a batch that the discriminator looks at")
    slope: float = Field(1.0, ge=0, description="weight of the slope penalties at first")
    slope_end: float = Field(
        0.1, gt=0, le=1, description="share of the slope weight that is left at the end"
    )


def build(config: Config, spec: Spec) -> Players:
    """A generator and a discriminator of the same width for the fields of the table."""
    return Players(
        FieldGenerator(spec, config.width, config.blocks),
        FieldDiscriminator(spec, config.width, config.blocks),
    )


def prepare(batch: Batch, rng: torch.Generator, _config: Config) -> Batch:
    """Hide cells at random; how large a part differs from row to row, but never nothing."""
    rows, fields = batch.real.shape
    place = batch.real.device
    share = torch.rand(rows, 1, generator=rng, device=place)
    hidden = torch.rand(rows, fields, generator=rng, device=place) < share
    one = torch.randint(fields, (rows, 1), generator=rng, device=place)
    hidden = hidden.scatter(1, one, True)
    blank = Condition.none(batch.real)
    vector = told(batch.real, 1 - hidden.float())
    return replace(batch, condition=replace(blank, vector=vector))


def discriminator_terms(players: Players, batch: Batch, noise: Tensor, config: Config) -> Terms:
    """Tell real rows from rows whose hidden cells were filled, and stay flat around both."""
    # In 32 bit: for a few rows, weights take longer to convert than to use.
    some = batch[: config.judged]
    told_alike = _alike(some) if config.adversarial else _untold(some)
    with device.autocast(noise.device.type, "float32"):
        return _told_apart(players, told_alike, noise[: config.judged], config)


def _told_apart(players: Players, batch: Batch, noise: Tensor, config: Config) -> Terms:
    generator, discriminator = _fields_of(players)
    fake = generator(noise, batch.condition)
    # Both in one pass: for a few rows it is the number of operations that takes the time.
    cells = discriminator.layout.expand(torch.cat([batch.real, fake]))
    cells.requires_grad_(config.slope > 0)
    vector = batch.condition.vector.repeat(2, 1)
    logits = discriminator.judge(cells, vector)
    terms = {"adversarial": losses.relativistic_discriminator(*logits.chunk(2))}
    if config.slope:
        # The mean over reals and fakes together is half the sum of R1 and R2.
        terms["slope"] = config.slope * losses.slope_penalty(logits, cells)
    return terms


def _alike(batch: Batch) -> Batch:
    """The rows with the same cells hidden in all: a field that is told to all is not asked for.

    Half the time of a step would otherwise go into filling a few rows for the discriminator.
    """
    _, known = batch.condition.vector.chunk(2, 1)
    vector = told(batch.real, known[:1].expand_as(known))
    return replace(batch, condition=replace(batch.condition, vector=vector))


def _untold(batch: Batch) -> Batch:
    """The rows with every cell hidden, which is how whole rows are judged at use."""
    vector = torch.zeros_like(batch.condition.vector)
    return replace(batch, condition=replace(batch.condition, vector=vector))


def generator_terms(players: Players, batch: Batch, noise: Tensor, config: Config) -> Terms:
    """Give hidden cells their true odds and, with a weight, make filled rows look real."""
    generator, _ = _fields_of(players)
    _, known = batch.condition.vector.chunk(2, 1)
    hidden = 1 - known
    answers = generator.answers(batch.condition)
    surprise = generator.layout.surprise(answers, generator.layout.symbols(batch.real))
    # The mean over a row's hidden cells, not the sum over the batch: rows with few and with many
    # count alike, and times F it is a bound on the surprise of whole rows (arXiv:2110.02037).
    terms = {"cells": ((surprise * hidden).sum(1) / hidden.sum(1)).mean()}
    if config.adversarial:
        some = slice(config.judged)
        with device.autocast(noise.device.type, "float32"):
            found = _last_cell(players, _alike(batch[some]), noise[some])
        terms["adversarial"] = config.adversarial * found
    return terms


def _last_cell(players: Players, batch: Batch, noise: Tensor) -> Tensor:
    """How much less real than the reals filled rows look, with a slope for one filled cell each.

    The cell is drawn anew, told all others, which were filled before: what the generator learns
    here is to go on from its own cells, which the odds of real rows never show it. The symbol
    that was drawn is judged, the odds get the slope (straight through; arXiv:1308.3432).
    """
    generator, discriminator = _fields_of(players)
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


def _fields_of(players: Players) -> tuple[FieldGenerator, FieldDiscriminator]:
    """The two players as what ``build`` made them."""
    generator, discriminator = players.generator, players.discriminator
    assert isinstance(generator, FieldGenerator)
    assert isinstance(discriminator, FieldDiscriminator)
    return generator, discriminator


def schedule(config: Config, share: float) -> Config:
    """Learning rate and slope weight fall by the same factor in every equal part of the run."""
    return config.model_copy(
        update={
            "learning_rate": config.learning_rate * config.learning_rate_end**share,
            "slope": config.slope * config.slope_end**share,
        }
    )


def infer(product: nn.Module, noise: Tensor, condition: Condition, config: Config) -> Tensor:
    """Fill the cells that the condition does not tell; the others come back untouched."""
    with device.autocast(noise.device.type, config.precision):
        rows: Tensor = product(noise, condition)
    return rows


def view(samples: Tensor, spec: Spec) -> Tensor:
    """Rows ``(B, F)`` as points ``(B, 128)``, farther apart the more fields differ.

    Zeros and ones of all symbols, turned at random: distances stay nearly as they are (Johnson and
    Lindenstrauss 1984), and no rare symbol has an axis of its own that standardising would blow up.
    """
    layout = Layout(spec.fields)
    chance = torch.Generator().manual_seed(VIEW)
    turn = torch.randn(layout.width, VIEW, generator=chance) / math.sqrt(VIEW)
    return layout.expand(samples) @ turn


def suggest(some: Batch, _rows: int) -> Iterator[Suggestion]:
    """As much chance as there are fields, so that none is mixed from others'."""
    needed = len(some.fields) + some.fields.count(0)
    yield f"chance of its own for each of {len(some.fields)} fields", {"noise": needed}


def ask(product: nn.Module, spec: Spec, wishes: Wishes, chance: Tensor, config: Config) -> Asked:
    """Draw the cells that are asked for, which field after field would come out otherwise.

    With one value asked for, that is the cell. Of several, or of a range, each is drawn as often as
    the network holds it to be, given the wishes for all other columns.
    """
    assert isinstance(product, FieldGenerator)
    with device.autocast(chance.device.type, config.precision):
        begun = beginnings(product, wishes)
    rows, known = rows_of(begun, chance)
    vector = told(rows, known)
    return Asked(replace(spec.blank(len(chance)), vector=vector), begun.share)


recipe = Recipe(
    config=Config,
    columns={"real": Column(("table",))},
    made={"vector": ("table",)},
    build=build,
    discriminator_terms=discriminator_terms,
    generator_terms=generator_terms,
    prepare=prepare,
    schedule=schedule,
    infer=infer,
    view=view,
    suggest=suggest,
    ask=ask,
)
