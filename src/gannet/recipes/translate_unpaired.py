"""Picture to picture, learnt from two heaps without pairs: photos and paintings, young and old.

One network goes both ways. It is told the side that is wanted; what it makes must pass there, and
must lead back to the picture that it came from.

Source: Zhu et al. 2017, arXiv:1703.10593 (there and back, and pictures that stay as they are);
Choi et al. 2019, arXiv:1912.01865 (one network for all sides, which noise steers). Differs:
relativistic duel; what is made is the change of the picture; the statistics of what the
discriminator sees are matched (Salimans et al. 2016, arXiv:1606.03498, section 3.1); that answers
differ is rewarded up to a bound only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from gannet.core.errors import ConfigError, DataError
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
from gannet.core.transform import Options, Trained, Transform, TransformInput
from gannet.core.types import Batch, Condition, Players, Spec, Terms
from gannet.losses import adversarial as losses
from gannet.losses.feature_matching import habits, matching
from gannet.losses.projected import glanced_apart, passed_glances
from gannet.modalities.image.reading.two_sides import check_two_sides
from gannet.modalities.image.tensors import encoded, scaled_to
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.registry import modality_of
from gannet.networks.patchgan import PatchDiscriminator, least_side
from gannet.networks.perceptual import Glances
from gannet.networks.unet import Translator
from gannet.recipes.common.image_to_image import (
    AnswerConfig,
    answers_to,
    noises,
    parts,
    suggest_sight,
    told_apart,
)
from gannet.recipes.common.schedules import cosine

SIDES, STILL = 2, 4
FEW_PICTURES = 1_000
"""Below this many, the discriminator sees most of them changed."""

PERCEPTUAL = 0.7
"""Weight of the duel in what a network trained on photos sees, where it is installed."""


class TranslateUnpairedConfig(AnswerConfig):
    """Settings of ``translate_unpaired``."""

    levels: int = Field(3, ge=1, le=7, description="halvings of the generator")
    patch: int = Field(
        0, ge=0, le=512, description="side of pieces to train on; 0 for whole pictures in one size"
    )
    mirror: bool = Field(True, description="whether pictures may be mirrored in training")
    judge_levels: int = Field(3, ge=1, le=6, description="halvings of the discriminator")
    pixel: float = Field(0.3, ge=0, description="weight of what is lost on the way there and back")
    same: float = Field(
        0.1, ge=0, description="weight of what changes in pictures of the wanted side"
    )
    adversarial: float = Field(0.7, ge=0, description="weight of the duel")
    matching: float = Field(
        2.0, ge=0, description="weight of the statistics of what the discriminator sees"
    )
    perceptual: float = Field(
        0.0,
        ge=0,
        description="weight of the duel in what a network trained on photos sees; takes the extra "
        "`features`",
    )
    slope: float = Field(0.1, ge=0, description="weight of the discriminator's slope penalties")
    learning_rate: float = Field(3e-4, gt=0, description="step size of both optimisers at first")
    augment: float = Field(
        0.3, ge=0, le=1, description="share of pictures that the discriminator sees changed"
    )
    diversity: float = Field(0.1, ge=0, description="weight of answers that differ")
    apart: float = Field(
        0.1, gt=0, le=1, description="how far two answers shall differ; 1 is half the range"
    )


class SideOptions(Options):
    """What must be said when a picture is translated."""

    to: str = Field("", description="side that the picture shall become like, by its folder's name")


def build(config: TranslateUnpairedConfig, spec: Spec) -> Players:
    """Networks for pictures of any size that know two sides.

    Raises:
        DataError: if there are not two.
    """
    if spec.vector != SIDES:
        raise DataError(
            f"{spec.vector or 'no'} sides, expected two",
            remedy="Give a folder with two folders of pictures, one per side.",
        )
    channels = spec.shape[0]
    return Players(
        Translator(
            channels,
            channels,
            config.width,
            config.levels,
            config.noise,
            classes=SIDES,
            changes=True,
        ),
        PatchDiscriminator(
            channels,
            0,
            config.judge_width,
            config.judge_levels,
            classes=SIDES,
            bounded=False,
            glances=Glances(SIDES) if config.perceptual else None,
        ),
    )


def suggest(some: Batch, rows: int) -> Iterator[Suggestion]:
    """Few pictures are soon known by heart, unless the discriminator sees them changed."""
    yield from suggest_sight(some, PERCEPTUAL, "perceptual")
    if rows < FEW_PICTURES:
        yield f"only {rows} pictures to train on", {"augment": 0.7}


def prepare(batch: Batch, rng: torch.Generator, config: TranslateUnpairedConfig) -> Batch:
    """Give to each picture one of the other side that shall become like it."""
    real, side = batch.real, batch.condition.vector
    if config.mirror:
        turned = torch.rand(len(batch), 1, 1, 1, generator=rng, device=real.device) < 0.5
        real = torch.where(turned, real.flip(3), real)
    # Where a batch holds one side only, any picture is better than none.
    fit = (side @ side.T == 0).float() + 1e-9
    chosen = torch.multinomial(fit, 1, generator=rng).squeeze(1)
    condition = replace(batch.condition, grid=real[chosen])
    return replace(batch, real=real, condition=condition)


def told(batch: Batch, _spec: Spec) -> Condition:
    """To each picture one of the other side, by turns; one whose side is not known stays alone."""
    vector = batch.condition.vector
    side = torch.where(vector.sum(1) > 0, vector.argmax(1), -1)
    chosen = torch.arange(len(batch))
    places = [(side == each).nonzero().squeeze(1) for each in range(SIDES)]
    for mine, others in ((places[0], places[1]), (places[1], places[0])):
        if len(others):
            chosen[mine] = others[torch.arange(len(mine)) % len(others)]
    return replace(batch.condition, grid=batch.real[chosen])


def some_still(noise: Tensor) -> Tensor:
    """Noise ``(B, Z)``, none in each fourth row: that is the answer that people ask for most."""
    rows = torch.arange(len(noise), device=noise.device)[:, None]
    return noise * (rows % STILL != STILL - 1).to(noise)


def discriminator_terms(
    players: Players, batch: Batch, noise: Tensor, config: TranslateUnpairedConfig
) -> Terms:
    """Tell pictures of each side from those made for it, and stay flat around both."""
    translator, judge = parts(players)
    with torch.no_grad():
        fake = translator(some_still(noise), batch.condition).float()
    # The same kinds of changes for both sides, or few pictures would be known by heart.
    augment = modality_of(batch.kind).augment
    real, fake = (augment(each, config.augment, None) for each in (batch.real, fake))
    terms = dict(told_apart(judge, replace(batch, real=real), fake, config.slope))
    if judge.glances is not None:
        # Of no weight: they share none with the judge of pixels.
        terms["perceptual"] = glanced_apart(judge.glances, real, fake, batch.condition.vector)
    return terms


def generator_terms(
    players: Players, batch: Batch, noise: Tensor, config: TranslateUnpairedConfig
) -> Terms:
    """Pictures that pass on the other side, and lead back; several, if noise says so."""
    translator, judge = parts(players)
    side, given, count = batch.condition, batch.condition.grid, len(batch)
    fake = translator(some_still(noise), side).float()
    augment = modality_of(batch.kind).augment
    shown = [augment(each, config.augment, None) for each in (batch.real, fake)]
    real_seen, seen = (judge.features(each, side) for each in shown)
    won = losses.relativistic_generator(real_seen[-1].float(), seen[-1].float())
    usual = [habits(each[:-1], side.vector) for each in (real_seen, seen)]
    terms = {
        "adversarial": config.adversarial * won,
        "matching": config.matching * matching(usual[0], usual[1]),
    }
    if judge.glances is not None:
        passed = passed_glances(judge.glances, shown[0], shown[1], side.vector)
        terms["perceptual"] = config.perceptual * passed
    # In one pass, of half the batch each, which is enough to keep the way and half as dear: what
    # was made, back to where it came from; and reals, to what they are.
    half = max(count // 2, 1)
    ways = torch.cat([1 - side.vector[:half], side.vector[-half:]])
    grid = torch.cat([fake[:half], batch.real[-half:]])
    # By noise like that above: were it always none, none would come to mean that nothing changes.
    back = some_still(torch.cat([noise[-half:], noise[:half]]))
    again = translator(back, Condition(ways, grid, grid[:, 0, :0, :0])).float()
    terms["cycle"] = config.pixel * (again[:half] - given[:half]).abs().mean()
    terms["same"] = config.same * (again[half:] - batch.real[-half:]).abs().mean()
    if config.noise and config.diversity:
        few = max(count // 4, 1)
        # The noise of the row before: as independent as fresh noise, and repeatable.
        other = translator(noise.roll(1, 0)[:few], side[:few]).float()
        reached = (other - fake[:few]).abs().flatten(1).mean(1) / config.apart
        terms["diversity"] = config.diversity * (1 - reached).clamp_min(0).mean()
    return terms


def copied(batch: Batch) -> Tensor:
    """The given picture itself."""
    return batch.condition.grid


def sides_of(trained: Trained[TranslateUnpairedConfig]) -> LabelCodec:
    """The names of the two sides."""
    names = trained.codecs["vector"]
    assert isinstance(names, LabelCodec)
    return names


def check_side(trained: Trained[TranslateUnpairedConfig], asked: SideOptions) -> None:
    """Refuse a side that the run does not know.

    Raises:
        ConfigError: naming those that it knows.
    """
    sides = sides_of(trained).classes
    if asked.to not in sides:
        said = f"--to: no side called {asked.to}" if asked.to else "--to is missing"
        ways = " or ".join(f"--to {each}" for each in sides)
        raise ConfigError(said, remedy=f"Give {ways}.")


def turn(
    trained: Trained[TranslateUnpairedConfig], given: TransformInput, draws: int, seed: int
) -> Sequence[NDArray[np.float32]]:
    """One answer per draw; of a run on whole pictures, at their size."""
    translator, names = trained.product, sides_of(trained)
    assert isinstance(translator, Translator)
    assert isinstance(given.options, SideOptions)
    seen = encoded(given.sample, trained.spec.shape[0])
    if not trained.config.patch:
        seen = scaled_to(seen, trained.spec.shape)
    side = names.rows(np.array([names.index(given.options.to)]))
    return answers_to(translator, seen, noises(draws, trained.config.noise, seed), side)


recipe = Recipe(
    config=TranslateUnpairedConfig,
    inputs=Inputs(
        slots={"sample": Slot(("image",)), "vector": Slot(("label",))},
        derived=frozenset({"grid"}),
        paired=False,
        conditional=True,
        crop_size=lambda config: config.patch,
        min_size=lambda config: least_side(config.judge_levels),
        check=check_two_sides,
    ),
    training=Training(
        build=build,
        discriminator_losses=discriminator_terms,
        generator_losses=generator_terms,
        corrupt=prepare,
        schedule=cosine("learning_rate"),
        suggest=suggest,
        # Measured on 20 dark and 28 bright pictures of 32 pixels, 150 steps: a brightness of 40,
        # which should have become 190, became 186 in 32 bit and 42 in 16 bit.
        float32_only=True,
        controls=Controls(regularize="slope", augment="augment"),
        adversarial=lambda config: config.adversarial > 0,
    ),
    inference=Inference(
        transforms={
            "translate": Transform(
                words="turns a picture of one side into one of the other",
                apply=turn,
                takes="grid",
                options=SideOptions,
                check=check_side,
            )
        }
    ),
    evaluation=Evaluation(condition=told, reference_methods={"the input itself": copied}),
)
