"""A trained generator and its discriminator at work: samples are drawn, and samples are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from gannet.core.codec import Codec, classes_of
from gannet.core.config import Config, parse
from gannet.core.device import device_of
from gannet.core.errors import ConfigError
from gannet.core.recipe import InferOf, Recipe, SampledCondition
from gannet.core.sampling import ConditionRequest
from gannet.core.seeding import latents_at
from gannet.core.transform import Trained
from gannet.core.types import Batch, CellConditions, Condition, Spec
from gannet.inference.card import Calibration, Card
from gannet.inference.options import asked_of_slots, slots_of
from gannet.modalities.modality import Modality
from gannet.modalities.registry import codec_of, find_modality
from gannet.networks.convolutional import ProjectionDiscriminator
from gannet.recipes.registry import find_recipe

TOLD = 64
"""Pictures that are answered at once."""

JUDGED = 256
"""Samples that are judged at once."""


@dataclass(frozen=True)
class TrainedSampler:
    """A trained generator and its discriminator, with their card.

    Attributes:
        card: What they are and where they came from.
        model: The network worth keeping; for most recipes the averaged generator.
        discriminator: The judge that the duel trained.
        statistics: What is known of the training data; see ``Modality.statistics``.
        extra_state: What was worked out once the duel was over; see
            ``Inference.fit_after_training``.
        generator: What makes samples where the product does not; see ``Recipe.makes_samples``.
    """

    card: Card
    model: nn.Module
    discriminator: nn.Module
    statistics: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    extra_state: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    generator: nn.Module | None = None

    @cached_property
    def recipe(self) -> Recipe[Any]:
        """The recipe that made it."""
        return find_recipe(self.card.recipe)

    @cached_property
    def config(self) -> Config:
        """The settings it was trained with."""
        return parse(self.recipe.config, self.card.config)

    @cached_property
    def codecs(self) -> Mapping[str, Codec[Any]]:
        """Role -> codec."""
        return codecs_of(self.card)

    @property
    def codec(self) -> Codec[Any]:
        """Of what it makes."""
        return self.codecs[self.recipe.inference.output]

    @property
    def modality(self) -> Modality:
        """The kind of data that it makes."""
        return find_modality(self.codec.kind)

    @property
    def spec(self) -> Spec:
        """Sizes of its networks."""
        return self.card.spec

    @property
    def facts(self) -> Mapping[str, Any]:
        """What its card says of the data that it was trained on."""
        return self.card.data

    @property
    def latent_dim(self) -> int:
        """Numbers of noise per sample."""
        return self.config.latent_dim

    @property
    def trained(self) -> Trained[Any]:
        """All that a recipe's functions take to use the network."""
        return Trained(self.model, self.codecs, self.card.spec, self.config, self.extra_state)

    @property
    def known_classes(self) -> tuple[str, ...]:
        """Names of the classes of its data; empty if they had none."""
        return classes_of(self.codecs.get("vector"))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can be asked for; empty if it knows none, or foretells them."""
        return classes_of(slots_of(self.recipe, self.codecs).get("vector"))

    @property
    def pseudo_classes(self) -> int:
        """How many classes, or kinds, a condition's vector tells; 0 if it tells other things."""
        told = classes_of(slots_of(self.recipe, self.codecs).get("vector"), made_up=True)
        return self.card.spec.vector if told else 0

    def conditions(
        self, count: int, *, seed: int = 0, start: int = 0, **asked: object
    ) -> Condition:
        """What to tell the generator for rows ``start`` to ``start + count``.

        Args:
            count: Rows.
            seed: Of what is left to chance, such as the class of each row.
            start: Number of the first row.
            asked: What all rows are told, by name, such as ``label``: a class name or its number.
                By default each row draws a class, as often as the training data had it, or none (a
                row of zeros), as often as they had none.

        Raises:
            ConfigError: if the class is unknown, or no classes were learnt.
        """
        told = self.card.spec.blank(count)
        for role, options in asked_of_slots(self.recipe, self.codecs, asked).items():
            codec = self.codecs[role]
            request = ConditionRequest(
                codec, options, range(start, start + count), seed, self.card.class_frequencies
            )
            made = find_modality(codec.kind).inference.condition(request)
            if made is not None:
                told = replace(told, **{role: made})
        return told

    def condition_on(self, conditions: CellConditions, chance: Tensor) -> SampledCondition:
        """Conditions under which wishes for cells come true, from uniform numbers per sample.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        return self.recipe.inference.condition_on(
            self.model, self.card.spec, conditions, chance, self.config
        )

    def embed(self, samples: Tensor) -> Tensor:
        """Samples as the recipe has them looked at; see ``Evaluation.embed``."""
        return self.recipe.evaluation.embed(samples, self.card.spec)

    def infer(self, noise: Tensor, condition: Condition) -> Tensor:
        """What the network makes of noise ``(n, Z)`` and conditions, ``(n, *shape)``."""
        return self._run(self.recipe.inference.infer, self.model, noise, condition)

    @torch.no_grad()
    def _run(
        self, infer: InferOf[Any], network: nn.Module, noise: Tensor, condition: Condition
    ) -> Tensor:
        device = device_of(network)
        made = infer(network, noise.to(device), condition.to(device), self.config)
        return made.float().cpu()

    def draw(self, condition: Condition, *, seed: int = 0, start: int = 0) -> Tensor:
        """What the product makes of each condition, ``(n, *shape)``, in its codec's value range.

        Row n depends on the seed, on ``start + n`` and on its own condition alone.
        """
        noise = latents_at(seed, range(start, start + len(condition)), self.latent_dim)
        return self.infer(noise, condition)

    def fakes(self, condition: Condition, *, seed: int = 0, start: int = 0) -> Tensor:
        """One sample per condition, ``(n, *shape)``; what ``draw`` gives if that is samples."""
        if self.generator is None or self.recipe.makes_samples:
            return self.draw(condition, seed=seed, start=start)
        noise = latents_at(seed, range(start, start + len(condition)), self.latent_dim)
        return self._run(self.recipe.sampling, self.generator, noise, condition)

    def held_out_conditions(self, real: Batch, *, seed: int, start: int = 0) -> Condition:
        """What fakes are told that shall be compared with some held-out samples.

        What is told of these or, where the recipe is told nothing of a sample, drawn as
        ``conditions`` does it.
        """
        if self.recipe.inputs.conditions_from_samples:
            return self.recipe.with_evaluation_condition(real, self.card.spec).condition
        return self.conditions(len(real), seed=seed, start=start)

    def fakes_like(self, real: Batch, *, seed: int) -> Tensor:
        """As many samples as are given, told of them what ``held_out_conditions`` tells."""
        if self.recipe.makes_samples and not self.recipe.inputs.conditions_from_samples:
            return self.sample(len(real), seed=seed)
        return self.fakes(self.held_out_conditions(real, seed=seed), seed=seed)

    def transform(self, given: Batch, *, seed: int = 0) -> Tensor:
        """An answer to each of some samples, ``(n, *shape)``, from what is told of them."""
        made = [
            self.draw(given[at : at + TOLD].condition, seed=seed, start=at)
            for at in range(0, len(given), TOLD)
        ]
        return torch.cat(made)

    def check_drawn(self, count: int, seed: int, start: int = 0) -> None:
        """Refuse to draw what cannot be.

        Raises:
            ConfigError: if a number is negative, or samples are made of given ones only.
        """
        for name, value in (("count", count), ("seed", seed), ("start", start)):
            if value < 0:
                raise ConfigError(f"--{name}: must be at least 0, got {value}")
        if self.recipe.inputs.conditional:
            noun = self.modality.noun[0]
            raise ConfigError(
                f"a run of the recipe {self.card.recipe} makes no samples from nothing: each is an "
                f"answer to a {noun}",
                remedy=f"Use `gannet apply RUN {noun.upper()} --out OUT`.",
            )

    def sample(self, count: int, *, seed: int = 0, start: int = 0, **asked: object) -> Tensor:
        """``count`` new samples, ``(count, *shape)``, in the codec's value range.

        Args:
            count: How many; 0 gives an empty tensor.
            seed: Row n depends on the seed and on n alone.
            start: Number of the first row, to go on where an earlier call stopped.
            asked: As for ``conditions``, such as ``label``.

        Raises:
            ConfigError: if a number is negative or the class is unknown.
        """
        self.check_drawn(count, seed, start)
        parts = [torch.zeros(0, *self.card.spec.size_of(self.recipe.inference.output))]
        part = self.modality.inference.at_once
        for first in range(start, start + count, part):
            rows = min(part, start + count - first)
            told = self.conditions(rows, seed=seed, start=first, **asked)
            parts.append(self.draw(told, seed=seed, start=first))
        return torch.cat(parts)

    @torch.no_grad()
    def logits(self, samples: Tensor, condition: Condition | None = None) -> Tensor:
        """The discriminator's raw verdicts, ``(n,)``; high means real.

        Without a condition each sample is judged as the class that it fits best.
        """
        device = device_of(self.discriminator)
        return torch.cat(
            [
                self._logits(
                    samples[first : first + JUDGED].to(device),
                    None if condition is None else condition[first : first + JUDGED],
                )
                for first in range(0, len(samples), JUDGED)
            ]
            or [torch.zeros(0)]
        )

    def _logits(self, samples: Tensor, condition: Condition | None) -> Tensor:
        blank = self.card.spec.blank(len(samples)).to(str(samples.device))
        classes, discriminator = self.pseudo_classes, self.discriminator
        if condition is None and classes and isinstance(discriminator, ProjectionDiscriminator):
            return (
                discriminator.head.logits_per_class(discriminator.features(samples))
                .float()
                .amax(1)
                .cpu()
            )
        if condition is not None:
            told = [condition.to(str(samples.device))]
        elif classes:
            rows = torch.eye(classes, device=samples.device)
            told = [replace(blank, vector=row.expand(len(samples), -1)) for row in rows]
        else:
            told = [blank]
        every = [
            discriminator(samples, each).float().reshape(len(samples), -1).mean(1) for each in told
        ]
        return torch.stack(every).amax(0).cpu()

    def calibration_for(self, *, of_class: bool) -> Calibration:
        """What turns logits into probabilities, for a class that is asked for or the best one."""
        found = self.card.class_calibration if of_class else None
        return found or self.card.calibration

    def judge(self, samples: Tensor, condition: Condition | None = None) -> Tensor:
        """Probability of being real, ``(n,)`` in [0, 1]; .5 is as likely real as generated.

        It is a statement about the fakes of *this* generator: other fakes can look real to it.
        """
        scale = self.calibration_for(of_class=condition is not None)
        return (self.logits(samples, condition) * scale.weight + scale.bias).sigmoid()

    def decode(self, samples: Tensor) -> list[Any]:
        """Samples as raw data, as the codec of what it makes has them."""
        return self.codec.decode(samples)


def codecs_of(card: Card) -> dict[str, Codec[Any]]:
    """The codecs that a card describes, by role."""
    return {role: codec_of(made["kind"], made["state"]) for role, made in card.codecs.items()}
