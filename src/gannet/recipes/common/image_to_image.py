"""What recipes share whose samples answer a picture with another of the same size.

Two answers to each picture are made at every step. Their mean is held to the target, and that they
differ is rewarded just as much as the mean gains by it, so that noise comes to stand for what the
picture leaves open, and for nothing else.

Source: Isola et al. 2016, arXiv:1611.07004 (the conditional duel); Bendel et al. 2022,
arXiv:2210.13389, eq. 9 and 12 (the mean of several answers, and the reward). Differs: relativistic
duel, and what the discriminator sees is matched (Wang et al. 2018, arXiv:1711.11585, eq. 4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from gannet.core.config import Config
from gannet.core.recipe import Suggestion
from gannet.core.seeding import noise_at
from gannet.core.types import Batch, Condition, Players, Terms
from gannet.losses import adversarial as losses
from gannet.losses.composed import told_apart
from gannet.losses.feature_matching import matching
from gannet.losses.perceptual import unlike
from gannet.modalities.image.tensors import decoded
from gannet.modalities.image.tiling import in_tiles
from gannet.networks.patchgan import PatchDiscriminator
from gannet.networks.perceptual import has_sight, sight
from gannet.networks.unet import Translator

SPREAD = math.sqrt(2 / (math.pi * 6)) * math.sqrt(math.pi / 4)
"""Weight of the mean distance of two answers; eq. 12 with two of them."""


class AnswerConfig(Config):
    """Settings that they share."""

    width: int = Field(16, ge=4, le=256, description="channels of the generator at half size")
    levels: int = Field(4, ge=1, le=7, description="halvings of the generator")
    judge_width: int = Field(24, ge=4, le=256, description="channels of the discriminator")
    adversarial: float = Field(0.3, ge=0, description="weight of the duel")
    matching: float = Field(0.3, ge=0, description="weight of what the discriminator sees")
    slope: float = Field(1.0, ge=0, description="weight of the discriminator's slope penalties")
    diversity: float = Field(
        0.5, ge=0, description="reward for answers that differ; 1 is as much as the mean gains"
    )
    noise: int = Field(8, ge=0, description="numbers of noise per picture; 0 for one answer only")
    batch: int = Field(8, ge=1, description="samples per update")
    learning_rate: float = Field(4e-4, gt=0, description="step size of both optimisers at first")
    learning_rate_end: float = Field(
        0.02, gt=0, le=1, description="share of the learning rate that is left at the end"
    )
    momentum: float = Field(0.5, ge=0, lt=1, description="beta1 of Adam")
    second_momentum: float = Field(0.99, ge=0, lt=1, description="beta2 of Adam")


class PairedConfig(AnswerConfig):
    """Settings of those that learn from pairs, so that each answer has a target."""

    pixel: float = Field(1.0, ge=0, description="weight of the error of the mean of two answers")
    perceptual: float = Field(
        0.0,
        ge=0,
        description="weight of what a network trained on photos sees; takes the extra `features`",
    )


def parts(players: Players) -> tuple[Translator, PatchDiscriminator]:
    """The players as what they are."""
    translator, judge = players.generator, players.discriminator
    assert isinstance(translator, Translator)
    assert isinstance(judge, PatchDiscriminator)
    return translator, judge


PICTURES = range(1, 5)
"""Channels of grey and colour, each with alpha or without."""


def suggest_sight(some: Batch, weight: float, setting: str = "perceptual") -> Iterator[Suggestion]:
    """To learn by what a network trained on photos sees too, where it is installed.

    Args:
        some: Samples of the data.
        weight: What suits.
        setting: The weight's setting.
    """
    if some.real.shape[1] in PICTURES and has_sight():
        yield "the extra `features` brings a network trained on photos", {setting: weight}


Finished = Callable[[Tensor, Batch], Tensor]
"""A generator's answers, and what they answer, to answers as they are used."""


def as_made(answers: Tensor, _problem: Batch) -> Tensor:
    """Answers are used as they are."""
    return answers


def judge_terms(
    players: Players,
    batch: Batch,
    noise: Tensor,
    config: AnswerConfig,
    finished: Finished = as_made,
) -> Terms:
    """Tell each target from the answer to the picture beside it, and stay flat around both."""
    translator, judge = parts(players)
    with torch.no_grad():
        fake = finished(translator(noise, batch.condition).float(), batch)
    return told_apart(judge, batch, fake, config.slope)


def passing_terms(
    judge: PatchDiscriminator, batch: Batch, fake: Tensor, adversarial: float, matched: float
) -> dict[str, Tensor]:
    """What a generator minimises so that its pictures pass for the reals beside them.

    Args:
        judge: Of patches.
        batch: Reals, and what is told of them.
        fake: ``(B, C, H, W)`` in 32 bit.
        adversarial: Weight of the duel.
        matched: Weight of feature matching.
    """
    real_seen, seen = (judge.features(each, batch.condition) for each in (batch.real, fake))
    won = losses.relativistic_generator(real_seen[-1].float(), seen[-1].float())
    return {
        "adversarial": adversarial * won,
        "matching": matched * matching(real_seen[:-1], seen[:-1]).float(),
    }


def answer_terms(
    players: Players,
    batch: Batch,
    noise: Tensor,
    config: PairedConfig,
    finished: Finished = as_made,
) -> Terms:
    """Answers that pass for targets, whose mean is near them, and that differ where they may."""
    translator, judge = parts(players)
    told, two = batch.condition, config.noise > 0 and config.diversity > 0
    fake = finished(translator(noise, told).float(), batch)
    terms = passing_terms(judge, batch, fake, config.adversarial, config.matching)
    if config.perceptual:
        eye = sight(fake.device.type)
        with torch.no_grad():
            wanted = eye(batch.real)
        terms["perceptual"] = config.perceptual * unlike(eye(fake), wanted)
    mean = fake
    if two:
        # The noise of the row before: as independent as fresh noise, and repeatable.
        other = finished(translator(noise.roll(1, 0), told).float(), batch)
        mean = (fake + other) / 2
        terms["diversity"] = -config.diversity * SPREAD * (fake - other).abs().mean()
    terms["pixel"] = config.pixel * (mean - batch.real).abs().mean()
    return terms


def error_of(product: nn.Module, problem: Batch, config: AnswerConfig) -> Tensor:
    """Mean absolute error of the answers to no noise; a scalar."""
    still = torch.zeros(len(problem), config.noise, device=problem.real.device)
    made: Tensor = product(still, problem.condition)
    return (made.float() - problem.real).abs().mean()


def noises(draws: int, width: int, seed: int) -> Tensor:
    """Noise ``(draws, width)``: none for the single best answer."""
    return torch.zeros(1, width) if draws == 1 else noise_at(seed, range(draws), width)


def answers_to(
    translator: Translator, seen: Tensor, noise: Tensor, side: Tensor | None = None
) -> list[NDArray[np.float32]]:
    """Pictures ``(H, W, C)`` in 0..1, one for each row of noise, through tiles if it is large.

    Args:
        translator: The network.
        seen: What it is given, ``(1, C, H, W)``.
        noise: ``(draws, Z)``.
        side: Class that is wanted, one-hot ``(1, K)``, where it knows any.
    """

    def answer(part: Tensor, row: Tensor) -> Tensor:
        told = told_of(part)
        return translator(row, told if side is None else replace(told, vector=side.to(part)))

    reach, unit = translator.reach, translator.unit
    return [
        decoded(in_tiles(partial(answer, row=row), [seen], reach, unit=unit)[0])
        for row in noise.split(1)
    ]


def told_of(given: Tensor) -> Condition:
    """The condition whose grid is ``given``, ``(B, C, H, W)``."""
    return replace(Condition.none(given), grid=given)
