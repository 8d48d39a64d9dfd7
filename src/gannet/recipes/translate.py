"""Picture to picture, learnt from pairs: maps to photos, pencil to paint, grey to colour.

Several different answers to one picture are one setting away; see ``gannet.answering``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn.functional import interpolate

from gannet.answering import (
    AnswerConfig,
    answer_terms,
    answers_to,
    encoded,
    error_of,
    falling,
    judge_terms,
    noises,
    scaled_to,
)
from gannet.judging import least_side
from gannet.networks.patches import PatchDiscriminator, Translator
from gannet.recipe import Column, Given, Recipe, Trained, Turning
from gannet.types import Batch, Players, Spec, Terms


class Config(AnswerConfig):
    """Settings of ``translate``."""

    pairs: Literal["auto", "folders", "side_by_side", "table", "edges", "grey"] = Field(
        "auto",
        description="where pairs come from: two folders with equal names, pictures side by side, a "
        "table (given,target), or made from any folder: its edges, or it in grey",
    )
    given: str = Field(
        "", description="what is given: a folder's name, or left or right; by default the first"
    )


def build(config: Config, spec: Spec) -> Players:
    """Networks for pictures of any size; the spec says their channels."""
    inside, outside = spec.grid[0], spec.shape[0]
    return Players(
        Translator(inside, outside, config.width, config.levels, config.noise),
        PatchDiscriminator(outside, inside, config.judge_width, bounded=False),
    )


def discriminator_terms(players: Players, batch: Batch, noise: Tensor, config: Config) -> Terms:
    """Tell each target from the answer to the picture beside it."""
    return judge_terms(players, batch, noise, config)


def generator_terms(players: Players, batch: Batch, noise: Tensor, config: Config) -> Terms:
    """Answers that pass for targets, whose mean is near them, and that differ where they may."""
    return answer_terms(players, batch, noise, config)


def schedule(config: Config, share: float) -> Config:
    """The learning rate falls like a cosine."""
    now = falling(config, share)
    assert isinstance(now, Config)
    return now


def copied(batch: Batch) -> Tensor:
    """The given picture itself, as far as its channels go."""
    given, wanted = batch.condition.grid, batch.real.shape[1]
    return given if given.shape[1] == wanted else given[:, :1].expand(-1, wanted, -1, -1)


def mean(batch: Batch) -> Tensor:
    """The mean of all other targets, which knows nothing of what is given."""
    rest = (batch.real.sum(0, keepdim=True) - batch.real) / max(len(batch) - 1, 1)
    return interpolate(rest, list(batch.real.shape[2:]))


def turn(
    trained: Trained[Config], given: Given, draws: int, seed: int
) -> Sequence[NDArray[np.float32]]:
    """One answer per draw, at the size of training: its shorter side becomes that one's."""
    translator = trained.product
    assert isinstance(translator, Translator)
    seen = scaled_to(encoded(given.picture, trained.spec.grid[0]), trained.spec.shape)

    return answers_to(translator, seen, noises(draws, trained.config.noise, seed))


recipe = Recipe(
    config=Config,
    columns={"real": Column(("image",)), "grid": Column(("image",))},
    build=build,
    discriminator_terms=discriminator_terms,
    generator_terms=generator_terms,
    schedule=schedule,
    error=error_of,
    least=lambda _: least_side(),
    plainly={"the input itself": copied, "the mean of the others": mean},
    turning=Turning(takes="image", words="answers a picture with another", turn=turn),
)
