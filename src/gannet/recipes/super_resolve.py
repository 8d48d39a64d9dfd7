"""Sharper pictures: two, three or four times as many pixels each way.

The small pictures are made from the sharp ones in training, so a folder of sharp pictures is all it
takes. A first network learns what pixels alone teach (faithful); then a duel teaches a second one
the detail that is missing (vivid), and every blend of the two is one setting away.

Source: Ledig et al. 2016, arXiv:1609.04802 (adversarial super-resolution); Wang et al. 2018,
arXiv:1809.00219, section 3.4 (from faithful to vivid). Differs: see ``networks.super_resolution``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from gannet.core.config import Config
from gannet.core.recipe import Evaluation, Inference, Inputs, Recipe, Slot, Training
from gannet.core.transform import Options, Trained, Transform, TransformInput
from gannet.core.types import Batch, Condition, Players, Spec, Terms
from gannet.losses import adversarial as losses
from gannet.modalities.image.degradation import degraded, flipped
from gannet.modalities.image.tiling import in_tiles, of_planes, planes
from gannet.networks.patchgan import PatchDiscriminator, least_side
from gannet.networks.super_resolution import Upscaler, enlarged, shrunk
from gannet.recipes.common.image_to_image import noises, passing_terms, told_of
from gannet.recipes.common.schedules import cosine_left

NEVER = 1 << 30
"""Steps between two lessons of a judge that has nothing to judge yet."""


class SuperResolveConfig(Config):
    """Settings of ``super_resolve``."""

    scale: Literal[2, 3, 4] = Field(4, description="times as many pixels each way")
    quality: float = Field(
        1.0, ge=0, le=1, description="from 0, faithful, to 1, vivid; at 0 no detail is learnt"
    )
    degradation: Literal["plain", "realistic"] = Field(
        "plain", description="how small pictures are made: shrunk, or with blur, noise and JPEG too"
    )
    patch: int = Field(96, ge=24, le=512, description="side of the pieces that are trained on")
    width: int = Field(32, ge=4, le=256, description="channels of both networks")
    depth: int = Field(10, ge=1, le=64, description="layers of the faithful network")
    detail_depth: int = Field(4, ge=1, le=64, description="blocks of the one that adds detail")
    judge_width: int = Field(24, ge=4, le=256, description="channels of the discriminator")
    faithful_share: float = Field(
        0.6, gt=0, lt=1, description="share of the steps before the duel begins"
    )
    pixel: float = Field(1.0, ge=0, description="weight of the faithful network's pixel error")
    anchor: float = Field(1.0, ge=0, description="weight of the pixel error of vivid pictures")
    adversarial: float = Field(0.02, ge=0, description="weight of the duel")
    matching: float = Field(0.2, ge=0, description="weight of what the discriminator sees")
    noise: int = Field(8, ge=0, description="numbers of noise per picture; 0 for none")
    batch: int = Field(8, ge=1, description="samples per update")
    learning_rate: float = Field(1.5e-3, gt=0, description="step size of both optimisers at first")
    learning_rate_end: float = Field(
        0.01, gt=0, le=1, description="share of the learning rate that is left at the end"
    )
    duel_rate: float = Field(
        0.4, gt=0, le=1, description="share of the learning rate with which the duel begins"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="beta1 of Adam")
    second_momentum: float = Field(0.99, ge=0, lt=1, description="beta2 of Adam")


class EnlargeOptions(Options):
    """What may be asked for when a picture is enlarged; by default as it was trained."""

    quality: float | None = Field(
        None, ge=0, le=1, description="from 0, faithful, to 1, vivid; by default as it was trained"
    )
    scale: int | None = Field(
        None, ge=2, le=4, description="times as many pixels each way, as it was trained for"
    )


def build(config: SuperResolveConfig, spec: Spec) -> Players:
    """Networks for pictures of any size; the spec says their channels."""
    channels = spec.shape[0]
    depth = (config.depth, config.detail_depth)
    return Players(
        Upscaler(channels, config.width, depth, config.scale, config.noise),
        PatchDiscriminator(channels, channels, config.judge_width),
    )


def prepare(batch: Batch, rng: torch.Generator, config: SuperResolveConfig) -> Batch:
    """Turn each piece about, and shrink it."""
    high, wide = (side // config.scale * config.scale for side in batch.real.shape[2:])
    sharp = flipped(batch.real[:, :, :high, :wide], rng)
    if config.degradation == "realistic":
        low = degraded(sharp, config.scale, rng)
    else:
        low = shrunk(sharp, config.scale)
    return replace(batch, real=sharp, condition=replace(batch.condition, grid=low))


def told(batch: Batch, spec: Spec) -> Condition:
    """The small pictures of sharp ones, plainly shrunk."""
    low = shrunk(batch.real, round(spec.shape[1] / spec.grid[1]))
    return replace(batch.condition, grid=low)


def parts(players: Players) -> tuple[Upscaler, PatchDiscriminator]:
    """The players as what they are."""
    upscaler, judge = players.generator, players.discriminator
    assert isinstance(upscaler, Upscaler)
    assert isinstance(judge, PatchDiscriminator)
    return upscaler, judge


def discriminator_terms(
    players: Players, batch: Batch, noise: Tensor, _config: SuperResolveConfig
) -> Terms:
    """Tell each sharp picture from the one that was made of its small one."""
    upscaler, judge = parts(players)
    with torch.no_grad():
        fake = upscaler(noise, batch.condition).float()
    told = batch.condition
    real_logits, fake_logits = judge(batch.real, told).float(), judge(fake, told).float()
    return {"adversarial": losses.relativistic_discriminator(real_logits, fake_logits)}


def generator_terms(
    players: Players, batch: Batch, noise: Tensor, config: SuperResolveConfig
) -> Terms:
    """First the pixels, then the duel; ``schedule`` says which."""
    upscaler, judge = parts(players)
    low, terms = batch.condition.grid, dict[str, Tensor]()
    with torch.set_grad_enabled(config.pixel > 0):
        sharp, features = upscaler.faithful(low)
    if config.pixel:
        terms["pixel"] = config.pixel * (sharp.float() - batch.real).abs().mean()
    if config.adversarial or config.matching:
        vivid = sharp.detach() + upscaler.detail(low, features.detach(), noise)
        terms |= passing_terms(judge, batch, vivid.float(), config.adversarial, config.matching)
        terms["anchor"] = config.anchor * (vivid.float() - batch.real).abs().mean()
    return terms


def schedule(config: SuperResolveConfig, share: float) -> SuperResolveConfig:
    """First the faithful network, then the other; for each the rate falls like a cosine."""
    begins = config.faithful_share if config.quality else 1.0
    first = share < begins
    at = share / begins if first else (share - begins) / max(1 - begins, 1e-9)
    left = cosine_left(config.learning_rate_end, min(at, 1.0))
    change: dict[str, Any] = {"learning_rate": config.learning_rate * left}
    if first:
        change |= {"adversarial": 0.0, "matching": 0.0, "discriminator_every": NEVER}
    else:
        change |= {"pixel": 0.0, "learning_rate": change["learning_rate"] * config.duel_rate}
    return config.model_copy(update=change)


def infer(
    product: nn.Module, noise: Tensor, condition: Condition, config: SuperResolveConfig
) -> Tensor:
    """Sharp pictures of the quality that was trained for."""
    made: Tensor = product(noise, condition, config.quality)
    return made.clamp(-1, 1)


def error(product: nn.Module, problem: Batch, _config: SuperResolveConfig) -> Tensor:
    """Mean absolute error of the faithful pictures; a scalar."""
    assert isinstance(product, Upscaler)
    sharp, _ = product.faithful(problem.condition.grid)
    return (sharp.float() - problem.real).abs().mean()


def bicubic(batch: Batch) -> Tensor:
    """What every program for pictures does."""
    low = batch.condition.grid
    return enlarged(low, batch.real.shape[2] // low.shape[2]).clamp(-1, 1)


def turn(
    trained: Trained[SuperResolveConfig], given: TransformInput, draws: int, seed: int
) -> Sequence[NDArray[np.float32]]:
    """A picture of any size and channels, sharper; alpha is enlarged like grey."""
    upscaler, settings = trained.product, trained.config
    assert isinstance(upscaler, Upscaler)
    assert isinstance(given.options, EnlargeOptions)
    asked = given.options.quality
    quality = settings.quality if asked is None else asked
    layers = planes(given.sample, trained.spec.shape[0])

    def enlarge(low: Tensor, row: Tensor) -> Tensor:
        return upscaler(row.expand(len(low), -1), told_of(low), quality)

    reach, scale = upscaler.reach, settings.scale
    return [
        of_planes(in_tiles(partial(enlarge, row=row), layers, reach, scale=scale), given.sample)
        for row in noises(draws, settings.noise, seed).split(1)
    ]


recipe = Recipe(
    config=SuperResolveConfig,
    inputs=Inputs(
        slots={"sample": Slot(("image",))},
        derived=frozenset({"grid"}),
        conditional=True,
        crop_size=lambda config: config.patch // config.scale * config.scale,
        min_size=lambda _: least_side(),
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_terms,
        generator_losses=generator_terms,
        corrupt=prepare,
        schedule=schedule,
        adversarial=lambda config: config.adversarial > 0,
    ),
    inference=Inference(
        infer=infer,
        transforms={
            "enlarge": Transform(
                words="makes a picture sharper",
                apply=turn,
                takes="grid",
                options=EnlargeOptions,
                fixed=("scale",),
            )
        },
    ),
    evaluation=Evaluation(
        condition=told, validation_loss=error, reference_methods={"bicubic": bicubic}
    ),
)
