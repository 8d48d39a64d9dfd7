"""A recipe: the few functions that turn a data set into one kind of trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gannet.core.codec import Codec
from gannet.core.config import C, Config
from gannet.core.errors import ConfigError
from gannet.core.source import Source
from gannet.core.types import Batch, Condition, Players, Spec, Terms, Wishes

Kind = Literal["image", "label", "table", "vector"]
Role = Literal["real", "vector", "grid", "tokens"]
TermsOf = Callable[[Players, Batch, Tensor, C], Terms]
Fit = Callable[[C, Spec, Batch], nn.Module]
"""Settings, sizes and training rows to a product."""


Suggestion = tuple[str, Mapping[str, object]]
"""Why, and settings with their values."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Conditions under which wishes come true.

    Attributes:
        condition: ``(n, ...)`` one for each row of chance.
        share: What the network holds for the share of samples of which they are true anyway.
    """

    condition: Condition
    share: float


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


class View(Protocol):
    """Samples ``(B, *shape)`` as numbers in which distance means likeness."""

    def __call__(self, samples: Tensor, spec: Spec) -> Tensor:
        """Row n of the result is of sample n alone."""
        ...


def as_they_are(samples: Tensor, spec: Spec) -> Tensor:  # noqa: ARG001
    """Samples whose numbers lie close where they are alike need no other view."""
    return samples


def nothing_learnt(_players: Players, _batch: Batch, _noise: Tensor, _config: object) -> Terms:
    """No terms: for recipes that are fitted at once."""
    return {}


def nothing_special(_some: Batch, _rows: int) -> Iterable[Suggestion]:
    """The defaults suit all data."""
    return ()


def never_larger(_spec: Spec) -> Sequence[tuple[int, Mapping[str, float]]]:
    """The same sizes, however much time there is."""
    return ()


@dataclass(frozen=True, slots=True)
class Trained(Generic[C]):
    """A trained network with all that its use takes.

    Attributes:
        product: The network worth keeping.
        codecs: By role.
        spec: Its sizes.
        config: Settings it was trained with.
        kept: What ``Turning.settle`` found.
    """

    product: nn.Module
    codecs: Mapping[str, Codec[Any]]
    spec: Spec
    config: C
    kept: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Given:
    """A picture that is to be turned into another, with what was asked for.

    Attributes:
        picture: ``(H, W, C)`` 32-bit floats in 0..1: grey or colour, with or without alpha.
        mask: ``(H, W)`` true where the picture is not known; empty for none.
        asked: Numbers by name that the recipe's ``Turning.options`` knows.
        label: Class that it shall become; empty if nobody said.
    """

    picture: NDArray[np.float32]
    mask: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    asked: Mapping[str, float] = field(default_factory=dict[str, float])
    label: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A number that may be asked for when a picture is turned.

    Attributes:
        low: Least value.
        high: Largest value.
        words: What it does.
    """

    low: float
    high: float
    words: str


Turned = Callable[[Trained[C], Any, int, int], Sequence[Any]]
"""A trained network, input, draws and a seed to one raw output per draw.

Of ``table`` the input is a frame, and each output; of ``image`` a ``Given``, and ``(H, W, C)``
32-bit floats in 0..1.
"""
Settled = Callable[[Trained[C], Batch, Batch, int], Mapping[str, Tensor]]
"""A network whose duel is over, training and held-out rows and a seed to what is kept beside it."""


def nothing_kept(
    _trained: Trained[Any], _train: Batch, _held_out: Batch, _seed: int
) -> Mapping[str, Tensor]:
    """The network is all there is."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turning(Generic[C]):
    """How a recipe turns an input into an output, which is what ``gannet apply`` asks for.

    Attributes:
        takes: Kind of what goes in and comes out: of ``table``, frames.
        words: What it does, for people, such as "fills the holes of a table".
        turn: Does it. One draw is the single best answer; of several each is drawn by chance, so
            that together they show how sure it is. The same seed gives the same draws.
        settle: What is worked out once the duel is over, and kept in the artefact.
        options: Numbers that may be asked for, by name.
        fixed: Settings that training decided: whoever asks for another value is told so.
        masked: Whether it takes a mask.
        labelled: Whether it must be told a class that the input shall become.
    """

    takes: Kind
    words: str
    turn: Turned[C]
    settle: Settled[C] = nothing_kept
    options: Mapping[str, Option] = field(default_factory=dict[str, Option])
    fixed: tuple[str, ...] = ()
    masked: bool = False
    labelled: bool = False


Plainly = Callable[[Batch], Tensor]
"""Samples with what they are told, ``(B, *shape)``, by a method that learns nothing of the rest."""


def whole(_config: object) -> int:
    """Pictures are taken whole, fitted to one size."""
    return 0


def any_size(_config: object) -> int:
    """Networks that learn from pictures of any size."""
    return 1


def anything_suits(_source: Source) -> None:
    """All data of the right kind can be learnt from."""


def told_nothing(batch: Batch, spec: Spec) -> Condition:
    """What samples are told that are compared with reals, where ``prepare`` tells in training."""
    return spec.blank(len(batch))


def cannot_be_asked(
    _product: nn.Module, _spec: Spec, _wishes: Wishes, _chance: Tensor, _config: object
) -> Asked:
    """Samples come as they come."""
    raise ConfigError(
        "values were asked for, but this run's recipe cannot be told any",
        remedy="Leave --given and --balance-by out.",
    )


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
        fit: Makes the product at once, from the training rows or a fair sample of very many, in
            place of a duel; its weights fit what ``build`` makes. ``None`` where players learn.
        prepare: Makes the problem from the data: hides pixels, shrinks pictures, splits clips.
        schedule: The settings in force when a ``share`` (0..1) of the steps is done.
        product: The network worth keeping; its running average is saved and served.
        infer: Uses the product, in training previews and in production alike.
        output: The role whose codec turns what ``infer`` returns back into raw data.
        view: Samples ``(B, *shape)`` as numbers in which distance means likeness; it is what
            health, the fresh critic and the search for copies look at.
        suggest: Settings that suit the data, with reasons, from up to 512 samples and the number
            of all; taken by ``plan`` where the user left them open.
        ask: The conditions of samples for which values were asked, from the product, the wishes
            and two uniform numbers per sample and wish.
        told: What samples are told that shall be like given reals, in roles that ``prepare`` makes.
        turning: How it turns an input into an output; ``None`` if it makes samples from nothing.
        error: How wrong the product is about samples of a problem that ``prepare`` made, less being
            better; ``None`` where the discriminator alone can say. Measured on held-out samples, it
            shows when a generator begins to learn its training data by heart.
        piece: Side of the pieces that pictures are cut into, at the size that they have; 0 takes
            pictures whole, fitted to one size.
        least: Side of the smallest pictures or pieces that its networks can learn from.
        suits: Refuses data that it cannot learn from, by a look at names and headers.
        longer: For the sizes of the data, settings of runs that have time for so many steps of the
            smallest networks, the most steps first; where there are none, sizes stay as they are.
        plainly: By name, simple methods that make an output from what is told, such as a bicubic
            enlargement; a recipe that is told a grid is scored beside them.
        exact: Whether it learns in 32 bit only, where 16 bit was measured to lead nowhere.
        baseline: Whether it is there to be beaten: ``compare`` says which runs lose to it.
    """

    config: type[C]
    columns: Mapping[Role, Column]
    made: Mapping[Role, tuple[Kind, ...]] = field(default_factory=dict[Role, tuple[Kind, ...]])
    paired: bool = True
    build: Callable[[C, Spec], Players]
    discriminator_terms: TermsOf[C] = nothing_learnt
    generator_terms: TermsOf[C] = nothing_learnt
    fit: Fit[C] | None = None
    prepare: Callable[[Batch, torch.Generator, C], Batch] = as_it_is
    schedule: Callable[[C, float], C] = constant
    product: Callable[[Players], nn.Module] = the_generator
    infer: Callable[[nn.Module, Tensor, Condition, C], Tensor] = one_pass
    output: Role = "real"
    view: View = as_they_are
    suggest: Callable[[Batch, int], Iterable[Suggestion]] = nothing_special
    ask: Callable[[nn.Module, Spec, Wishes, Tensor, C], Asked] = cannot_be_asked
    told: Callable[[Batch, Spec], Condition] = told_nothing
    turning: Turning[Any] | None = None
    error: Callable[[nn.Module, Batch, C], Tensor] | None = None
    exact: bool = False
    baseline: bool = False
    piece: Callable[[C], int] = whole
    least: Callable[[C], int] = any_size
    suits: Callable[[Source], None] = anything_suits
    longer: Callable[[Spec], Sequence[tuple[int, Mapping[str, float]]]] = never_larger
    plainly: Mapping[str, Plainly] = field(default_factory=dict[str, Plainly])

    @property
    def unused(self) -> frozenset[str]:
        """Settings without a say, as they are of a duel, and there is none."""
        return frozenset() if self.fit is None else frozenset(Config.model_fields) - {"noise"}

    @property
    def answers(self) -> bool:
        """Whether each of its samples is an answer to a picture."""
        return "grid" in self.made or "grid" in self.columns

    def at_use(self, batch: Batch, spec: Spec) -> Batch:
        """Reals as they are judged: with ``told`` in place of what ``prepare`` makes."""
        blank, made = self.told(batch, spec), self.made
        slots = {
            "vector": blank.vector if "vector" in made else batch.condition.vector,
            "grid": blank.grid if "grid" in made else batch.condition.grid,
            "tokens": blank.tokens if "tokens" in made else batch.condition.tokens,
        }
        return replace(batch, condition=Condition(**slots))
