"""A run with what editing works out of it: what can be changed, and along which directions."""

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
from gannet.core.errors import ConfigError, DataError
from gannet.inference.artifact import Artefact
from gannet.inference.editing import directions as ways
from gannet.inference.editing.attributes import Attribute, Once, measured, of_classes
from gannet.inference.editing.direction_names import UNNAMED, Direction, about, distinct, name
from gannet.inference.editing.inversion import InversionSettings, InvertedImage, find
from gannet.inference.editing.labeled_attributes import attributes_of
from gannet.inference.editing.latent_generator import Maker
from gannet.inference.editing.saved import SUFFIX, read_found
from gannet.networks.convolutional import Projecting
from gannet.networks.features import in_chunks

Pixels = NDArray[np.uint8]

LISTED = 10
"""Directions of each origin that are looked at."""

AXES = ("channel", "height", "width")
"""Of what can be edited: light, colour, size and place are measured in it."""

SAMPLES = 2_000
"""Samples that an attribute's own direction is learnt from."""

QUICK = InversionSettings(starts=500, tries=4, steps=150, tuning=0)
"""For handfuls of pictures, of which the noise need not be exact."""

FEWEST = 2
"""Pictures in a handful."""

LIKED = "liked"
FOUND = "found"
"""Origin of directions that were found without labels."""


@dataclass(frozen=True, slots=True)
class EditExamples:
    """What is known beside the run.

    Attributes:
        labels: Data whose labels, and columns of numbers, become attributes.
        liked: A folder of pictures, the direction towards which is called ``liked``.
        disliked: A folder of others.
        seed: Of all chance.
    """

    labels: Path | None = None
    liked: Path | None = None
    disliked: Path | None = None
    seed: int = 0


NOTHING_TOLD = EditExamples()


def maker_of(artefact: Artefact) -> Maker:
    """The generator of a run as a function of its noise.

    Raises:
        ConfigError: if the run makes no pictures from noise.
    """
    card = artefact.card
    said = f"a run of the recipe {card.recipe}"
    if artefact.modality.axes != AXES:
        raise ConfigError(
            f"{said} makes no pictures, which is what `gannet edit` edits",
            remedy="Give a run of generate, vae or autoencoder that was trained on pictures.",
        )
    if artefact.recipe.inputs.conditional or not artefact.config.noise:
        raise ConfigError(
            f"{said} makes no pictures from noise alone",
            remedy="Use `gannet apply RUN PICTURE --out OUT`, or give a run of generate.",
        )
    infer = artefact.recipe.inference.infer
    return Maker(
        network=artefact.product,
        spec=card.spec,
        width=artefact.config.noise,
        kinds=artefact.kinds,
        shares=tuple(card.shares or ()),
        infer=lambda network, noise, told: infer(network, noise, told, artefact.config),
    )


@dataclass(frozen=True)
class Editor:
    """A run with all that editing works out of it once.

    Attributes:
        artefact: Of the run, on the processor.
        told: What is known beside it.
    """

    artefact: Artefact
    told: EditExamples = NOTHING_TOLD

    @cached_property
    def maker(self) -> Maker:
        """Its generator."""
        return maker_of(self.artefact)

    @cached_property
    def codec(self) -> Codec[Any]:
        """Of its pictures."""
        return self.artefact.codec

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """What is measured, labels that were told included."""
        found = measured(self.maker.spec.shape[0])
        if self.told.labels is None:
            return found
        taken = (*(each.name for each in found), LIKED)
        return (*found, *attributes_of(self.told.labels, self.codec, self.told.seed, taken))

    @property
    def learnable(self) -> tuple[str, ...]:
        """What has a direction of its own by name."""
        liked = () if self.told.liked is None else (LIKED,)
        return (*(each.name for each in self.attributes), *liked)

    @cached_property
    def samples(self) -> tuple[Tensor, Tensor, Tensor]:
        """Noise, vectors and pictures of samples that directions are learnt from."""
        noise, vector = self.maker.drawn(SAMPLES, self.told.seed)
        return noise, vector, self.maker.made(noise, vector)

    @cached_property
    def directions(self) -> tuple[Direction, ...]:
        """What was found without labels, named by what it changes."""
        seed = self.told.seed
        found = [
            *ways.closed_form(self.maker, LISTED),
            *ways.principal(self.maker, LISTED, seed=seed),
        ]
        axes = distinct(torch.stack(found))
        named = name(self.maker, axes, self.attributes, origin=FOUND, seed=seed + 1)
        classes = _of_own_classes(self.artefact)
        return tuple(self._or_class(each, classes) for each in named)

    def _or_class(self, found: Direction, classes: Sequence[Attribute]) -> Direction:
        """Of a run with classes, a second look at a direction that nothing visible names.

        What it is told says the class already, so this is the lesser name.
        """
        if found.name != UNNAMED or not classes:
            return found
        looked_for, seed = (*self.attributes, *classes), self.told.seed + 1
        second = name(self.maker, found.axis[None], looked_for, origin=FOUND, seed=seed)[0]
        return replace(second, number=found.number)

    def learnt(self) -> tuple[Direction, ...]:
        """A direction for each attribute, and for what is liked, with what else it changes.

        Attributes that are the same in all samples have none.
        """
        found: list[Direction] = []
        for called in self.learnable:
            axis = self._liked if called == LIKED else self._risings[called]
            if bool(axis.any()):
                seed = self.told.seed + 1
                found.append(about(self.maker, axis, self.attributes, called, seed=seed))
        return tuple(found)

    def axis(self, called: str) -> Tensor:
        """The direction ``(Z,)`` of that number in the list, or of that attribute.

        Raises:
            ConfigError: if there is none; the known ones are in the message.
        """
        if called.isdecimal():
            if not 1 <= int(called) <= len(self.directions):
                raise ConfigError(
                    f"--change: no direction {called}, there are {len(self.directions)}",
                    remedy="See `gannet edit RUN --directions --out sheet.png`.",
                )
            return self.directions[int(called) - 1].axis
        if called not in self.learnable:
            raise ConfigError(
                f"--change: nothing is called {called!r}",
                remedy=f"Known: {', '.join(self.learnable)}; the number of a direction; with "
                f"--liked and --disliked, {LIKED}; with --labels, their names.",
            )
        axis = self._liked if called == LIKED else self._risings[called]
        if not bool(axis.any()):
            raise ConfigError(
                f"--change: {called} is the same in all samples of this run",
                remedy="Change something else.",
            )
        return axis

    @cached_property
    def _risings(self) -> dict[str, Tensor]:
        """The direction of each attribute; zeros where all samples have it alike."""
        noise, vector, made = self.samples
        found: dict[str, Tensor] = {}
        for each in self.attributes:
            values = each.measure(made)
            if each.period:  # what lies beyond half a turn is nearer the other way round
                known = values[values.isfinite()]
                middle = known.median() if len(known) else values.new_zeros(())
                values = each.change(middle.expand_as(values), values)
            found[each.name] = ways.rising(noise, values, vector)
        return found

    @cached_property
    def _liked(self) -> Tensor:
        if self.told.liked is None or self.told.disliked is None:
            raise ConfigError(
                "--liked and --disliked go together", remedy="Give a folder of pictures for each."
            )
        good, bad = (
            self.find(_handful(folder, self.artefact.modality.readers), QUICK)
            for folder in (self.told.liked, self.told.disliked)
        )
        noise = torch.stack([each.noise for each in (*good, *bad)])
        liked = torch.arange(len(noise)) < len(good)
        return ways.separating(noise, liked)

    def encoded(self, items: Sequence[Path | Pixels]) -> Tensor:
        """Pictures ``(n, C, H, W)`` from files or numbers, fitted to the run's size.

        Raises:
            DataError: naming every file that cannot be read.
        """
        return self.artefact.modality.inference.encode(self.codec, items)

    def find(
        self,
        items: Sequence[Path | Pixels],
        search: InversionSettings,
        label: str | int | None = None,
    ) -> list[InvertedImage]:
        """The noise of pictures, or what was kept of it, in their order.

        Raises:
            GannetError: if a file cannot be read, or the class is unknown.
        """
        kind = None
        if label is not None:
            self.artefact.conditions(1, label=label)  # refuses a class that is not known
            kind = class_number(self.artefact.classes, label)
        kept, fresh = dict[int, InvertedImage](), list[int]()
        for number, item in enumerate(items):
            if isinstance(item, Path) and item.suffix.lower() == SUFFIX:
                kept[number] = read_found(item, self.maker, self.artefact.card.weights)
            else:
                fresh.append(number)
        if fresh:
            pictures = self.encoded([items[number] for number in fresh])
            found = find(self.maker, pictures, kind=kind, search=search, seed=self.told.seed)
            kept |= dict(zip(fresh, found, strict=True))
        return [kept[number] for number in range(len(items))]

    def drawn(self, count: int) -> list[InvertedImage]:
        """Samples of the run, as if they had been found."""
        noise, vector = self.maker.drawn(count, self.told.seed)
        return [InvertedImage(self.maker, *row) for row in zip(noise, vector, strict=True)]

    def changed(
        self, found: InvertedImage, changes: Mapping[str, float], *, hold: Sequence[str] = ()
    ) -> InvertedImage:
        """A picture with some attributes changed by so many spreads of noise, others held."""
        for called, amount in changes.items():
            others = [self.axis(each) for each in hold if each != called]
            found = found.moved(ways.without(self.axis(called), others), amount)
        return found


def _handful(folder: Path, suffixes: Collection[str]) -> list[Path]:
    if not folder.is_dir():
        raise DataError("no such folder", where=str(folder), remedy="Give a folder of pictures.")
    found = sorted(each for each in folder.iterdir() if each.suffix.lower() in suffixes)
    if len(found) < FEWEST:
        raise DataError(
            f"{len(found)} picture(s) in it, at least {FEWEST} are needed",
            where=str(folder),
            remedy="Put more pictures there; ten or more are better.",
        )
    return found


def _of_own_classes(artefact: Artefact) -> tuple[Attribute, ...]:
    """Attributes from the run's own classes, where its discriminator tells them apart."""
    judge = artefact.discriminator
    if not artefact.classes or not isinstance(judge, Projecting):
        return ()

    def logits(pictures: Tensor) -> Tensor:
        return judge.verdict.of_each(judge.features(pictures)).float()

    return of_classes(artefact.classes, Once(partial(in_chunks, logits, size=256)))
