"""Make new samples like the given ones; with a label column, of a given class.

The default is a relativistic loss with R1 and R2 gradient penalties (R3GAN; Huang et al. 2025,
arXiv:2501.05441), whose weight falls during the run. The classic losses are one flag away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from gannet.core.config import Config
from gannet.core.recipe import Controls, Inputs, Recipe, Slot, Suggestion, Training
from gannet.core.types import Batch, Condition, Losses, Networks, Spec
from gannet.losses import adversarial
from gannet.losses.energy import energy_distance_loss
from gannet.losses.gradient_penalty import interpolate, r1_and_r2, wgan_gp
from gannet.modalities.registry import modality_of
from gannet.networks import convolutional, mlp
from gannet.recipes.common.kinds import continuous
from gannet.recipes.common.networks import has_image_axes, is_bounded
from gannet.recipes.common.schedules import cosine, exponential

IMAGE_PENALTY = 0.0014
"""Gradient penalty weight over the summed variance of the data, for images."""

PENALTY_INTERVAL = 4
"""Interval of the gradient penalties for images: 16, as in StyleGAN2, is too long for runs of a few
hundred steps."""

VECTOR_PENALTY = 0.5
"""Gradient penalty weight over the summed variance of the data, for vectors."""

SCALING: tuple[tuple[int, dict[str, float]], ...] = (
    (40_000, {"width": 32, "batch": 64, "gradient_penalty_end": 0.03}),
    (4_000, {"width": 24, "batch": 32, "gradient_penalty_end": 0.03}),
)
"""Minimum steps -> larger networks and batches; measured on digits at 60 and 300 s."""

ENERGY_ROWS = 256
"""Rows of a batch that the energy distance is taken of: it grows with their square."""

UNCALIBRATED = ("hinge", "wasserstein", "least_squares")
"""Adversarial losses whose logits are not log-odds."""

Architecture = Literal["auto", "mlp", "dcgan", "upsampling", "residual"]


GENERATORS = {
    "auto": convolutional.ResidualGenerator,
    "dcgan": convolutional.StridedGenerator,
    "upsampling": convolutional.UpsamplingGenerator,
    "residual": convolutional.ResidualGenerator,
}
"""Generators of images; their discriminator is strided."""


class GenerateConfig(Config):
    """Settings of ``generate``."""

    architecture: Architecture = Field(
        "auto",
        description="networks: of the first paper (mlp), strided (dcgan), upsampling or residual",
    )
    loss: adversarial.ObjectiveName = Field(
        "relativistic", description="adversarial loss: what the two networks minimise"
    )
    width: int = Field(
        16,
        ge=4,
        le=1024,
        description="channels at full size; for rows, units of the discriminator / 4",
    )
    gradient_penalty: float = Field(
        10.0,
        ge=0,
        description="weight of the R1 and R2 gradient penalties at first; more is calmer, less "
        "sharp",
    )
    gradient_penalty_end: float = Field(
        0.1,
        gt=0,
        le=1,
        description="final gradient penalty factor: share of the weight that is left at the end",
    )
    penalty_interval: int = Field(
        1,
        ge=1,
        description="gradient penalty interval (lazy regularisation): penalties are computed at "
        "every n-th update of the discriminator, with n times the weight",
    )
    wgan_gp: float = Field(
        10.0, ge=0, description="WGAN-GP penalty weight, of the wasserstein loss alone"
    )
    matching_aware: float = Field(
        0.5,
        ge=0,
        description="matching-aware loss weight (GAN-CLS): reals under a wrong class count as fake",
    )
    energy_weight: float = Field(
        0.0,
        ge=0,
        description="energy distance weight of the generator's loss: keeps the spread within "
        "clusters of rows",
    )
    pseudo_classes: int = Field(
        0,
        ge=0,
        le=1_000,
        description="pseudo-classes (self-conditioned GAN): clusters that images without "
        "labels are sorted into; chosen from their number unless given, 0 for none",
    )
    lr_schedule: Literal["exponential", "cosine"] = Field(
        "exponential", description="learning-rate schedule: how the rate falls"
    )
    augment_p: float = Field(
        0.0,
        ge=0,
        le=1,
        description="augmentation probability of each random change before the discriminator",
    )


def build(config: GenerateConfig, spec: Spec) -> Networks:
    """Networks of the chosen architecture, in the sizes of the data."""
    name, bounded = config.architecture, is_bounded(spec)
    units = 4 * config.width
    if name == "mlp":
        return Networks(
            mlp.MLPGenerator(spec, config.latent_dim, 2 * units, bounded=bounded),
            mlp.MLPDiscriminator(spec, units),
        )
    if not has_image_axes(spec):
        if name == "residual":
            return Networks(
                mlp.ResidualRowGenerator(spec, config.latent_dim, 2 * units, bounded=bounded),
                mlp.ResidualRowDiscriminator(spec, units),
            )
        return Networks(
            mlp.MLPGenerator(
                spec, config.latent_dim, 2 * units, bounded=bounded, sign_features=True
            ),
            mlp.MLPDiscriminator(spec, units),
        )
    return Networks(
        GENERATORS[name](spec, config.latent_dim, config.width),
        convolutional.StridedDiscriminator(spec, config.width),
    )


def discriminator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: GenerateConfig
) -> Losses:
    """Adversarial loss, gradient penalties and matching-aware loss of the discriminator."""
    condition, count, augment = batch.condition, len(batch), modality_of(batch.kind).augment
    fake = networks.generator(noise, condition).float().detach()
    penalize = config.gradient_penalty > 0
    # All inputs in one pass: with small batches, time depends on the number of calls.
    samples = torch.cat([batch.real, fake]).requires_grad_(penalize)
    inputs, classes = [augment(samples, config.augment_p, None)], [condition, condition]
    match_classes = config.matching_aware > 0 and condition.vector.shape[1] > 0
    if match_classes:
        inputs.append(batch.real)
        classes.append(replace(condition, vector=condition.vector.roll(1, 0)))
    logits = networks.discriminator(torch.cat(inputs), Condition.joined(classes)).float()
    real_logits, fake_logits = logits[:count], logits[count : 2 * count]
    losses = {
        "adversarial": adversarial.OBJECTIVES[config.loss].discriminator(real_logits, fake_logits)
    }
    if penalize:
        losses |= r1_and_r2(logits[: 2 * count], samples, config.gradient_penalty)
    if match_classes:
        mismatched_logits = logits[2 * count :]
        losses["matching_aware"] = config.matching_aware * matching_aware_loss(
            condition.vector, real_logits, mismatched_logits
        )
    if config.loss == "wasserstein" and config.wgan_gp:
        position = torch.rand(count, device=fake.device)
        interpolated = interpolate(batch.real, fake, position).requires_grad_()
        interpolated_logits = networks.discriminator(interpolated, condition).float()
        losses["wgan_gp"] = config.wgan_gp * wgan_gp(interpolated_logits, interpolated)
    return losses


def matching_aware_loss(own: Tensor, real_logits: Tensor, wrong_logits: Tensor) -> Tensor:
    """Matching-aware loss: reals must look more real under their own class; a scalar.

    Source: Reed et al. 2016, arXiv:1605.05396, algorithm 1 (the matching-aware discriminator).
    Differs: relativistic, like the adversarial loss.

    Args:
        own: ``(B, K)`` classes of the reals, rows of zeros where not known.
        real_logits: ``(B,)`` of the reals under their own classes.
        wrong_logits: ``(B,)`` of the same reals, each under the class of the row before it.
    """
    other = own.roll(1, 0)
    # Rows with an unknown class, or by chance the same class, do not count.
    comparable = (own.sum(1) > 0) & (other.sum(1) > 0) & ((own * other).sum(1) == 0)
    return (softplus(wrong_logits - real_logits) * comparable).mean()


def generator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: GenerateConfig
) -> Losses:
    """Adversarial loss of the generator, and with a weight the energy distance to the reals."""
    augment = modality_of(batch.kind).augment
    samples = networks.generator(noise, batch.condition)
    fake = augment(samples, config.augment_p, None)
    fake_logits = networks.discriminator(fake, batch.condition).float()
    if config.loss == "relativistic":
        real = augment(batch.real, config.augment_p, None)
        real_logits = networks.discriminator(real, batch.condition).float()
    else:
        real_logits = fake_logits.detach()  # the other losses do not use it
    losses = {
        "adversarial": adversarial.OBJECTIVES[config.loss].generator(real_logits, fake_logits)
    }
    if config.energy_weight:
        losses["energy"] = config.energy_weight * _energy(batch, samples)
    return losses


def _energy(batch: Batch, samples: Tensor) -> Tensor:
    """Energy distance between some reals and fakes, each with its class as further numbers.

    Classes lie as far apart as samples do on average, so that each class has a spread of its own.
    """
    some = slice(ENERGY_ROWS)
    real, fake, vector = (
        batch.real[some].flatten(1),
        samples[some].flatten(1),
        batch.condition.vector[some],
    )
    if vector.shape[1]:
        vector = vector * real.var(0).sum().sqrt()
        real, fake = torch.cat([real, vector], 1), torch.cat([fake, vector], 1)
    return energy_distance_loss(real, fake)


def schedule(config: GenerateConfig, progress: float) -> GenerateConfig:
    """Decay of the learning rate and of the gradient penalty, from coarse shapes to detail.

    The penalty's weight is 0 at the steps that a penalty interval skips (lazy regularisation;
    Karras et al. 2020, arXiv:1912.04958, section 3.1).
    """
    curve = cosine if config.lr_schedule == "cosine" else exponential
    now = exponential("gradient_penalty")(curve("learning_rate")(config, progress), progress)
    if config.penalty_interval == 1:
        return now
    update = round(progress * config.steps) // config.discriminator_interval
    factor = config.penalty_interval if update % config.penalty_interval == 0 else 0
    return now.model_copy(update={"gradient_penalty": now.gradient_penalty * factor})


def suggest_config(some: Batch, rows: int) -> Iterator[Suggestion]:
    """Settings for vectors, and for the variance of the data.

    A squared gradient norm has the unit of logits squared over data squared, so only a weight in
    the unit of data squared means the same for every range, size and kind of data: a multiple of
    the summed variance. The factors were measured; see ``docs/decisions/0006``.
    """
    kind = modality_of(some.kind)
    has_images = has_image_axes(Spec.of(some))
    if not has_images:
        yield (
            f"{kind.noun[1]}, which fully connected layers learn: see docs/decisions/0007",
            {
                "latent_dim": max(8, min(64, 2 * some.real[0].numel())),
                "batch": min(512, max(2, rows)),
                "learning_rate": 1e-3,
                "learning_rate_end": 0.01,
                "lr_schedule": "cosine",
                "gradient_penalty_end": 3e-3,
                "energy_weight": 0.5,
            },
        )
    variance = float(some.real.flatten(1).var(0).sum())
    penalty_ratio = IMAGE_PENALTY if has_images else VECTOR_PENALTY
    weight = float(f"{max(penalty_ratio * variance, 1e-6):.3g}")
    yield f"{penalty_ratio} times the data's variance, {variance:.3g}", {"gradient_penalty": weight}
    if has_images:
        yield (
            "so light a penalty need not be computed at each step, which makes steps faster",
            {"penalty_interval": PENALTY_INTERVAL},
        )


def scaling(spec: Spec) -> Sequence[tuple[int, Mapping[str, float]]]:
    """Larger convolutional networks where there is time; not measured for other networks."""
    return SCALING if has_image_axes(spec) else ()


def presets(config: GenerateConfig) -> Iterator[Suggestion]:
    """Settings of the papers for the losses that need them."""
    if config.loss != "relativistic":
        yield "to see this loss alone", {"energy_weight": 0.0}
    if config.loss == "wasserstein":
        yield (
            "as in its paper, arXiv:1704.00028",
            {"gradient_penalty": 0.0, "learning_rate": 1e-4, "n_critic": 5},
        )
    if config.loss == "minimax":
        yield "as in its paper, without a penalty", {"gradient_penalty": 0.0, "learning_rate": 2e-4}


recipe = Recipe(
    config=GenerateConfig,
    inputs=Inputs(
        slots={
            "sample": Slot(continuous),
            "vector": Slot(("label",), optional=True),
        }
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_losses,
        generator_losses=generator_losses,
        schedule=schedule,
        suggest=suggest_config,
        presets=presets,
        scaling=scaling,
        controls=Controls(
            regularize="gradient_penalty",
            capacity="width",
            augment="augment_p",
            pseudo_classes="pseudo_classes",
        ),
        calibrated_logits=lambda config: config.loss not in UNCALIBRATED,
    ),
)
