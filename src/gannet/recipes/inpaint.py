"""Fill the holes of pictures: known pixels stay as they are, to the bit; several completions.

Holes of any form are cut in training, so a folder of whole pictures is all it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from gannet.core.types import Batch, Condition, Players, Spec, Terms
from gannet.modalities.image.masks import diffused, drawn, fixed
from gannet.modalities.image.tensors import encoded, in_channels
from gannet.networks.patchgan import PatchDiscriminator, least_side
from gannet.networks.unet import Translator
from gannet.recipes.common.image_to_image import (
    PairedConfig,
    answer_terms,
    answers_to,
    judge_terms,
    noises,
)
from gannet.recipes.common.schedules import cosine

HALF = 0.5
"""Brightness above which a mask says that nothing is known."""


class InpaintConfig(PairedConfig):
    """Settings of ``inpaint``."""

    patch: int = Field(
        0, ge=0, le=512, description="side of pieces to train on; 0 for whole pictures in one size"
    )
    most_hidden: float = Field(0.5, gt=0, lt=1, description="largest share of a picture in holes")


class MaskOptions(Options):
    """What may be asked for when a picture is filled."""

    mask: Path | None = Field(
        None, description="white where nothing is known; or a folder of masks"
    )


def build(config: InpaintConfig, spec: Spec) -> Players:
    """Networks that see the picture, with its holes grey, and where these are."""
    channels = spec.shape[0]
    return Players(
        Translator(channels + 1, channels, config.width, config.levels, config.noise),
        PatchDiscriminator(channels, channels + 1, config.judge_width, bounded=False),
    )


def holed(batch: Batch, holes: Tensor) -> Batch:
    """The problem: ``holes`` ``(B, 1, H, W)`` cut into pictures."""
    shown = torch.cat([batch.real * (1 - holes), holes], 1)
    return replace(batch, condition=replace(batch.condition, grid=shown))


def prepare(batch: Batch, rng: torch.Generator, config: InpaintConfig) -> Batch:
    """Cut holes of chance."""
    return holed(batch, drawn(batch.real, rng, config.most_hidden))


def told(batch: Batch, _spec: Spec) -> Condition:
    """Each picture's own holes, the same at every call: a quarter of it."""
    return holed(batch, fixed(batch.real)).condition


def filled(answers: Tensor, problem: Batch) -> Tensor:
    """Answers in the holes, and what is known around them."""
    return patched(answers, problem.condition.grid)


def patched(answers: Tensor, shown: Tensor) -> Tensor:
    """Answers ``(B, C, H, W)`` in the holes of ``shown`` ``(B, C + 1, H, W)``, else its pixels."""
    known, holes = shown[:, :-1], shown[:, -1:]
    return torch.where(holes > 0, answers, known)


def discriminator_terms(
    players: Players, batch: Batch, noise: Tensor, config: InpaintConfig
) -> Terms:
    """Tell whole pictures from filled ones."""
    return judge_terms(players, batch, noise, config, filled)


def generator_terms(players: Players, batch: Batch, noise: Tensor, config: InpaintConfig) -> Terms:
    """Fill holes so that nobody sees where they were."""
    return answer_terms(players, batch, noise, config, filled)


def infer(
    product: nn.Module, noise: Tensor, condition: Condition, _config: InpaintConfig
) -> Tensor:
    """Filled pictures; known pixels are those that were given."""
    return patched(product(noise, condition), condition.grid)


def error(product: nn.Module, problem: Batch, config: InpaintConfig) -> Tensor:
    """Mean absolute error in the holes, without noise; a scalar."""
    still = torch.zeros(len(problem), config.noise, device=problem.real.device)
    off = (infer(product, still, problem.condition, config) - problem.real).abs()
    holes = problem.condition.grid[:, -1:]
    return (off * holes).sum() / (holes.sum() * off.shape[1]).clamp_min(1)


def smooth(batch: Batch) -> Tensor:
    """Holes filled as if their rims had spread into them."""
    grid = batch.condition.grid
    return diffused(grid[:, :-1], grid[:, -1:])


def biharmonic(batch: Batch) -> Tensor:
    """Holes filled by scikit-image: smooth, with slopes that go on across the rim."""
    from skimage.restoration import inpaint_biharmonic  # an extra, and slow to import

    grid = batch.condition.grid.double().cpu().numpy()
    made: list[NDArray[np.float64]] = [
        inpaint_biharmonic(each[:-1].transpose(1, 2, 0), each[-1] > 0, channel_axis=-1)
        for each in grid
    ]
    return torch.from_numpy(np.stack(made).transpose(0, 3, 1, 2)).to(batch.real).clamp(-1, 1)


PLAINLY = {"diffusion": smooth}
if find_spec("skimage"):  # of the extra `pictures`
    PLAINLY["biharmonic"] = biharmonic


def turn(
    trained: Trained[InpaintConfig], given: TransformInput, draws: int, seed: int
) -> Sequence[NDArray[np.float32]]:
    """One completion per draw, at the size of the picture; holes are its mask, or are see-through.

    Raises:
        DataError: if there are no holes.
    """
    translator, channels = trained.product, trained.spec.shape[0]
    assert isinstance(translator, Translator)
    picture, shown = given.sample, given.files.get("mask")
    mask = np.zeros((0, 0), np.bool_)
    if shown is not None:
        mask = shown[:, :, : 1 if shown.shape[2] < 3 else 3].mean(2) > HALF
    if not mask.size and picture.shape[2] in (2, 4):
        mask, picture = picture[..., -1] == 0, picture[..., :-1]
    if not mask.any():
        raise DataError(
            "no holes to fill",
            remedy="Give --mask, white where nothing is known, or a picture that is see-through "
            "there.",
        )
    holes = torch.from_numpy(mask.astype(np.float32))[None, None]
    seen = torch.cat([encoded(picture, channels) * (1 - holes), holes], 1)
    made = answers_to(translator, seen, noises(draws, trained.config.noise, seed))
    # What is known is never computed, so it stays as it was to the bit.
    return [
        np.where(mask[..., None], in_channels(each, picture.shape[2]), picture) for each in made
    ]


recipe = Recipe(
    config=InpaintConfig,
    inputs=Inputs(
        slots={"sample": Slot(("image",))},
        derived=frozenset({"grid"}),
        conditional=True,
        crop_size=lambda config: config.patch,
        min_size=lambda _: least_side(),
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_terms,
        generator_losses=generator_terms,
        corrupt=prepare,
        schedule=cosine("learning_rate"),
        controls=Controls(regularize="slope"),
        adversarial=lambda config: config.adversarial > 0,
    ),
    inference=Inference(
        infer=infer,
        transforms={
            "fill": Transform(
                words="fills the holes of a picture",
                apply=turn,
                takes="grid",
                options=MaskOptions,
                keeps_input=True,
            )
        },
    ),
    evaluation=Evaluation(condition=told, validation_loss=error, reference_methods=PLAINLY),
)
