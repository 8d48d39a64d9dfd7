"""A recipe: the few functions that turn a data set into one kind of trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gannet.core.config import C, Config
from gannet.core.device import adam
from gannet.core.errors import ConfigError
from gannet.core.scores import Score
from gannet.core.source import Source
from gannet.core.transform import Role, Trained, Transform
from gannet.core.types import Batch, CellConditions, Condition, Losses, Networks, Spec, trainable

LossesOf = Callable[[Networks, Batch, Tensor, C], Losses]
Fit = Callable[[C, Spec, Batch], nn.Module]
"""Settings, sizes and training rows to a product."""

InferOf = Callable[[nn.Module, Tensor, Condition, C], Tensor]
"""A network, noise ``(B, Z)``, conditions and settings to what is made of each."""

Suggestion = tuple[str, Mapping[str, object]]
"""Why, and settings with their values."""

ReferenceMethod = Callable[[Batch], Tensor]
"""Samples with what they are told, ``(B, *shape)``, by a method that learns nothing of the rest."""

FitAfterTraining = Callable[[Trained[C], Batch, Batch, int], Mapping[str, Tensor]]
"""A network whose training is over, training and held-out rows and a seed to what is kept too."""


@dataclass(frozen=True, slots=True)
class SampledCondition:
    """Conditions under which wishes come true.

    Attributes:
        condition: ``(n, ...)`` one for each row of chance.
        probability: What the network holds for the share of samples of which they are true anyway.
    """

    condition: Condition
    probability: float


@dataclass(frozen=True, slots=True)
class Slot:
    """The kinds of data that may fill one role, and whether the role may stay empty."""

    modalities: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Controls:
    """Names of the settings that are read or changed from outside; empty for those it has not.

    Attributes:
        regularize: Weight of the discriminator's gradient penalty.
        augment: Probability of random changes to what the discriminator sees.
        pseudo_classes: Number of clusters that stand in for classes where there are none.
        pair_layout: Where the pairs of a paired ``grid`` come from.
        pair_input: Which of a pair is given.
    """

    regularize: str = ""
    augment: str = ""
    pseudo_classes: str = ""
    pair_layout: str = ""
    pair_input: str = ""


def identity(batch: Batch, _rng: torch.Generator, _config: object) -> Batch:
    """The problem is the batch itself."""
    return batch


def constant_schedule(config: C, _share: float) -> C:
    """The same settings from the first step to the last."""
    return config


def always(_config: object) -> bool:
    """Whatever the settings are."""
    return True


def the_generator(networks: Networks) -> nn.Module:
    """The generator is what people want."""
    return networks.generator


def one_pass(model: nn.Module, noise: Tensor, condition: Condition, _config: object) -> Tensor:
    """One forward pass makes the samples."""
    made: Tensor = model(noise, condition)
    return made


class Embed(Protocol):
    """Samples ``(B, *shape)`` as numbers in which distance means likeness."""

    def __call__(self, samples: Tensor, spec: Spec) -> Tensor:
        """Row n of the result is of sample n alone."""
        ...


def identity_embed(samples: Tensor, spec: Spec) -> Tensor:  # noqa: ARG001
    """Samples whose numbers lie close where they are alike need no other view."""
    return samples


def no_losses(_players: Networks, _batch: Batch, _noise: Tensor, _config: object) -> Losses:
    """No terms: for recipes that are fitted at once."""
    return {}


def no_suggestions(_some: Batch, _rows: int) -> Iterable[Suggestion]:
    """The defaults suit all data."""
    return ()


def no_presets(_config: object) -> Iterable[Suggestion]:
    """No setting asks for others."""
    return ()


def never_larger(_spec: Spec) -> Sequence[tuple[int, Mapping[str, float]]]:
    """The same sizes, however much time there is."""
    return ()


def adam_per_player(config: Config, networks: Networks) -> dict[str, Optimizer]:
    """One Adam for each player; the discriminator may have a rate and betas of its own.

    Source: Heusel et al. 2017, arXiv:1706.08500 (a learning rate for each player).
    """
    rate, betas = config.learning_rate, (config.beta1, config.beta2)
    own = (config.discriminator_beta1, config.discriminator_beta2)
    made: dict[str, Optimizer] = {
        name: adam(trainable(network), betas, rate) for name, network in networks.by_name.items()
    }
    first, second = (one if one >= 0 else usual for one, usual in zip(own, betas, strict=True))
    made["discriminator"] = adam(
        trainable(networks.discriminator),
        (first, second),
        config.discriminator_learning_rate or rate,
    )
    return made


def whole(_config: object) -> int:
    """Images are taken whole, fitted to one size."""
    return 0


def any_size(_config: object) -> int:
    """Networks that learn from images of any size."""
    return 1


def accept_any(_source: Source) -> None:
    """All data of the right kind can be learnt from."""


def empty_condition(batch: Batch, spec: Spec) -> Condition:
    """What samples are told that are compared with reals, where ``corrupt`` tells in training."""
    return spec.blank(len(batch))


def refuse_conditions(
    _product: nn.Module, _spec: Spec, _wishes: CellConditions, _chance: Tensor, _config: object
) -> SampledCondition:
    """Samples come as they come."""
    raise ConfigError(
        "values were asked for, but this run's recipe cannot be told any",
        remedy="Leave --given and --stratify-by out.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs(Generic[C]):
    """What a recipe reads.

    Attributes:
        slots: What each role of the training data may be.
        derived: Roles that ``corrupt`` fills in training and the caller fills at use.
        paired: Whether the slots of one row belong together.
        conditional: Whether each sample is made for a condition that is given, such as an image
            that it is an answer to, so that there are none without held-out or given ones.
        crop_size: Side of the pieces that images are cut into, at the size that they have; 0
            takes images whole, fitted to one size.
        min_size: Side of the smallest images or pieces that its networks can learn from.
        check: Refuses data that it cannot learn from, by a look at names and headers.
    """

    slots: Mapping[Role, Slot]
    derived: frozenset[Role] = frozenset()
    paired: bool = True
    conditional: bool = False
    crop_size: Callable[[C], int] = whole
    min_size: Callable[[C], int] = any_size
    check: Callable[[Source], None] = accept_any

    @property
    def conditions_from_samples(self) -> bool:
        """Whether what fakes are told must come from samples, if they shall be compared."""
        return self.conditional or bool(self.derived)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Generic[C]):
    """How the players learn.

    Attributes:
        build: Makes the players for the measured sizes.
        discriminator_losses: What the discriminator minimizes. Must not train the others.
        generator_losses: What the generator minimizes.
        auxiliary_losses: What each further player minimizes, by its name in ``Networks.auxiliary``.
            They learn after the generator, in the order in which ``Networks`` names them.
        corrupt: Makes the problem from the data: hides pixels, shrinks images, splits clips.
        schedule: The settings in force when a ``share`` (0..1) of the steps is done.
        optimizers: An optimizer for each player. Their rates follow ``learning_rate`` from the
            ratio that they have at first.
        fit: Makes the product at once, from the training rows or a fair sample of very many, in
            place of steps; its weights fit what ``build`` makes. ``None`` where players learn.
        suggest: Settings that suit the data, with reasons, from up to 512 samples and the number
            of all; taken by ``plan`` where the user left them open.
        presets: Settings that others ask for, with reasons, such as the learning rate of an
            objective's paper; taken like ``suggest`` and after it.
        scaling: For the sizes of the data, settings of runs that have time for so many steps of
            the smallest networks, the most steps first; where there are none, sizes stay as they
            are.
        float32_only: Whether it learns in 32 bit only, where 16 bit was measured to lead nowhere.
        controls: Names of the settings that are read or changed from outside.
        adversarial: Whether the generator learns from the discriminator.
        calibrated_logits: Whether the discriminator's logits are log-odds.
    """

    build: Callable[[C, Spec], Networks]
    discriminator_losses: LossesOf[C] = no_losses
    generator_losses: LossesOf[C] = no_losses
    auxiliary_losses: Mapping[str, LossesOf[C]] = field(default_factory=dict[str, LossesOf[C]])
    corrupt: Callable[[Batch, torch.Generator, C], Batch] = identity
    schedule: Callable[[C, float], C] = constant_schedule
    optimizers: Callable[[C, Networks], Mapping[str, Optimizer]] = adam_per_player
    fit: Fit[C] | None = None
    suggest: Callable[[Batch, int], Iterable[Suggestion]] = no_suggestions
    presets: Callable[[C], Iterable[Suggestion]] = no_presets
    scaling: Callable[[Spec], Sequence[tuple[int, Mapping[str, float]]]] = never_larger
    float32_only: bool = False
    controls: Controls = field(default_factory=Controls)
    adversarial: Callable[[C], bool] = always
    calibrated_logits: Callable[[C], bool] = always

    @property
    def losses(self) -> dict[str, LossesOf[C]]:
        """What each player minimizes, by name."""
        own = {"discriminator": self.discriminator_losses, "generator": self.generator_losses}
        return own | dict(self.auxiliary_losses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference(Generic[C]):
    """How what was trained is used.

    Attributes:
        model: The network worth keeping: the generator, another player, or several in one module.
            Its running average is saved and served.
        infer: Uses it, in training previews and in production alike.
        output: The role whose codec turns what ``infer`` returns back into raw data.
        condition_on: The conditions of samples for which values were asked, from the model, the
            wishes and two uniform numbers per sample and wish.
        transforms: By name, how it turns an input into an output; the first is the usual one, and
            there is none if it makes samples from nothing.
        fit_after_training: What is worked out once training is over, and kept in the artefact.
    """

    model: Callable[[Networks], nn.Module] = the_generator
    infer: InferOf[C] = one_pass
    output: Role = "sample"
    condition_on: Callable[[nn.Module, Spec, CellConditions, Tensor, C], SampledCondition] = (
        refuse_conditions
    )
    transforms: Mapping[str, Transform[Any]] = field(default_factory=dict[str, Transform[Any]])
    fit_after_training: FitAfterTraining[Any] | None = None

    @property
    def transform(self) -> Transform[Any] | None:
        """The usual transform; ``None`` if there is none."""
        return next(iter(self.transforms.values()), None)


@dataclass(frozen=True, slots=True)
class Evaluated(Generic[C]):
    """What the scores of a task are computed from.

    Attributes:
        trained: The network with all that its use takes.
        held_out: ``n`` samples never trained on, with the conditions that the data have.
        condition: ``(n, ...)`` what the network was told of each.
        outputs: ``(n, *shape)`` what it made of that, in the range of the output's codec.
        seed: Of all chance.
    """

    trained: Trained[C]
    held_out: Batch
    condition: Condition
    outputs: Tensor
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Generic[C]):
    """How what was trained is judged.

    Attributes:
        condition: What samples are told that shall be like given reals, in the derived roles.
        embed: Samples ``(B, *shape)`` as numbers in which distance means likeness; it is what
            health, the fresh critic and the search for copies look at.
        validation_loss: How wrong the model is about samples of a problem that ``corrupt`` made,
            less being better; ``None`` where the discriminator alone can say. Measured on held-out
            samples, it shows when a generator begins to learn its training data by heart.
        reference_methods: By name, simple methods that make an output from what is told, such as a
            bicubic enlargement; a conditional recipe is scored beside them.
        scores: Scores of the task beside the general ones, such as the accuracy of a classifier.
        is_baseline: Whether it is there to be beaten: ``compare`` says which runs lose to it.
    """

    condition: Callable[[Batch, Spec], Condition] = empty_condition
    embed: Embed = identity_embed
    validation_loss: Callable[[nn.Module, Batch, C], Tensor] | None = None
    reference_methods: Mapping[str, ReferenceMethod] = field(
        default_factory=dict[str, ReferenceMethod]
    )
    scores: Callable[[Evaluated[C]], Sequence[Score]] | None = None
    is_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Generic[C]):
    """Everything that is special to a task, and nothing else. All functions are pure.

    Attributes:
        config: The settings model. Its fields are the command line's flags.
        inputs: What it reads.
        training: How the players learn.
        inference: How what was trained is used.
        evaluation: How that is judged.
    """

    config: type[C]
    inputs: Inputs[C]
    training: Training[C]
    # A lambda: the type checker takes the bare class for one of another ``C``.
    inference: Inference[C] = field(default_factory=lambda: Inference())  # noqa: PLW0108
    evaluation: Evaluation[C] = field(default_factory=lambda: Evaluation())  # noqa: PLW0108

    @property
    def unused(self) -> frozenset[str]:
        """Settings without a say, as they are of steps, and there are none."""
        fitted = self.training.fit is not None
        return frozenset(Config.model_fields) - {"latent_dim"} if fitted else frozenset()

    @property
    def makes_samples(self) -> bool:
        """Whether what its model makes is a sample; else the generator alone makes such."""
        return self.inference.output == "sample"

    @property
    def conditional(self) -> bool:
        """Whether each sample that it makes is made for a given condition."""
        return self.inputs.conditional and self.makes_samples

    @property
    def sampling(self) -> InferOf[C]:
        """How samples are made, by the model or by the generator; see ``makes_samples``."""
        return self.inference.infer if self.makes_samples else one_pass

    def with_evaluation_condition(self, batch: Batch, spec: Spec) -> Batch:
        """Reals as they are judged: ``Evaluation.condition`` in place of what is derived."""
        blank, derived = self.evaluation.condition(batch, spec), self.inputs.derived
        slots = {
            "vector": blank.vector if "vector" in derived else batch.condition.vector,
            "grid": blank.grid if "grid" in derived else batch.condition.grid,
            "tokens": blank.tokens if "tokens" in derived else batch.condition.tokens,
        }
        return replace(batch, condition=Condition(**slots))
