"""A recipe: the functions that turn a data set into one kind of trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gannet.core.config import C, Config, Controls
from gannet.core.device import adam
from gannet.core.errors import ConfigError
from gannet.core.scores import Score
from gannet.core.source import Source
from gannet.core.transform import Role, Trained, Transform
from gannet.core.types import Batch, CellConditions, Condition, Losses, Networks, Spec, trainable

LossesOf = Callable[[Networks, Batch, Tensor, C], Losses]
Fit = Callable[[C, Spec, Batch], nn.Module]
"""Settings, sizes and training rows to a model."""

InferOf = Callable[[nn.Module, Tensor, Condition, C], Tensor]
"""A network, noise ``(B, Z)``, conditions and settings to outputs ``(B, *shape)``."""

Suggestion = tuple[str, Mapping[str, object]]
"""A reason, and settings with their values."""

ReferenceMethod = Callable[[Batch], Tensor]
"""Samples with conditions to outputs ``(B, *shape)``, by a method that is not trained."""

FitAfterTraining = Callable[[Trained[C], Batch, Batch, int], Mapping[str, Tensor]]
"""A trained network, training and held-out rows and a seed to extra state that is saved with it."""


@dataclass(frozen=True, slots=True)
class SampledCondition:
    """Conditions sampled so that cell conditions are satisfied.

    Attributes:
        condition: ``(n, ...)`` one for each row of uniform numbers.
        probability: Of the cell conditions under the model, without conditioning.
    """

    condition: Condition
    probability: float


KindNames = tuple[str, ...] | Callable[[], tuple[str, ...]]
"""Names of kinds of data, or what finds all that can do something: ``recipes.common.kinds``."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The kinds of data that may fill one role, and whether the role may stay empty."""

    kinds: KindNames
    optional: bool = False

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the kinds, those of other packages included."""
        return self.kinds() if callable(self.kinds) else self.kinds


def identity(batch: Batch, _rng: torch.Generator, _config: object) -> Batch:
    """The batch, uncorrupted."""
    return batch


def constant_schedule(config: C, _progress: float) -> C:
    """The same settings at every step."""
    return config


def always(_config: object) -> bool:
    """True for all settings."""
    return True


def the_generator(networks: Networks) -> nn.Module:
    """The generator as the exported model."""
    return networks.generator


def one_pass(model: nn.Module, noise: Tensor, condition: Condition, _config: object) -> Tensor:
    """Samples by one forward pass."""
    samples: Tensor = model(noise, condition)
    return samples


class Embed(Protocol):
    """Embed samples ``(B, *shape)`` so that distances are meaningful."""

    def __call__(self, samples: Tensor, spec: Spec) -> Tensor:
        """Row n of the result depends on sample n alone."""
        ...


def identity_embed(samples: Tensor, spec: Spec) -> Tensor:  # noqa: ARG001
    """The samples themselves, where their distances are meaningful already."""
    return samples


def no_losses(_players: Networks, _batch: Batch, _noise: Tensor, _config: object) -> Losses:
    """No losses: for recipes that are fitted at once."""
    return {}


def no_suggestions(_some: Batch, _rows: int) -> Iterable[Suggestion]:
    """No data-dependent defaults."""
    return ()


def no_presets(_config: object) -> Iterable[Suggestion]:
    """No setting implies others."""
    return ()


def never_larger(_spec: Spec) -> Sequence[tuple[int, Mapping[str, float]]]:
    """The same sizes for all time budgets."""
    return ()


def adam_per_player(config: Config, networks: Networks) -> dict[str, Optimizer]:
    """One Adam for each network; the discriminator may have a rate and betas of its own.

    Source: Heusel et al. 2017, arXiv:1706.08500 (two time-scale update rule, TTUR).
    """
    rate, betas = config.learning_rate, (config.beta1, config.beta2)
    own = (config.discriminator_beta1, config.discriminator_beta2)
    optimizers: dict[str, Optimizer] = {
        name: adam(trainable(network), betas, rate) for name, network in networks.by_name.items()
    }
    first, second = (one if one >= 0 else usual for one, usual in zip(own, betas, strict=True))
    optimizers["discriminator"] = adam(
        trainable(networks.discriminator),
        (first, second),
        config.discriminator_learning_rate or rate,
    )
    return optimizers


def whole(_config: object) -> int:
    """No crops: whole images, resized to one size."""
    return 0


def any_size(_config: object) -> int:
    """No minimum image size."""
    return 1


def accept_any(_source: Source) -> None:
    """Accept all data of the right kind."""


def empty_condition(batch: Batch, spec: Spec) -> Condition:
    """The empty condition, for samples that are compared with reals."""
    return spec.blank(len(batch))


def refuse_conditions(
    _model: nn.Module, _spec: Spec, _conditions: CellConditions, _uniforms: Tensor, _config: object
) -> SampledCondition:
    """Refuse conditional sampling.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(
        "conditions were given, but this run's recipe cannot be conditioned on values",
        remedy="Leave the conditions out, or give a run of another recipe.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs(Generic[C]):
    """Inputs of a recipe.

    Attributes:
        slots: Kinds of data that each role accepts.
        derived: Roles that ``corrupt`` fills in training and the caller fills at inference.
        given: Role of the input that each sample is generated for, such as an image or a text;
            empty for samples from noise.
        paired: Whether the slots of one row belong together.
        crop_size: Side of the crops of full-resolution images; 0 for whole images, resized to
            one size.
        min_size: Side of the smallest images or crops that its networks can learn from.
        check: Refuses data that it cannot learn from, by names and headers alone.
    """

    slots: Mapping[Role, Slot]
    derived: frozenset[Role] = frozenset()
    given: Role | Literal[""] = ""
    paired: bool = True
    crop_size: Callable[[C], int] = whole
    min_size: Callable[[C], int] = any_size
    check: Callable[[Source], None] = accept_any

    @property
    def conditional(self) -> bool:
        """Whether each sample is generated for a given input."""
        return bool(self.given)

    @property
    def conditions_from_samples(self) -> bool:
        """Whether the conditions of fakes must be taken from samples for a fair comparison."""
        return self.conditional or bool(self.derived)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Generic[C]):
    """How the networks are trained.

    Attributes:
        build: Builds the networks for the measured sizes.
        discriminator_losses: Losses of the discriminator. Must not train the others.
        generator_losses: Losses of the generator.
        auxiliary_losses: Losses of each further network, by its name in ``Networks.auxiliary``.
            They are updated after the generator, in the order of ``Networks``.
        corrupt: Makes the training problem: hides pixels, shrinks images, splits clips.
        schedule: The settings at a training progress in 0..1.
        optimizers: An optimizer for each network. Their rates follow ``learning_rate``, at the
            ratio that they have at first.
        fit: Closed-form fit of the model, from the training rows or a random subset of very many,
            in place of steps; its weights suit what ``build`` makes. ``None`` for training.
        suggest: Data-dependent defaults, with reasons, from up to 512 samples and the number
            of all; used by ``plan`` where the user set nothing.
        presets: Defaults that other settings imply, with reasons, such as the learning rate of a
            loss's paper; used like ``suggest`` and after it.
        scaling: For the sizes of the data, settings of runs that have time for so many steps of
            the smallest networks, the most steps first; empty where sizes never grow.
        float32_only: Whether it is trained in float32 only, because bfloat16 was measured to fail.
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
        """Losses of each network, by name."""
        own = {"discriminator": self.discriminator_losses, "generator": self.generator_losses}
        return own | dict(self.auxiliary_losses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference(Generic[C]):
    """How the trained model is used.

    Attributes:
        model: The exported model: the generator, another network, or several in one module.
            Its exponential moving average (EMA) is saved and used.
        infer: Runs it, in training previews and at inference alike.
        output: The role whose codec decodes what ``infer`` returns.
        condition_on: Conditional sampling: samples conditions from the model, cell conditions and
            one uniform number per sample and one more per conditioned column.
        transforms: By name, how it transforms an input into an output; the first is the default;
            empty if it only generates from noise.
        fit_after_training: Post-training fit, whose result is saved with the model.
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
        """The default transform; ``None`` if there is none."""
        return next(iter(self.transforms.values()), None)


@dataclass(frozen=True, slots=True)
class Evaluated(Generic[C]):
    """Input of a task's own scores.

    Attributes:
        trained: The network with all that is needed to use it.
        held_out: ``n`` held-out samples, with the conditions of the data.
        condition: ``(n, ...)`` the condition of each output.
        outputs: ``(n, *shape)`` outputs of the network, in the range of the output's codec.
        seed: Of all randomness.
    """

    trained: Trained[C]
    held_out: Batch
    condition: Condition
    outputs: Tensor
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Generic[C]):
    """How the trained model is evaluated.

    Attributes:
        condition: Condition of samples that are compared with reals, in the derived roles.
        embed: Embeds samples ``(B, *shape)`` so that distances are meaningful; used by the monitor,
            the two-sample test (C2ST) and the search for memorized samples.
        validation_loss: Loss of the model on a batch that ``corrupt`` made, the lower the better;
            ``None`` where only the discriminator can judge. On held-out samples, it shows when a
            generator begins to overfit.
        reference_methods: By name, simple methods that make an output from a condition, such as
            bicubic enlargement; a conditional recipe is compared with them.
        against_targets: Whether an output is compared with the target of its input; false where
            many outputs are right, such as the pictures that one caption describes.
        scores: Scores of the task besides the general ones, such as a classifier's accuracy.
        is_baseline: Whether it is a baseline: ``compare`` reports which runs lose to it.
    """

    condition: Callable[[Batch, Spec], Condition] = empty_condition
    embed: Embed = identity_embed
    validation_loss: Callable[[nn.Module, Batch, C], Tensor] | None = None
    reference_methods: Mapping[str, ReferenceMethod] = field(
        default_factory=dict[str, ReferenceMethod]
    )
    against_targets: bool = True
    scores: Callable[[Evaluated[C]], Sequence[Score]] | None = None
    is_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Generic[C]):
    """Everything that is specific to a task, and nothing else. All functions are pure.

    Attributes:
        config: The settings model. Its fields are the command line's flags.
        inputs: Inputs of the recipe.
        training: How the networks are trained.
        inference: How the trained model is used.
        evaluation: How the trained model is evaluated.
    """

    config: type[C]
    inputs: Inputs[C]
    training: Training[C]
    # With a bare class, the type checker infers another ``C``.
    inference: Inference[C] = field(default_factory=lambda: Inference())  # noqa: PLW0108
    evaluation: Evaluation[C] = field(default_factory=lambda: Evaluation())  # noqa: PLW0108

    @property
    def unused(self) -> frozenset[str]:
        """Settings without effect: those of training steps, where the model is fitted."""
        fitted = self.training.fit is not None
        return frozenset(Config.model_fields) - {"latent_dim"} if fitted else frozenset()

    @property
    def makes_samples(self) -> bool:
        """Whether its exported model makes samples; else only the generator does."""
        return self.inference.output == "sample"

    @property
    def makes_conditional_samples(self) -> bool:
        """Whether it makes samples, each of them for a given input."""
        return self.inputs.conditional and self.makes_samples

    @property
    def sampling(self) -> InferOf[C]:
        """How to sample, from the model or from the generator; see ``makes_samples``."""
        return self.inference.infer if self.makes_samples else one_pass

    def with_evaluation_condition(self, batch: Batch, spec: Spec) -> Batch:
        """Reals for evaluation: derived roles are replaced by ``Evaluation.condition``."""
        fixed = self.evaluation.condition(batch, spec)
        slots = {role: fixed.slot(role) for role in self.inputs.derived}
        return replace(batch, condition=replace(batch.condition, **slots))
