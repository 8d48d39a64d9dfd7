"""Super-resolution: two, three or four times as many pixels each way.

The low-resolution images are made from the sharp ones in training, so a folder of sharp images is
enough. A PSNR-oriented network is pre-trained with an L1 loss (faithful); then adversarial training
teaches a second network the missing detail (vivid). Network interpolation blends the two.

Source: Ledig et al. 2016, arXiv:1609.04802 (SRGAN); Wang et al. 2018, arXiv:1809.00219, section 3.4
(network interpolation of ESRGAN). Differs: see ``networks.super_resolution``.
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
from gannet.core.device import device_of
from gannet.core.recipe import Controls, Evaluation, Inference, Inputs, Recipe, Slot, Training
from gannet.core.transform import Options, Trained, Transform, TransformInput
from gannet.core.types import Batch, Condition, Losses, Networks, Spec
from gannet.losses import adversarial
from gannet.modalities.image.degradation import degraded, flipped
from gannet.modalities.image.tensors import resampled
from gannet.modalities.image.tiling import in_tiles, of_planes, planes
from gannet.networks.patchgan import PatchGAN, min_side
from gannet.networks.super_resolution import Upscaler, enlarged, shrunk
from gannet.recipes.common.image_to_image import adversarial_losses, draw_latents, grid_condition
from gannet.recipes.common.schedules import cosine_left

NEVER = 1 << 30
"""Discriminator update interval during pre-training: it is not updated."""


class SuperResolveConfig(Config):
    """Settings of ``super_resolve``."""

    scale: Literal[2, 3, 4] = Field(4, description="times as many pixels each way")
    interpolation: float = Field(
        1.0,
        ge=0,
        le=1,
        description="network interpolation (ESRGAN): from 0, faithful, to 1, vivid; at 0 no "
        "detail is learnt",
    )
    degradation: Literal["plain", "realistic"] = Field(
        "plain",
        description="degradation model: how small pictures are made, shrunk (bicubic) or with "
        "blur, noise and JPEG too (realistic)",
    )
    crop_size: int = Field(
        96, ge=24, le=512, description="crop size: side of the crops that are trained on"
    )
    width: int = Field(32, ge=4, le=256, description="base channels of both networks")
    depth: int = Field(10, ge=1, le=64, description="layers of the PSNR-oriented network")
    detail_blocks: int = Field(
        4, ge=1, le=64, description="residual blocks of the network that adds detail"
    )
    discriminator_width: int = Field(
        24, ge=4, le=256, description="base channels of the discriminator"
    )
    pretrain_share: float = Field(
        0.6,
        gt=0,
        lt=1,
        description="share of the steps in which the PSNR-oriented network alone is trained",
    )
    l1_weight: float = Field(1.0, ge=0, description="L1 loss weight of the PSNR-oriented network")
    l1_weight_adversarial: float = Field(
        1.0, ge=0, description="L1 loss weight in the adversarial phase"
    )
    adversarial_weight: float = Field(0.02, ge=0, description="adversarial loss weight")
    feature_matching_weight: float = Field(
        0.2,
        ge=0,
        description="feature-matching loss weight: L1 distance of discriminator features",
    )
    latent_dim: int = Field(8, ge=0, description="latent dimension: numbers per sample; 0 for none")
    batch: int = Field(8, ge=1, description="batch size: samples per update")
    learning_rate: float = Field(
        1.5e-3, gt=0, description="learning rate of both optimizers at first"
    )
    learning_rate_end: float = Field(
        0.01,
        gt=0,
        le=1,
        description="final learning-rate factor: share of the rate that is left at the end",
    )
    adversarial_lr_scale: float = Field(
        0.4, gt=0, le=1, description="learning-rate factor with which the adversarial phase begins"
    )
    beta1: float = Field(
        0.9, ge=0, lt=1, description="beta1 of Adam: decay of the mean of its gradients"
    )
    beta2: float = Field(
        0.99, ge=0, lt=1, description="beta2 of Adam: decay of the mean of their squares"
    )


class EnlargeOptions(Options):
    """Options of enlarging an image; by default as it was trained."""

    interpolation: float | None = Field(
        None, ge=0, le=1, description="from 0, faithful, to 1, vivid; by default as it was trained"
    )
    scale: int | None = Field(
        None, ge=2, le=4, description="times as many pixels each way, as it was trained for"
    )
    outscale: float | None = Field(
        None,
        gt=0,
        le=16,
        description="times as many pixels each way in the output, by bicubic resampling of the "
        "enlarged picture; by default as it was trained",
    )


def build(config: SuperResolveConfig, spec: Spec) -> Networks:
    """Networks for images of any size; the spec gives their channels."""
    channels = spec.shape[0]
    depth = (config.depth, config.detail_blocks)
    return Networks(
        Upscaler(channels, config.width, depth, config.scale, config.latent_dim),
        PatchGAN(channels, channels, config.discriminator_width),
    )


def corrupt(batch: Batch, rng: torch.Generator, config: SuperResolveConfig) -> Batch:
    """Flip each crop at random and shrink it."""
    high, wide = (side // config.scale * config.scale for side in batch.real.shape[2:])
    sharp = flipped(batch.real[:, :, :high, :wide], rng)
    if config.degradation == "realistic":
        low = degraded(sharp, config.scale, rng)
    else:
        low = shrunk(sharp, config.scale)
    return replace(batch, real=sharp, condition=replace(batch.condition, grid=low))


def evaluation_condition(batch: Batch, spec: Spec) -> Condition:
    """Low-resolution images by bicubic shrinking."""
    low = shrunk(batch.real, round(spec.shape[1] / spec.grid[1]))
    return replace(batch.condition, grid=low)


def upscaler_and_patchgan(networks: Networks) -> tuple[Upscaler, PatchGAN]:
    """The generator and the discriminator with their types."""
    upscaler, discriminator = networks.generator, networks.discriminator
    assert isinstance(upscaler, Upscaler)
    assert isinstance(discriminator, PatchGAN)
    return upscaler, discriminator


def discriminator_losses(
    networks: Networks, batch: Batch, noise: Tensor, _config: SuperResolveConfig
) -> Losses:
    """Adversarial loss of sharp images against outputs."""
    upscaler, discriminator = upscaler_and_patchgan(networks)
    with torch.no_grad():
        fake = upscaler(noise, batch.condition).float()
    condition = batch.condition
    real_logits, fake_logits = (
        discriminator(batch.real, condition).float(),
        discriminator(fake, condition).float(),
    )
    return {"adversarial": adversarial.relativistic_discriminator(real_logits, fake_logits)}


def generator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: SuperResolveConfig
) -> Losses:
    """L1 loss in pre-training, then adversarial losses; ``schedule`` sets the weights."""
    upscaler, discriminator = upscaler_and_patchgan(networks)
    low, losses = batch.condition.grid, dict[str, Tensor]()
    with torch.set_grad_enabled(config.l1_weight > 0):
        sharp, features = upscaler.psnr_network(low)
    if config.l1_weight:
        losses["l1"] = config.l1_weight * (sharp.float() - batch.real).abs().mean()
    if config.adversarial_weight or config.feature_matching_weight:
        vivid = sharp.detach() + upscaler.gan_residual(low, features.detach(), noise)
        losses |= adversarial_losses(
            discriminator,
            batch,
            vivid.float(),
            config.adversarial_weight,
            config.feature_matching_weight,
        )
        losses["l1_adversarial"] = (
            config.l1_weight_adversarial * (vivid.float() - batch.real).abs().mean()
        )
    return losses


def schedule(config: SuperResolveConfig, progress: float) -> SuperResolveConfig:
    """Pre-training, then the adversarial phase, each with cosine decay of the learning rate."""
    adversarial_start = config.pretrain_share if config.interpolation else 1.0
    first = progress < adversarial_start
    phase_progress = (
        progress / adversarial_start
        if first
        else (progress - adversarial_start) / max(1 - adversarial_start, 1e-9)
    )
    factor = cosine_left(config.learning_rate_end, min(phase_progress, 1.0))
    change: dict[str, Any] = {"learning_rate": config.learning_rate * factor}
    if first:
        change |= {
            "adversarial_weight": 0.0,
            "feature_matching_weight": 0.0,
            "discriminator_interval": NEVER,
        }
    else:
        change |= {
            "l1_weight": 0.0,
            "learning_rate": change["learning_rate"] * config.adversarial_lr_scale,
        }
    return config.model_copy(update=change)


def infer(
    model: nn.Module, noise: Tensor, condition: Condition, config: SuperResolveConfig
) -> Tensor:
    """Sharp images with the interpolation that was trained for."""
    outputs: Tensor = model(noise, condition, config.interpolation)
    return outputs.clamp(-1, 1)


def validation_loss(model: nn.Module, problem: Batch, _config: SuperResolveConfig) -> Tensor:
    """Mean absolute error of the PSNR-oriented network; a scalar."""
    assert isinstance(model, Upscaler)
    sharp, _ = model.psnr_network(problem.condition.grid)
    return (sharp.float() - problem.real).abs().mean()


def bicubic(batch: Batch) -> Tensor:
    """Bicubic interpolation."""
    low = batch.condition.grid
    return enlarged(low, batch.real.shape[2] // low.shape[2]).clamp(-1, 1)


def transform(
    trained: Trained[SuperResolveConfig], given: TransformInput, samples: int, seed: int
) -> Sequence[NDArray[np.float32]]:
    """Enlarge an image of any size and channels; alpha is enlarged like a grey image."""
    upscaler, settings = trained.model, trained.config
    assert isinstance(upscaler, Upscaler)
    assert isinstance(given.options, EnlargeOptions)
    requested = given.options.interpolation
    interpolation = settings.interpolation if requested is None else requested
    layers, where = planes(given.sample, trained.spec.shape[0]), device_of(upscaler)

    def enlarge(low: Tensor, row: Tensor) -> Tensor:
        noise = row.expand(len(low), -1).to(where)
        return upscaler(noise, grid_condition(low.to(where)), interpolation)

    receptive_radius, scale = upscaler.receptive_radius, settings.scale
    factor = given.options.outscale or scale
    high, wide = (max(round(side * factor), 1) for side in given.sample.shape[:2])
    outputs = (
        of_planes(
            in_tiles(partial(enlarge, row=row), layers, receptive_radius, scale=scale), given.sample
        )
        for row in draw_latents(samples, settings.latent_dim, seed).split(1)
    )
    return [resampled(each, high, wide) for each in outputs]


recipe = Recipe(
    config=SuperResolveConfig,
    inputs=Inputs(
        slots={"sample": Slot(("image",))},
        derived=frozenset({"grid"}),
        given="grid",
        crop_size=lambda config: config.crop_size // config.scale * config.scale,
        min_size=lambda _: min_side(),
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_losses,
        generator_losses=generator_losses,
        corrupt=corrupt,
        schedule=schedule,
        controls=Controls(capacity="width"),
        adversarial=lambda config: config.adversarial_weight > 0,
    ),
    inference=Inference(
        infer=infer,
        transforms={
            "enlarge": Transform(
                description="makes a picture sharper",
                apply=transform,
                given="grid",
                options=EnlargeOptions,
                fixed=("scale",),
            )
        },
    ),
    evaluation=Evaluation(
        condition=evaluation_condition,
        validation_loss=validation_loss,
        reference_methods={"bicubic": bicubic},
    ),
)
