"""A recipe: the few functions that turn a data set into one kind of trained network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal

import torch
from torch import Tensor, nn

from gannet.config import C
from gannet.types import Batch, Condition, Players, Spec, Terms

Kind = Literal["image", "label", "vector", "table"]
Role = Literal["real", "vector", "grid", "tokens"]
TermsOf = Callable[[Players, Batch, Tensor, C], Terms]


@dataclass(frozen=True, slots=True)
class Column:
    """The codec kinds that may fill one role, and whether the role may stay empty."""

    kinds: tuple[Kind, ...]
    optional: bool = False


def as_it_is(batch: Batch, _rng: torch.Generator, _config: object) -> Batch:
    """The problem is the batch itself."""
    return batch


def constant(config: C, _share: float) -> C:
    """The same settings from the first step to the last."""
    return config


def the_generator(players: Players) -> nn.Module:
    """The generator is what people want."""
    return players.generator


def one_pass(product: nn.Module, noise: Tensor, condition: Condition, _config: object) -> Tensor:
    """One forward pass makes the samples."""
    made: Tensor = product(noise, condition)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Generic[C]):
    """Everything that is special to a task, and nothing else. All functions are pure.

    Attributes:
        config: The settings model. Its fields are the command line's flags.
        columns: What each role of the training data may be.
        made: Roles that ``prepare`` fills in training and the caller fills, with these, at use.
        paired: Whether the columns of one row belong together.
        build: Makes the two players for the measured sizes.
        discriminator_terms: What the discriminator minimises. Must not train the generator.
        generator_terms: What the generator minimises.
        prepare: Makes the problem from the data: hides pixels, shrinks pictures, splits clips.
        schedule: The settings in force when a ``share`` (0..1) of the steps is done.
        product: The network worth keeping; its running average is saved and served.
        infer: Uses the product, in training previews and in production alike.
        output: The role whose codec turns what ``infer`` returns back into raw data.
    """

    config: type[C]
    columns: Mapping[Role, Column]
    made: Mapping[Role, tuple[Kind, ...]] = field(default_factory=dict[Role, tuple[Kind, ...]])
    paired: bool = True
    build: Callable[[C, Spec], Players]
    discriminator_terms: TermsOf[C]
    generator_terms: TermsOf[C]
    prepare: Callable[[Batch, torch.Generator, C], Batch] = as_it_is
    schedule: Callable[[C, float], C] = constant
    product: Callable[[Players], nn.Module] = the_generator
    infer: Callable[[nn.Module, Tensor, Condition, C], Tensor] = one_pass
    output: Role = "real"
