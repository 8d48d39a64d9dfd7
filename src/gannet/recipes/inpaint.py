"""Inpainting: fill the holes of images, with known pixels unchanged; several completions.

Random masks are applied in training, so a folder of complete images is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from gannet.core.errors import DataError
from gannet.core.recipe import Controls, Evaluation, Inference, Inputs, Recipe, Slot, Training
from gannet.core.transform import Options, Trained, Transform, TransformInput
from gannet.core.types import Batch, Condition, Losses, Networks, Spec
from gannet.modalities.image.masks import (
    content_masks,
    fill_by_diffusion,
    marked_pixels,
    random_masks,
)
from gannet.modalities.image.tensors import encoded, in_channels
from gannet.networks.patchgan import PatchGAN, min_side
from gannet.networks.unet import UNetGenerator
from gannet.recipes.common.image_to_image import (
    PairedImageConfig,
    draw_latents,
    paired_discriminator_losses,
    paired_generator_losses,
    translate_tiled,
)
from gannet.recipes.common.schedules import cosine

MOST = 0.5
"""Fraction of the picture that a mask marks, above which it may be inverted."""


class InpaintConfig(PairedImageConfig):
    """Settings of ``inpaint``."""

    crop_size: int = Field(
        0,
        ge=0,
        le=512,
        description="crop size: side of crops to train on; 0 for whole images in one size",
    )
    max_mask_ratio: float = Field(
        0.5, gt=0, lt=1, description="maximum mask ratio: largest fraction of an image in holes"
    )


class MaskOptions(Options):
    """Options of filling an image."""

    mask: Path | None = Field(
        None, description="white where nothing is known; or a folder of masks"
    )


def build(config: InpaintConfig, spec: Spec) -> Networks:
    """Networks whose input is the image, grey in its holes, and the mask."""
    channels = spec.shape[0]
    return Networks(
        UNetGenerator(
            channels + 1, channels, config.width, config.downsamplings, config.latent_dim
        ),
        PatchGAN(channels, channels + 1, config.discriminator_width, bounded=False),
    )


def masked(batch: Batch, mask: Tensor) -> Batch:
    """Mask images with ``mask`` ``(B, 1, H, W)``; the condition is the rest and the mask."""
    grid = torch.cat([batch.real * (1 - mask), mask], 1)
    return replace(batch, condition=replace(batch.condition, grid=grid))


def corrupt(batch: Batch, rng: torch.Generator, config: InpaintConfig) -> Batch:
    """Apply random masks."""
    return masked(batch, random_masks(batch.real, rng, config.max_mask_ratio))


def evaluation_condition(batch: Batch, _spec: Spec) -> Condition:
    """A mask of a quarter of each image, the same at every call."""
    return masked(batch, content_masks(batch.real)).condition


def filled(outputs: Tensor, problem: Batch) -> Tensor:
    """Outputs inside the holes, known pixels outside."""
    return patched(outputs, problem.condition.grid)


def patched(outputs: Tensor, grid: Tensor) -> Tensor:
    """Outputs ``(B, C, H, W)`` in the holes of ``grid`` ``(B, C + 1, H, W)``, else its pixels."""
    observed, mask = grid[:, :-1], grid[:, -1:]
    return torch.where(mask > 0, outputs, observed)


def discriminator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: InpaintConfig
) -> Losses:
    """Adversarial loss of complete images against filled ones."""
    return paired_discriminator_losses(networks, batch, noise, config, filled)


def generator_losses(
    networks: Networks, batch: Batch, noise: Tensor, config: InpaintConfig
) -> Losses:
    """Losses of filled images; see ``paired_generator_losses``."""
    return paired_generator_losses(networks, batch, noise, config, filled)


def infer(model: nn.Module, noise: Tensor, condition: Condition, _config: InpaintConfig) -> Tensor:
    """Filled images; known pixels are unchanged."""
    return patched(model(noise, condition), condition.grid)


def validation_loss(model: nn.Module, problem: Batch, config: InpaintConfig) -> Tensor:
    """Mean absolute error in the holes, for zero latents; a scalar."""
    zero_latents = torch.zeros(len(problem), config.latent_dim, device=problem.real.device)
    errors = (infer(model, zero_latents, problem.condition, config) - problem.real).abs()
    mask = problem.condition.grid[:, -1:]
    return (errors * mask).sum() / (mask.sum() * errors.shape[1]).clamp_min(1)


def diffusion_fill(batch: Batch) -> Tensor:
    """Holes filled by diffusion from their rims."""
    grid = batch.condition.grid
    return fill_by_diffusion(grid[:, :-1], grid[:, -1:])


def biharmonic(batch: Batch) -> Tensor:
    """Holes filled by biharmonic inpainting of scikit-image, smooth across the rim."""
    from skimage.restoration import inpaint_biharmonic  # an extra, and slow to import

    grid = batch.condition.grid.double().cpu().numpy()
    images: list[NDArray[np.float64]] = [
        inpaint_biharmonic(each[:-1].transpose(1, 2, 0), each[-1] > 0, channel_axis=-1)
        for each in grid
    ]
    return torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2)).to(batch.real).clamp(-1, 1)


REFERENCE_METHODS = {"diffusion": diffusion_fill}
if find_spec("skimage"):  # of the extra `pictures`
    REFERENCE_METHODS["biharmonic"] = biharmonic


def _check_mask(
    mask: NDArray[np.bool_], image: NDArray[np.float32], warn: Callable[[str], None]
) -> None:
    """Say what was seen in a mask that marks nothing, all, or most of the picture.

    Raises:
        DataError: if it marks nothing, or all.
    """
    fraction = float(mask.mean())
    if 0 < fraction <= MOST:
        return
    low, high = (round(255 * float(value)) for value in (image.min(), image.max()))
    marked = f"{100 * fraction:.0f} % of the picture"
    found = f"a mask with values from {low} to {high}, which marks {marked}"
    if 0 < fraction < 1:
        warn(f"{found}: is it inverted? White is filled, black is kept")
        return
    raise DataError(
        f"no holes to fill: {found}" if not fraction else f"nothing is known: {found}",
        remedy="Give a mask that is white where pixels are to be filled and black elsewhere.",
    )


def transform(
    trained: Trained[InpaintConfig], given: TransformInput, samples: int, seed: int
) -> Sequence[NDArray[np.float32]]:
    """One completion per sample, at the size of the image; holes are its mask, or transparent.

    Raises:
        DataError: if there are no holes.
    """
    translator, channels = trained.model, trained.spec.shape[0]
    assert isinstance(translator, UNetGenerator)
    image, mask_image = given.sample, given.files.get("mask")
    mask = np.zeros((0, 0), np.bool_)
    if mask_image is not None:
        mask = marked_pixels(mask_image)
        _check_mask(mask, mask_image, given.warn)
    if not mask.size and image.shape[2] in (2, 4):
        mask, image = image[..., -1] == 0, image[..., :-1]
    if not mask.any():
        raise DataError(
            "no holes to fill",
            remedy="Give --mask, white where pixels are to be filled, or a picture that is "
            "transparent there.",
        )
    mask_tensor = torch.from_numpy(mask.astype(np.float32))[None, None]
    inputs = torch.cat([encoded(image, channels) * (1 - mask_tensor), mask_tensor], 1)
    outputs = translate_tiled(
        translator, inputs, draw_latents(samples, trained.config.latent_dim, seed)
    )
    # Known pixels are copied from the input, so they stay the same to the bit.
    return [np.where(mask[..., None], in_channels(each, image.shape[2]), image) for each in outputs]


recipe = Recipe(
    config=InpaintConfig,
    inputs=Inputs(
        slots={"sample": Slot(("image",))},
        derived=frozenset({"grid"}),
        given="grid",
        crop_size=lambda config: config.crop_size,
        min_size=lambda _: min_side(),
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_losses,
        generator_losses=generator_losses,
        corrupt=corrupt,
        schedule=cosine("learning_rate"),
        controls=Controls(regularize="gradient_penalty", capacity="width"),
        adversarial=lambda config: config.adversarial_weight > 0,
    ),
    inference=Inference(
        infer=infer,
        transforms={
            "fill": Transform(
                description="fills the holes of a picture",
                apply=transform,
                given="grid",
                options=MaskOptions,
                keeps_input=True,
            )
        },
    ),
    evaluation=Evaluation(
        condition=evaluation_condition,
        validation_loss=validation_loss,
        reference_methods=REFERENCE_METHODS,
    ),
)
