"""Shared by image-to-image recipes, whose outputs have the size of their inputs.

Two outputs for each input are made at every step. The L1 loss holds their mean to the target, and
the diversity loss rewards their difference exactly as much as the mean gains by it, so that the
latents come to stand for what the input leaves open, and for nothing else.

Source: Isola et al. 2016, arXiv:1611.07004 (conditional GAN); Bendel et al. 2022, arXiv:2210.13389,
eq. 9 and 12 (L1 loss of the mean, and diversity reward). Differs: relativistic adversarial loss,
and feature matching (Wang et al. 2018, arXiv:1711.11585, eq. 4).
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
from gannet.core.device import device_of
from gannet.core.recipe import Suggestion
from gannet.core.seeding import latents_at
from gannet.core.types import Batch, Condition, Losses, Networks
from gannet.losses import adversarial
from gannet.losses.discriminator import discriminator_loss
from gannet.losses.feature_matching import feature_matching_loss
from gannet.losses.perceptual import perceptual_loss
from gannet.modalities.image.tensors import decoded
from gannet.modalities.image.tiling import in_tiles
from gannet.networks.patchgan import PatchGAN
from gannet.networks.perceptual import perceptual_available, perceptual_net
from gannet.networks.unet import UNetGenerator

DIVERSITY_SCALE = math.sqrt(2 / (math.pi * 6)) * math.sqrt(math.pi / 4)
"""Weight of the mean distance of two outputs; eq. 12 with two of them."""


class ImageToImageConfig(Config):
    """Settings of image-to-image recipes."""

    width: int = Field(16, ge=4, le=256, description="base channels of the generator, at half size")
    downsamplings: int = Field(4, ge=1, le=7, description="downsamplings of the U-Net generator")
    discriminator_width: int = Field(
        24, ge=4, le=256, description="base channels of the discriminator"
    )
    adversarial_weight: float = Field(0.3, ge=0, description="adversarial loss weight")
    feature_matching_weight: float = Field(
        0.3,
        ge=0,
        description="feature-matching loss weight: L1 distance of discriminator features",
    )
    gradient_penalty: float = Field(
        1.0,
        ge=0,
        description="weight of the R1 and R2 gradient penalties: keep the discriminator flat",
    )
    diversity_weight: float = Field(
        0.5,
        ge=0,
        description="diversity loss weight: reward for outputs that differ; 1 is as much as the "
        "mean gains",
    )
    latent_dim: int = Field(
        8, ge=0, description="latent dimension: numbers per sample; 0 for one output only"
    )
    batch: int = Field(8, ge=1, description="batch size: samples per update")
    learning_rate: float = Field(
        4e-4, gt=0, description="learning rate of both optimizers at first"
    )
    learning_rate_end: float = Field(
        0.02,
        gt=0,
        le=1,
        description="final learning-rate factor: share of the rate that is left at the end",
    )
    beta1: float = Field(
        0.5, ge=0, lt=1, description="beta1 of Adam: decay of the mean of its gradients"
    )
    beta2: float = Field(
        0.99, ge=0, lt=1, description="beta2 of Adam: decay of the mean of their squares"
    )


class PairedImageConfig(ImageToImageConfig):
    """Settings of recipes that learn from pairs, in which each output has a target."""

    l1_weight: float = Field(
        1.0, ge=0, description="L1 loss weight: error of the mean of two outputs"
    )
    perceptual_weight: float = Field(
        0.0,
        ge=0,
        description="perceptual loss weight: distance in what a network trained on photos sees; "
        "takes the extra `features`",
    )


def unet_and_patchgan(networks: Networks) -> tuple[UNetGenerator, PatchGAN]:
    """The generator and the discriminator with their types."""
    translator, discriminator = networks.generator, networks.discriminator
    assert isinstance(translator, UNetGenerator)
    assert isinstance(discriminator, PatchGAN)
    return translator, discriminator


IMAGE_CHANNELS = range(1, 5)
"""Numbers of channels: grey or colour, with alpha or without."""


def suggest_perceptual(
    some: Batch, weight: float, setting: str = "perceptual_weight"
) -> Iterator[Suggestion]:
    """Suggest a loss on the features of a network trained on photos, where it is installed.

    Args:
        some: Samples of the data.
        weight: Suggested weight.
        setting: Name of the setting.
    """
    if some.real.shape[1] in IMAGE_CHANNELS and perceptual_available():
        yield "the extra `features` brings a network trained on photos", {setting: weight}


Postprocess = Callable[[Tensor, Batch], Tensor]
"""From a generator's raw outputs and their problem to the outputs that are used."""


def unchanged(outputs: Tensor, _problem: Batch) -> Tensor:
    """The outputs unchanged."""
    return outputs


def paired_discriminator_losses(
    networks: Networks,
    batch: Batch,
    noise: Tensor,
    config: ImageToImageConfig,
    postprocess: Postprocess = unchanged,
) -> Losses:
    """Adversarial loss of targets against outputs, with gradient penalties."""
    translator, discriminator = unet_and_patchgan(networks)
    with torch.no_grad():
        fake = postprocess(translator(noise, batch.condition).float(), batch)
    return discriminator_loss(discriminator, batch, fake, config.gradient_penalty)


def adversarial_losses(
    discriminator: PatchGAN,
    batch: Batch,
    fake: Tensor,
    adversarial_weight: float,
    matching_weight: float,
) -> dict[str, Tensor]:
    """Adversarial and feature-matching losses of the generator.

    Args:
        discriminator: A PatchGAN.
        batch: Reals and their conditions.
        fake: ``(B, C, H, W)`` in float32.
        adversarial_weight: Adversarial loss weight.
        matching_weight: Feature-matching loss weight.
    """
    real_features, fake_features = (
        discriminator.features(each, batch.condition) for each in (batch.real, fake)
    )
    adversarial_loss = adversarial.relativistic_generator(
        real_features[-1].float(), fake_features[-1].float()
    )
    return {
        "adversarial": adversarial_weight * adversarial_loss,
        "feature_matching": matching_weight
        * feature_matching_loss(real_features[:-1], fake_features[:-1]).float(),
    }


def paired_generator_losses(
    networks: Networks,
    batch: Batch,
    noise: Tensor,
    config: PairedImageConfig,
    postprocess: Postprocess = unchanged,
) -> Losses:
    """Adversarial, feature-matching, perceptual, L1 and diversity losses of the generator."""
    translator, discriminator = unet_and_patchgan(networks)
    condition, use_diversity = (
        batch.condition,
        config.latent_dim > 0 and config.diversity_weight > 0,
    )
    fake = postprocess(translator(noise, condition).float(), batch)
    losses = adversarial_losses(
        discriminator, batch, fake, config.adversarial_weight, config.feature_matching_weight
    )
    if config.perceptual_weight:
        feature_extractor = perceptual_net(fake.device.type)
        with torch.no_grad():
            target_features = feature_extractor(batch.real)
        losses["perceptual"] = config.perceptual_weight * perceptual_loss(
            feature_extractor(fake), target_features
        )
    mean = fake
    if use_diversity:
        # The latents of the row before: as independent as new ones, and repeatable.
        other = postprocess(translator(noise.roll(1, 0), condition).float(), batch)
        mean = (fake + other) / 2
        losses["diversity"] = (
            -config.diversity_weight * DIVERSITY_SCALE * (fake - other).abs().mean()
        )
    losses["l1"] = config.l1_weight * (mean - batch.real).abs().mean()
    return losses


def mean_absolute_error(model: nn.Module, problem: Batch, config: ImageToImageConfig) -> Tensor:
    """Mean absolute error of the outputs for zero latents; a scalar."""
    zero_latents = torch.zeros(len(problem), config.latent_dim, device=problem.real.device)
    outputs: Tensor = model(zero_latents, problem.condition)
    return (outputs.float() - problem.real).abs().mean()


def draw_latents(samples: int, width: int, seed: int) -> Tensor:
    """Latents ``(samples, width)``; zeros for a single sample."""
    return torch.zeros(1, width) if samples == 1 else latents_at(seed, range(samples), width)


def translate_tiled(
    translator: UNetGenerator, image: Tensor, noise: Tensor, side: Tensor | None = None
) -> list[NDArray[np.float32]]:
    """Images ``(H, W, C)`` in 0..1, one per row of latents; large ones in tiles.

    Args:
        translator: The network.
        image: The input, ``(1, C, H, W)``.
        noise: Latents ``(samples, Z)``.
        side: Target class, one-hot ``(1, K)``, where the network has classes.
    """
    where = device_of(translator)

    def translate_tile(part: Tensor, row: Tensor) -> Tensor:
        condition = grid_condition(part.to(where))
        if side is not None:
            condition = replace(condition, vector=side.to(condition.grid))
        return translator(row.to(where), condition)

    receptive_radius, unit = translator.receptive_radius, translator.unit
    return [
        decoded(in_tiles(partial(translate_tile, row=row), [image], receptive_radius, unit=unit)[0])
        for row in noise.split(1)
    ]


def grid_condition(given: Tensor) -> Condition:
    """The condition whose grid is ``given``, ``(B, C, H, W)``."""
    return replace(Condition.none(given), grid=given)
