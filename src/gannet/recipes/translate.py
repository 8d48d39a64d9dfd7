"""Picture to picture, learnt from pairs: maps to photos, pencil to paint, grey to colour.

Several different answers to one picture are one setting away; see ``common.image_to_image``.
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
from gannet.core.types import Batch, Players, Spec
from gannet.modalities.image.augment import moved
from gannet.modalities.image.tensors import encoded, scaled_to
from gannet.networks.patchgan import PatchDiscriminator, least_side
from gannet.networks.unet import Translator
from gannet.recipes.common.image_to_image import (
    PairedConfig,
    answer_terms,
    answers_to,
    error_of,
    judge_terms,
    noises,
    suggest_sight,
)
from gannet.recipes.common.schedules import cosine

PERCEPTUAL = 1.5
"""Weight of what a network trained on photos sees, where it is installed."""


class TranslateConfig(PairedConfig):
    """Settings of ``translate``."""

    pairs: Literal["auto", "folders", "side_by_side", "table", "edges", "grey"] = Field(
        "auto",
        description="where pairs come from: two folders with equal names, pictures side by side, a "
        "table (given,target), or made from any folder: its edges, or it in grey",
    )
    given: str = Field(
        "", description="what is given: a folder's name, or left or right; by default the first"
    )
    adversarial: float = Field(0.05, ge=0, description="weight of the duel")
    diversity: float = Field(
        0.05, ge=0, description="reward for answers that differ; 1 is as much as the mean gains"
    )
    learning_rate: float = Field(6e-4, gt=0, description="step size of both optimisers at first")
    slope: float = Field(0.1, ge=0, description="weight of the discriminator's slope penalties")
    takes: bool = Field(
        True,
        description="whether answers may take pixels of the given picture, from other places of it "
        "too; only where both have the same channels",
    )
    mirror: bool = Field(True, description="whether pairs may be mirrored in training")
    jitter: float = Field(
        0.06, ge=0, le=0.5, description="how far pairs are moved in training, as a share of a side"
    )


def build(config: TranslateConfig, spec: Spec) -> Players:
    """Networks for pictures of any size; the spec says their channels."""
    inside, outside = spec.grid[0], spec.shape[0]
    return Players(
        Translator(
            inside,
            outside,
            config.width,
            config.levels,
            config.noise,
            copies=config.takes and inside == outside,
            smooth=True,
        ),
        PatchDiscriminator(outside, inside, config.judge_width, bounded=False),
    )


def suggest(some: Batch, _rows: int) -> Iterator[Suggestion]:
    """Not to start from what is given where a mean of targets that knows nothing is nearer."""
    yield from suggest_sight(some, PERCEPTUAL)
    if some.condition.grid.shape == some.real.shape:
        own, knowing_nothing = (
            float((made - some.real).abs().mean()) for made in (copied(some), mean(some))
        )
        if own > knowing_nothing:
            yield (
                f"what is given is further from targets ({own:.2f}) than their mean is "
                f"({knowing_nothing:.2f})",
                {"takes": False},
            )


def prepare(batch: Batch, rng: torch.Generator, config: TranslateConfig) -> Batch:
    """Mirror and move both pictures of a pair alike, so that few pairs last longer."""
    real, given = batch.real, batch.condition.grid
    if config.mirror:
        turned = torch.rand(len(batch), 1, 1, 1, generator=rng, device=real.device) < 0.5
        real, given = (torch.where(turned, each.flip(3), each) for each in (real, given))
    if config.jitter:
        # Where one picture is larger, it moves by as many of its pixels as are one of the other's.
        coarse = min((real, given), key=lambda each: each.shape[2])
        reach = round(config.jitter * min(coarse.shape[2:]))
        drawn = torch.rand(len(batch), 2, generator=rng, device=real.device)
        way = ((drawn * (2 * reach + 1)).long() - reach).clamp_max(reach)
        real, given = (
            moved(each, way * round(each.shape[2] / coarse.shape[2])) for each in (real, given)
        )
    return replace(batch, real=real, condition=replace(batch.condition, grid=given))


def wrong(product: nn.Module, problem: Batch, config: TranslateConfig) -> Tensor:
    """How wrong the answers to no noise are.

    Pixel by pixel if that is all that they learn from. Else by colour and contrast around each
    place: by single pixels the blurred answers of the first minutes beat all the sharp ones after.
    """
    if not (config.adversarial or config.perceptual):
        return error_of(product, problem, config)
    still = torch.zeros(len(problem), config.noise, device=problem.real.device)
    made: Tensor = product(still, problem.condition)
    gaps = [
        (one - other).abs().mean()
        for one, other in zip(around(made.float()), around(problem.real), strict=True)
    ]
    return torch.stack(gaps).mean()


def around(pictures: Tensor) -> list[Tensor]:
    """Mean and deviation of each colour in squares of an eighth of the side, which overlap."""
    side = max(min(pictures.shape[2:]) // 8, 1)
    step = max(side // 2, 1)
    mean = avg_pool2d(pictures, side, step)
    power = avg_pool2d(pictures.square(), side, step)
    return [mean, (power - mean.square()).clamp_min(0).sqrt()]


def copied(batch: Batch) -> Tensor:
    """The given picture itself, as far as its channels go."""
    given, wanted = batch.condition.grid, batch.real.shape[1]
    return given if given.shape[1] == wanted else given[:, :1].expand(-1, wanted, -1, -1)


def mean(batch: Batch) -> Tensor:
    """The mean of all other targets, which knows nothing of what is given."""
    rest = (batch.real.sum(0, keepdim=True) - batch.real) / max(len(batch) - 1, 1)
    return interpolate(rest, list(batch.real.shape[2:]))


def turn(
    trained: Trained[TranslateConfig], given: TransformInput, draws: int, seed: int
) -> Sequence[NDArray[np.float32]]:
    """One answer per draw, at the size of training: its shorter side becomes that one's."""
    translator = trained.product
    assert isinstance(translator, Translator)
    seen = scaled_to(encoded(given.sample, trained.spec.grid[0]), trained.spec.shape)

    return answers_to(translator, seen, noises(draws, trained.config.noise, seed))


recipe = Recipe(
    config=TranslateConfig,
    inputs=Inputs(
        slots={"sample": Slot(("image",)), "grid": Slot(("image",))},
        conditional=True,
        min_size=lambda _: least_side(),
    ),
    training=Training(
        build=build,
        discriminator_losses=judge_terms,
        generator_losses=answer_terms,
        corrupt=prepare,
        schedule=cosine("learning_rate"),
        suggest=suggest,
        controls=Controls(regularize="slope", pair_layout="pairs", pair_input="given"),
        adversarial=lambda config: config.adversarial > 0,
    ),
    inference=Inference(
        transforms={
            "answer": Transform(words="answers a picture with another", apply=turn, takes="grid")
        }
    ),
    evaluation=Evaluation(
        validation_loss=wrong,
        reference_methods={"the input itself": copied, "the mean of the others": mean},
    ),
)
