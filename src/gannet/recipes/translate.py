"""Paired image-to-image translation: maps to photos, pencil to paint, grey to colour.

Several different outputs for one input are one setting away; see ``common.image_to_image``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from gannet.core.recipe import (
    Controls,
    Evaluation,
    Inference,
    Inputs,
    Recipe,
    Slot,
    Suggestion,
    Training,
)
from gannet.core.transform import Trained, Transform, TransformInput
from gannet.core.types import Batch, Networks, Spec
from gannet.modalities.image.augment import moved
from gannet.modalities.image.tensors import encoded, scaled_to, sized, with_alpha_of
from gannet.networks.patchgan import PatchGAN, min_side
from gannet.networks.unet import UNetGenerator
from gannet.recipes.common.image_to_image import (
    PairedImageConfig,
    draw_latents,
    mean_absolute_error,
    paired_discriminator_losses,
    paired_generator_losses,
    suggest_perceptual,
    translate_tiled,
)
from gannet.recipes.common.schedules import cosine

PERCEPTUAL = 1.5
"""Perceptual loss weight, where the feature network is installed."""


class TranslateConfig(PairedImageConfig):
    """Settings of ``translate``."""

    pairs: Literal["auto", "folders", "side_by_side", "table", "edges", "grey"] = Field(
        "auto",
        description="where pairs come from: two folders with equal names, pictures side by side, a "
        "table (given,target), or made from any folder: its edges, or it in grey",
    )
    input_side: str = Field(
        "",
        description="input side of the pairs: a folder's name, or left or right; by default the "
        "first",
    )
    adversarial_weight: float = Field(0.05, ge=0, description="adversarial loss weight")
    diversity_weight: float = Field(
        0.05,
        ge=0,
        description="diversity loss weight: reward for outputs that differ; 1 is as much as the "
        "mean gains",
    )
    learning_rate: float = Field(
        6e-4, gt=0, description="learning rate of both optimizers at first"
    )
    gradient_penalty: float = Field(
        0.1,
        ge=0,
        description="weight of the R1 and R2 gradient penalties: keep the discriminator flat",
    )
    flow_copy: bool = Field(
        True,
        description="appearance flow: whether outputs may copy pixels of the input image, "
        "from other positions of it too; only where both have the same channels",
    )
    horizontal_flip: bool = Field(
        True, description="random horizontal flips: whether pairs may be mirrored in training"
    )
    random_shift: float = Field(
        0.06,
        ge=0,
        le=0.5,
        description="random shift: how far pairs are moved in training, as a share of a side",
    )


def build(config: TranslateConfig, spec: Spec) -> Networks:
    """Networks for images of any size; the spec gives their channels."""
    inside, outside = spec.grid[0], spec.shape[0]
    return Networks(
        UNetGenerator(
            inside,
            outside,
            config.width,
            config.downsamplings,
            config.latent_dim,
            flow_copy=config.flow_copy and inside == outside,
            blur_output=True,
        ),
        PatchGAN(outside, inside, config.discriminator_width, bounded=False),
    )


def suggest_config(some: Batch, _rows: int) -> Iterator[Suggestion]:
    """No flow copy of the input where the mean of all targets is nearer to the target."""
    yield from suggest_perceptual(some, PERCEPTUAL)
    if some.condition.grid.shape == some.real.shape:
        copy_error, mean_error = (
            float((predicted - some.real).abs().mean())
            for predicted in (copy_input(some), mean(some))
        )
        if copy_error > mean_error:
            yield (
                f"inputs are further from targets ({copy_error:.2f}) than the targets' mean is "
                f"({mean_error:.2f})",
                {"flow_copy": False},
            )


def corrupt(batch: Batch, rng: torch.Generator, config: TranslateConfig) -> Batch:
    """Flip and shift both images of a pair alike, against overfitting of few pairs."""
    real, given = batch.real, batch.condition.grid
    if config.horizontal_flip:
        flipped = torch.rand(len(batch), 1, 1, 1, generator=rng, device=real.device) < 0.5
        real, given = (torch.where(flipped, each.flip(3), each) for each in (real, given))
    if config.random_shift:
        # A larger image is shifted by proportionally more pixels.
        coarse = min((real, given), key=lambda each: each.shape[2])
        max_shift = round(config.random_shift * min(coarse.shape[2:]))
        uniforms = torch.rand(len(batch), 2, generator=rng, device=real.device)
        shift = ((uniforms * (2 * max_shift + 1)).long() - max_shift).clamp_max(max_shift)
        real, given = (
            moved(each, shift * round(each.shape[2] / coarse.shape[2])) for each in (real, given)
        )
    return replace(batch, real=real, condition=replace(batch.condition, grid=given))


def validation_loss(model: nn.Module, problem: Batch, config: TranslateConfig) -> Tensor:
    """Error of the outputs for zero latents; a scalar.

    Mean absolute error of pixels if only the L1 loss is trained. Otherwise the error of local mean
    and contrast: by pixels, the blurred outputs of the first minutes beat all sharper ones.
    """
    if not (config.adversarial_weight or config.perceptual_weight):
        return mean_absolute_error(model, problem, config)
    zero_latents = torch.zeros(len(problem), config.latent_dim, device=problem.real.device)
    outputs: Tensor = model(zero_latents, problem.condition)
    gaps = [
        (one - other).abs().mean()
        for one, other in zip(
            local_statistics(outputs.float()), local_statistics(problem.real), strict=True
        )
    ]
    return torch.stack(gaps).mean()


def local_statistics(images: Tensor) -> list[Tensor]:
    """Mean and standard deviation per channel in overlapping squares of an eighth of the side."""
    side = max(min(images.shape[2:]) // 8, 1)
    step = max(side // 2, 1)
    mean = avg_pool2d(images, side, step)
    power = avg_pool2d(images.square(), side, step)
    return [mean, (power - mean.square()).clamp_min(0).sqrt()]


def copy_input(batch: Batch) -> Tensor:
    """The input image, with the channels of the target."""
    given, channels = batch.condition.grid, batch.real.shape[1]
    return given if given.shape[1] == channels else given[:, :1].expand(-1, channels, -1, -1)


def mean(batch: Batch) -> Tensor:
    """The mean of all other targets, whatever the input."""
    others = (batch.real.sum(0, keepdim=True) - batch.real) / max(len(batch) - 1, 1)
    return interpolate(others, list(batch.real.shape[2:]))


def transform(
    trained: Trained[TranslateConfig], given: TransformInput, samples: int, seed: int
) -> Sequence[NDArray[np.float32]]:
    """One output per sample, made at the scale of training and of the input's size."""
    translator = trained.model
    assert isinstance(translator, UNetGenerator)
    image = scaled_to(encoded(given.sample, trained.spec.grid[0]), trained.spec.shape)
    latents = draw_latents(samples, trained.config.latent_dim, seed)
    outputs = translate_tiled(translator, image, latents)
    return [with_alpha_of(sized(each, given.sample), given.sample) for each in outputs]


recipe = Recipe(
    config=TranslateConfig,
    inputs=Inputs(
        slots={"sample": Slot(("image",)), "grid": Slot(("image",))},
        given="grid",
        min_size=lambda _: min_side(),
    ),
    training=Training(
        build=build,
        discriminator_losses=paired_discriminator_losses,
        generator_losses=paired_generator_losses,
        corrupt=corrupt,
        schedule=cosine("learning_rate"),
        suggest=suggest_config,
        controls=Controls(
            regularize="gradient_penalty",
            capacity="width",
            pair_layout="pairs",
            pair_input="input_side",
        ),
        adversarial=lambda config: config.adversarial_weight > 0,
    ),
    inference=Inference(
        transforms={
            "answer": Transform(
                description="answers a picture with another", apply=transform, given="grid"
            )
        }
    ),
    evaluation=Evaluation(
        validation_loss=validation_loss,
        reference_methods={"the input itself": copy_input, "the mean of the others": mean},
    ),
)
