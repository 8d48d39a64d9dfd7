"""Make new samples like the given ones; with a label column, of the class asked for.

The default is a relativistic duel with slope penalties on both sides (R3GAN; Huang et al. 2025,
arXiv:2501.05441) whose weight falls during the run. The classic objectives are one flag away.
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
from gannet.core.types import Batch, Condition, Players, Spec, Terms
from gannet.losses import adversarial
from gannet.losses.gradient_penalty import between, slope, unit_slope_penalty
from gannet.modalities.registry import modality_of
from gannet.networks import convolutional
from gannet.networks import mlp as rows
from gannet.recipes.common.networks import has_image_axes, is_bounded
from gannet.recipes.common.schedules import cosine, exponential

FEW_PICTURES = 500
"""Pictures below which they are augmented."""
SLOPE_OF_PICTURES, SLOPE_OF_ROWS = 0.046, 0.5
"""Slope weight over the summed variance of the data."""

LONGER: tuple[tuple[int, dict[str, float]], ...] = (
    (40_000, {"width": 32, "batch": 64, "slope_end": 0.03}),
    (4_000, {"width": 24, "batch": 32, "slope_end": 0.03}),
)
"""From so many steps on, larger networks and batches; measured on digits at 60 and 300 s."""

UNCALIBRATED = ("hinge", "wasserstein", "least_squares")
"""Objectives whose logits are no log-odds."""

Architecture = Literal["auto", "mlp", "dcgan", "residual"]


class GenerateConfig(Config):
    """Settings of ``generate``."""

    architecture: Architecture = Field(
        "auto", description="networks: of the first paper (mlp), strided (dcgan) or residual"
    )
    objective: adversarial.ObjectiveName = Field(
        "relativistic", description="what the players minimise"
    )
    width: int = Field(
        16, ge=4, le=1024, description="channels at full size; for rows, units of the judge / 4"
    )
    slope: float = Field(
        10.0, ge=0, description="weight of the slope penalties at first; more is calmer, less sharp"
    )
    slope_end: float = Field(
        0.1, gt=0, le=1, description="share of the slope weight that is left at the end"
    )
    unit_slope: float = Field(
        10.0, ge=0, description="weight of the wasserstein objective's own penalty"
    )
    mismatch: float = Field(
        0.5, ge=0, description="weight of telling reals from the same reals under a wrong class"
    )
    clusters: int = Field(
        0, ge=0, le=1_000, description="kinds that pictures without labels are sorted into at first"
    )
    fall: Literal["exponential", "cosine"] = Field(
        "exponential", description="how the learning rate falls"
    )
    augment: float = Field(
        0.0, ge=0, le=1, description="probability of each random change before judging"
    )


def build(config: GenerateConfig, spec: Spec) -> Players:
    """Networks of the architecture asked for, in the sizes of the data."""
    name, bounded = config.architecture, is_bounded(spec)
    units = 4 * config.width
    if name == "mlp":
        return Players(
            rows.PlainGenerator(spec, config.noise, 2 * units, bounded=bounded),
            rows.PlainDiscriminator(spec, units),
        )
    if not has_image_axes(spec):
        if name == "residual":
            return Players(
                rows.ResidualRowGenerator(spec, config.noise, 2 * units, bounded=bounded),
                rows.ResidualRowDiscriminator(spec, units),
            )
        return Players(
            rows.PlainGenerator(spec, config.noise, 2 * units, bounded=bounded, switches=True),
            rows.PlainDiscriminator(spec, units),
        )
    if name == "residual":
        return Players(
            convolutional.ResidualGenerator(spec, config.noise, config.width),
            convolutional.ResidualDiscriminator(spec, config.width),
        )
    return Players(
        convolutional.StridedGenerator(spec, config.noise, config.width),
        convolutional.StridedDiscriminator(spec, config.width),
    )


def discriminator_terms(
    players: Players, batch: Batch, noise: Tensor, config: GenerateConfig
) -> Terms:
    """Tell each real from the fake beside it, and stay flat around both."""
    told, count, augment = batch.condition, len(batch), modality_of(batch.kind).augment
    fake = players.generator(noise, told).float().detach()
    flat = config.slope > 0
    # All that is judged goes through the network at once: small batches cost mostly their calls.
    shown = torch.cat([batch.real, fake]).requires_grad_(flat)
    judged, classes = [augment(shown, config.augment, None)], [told, told]
    taught = config.mismatch > 0 and told.vector.shape[1] > 0
    if taught:
        judged.append(batch.real)
        classes.append(replace(told, vector=told.vector.roll(1, 0)))
    logits = players.discriminator(torch.cat(judged), Condition.joined(classes)).float()
    real_logits, fake_logits = logits[:count], logits[count : 2 * count]
    terms = {
        "adversarial": adversarial.OBJECTIVES[config.objective].discriminator(
            real_logits, fake_logits
        )
    }
    if flat:
        slopes = slope(logits[: 2 * count], shown)
        terms["slope_real"] = config.slope / 2 * slopes[:count].mean()
        terms["slope_fake"] = config.slope / 2 * slopes[count:].mean()
    if taught:
        wrong = logits[2 * count :]
        terms["mismatch"] = config.mismatch * mismatch(told.vector, real_logits, wrong)
    if config.objective == "wasserstein" and config.unit_slope:
        place = torch.rand(count, device=fake.device)
        middle = between(batch.real, fake, place).requires_grad_()
        inside = players.discriminator(middle, told).float()
        terms["unit_slope"] = config.unit_slope * unit_slope_penalty(inside, middle)
    return terms


def mismatch(own: Tensor, real_logits: Tensor, wrong_logits: Tensor) -> Tensor:
    """Reals must look more real under their own class than under another row's; a scalar.

    Source: Reed et al. 2016, arXiv:1605.05396, algorithm 1 (the matching-aware discriminator).
    Differs: relativistic, like the duel itself.

    Args:
        own: ``(B, K)`` classes of the reals, rows of zeros where not known.
        real_logits: ``(B,)`` of the reals under their own classes.
        wrong_logits: ``(B,)`` of the same reals, each under the class of the row before it.
    """
    other = own.roll(1, 0)
    # Rows whose class is not known, or by chance the same, have nothing to tell apart.
    tells = (own.sum(1) > 0) & (other.sum(1) > 0) & ((own * other).sum(1) == 0)
    return (softplus(wrong_logits - real_logits) * tells).mean()


def generator_terms(players: Players, batch: Batch, noise: Tensor, config: GenerateConfig) -> Terms:
    """Make each fake look more real than the real beside it."""
    augment = modality_of(batch.kind).augment
    fake = augment(players.generator(noise, batch.condition), config.augment, None)
    fake_logits = players.discriminator(fake, batch.condition).float()
    if config.objective == "relativistic":
        real = augment(batch.real, config.augment, None)
        real_logits = players.discriminator(real, batch.condition).float()
    else:
        real_logits = fake_logits.detach()  # the other objectives do not look at it
    return {
        "adversarial": adversarial.OBJECTIVES[config.objective].generator(real_logits, fake_logits)
    }


def schedule(config: GenerateConfig, share: float) -> GenerateConfig:
    """Learning rate and slope weight fall during the run, from broad strokes to detail."""
    curve = cosine if config.fall == "cosine" else exponential
    return exponential("slope")(curve("learning_rate")(config, share), share)


def suggest(some: Batch, rows: int) -> Iterator[Suggestion]:
    """What suits rows of numbers, few pictures, and the spread of the data.

    A squared slope has the unit of logits squared over data squared, so only a weight in the unit
    of data squared means the same for every range, size and kind of data: a share of the summed
    variance. The shares were measured; see ``docs/decisions``.
    """
    kind = modality_of(some.kind)
    pictures = has_image_axes(Spec.of(some))
    if not pictures:
        yield (
            f"{kind.noun[1]}, which plain layers learn: see docs/decisions",
            {
                "noise": max(8, min(64, 2 * some.real[0].numel())),
                "batch": min(512, max(2, rows)),
                "learning_rate": 1e-3,
                "learning_rate_end": 0.01,
                "fall": "cosine",
                "slope_end": 3e-3,
            },
        )
    elif rows < FEW_PICTURES:
        yield f"only {rows} {kind.noun[1]} to train on", {"augment": 0.3}
    variance = float(some.real.flatten(1).var(0).sum())
    share = SLOPE_OF_PICTURES if pictures else SLOPE_OF_ROWS
    weight = float(f"{max(share * variance, 1e-6):.3g}")
    yield f"{share} of the data's variance, {variance:.3g}", {"slope": weight}


def scaling(spec: Spec) -> Sequence[tuple[int, Mapping[str, float]]]:
    """Larger convolutions where there is time for them; of plain layers nobody measured it."""
    return LONGER if has_image_axes(spec) else ()


def presets(config: GenerateConfig) -> Iterator[Suggestion]:
    """Objectives that are asked for as their papers have them."""
    if config.objective == "wasserstein":
        yield (
            "as in its paper, arXiv:1704.00028",
            {"slope": 0.0, "learning_rate": 1e-4, "discriminator_rounds": 5},
        )
    if config.objective == "minimax":
        yield "as in its paper, without a penalty", {"slope": 0.0, "learning_rate": 2e-4}


recipe = Recipe(
    config=GenerateConfig,
    inputs=Inputs(
        slots={
            "sample": Slot(("image", "vector")),
            "vector": Slot(("label",), optional=True),
        }
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_terms,
        generator_losses=generator_terms,
        schedule=schedule,
        suggest=suggest,
        presets=presets,
        scaling=scaling,
        controls=Controls(regularize="slope", augment="augment", pseudo_classes="clusters"),
        calibrated_logits=lambda config: config.objective not in UNCALIBRATED,
    ),
)
