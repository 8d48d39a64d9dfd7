"""Inference with a trained run: drawing samples, and scoring samples with the discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from gannet.core.codec import Codec, classes_of
from gannet.core.config import Config, flag, is_whole, parse
from gannet.core.device import device_of
from gannet.core.errors import ConfigError
from gannet.core.io.names import placeholder
from gannet.core.recipe import InferOf, Recipe, SampledCondition
from gannet.core.sampling import ConditionRequest
from gannet.core.seeding import latents_at, seed_fault
from gannet.core.transform import Trained
from gannet.core.types import Batch, CellConditions, Condition, Spec
from gannet.inference.card import Calibration, Card
from gannet.inference.judge.judge import Judge
from gannet.inference.options import (
    given_modality,
    given_options,
    options_by_slot,
    slots_of,
)
from gannet.modalities.modality import Modality
from gannet.modalities.reading import codec_errors
from gannet.modalities.registry import codec_of, find_modality
from gannet.networks.convolutional import ProjectionDiscriminator
from gannet.recipes.registry import find_recipe

TRANSFORM_BATCH = 64
"""Batch size of ``transform``."""

LOGITS_BATCH = 256
"""Batch size of ``logits``."""


@dataclass(frozen=True)
class TrainedSampler:
    """A trained generator and its discriminator, with their card.

    Attributes:
        card: Provenance and settings.
        model: The exported network; for most recipes the EMA generator.
        discriminator: The trained discriminator.
        statistics: Statistics of the training data; see ``Modality.statistics``.
        extra_state: State fitted after training; see ``Inference.fit_after_training``.
        generator: Makes samples where ``model`` does not; see ``Recipe.makes_samples``.
        judge: Tells reals from fakes of many kinds; ``None`` if the run has none.
    """

    card: Card
    model: nn.Module
    discriminator: nn.Module
    statistics: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    extra_state: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    generator: nn.Module | None = None
    judge: Judge | None = None

    @cached_property
    def recipe(self) -> Recipe[Any]:
        """The recipe it was trained by."""
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
        """Codec of the output."""
        return self.codecs[self.recipe.inference.output]

    @property
    def modality(self) -> Modality:
        """Modality of the output."""
        return find_modality(self.codec.kind)

    @property
    def spec(self) -> Spec:
        """Sizes of its networks."""
        return self.card.spec

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the card says of the training data."""
        return self.card.data

    @property
    def latent_dim(self) -> int:
        """Dimension of the latent noise, Z."""
        return self.config.latent_dim

    @property
    def trained(self) -> Trained[Any]:
        """What the functions of a recipe need to use the network."""
        return Trained(self.model, self.codecs, self.card.spec, self.config, self.extra_state)

    @property
    def data_classes(self) -> tuple[str, ...]:
        """Class names of the training data; empty if they had none."""
        return classes_of(self.codecs.get("vector"))

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names it can be conditioned on; empty if there are none, or it predicts them."""
        return classes_of(slots_of(self.recipe, self.codecs).get("vector"))

    @property
    def pseudo_classes(self) -> int:
        """Number of classes or pseudo-classes of a condition's vector; 0 if it has none."""
        classes = classes_of(slots_of(self.recipe, self.codecs).get("vector"), include_pseudo=True)
        return self.card.spec.vector if classes else 0

    def conditions(
        self, count: int, *, seed: int = 0, start: int = 0, **condition_options: object
    ) -> Condition:
        """Conditions of the rows ``start`` to ``start + count``.

        Args:
            count: Rows.
            seed: Seed of what is sampled, such as the class of each row.
            start: Number of the first row.
            condition_options: Condition of all rows, by name, such as ``label``: a class name or
                its number. By default classes are sampled with their frequency in the training
                data; an unlabeled row, as frequent as there, is a row of zeros.

        Raises:
            ConfigError: if the class is unknown, or no classes were learnt.
        """
        rows = range(start, start + count)
        return replace(self.card.spec.blank(count), **self._slots(rows, seed, condition_options))

    def described(self, count: int, **condition_options: object) -> Condition:
        """The condition that options name, for ``count`` samples; blank in all other slots.

        Raises:
            ConfigError: as for ``conditions``.
        """
        named = {name: value for name, value in condition_options.items() if value is not None}
        slots = self._slots(range(count), 0, named)
        models = options_by_slot(self.recipe, self.codecs, named)
        chosen = {
            role: tensor
            for role, tensor in slots.items()
            if named.keys() & type(models[role]).model_fields.keys()
        }
        return replace(self.card.spec.blank(count), **chosen)

    def _slots(
        self, rows: range, seed: int, condition_options: Mapping[str, object]
    ) -> dict[str, Tensor]:
        """Conditions of some rows by role; a role without any is left out."""
        found: dict[str, Tensor] = {}
        for role, options in options_by_slot(self.recipe, self.codecs, condition_options).items():
            codec = self.codecs[role]
            request = ConditionRequest(codec, options, rows, seed, self.card.class_frequencies)
            where = ", ".join(flag(name) for name, value in options if value is not None)
            modality = find_modality(codec.kind)
            with codec_errors(f"this {modality.noun[0]}", "used as a condition", where):
                tensor = modality.inference.condition(request)
            if tensor is not None:
                found[role] = tensor
        return found

    def condition_on(self, conditions: CellConditions, uniforms: Tensor) -> SampledCondition:
        """Sample conditions that satisfy cell conditions, from uniform numbers per sample.

        Raises:
            ConfigError: if the recipe does not support cell conditions.
        """
        return self.recipe.inference.condition_on(
            self.model, self.card.spec, conditions, uniforms, self.config
        )

    def embed(self, samples: Tensor) -> Tensor:
        """Embedding of samples; see ``Evaluation.embed``."""
        return self.recipe.evaluation.embed(samples, self.card.spec)

    def infer(self, noise: Tensor, condition: Condition) -> Tensor:
        """Outputs ``(n, *shape)`` of the network for noise ``(n, Z)`` and conditions."""
        return self._run(self.recipe.inference.infer, self.model, noise, condition)

    @torch.no_grad()
    def _run(
        self, infer: InferOf[Any], network: nn.Module, noise: Tensor, condition: Condition
    ) -> Tensor:
        device = device_of(network)
        output = infer(network, noise.to(device), condition.to(device), self.config)
        return output.float().cpu()

    def draw(self, condition: Condition, *, seed: int = 0, start: int = 0) -> Tensor:
        """Output of the model for each condition, ``(n, *shape)``, in its codec's value range.

        Row n depends on the seed, on ``start + n`` and on its own condition alone.
        """
        noise = latents_at(seed, range(start, start + len(condition)), self.latent_dim)
        return self.infer(noise, condition)

    def fakes(self, condition: Condition, *, seed: int = 0, start: int = 0) -> Tensor:
        """One sample per condition, ``(n, *shape)``; equals ``draw`` if the model makes samples."""
        if self.generator is None or self.recipe.makes_samples:
            return self.draw(condition, seed=seed, start=start)
        noise = latents_at(seed, range(start, start + len(condition)), self.latent_dim)
        return self._run(self.recipe.sampling, self.generator, noise, condition)

    def held_out_conditions(self, real: Batch, *, seed: int, start: int = 0) -> Condition:
        """Conditions of fakes that are compared with held-out samples.

        Derived from these samples or, for recipes that derive none, sampled as by
        ``conditions``.
        """
        if self.recipe.inputs.conditions_from_samples:
            return self.recipe.with_evaluation_condition(real, self.card.spec).condition
        return self.conditions(len(real), seed=seed, start=start)

    def fakes_like(self, real: Batch, *, seed: int) -> Tensor:
        """As many fakes as reals are given, with conditions from ``held_out_conditions``."""
        if self.recipe.makes_samples and not self.recipe.inputs.conditions_from_samples:
            return self.sample(len(real), seed=seed)
        return self.fakes(self.held_out_conditions(real, seed=seed), seed=seed)

    def transform(self, given: Batch, *, seed: int = 0) -> Tensor:
        """The output for the condition of each sample, ``(n, *shape)``."""
        outputs = [
            self.draw(given[at : at + TRANSFORM_BATCH].condition, seed=seed, start=at)
            for at in range(0, len(given), TRANSFORM_BATCH)
        ]
        return torch.cat(outputs)

    def check_can_sample(self, count: int, seed: int, start: int = 0) -> None:
        """Refuse requests that cannot be sampled.

        Raises:
            ConfigError: if a number is negative, or each output needs an input that only a file
                can give.
        """
        for name, value in (("count", count), ("seed", seed), ("start", start)):
            if not is_whole(value):
                raise ConfigError(f"--{name}: must be a whole number, got {value!r}")
            if value < 0:
                raise ConfigError(f"--{name}: must be at least 0, got {value}")
        if fault := seed_fault(seed):
            raise ConfigError(fault)
        given = given_modality(self.recipe, self.codecs)
        if given is not None and not given_options(self.recipe, self.codecs):
            raise ConfigError(
                f"a run of the recipe {self.card.recipe} makes no samples from nothing: each "
                "output needs an input",
                remedy=f"Use `gannet apply RUN {placeholder(given.noun[0])} --out OUT`.",
            )

    def check_given(self, condition_options: Mapping[str, object]) -> None:
        """Refuse to sample without what each output is made for, such as a text.

        Raises:
            ConfigError: naming the options that say it.
        """
        given = given_modality(self.recipe, self.codecs)
        slots = {} if given is None else self._slots(range(1), 0, condition_options)
        if given is not None and self.recipe.inputs.given not in slots:
            flags = " or ".join(map(flag, given_options(self.recipe, self.codecs)))
            raise ConfigError(
                f"a run of the recipe {self.card.recipe} makes no samples from nothing: each "
                f"output needs a {given.noun[0]}",
                remedy=f"Give it with {flags}.",
            )

    def sample(
        self, count: int, *, seed: int = 0, start: int = 0, **condition_options: object
    ) -> Tensor:
        """``count`` new samples, ``(count, *shape)``, in the codec's value range.

        Args:
            count: How many; 0 gives an empty tensor.
            seed: Row n depends on the seed and on n alone.
            start: Number of the first row, to continue an earlier call.
            condition_options: As for ``conditions``, such as ``label``.

        Raises:
            ConfigError: if a number is negative or the class is unknown.
        """
        self.check_can_sample(count, seed, start)
        self.check_given(condition_options)
        parts = [torch.zeros(0, *self.card.spec.size_of(self.recipe.inference.output))]
        part = self.modality.inference.at_once
        for first in range(start, start + count, part):
            rows = min(part, start + count - first)
            condition = self.conditions(rows, seed=seed, start=first, **condition_options)
            parts.append(self.draw(condition, seed=seed, start=first))
        return torch.cat(parts)

    @torch.no_grad()
    def logits(self, samples: Tensor, condition: Condition | None = None) -> Tensor:
        """The discriminator's logits, ``(n,)``; high means real.

        Without a condition each sample is scored as its best-fitting class.
        """
        device = device_of(self.discriminator)
        return torch.cat(
            [
                self._logits(
                    samples[first : first + LOGITS_BATCH].to(device),
                    None if condition is None else condition[first : first + LOGITS_BATCH],
                )
                for first in range(0, len(samples), LOGITS_BATCH)
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
            conditions = [condition.to(str(samples.device))]
        elif classes:
            rows = torch.eye(classes, device=samples.device)
            conditions = [replace(blank, vector=row.expand(len(samples), -1)) for row in rows]
        else:
            conditions = [blank]
        every = [
            discriminator(samples, each).float().reshape(len(samples), -1).mean(1)
            for each in conditions
        ]
        return torch.stack(every).amax(0).cpu()

    def calibration_for(self, *, of_class: bool) -> Calibration:
        """Calibration of logits, for a given class or for the best-fitting one."""
        class_calibration = self.card.class_calibration if of_class else None
        return class_calibration or self.card.calibration

    def discriminate(self, samples: Tensor, condition: Condition | None = None) -> Tensor:
        """The discriminator's probability of being real, ``(n,)``; 0.5 is as likely generated.

        It refers to fakes of *this* generator: the fakes of others, and samples of other kinds,
        can look real to it. The ``judge`` knows more.
        """
        scale = self.calibration_for(of_class=condition is not None)
        return (self.logits(samples, condition) * scale.weight + scale.bias).sigmoid()

    def decode(self, samples: Tensor) -> list[Any]:
        """Samples as raw data, by the codec of the output."""
        with codec_errors(self.modality.noun[1], "decoded"):
            return self.codec.decode(samples)


def codecs_of(card: Card) -> dict[str, Codec[Any]]:
    """The codecs that a card describes, by role."""
    return {role: codec_of(entry["kind"], entry["state"]) for role, entry in card.codecs.items()}
