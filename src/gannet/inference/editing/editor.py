"""A run with its attributes and latent directions, computed once for editing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.codec import Codec, class_number
from gannet.core.config import either
from gannet.core.device import device_of
from gannet.core.errors import ConfigError, DataError
from gannet.inference.artifact import Artifact
from gannet.inference.editing import directions as ways
from gannet.inference.editing.attributes import Attribute, CachedMeasure, measured, of_classes
from gannet.inference.editing.direction_names import (
    UNNAMED,
    Direction,
    describe_direction,
    distinct,
    name_directions,
)
from gannet.inference.editing.inversion import InversionSettings, InvertedImage, find
from gannet.inference.editing.labeled_attributes import labeled_attributes
from gannet.inference.editing.latent_generator import LatentGenerator
from gannet.inference.editing.saved import SUFFIX, load_latents
from gannet.modalities.modality import Modality
from gannet.modalities.registry import modalities
from gannet.networks.convolutional import ProjectionDiscriminator
from gannet.networks.features import in_chunks
from gannet.recipes.registry import find_recipe, recipe_modules

Pixels = NDArray[np.uint8]

LISTED = 10
"""Number of directions by each method."""

SAMPLES = 2_000
"""Number of samples that the direction of an attribute is learned from."""

QUICK = InversionSettings(starts=500, tries=4, steps=150, tuning=0)
"""Fast inversion of examples, whose noise need not be exact."""

MIN_EXAMPLES = 2
"""Minimum number of positive, and of negative, examples."""

POSITIVE = "positive"
UNSUPERVISED = "found"
"""Origin of directions that were found without labels."""


@dataclass(frozen=True, slots=True)
class LabeledExamples:
    """Labeled data of the user.

    Attributes:
        labels: Data whose labels and numeric columns become attributes.
        positive: A folder of images; the direction towards them is called ``positive``.
        negative: A folder of images; the direction leads away from them.
        seed: Random seed.
    """

    labels: Path | None = None
    positive: Path | None = None
    negative: Path | None = None
    seed: int = 0


NO_EXAMPLES = LabeledExamples()


def latent_generator_of(artifact: Artifact) -> LatentGenerator:
    """The generator of a run as a function of its latent noise.

    Raises:
        ConfigError: if the run makes no images from noise.
    """
    card = artifact.card
    run_name = f"a run of the recipe {card.recipe}"
    kinds = [each for each in modalities() if each.inference.editable]
    many = " or ".join(each.noun[1] for each in kinds)
    if not artifact.modality.inference.editable:
        raise ConfigError(
            f"{run_name} makes no {many}, which is what `gannet edit` edits",
            remedy=f"Give a run of {_editable_recipes(kinds)} that was trained on {many}.",
        )
    if artifact.recipe.inputs.conditional or not artifact.config.latent_dim:
        raise ConfigError(
            f"{run_name} makes no {artifact.modality.noun[1]} from noise alone",
            remedy="Use `gannet apply RUN INPUT --out OUT`, or give a run of "
            f"{_editable_recipes(kinds)}.",
        )
    infer = artifact.recipe.inference.infer
    return LatentGenerator(
        network=artifact.model,
        spec=card.spec,
        latent_dim=artifact.config.latent_dim,
        pseudo_classes=artifact.pseudo_classes,
        class_frequencies=tuple(card.class_frequencies or ()),
        infer=lambda network, noise, condition: infer(network, noise, condition, artifact.config),
    )


@dataclass(frozen=True)
class Editor:
    """A run with its attributes and latent directions, each computed once.

    Attributes:
        artifact: The trained run.
        examples: Labeled data of the user.
    """

    artifact: Artifact
    examples: LabeledExamples = NO_EXAMPLES

    @cached_property
    def generator(self) -> LatentGenerator:
        """The run's generator as a function of its latent noise."""
        return latent_generator_of(self.artifact)

    @cached_property
    def codec(self) -> Codec[Any]:
        """Codec of its images."""
        return self.artifact.codec

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """All attributes, those of the user's labels included."""
        measurable = measured(self.generator.spec.shape[0])
        if self.examples.labels is None:
            return measurable
        used_names = (*(each.name for each in measurable), POSITIVE)
        return (
            *measurable,
            *labeled_attributes(self.examples.labels, self.codec, self.examples.seed, used_names),
        )

    @property
    def learnable(self) -> tuple[str, ...]:
        """Names that have a direction."""
        positive = () if self.examples.positive is None else (POSITIVE,)
        return (*(each.name for each in self.attributes), *positive)

    @cached_property
    def samples(self) -> tuple[Tensor, Tensor, Tensor]:
        """Noise, vectors and images of the samples that directions are learned from."""
        noise, vector = self.generator.sample_latents(SAMPLES, self.examples.seed)
        return noise, vector, self.generator.generate(noise, vector)

    @cached_property
    def directions(self) -> tuple[Direction, ...]:
        """Directions found without labels, named by what they change."""
        seed = self.examples.seed
        candidates = [
            *ways.sefa(self.generator, LISTED),
            *ways.ganspace(self.generator, LISTED, seed=seed),
        ]
        axes = distinct(torch.stack(candidates))
        named = name_directions(
            self.generator, axes, self.attributes, origin=UNSUPERVISED, seed=seed + 1
        )
        classes = _of_own_classes(self.artifact)
        return tuple(self._or_class(each, classes) for each in named)

    def _or_class(self, direction: Direction, classes: Sequence[Attribute]) -> Direction:
        """Name an unnamed direction by the run's classes, if it has any.

        The condition sets the class already, so a class is the last choice for a name.
        """
        if direction.name != UNNAMED or not classes:
            return direction
        attributes, seed = (*self.attributes, *classes), self.examples.seed + 1
        second = name_directions(
            self.generator, direction.axis[None], attributes, origin=UNSUPERVISED, seed=seed
        )[0]
        return replace(second, number=direction.number)

    def learned(self) -> tuple[Direction, ...]:
        """A direction for each attribute and for the positive examples, with its effects.

        Attributes that are the same in all samples have none.
        """
        directions: list[Direction] = []
        for called in self.learnable:
            axis = (
                self._positive_direction
                if called == POSITIVE
                else self._regression_directions[called]
            )
            if bool(axis.any()):
                seed = self.examples.seed + 1
                directions.append(
                    describe_direction(self.generator, axis, self.attributes, called, seed=seed)
                )
        return tuple(directions)

    def axis(self, called: str) -> Tensor:
        """The direction ``(Z,)`` with a number in the list or the name of an attribute.

        Raises:
            ConfigError: if there is none; the message lists the known ones.
        """
        if called.isdecimal():
            if not 1 <= int(called) <= len(self.directions):
                raise ConfigError(
                    f"--edit: no direction {called}, there are {len(self.directions)}",
                    remedy="See `gannet edit RUN --directions --out sheet.png`.",
                )
            return self.directions[int(called) - 1].axis
        if called not in self.learnable:
            raise ConfigError(
                f"--edit: nothing is called {called!r}",
                remedy=f"Known: {', '.join(self.learnable)}; the number of a direction; with "
                f"--positive and --negative, {POSITIVE}; with --labels, their names.",
            )
        axis = (
            self._positive_direction if called == POSITIVE else self._regression_directions[called]
        )
        if not bool(axis.any()):
            raise ConfigError(
                f"--edit: {called} is the same in all samples of this run",
                remedy="Change something else.",
            )
        return axis

    @cached_property
    def _regression_directions(self) -> dict[str, Tensor]:
        """The direction of each attribute; zeros where it is the same in all samples."""
        noise, vector, images = self.samples
        directions: dict[str, Tensor] = {}
        for each in self.attributes:
            values = each.measure(images)
            if each.period:  # unwrap cyclic values around their median
                finite = values[values.isfinite()]
                middle = finite.median() if len(finite) else values.new_zeros(())
                values = each.change(middle.expand_as(values), values)
            directions[each.name] = ways.regression_direction(noise, values, vector)
        return directions

    @cached_property
    def _positive_direction(self) -> Tensor:
        if self.examples.positive is None or self.examples.negative is None:
            raise ConfigError(
                "--positive and --negative go together",
                remedy="Give a folder of images for each.",
            )
        good, bad = (
            self.find(_example_files(folder, self.artifact.modality.readers), QUICK)
            for folder in (self.examples.positive, self.examples.negative)
        )
        noise = torch.stack([each.noise for each in (*good, *bad)])
        positive = torch.arange(len(noise)) < len(good)
        return ways.separating_direction(noise, positive)

    def encoded(self, items: Sequence[Path | Pixels]) -> Tensor:
        """Images ``(n, C, H, W)`` from files or arrays, fitted to the run's size.

        Raises:
            DataError: naming every file that cannot be read.
        """
        return self.artifact.modality.inference.encode(self.codec, items)

    def find(
        self,
        items: Sequence[Path | Pixels],
        search: InversionSettings,
        label: str | int | None = None,
    ) -> list[InvertedImage]:
        """Invert images, or load saved latents, in their order.

        Raises:
            GannetError: if a file cannot be read, or the class is unknown.
        """
        kind = None
        if label is not None:
            self.artifact.conditions(1, label=label)  # refuses an unknown class
            kind = class_number(self.artifact.classes, label)
        results, new_indices = dict[int, InvertedImage](), list[int]()
        for number, item in enumerate(items):
            if isinstance(item, Path) and item.suffix.lower() == SUFFIX:
                results[number] = load_latents(item, self.generator, self.artifact.card.weights)
            else:
                new_indices.append(number)
        if new_indices:
            images = self.encoded([items[number] for number in new_indices])
            inverted = find(
                self.generator, images, class_index=kind, search=search, seed=self.examples.seed
            )
            results |= dict(zip(new_indices, inverted, strict=True))
        return [results[number] for number in range(len(items))]

    def draw_samples(self, count: int) -> list[InvertedImage]:
        """Samples of the run, as inverted images."""
        noise, vector = self.generator.sample_latents(count, self.examples.seed)
        return [InvertedImage(self.generator, *row) for row in zip(noise, vector, strict=True)]

    def edited(
        self, image: InvertedImage, changes: Mapping[str, float], *, fix: Sequence[str] = ()
    ) -> InvertedImage:
        """An image moved along directions, in standard deviations of noise; ``fix`` stays."""
        for called, amount in changes.items():
            others = [self.axis(each) for each in fix if each != called]
            image = image.moved(ways.without(self.axis(called), others), amount)
        return image


def _editable_recipes(kinds: Sequence[Modality]) -> str:
    """Names of the recipes that learn to make some kinds from noise alone."""
    names = [
        name
        for name in sorted(recipe_modules())
        if (recipe := find_recipe(name)).training.fit is None
        and not recipe.inputs.conditions_from_samples
        and {each.name for each in kinds} & {*recipe.inputs.slots["sample"].modalities}
    ]
    return either(*names)


def _example_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    if not folder.is_dir():
        raise DataError("no such folder", where=str(folder), remedy="Give a folder of images.")
    paths = sorted(each for each in folder.iterdir() if each.suffix.lower() in suffixes)
    if len(paths) < MIN_EXAMPLES:
        raise DataError(
            f"{len(paths)} image(s) in it, at least {MIN_EXAMPLES} are needed",
            where=str(folder),
            remedy="Put more images there; ten or more are better.",
        )
    return paths


def _of_own_classes(artifact: Artifact) -> tuple[Attribute, ...]:
    """Attributes of the run's own classes, where its discriminator has logits for them."""
    discriminator = artifact.discriminator
    if not artifact.classes or not isinstance(discriminator, ProjectionDiscriminator):
        return ()

    where = device_of(artifact.discriminator)

    def logits(images: Tensor) -> Tensor:
        features = discriminator.features(images.to(where))
        return discriminator.head.logits_per_class(features).float().cpu()

    return of_classes(artifact.classes, CachedMeasure(partial(in_chunks, logits, size=256)))
