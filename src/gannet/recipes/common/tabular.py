"""The duel over cells: the odds of hidden ones, and rows that were filled against real ones.

``generator_terms`` of a recipe ask for the odds of hidden cells given the others (Hoogeboom et al.
2022, arXiv:2110.02037). The discriminator tells rows that the generator filled up from real ones,
relativistically and with slope penalties on both sides (Huang et al. 2025, arXiv:2501.05441).
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
from gannet.core.recipe import Asked, Suggestion
from gannet.core.types import Batch, Condition, Players, Spec, Terms, Wishes
from gannet.losses import adversarial, gradient_penalty
from gannet.networks.tabular.conditions import beginnings, rows_of
from gannet.networks.tabular.layout import Layout, missing, told
from gannet.networks.tabular.network import FieldDiscriminator, FieldGenerator

FEW_ROWS, WAVES, SLOWER = 3_000, 6, 3e-3
"""Rows of a table below which neighbouring values share waves, how many, and the learning rate."""

VIEW = 128
"""Axes in which rows are compared."""


class CellConfig(Config):
    """Settings of recipes that fill cells; each of them adds its own, and stays flat.

    With ``noise`` below the number of fields, chance is mixed from it.
    """

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
    waves: int = Field(
        0, ge=0, le=32, description="waves that the values of a column of numbers share"
    )
    judged: int = Field(64, ge=1, description="rows of a batch that the discriminator looks at")
    slope: float = Field(1.0, ge=0, description="weight of the slope penalties at first")
    slope_end: float = Field(
        0.1, gt=0, le=1, description="share of the slope weight that is left at the end"
    )


def told_apart(players: Players, batch: Batch, noise: Tensor, config: CellConfig) -> Terms:
    """Tell real rows from rows whose hidden cells were filled, and stay flat around both."""
    # In 32 bit: for a few rows, weights take longer to convert than to use.
    with device.autocast(noise.device.type, "float32"):
        return _judged_apart(players, alike(batch[: config.judged]), noise[: config.judged], config)


def _judged_apart(players: Players, batch: Batch, noise: Tensor, config: CellConfig) -> Terms:
    generator, discriminator = fields_of(players)
    fake = generator(noise, batch.condition)
    # Both in one pass: for a few rows it is the number of operations that takes the time.
    cells = discriminator.layout.expand(torch.cat([batch.real, fake]))
    cells.requires_grad_(config.slope > 0)
    vector = batch.condition.vector.repeat(2, 1)
    logits = discriminator.judge(cells, vector)
    terms = {"adversarial": adversarial.relativistic_discriminator(*logits.chunk(2))}
    if config.slope:
        # The mean over reals and fakes together is half the sum of R1 and R2.
        terms["slope"] = config.slope * gradient_penalty.slope_penalty(logits, cells)
    return terms


def alike(batch: Batch) -> Batch:
    """The rows with the same cells hidden in all: a field that is told to all is not asked for.

    Half the time of a step would otherwise go into filling a few rows for the discriminator.
    """
    _, known = batch.condition.vector.chunk(2, 1)
    vector = told(batch.real, known[:1].expand_as(known))
    return replace(batch, condition=replace(batch.condition, vector=vector))


def surprise_of(generator: FieldGenerator, batch: Batch, asked: Tensor) -> Tensor:
    """How badly cells were foretold: the mean over rows of the mean over their asked cells.

    Rows with few and with many asked cells count alike, and times F it is a bound on the surprise
    of whole rows (arXiv:2110.02037).

    Args:
        generator: Is told ``batch.condition`` alone.
        batch: Rows ``(B, F)``.
        asked: ``(B, F)`` one for a cell that counts.
    """
    answers = generator.answers(batch.condition)
    surprise = generator.layout.surprise(answers, generator.layout.symbols(batch.real))
    return ((surprise * asked).sum(1) / asked.sum(1).clamp(min=1)).mean()


def hidden_surprise(generator: FieldGenerator, batch: Batch) -> Tensor:
    """How badly hidden cells are foretold; of cells that are missing, nobody knows the truth."""
    _, known = batch.condition.vector.chunk(2, 1)
    return surprise_of(
        generator, batch, (1 - known).masked_fill(missing(batch.real, generator.holes), 0)
    )


@torch.no_grad()
def error(product: nn.Module, batch: Batch, config: CellConfig) -> Tensor:
    """How badly hidden cells that are not missing are foretold; see ``surprise_of``."""
    assert isinstance(product, FieldGenerator)
    with device.autocast(batch.real.device.type, config.precision):
        return hidden_surprise(product, batch)


def cell_players(config: CellConfig, spec: Spec, holes: tuple[int, ...] = ()) -> Players:
    """A generator and a discriminator of the same width for the fields of the table.

    Args:
        config: Sizes.
        spec: Of the rows.
        holes: As ``spec.holes``, where what is missing is never drawn.
    """
    return Players(
        FieldGenerator(spec, config.width, config.blocks, holes=holes, waves=config.waves),
        FieldDiscriminator(spec, config.width, config.blocks),
    )


def hide(batch: Batch, hidden: Tensor) -> Batch:
    """The problem: some cells of rows, ``(B, F)`` true, are not told."""
    vector = told(batch.real, 1 - hidden.float())
    return replace(batch, condition=replace(Condition.none(batch.real), vector=vector))


def fields_of(players: Players) -> tuple[FieldGenerator, FieldDiscriminator]:
    """The two players as what ``build`` made them."""
    generator, discriminator = players.generator, players.discriminator
    assert isinstance(generator, FieldGenerator)
    assert isinstance(discriminator, FieldDiscriminator)
    return generator, discriminator


def infer(product: nn.Module, noise: Tensor, condition: Condition, config: CellConfig) -> Tensor:
    """Fill the cells that the condition does not tell; the others come back untouched."""
    with device.autocast(noise.device.type, config.precision):
        rows: Tensor = product(noise, condition)
    return rows


def view(samples: Tensor, spec: Spec) -> Tensor:
    """Rows ``(B, F)`` as points ``(B, 128)``, farther apart the more fields differ.

    Zeros and ones of all symbols, turned at random: distances stay nearly as they are (Johnson and
    Lindenstrauss 1984), and no rare symbol has an axis of its own that standardising would blow up.
    """
    layout = Layout(spec.table.cardinalities)
    chance = torch.Generator().manual_seed(VIEW)
    turn = torch.randn(layout.width, VIEW, generator=chance) / math.sqrt(VIEW)
    return layout.expand(samples) @ turn


def suggest(some: Batch, rows: int) -> Iterator[Suggestion]:
    """As much chance as there are fields, so that none is mixed from others'.

    With few rows, no value of a column of numbers is seen often enough to be learnt by itself.
    """
    needed = len(some.table.cardinalities) + some.table.cardinalities.count(0)
    yield f"chance of its own for each of {len(some.table.cardinalities)} fields", {"noise": needed}
    if rows < FEW_ROWS and max(some.table.ordinal_from, default=-1) >= 0:
        why = f"only {rows} rows, so neighbouring values share what is learnt of them"
        yield why, {"waves": WAVES, "learning_rate": SLOWER}


def ask(
    product: nn.Module, spec: Spec, wishes: Wishes, chance: Tensor, config: CellConfig
) -> Asked:
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
