"""What a trained model shows to a kind of data that draws samples from it, and what it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.recipe import SampledCondition
from gannet.core.types import CellConditions, Condition, Spec


class NoOptions(BaseModel):
    """Nothing can be asked for by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SampleSource(Protocol):
    """A trained model from which samples can be drawn; an artifact is one."""

    @property
    def spec(self) -> Spec:
        """Sizes of its networks."""
        ...

    @property
    def codec(self) -> Codec[Any]:
        """Of its samples."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """What its card says of the data that it was trained on."""
        ...

    @property
    def statistics(self) -> Mapping[str, Tensor]:
        """What is known of the training data; see ``Modality.statistics``."""
        ...

    @property
    def latent_dim(self) -> int:
        """Numbers of noise per sample."""
        ...

    def infer(self, noise: Tensor, condition: Condition) -> Tensor:
        """What the network makes of noise ``(n, Z)`` and conditions, ``(n, *shape)``."""
        ...

    def draw(self, condition: Condition, *, seed: int = 0, start: int = 0) -> Tensor:
        """One sample per condition; row n depends on the seed, ``start + n`` and its condition."""
        ...

    def sample(self, count: int, *, seed: int = 0, start: int = 0, **asked: object) -> Tensor:
        """``count`` samples, ``(count, *shape)``, as classes and other conditions were asked."""
        ...

    def condition_on(self, conditions: CellConditions, chance: Tensor) -> SampledCondition:
        """Conditions under which wishes for cells come true, from uniform numbers per sample.

        Raises:
            ConfigError: if the recipe cannot be asked.
        """
        ...

    def decode(self, samples: Tensor) -> list[Any]:
        """Samples as raw data."""
        ...


@dataclass(frozen=True, slots=True)
class SamplingRequest:
    """Samples that are asked for.

    Attributes:
        count: How many.
        seed: Sample n depends on the seed and on n alone.
        options: Of the kind of data, see ``InferenceHooks.options``.
        asked: What the model shall be told, by name, such as the class.
    """

    count: int
    seed: int
    options: BaseModel
    asked: Mapping[str, object]


@dataclass
class DrawnSamples(Iterator[Any]):
    """New raw samples, drawn as they are walked through.

    Attributes:
        parts: Those to come, one after the other; of tables each is a frame of many rows.
    """

    parts: Iterator[Any]

    def __next__(self) -> Any:
        """The next one."""
        return next(self.parts)

    def gather(self) -> Any:
        """All that are left in one piece, as Python users like them; by default a list."""
        return list(self)

    def notes(self) -> list[str]:
        """What a user should know of those that were drawn."""
        return []


@dataclass(frozen=True, slots=True)
class ConditionRequest:
    """What samples are to be told in one slot.

    Attributes:
        codec: Of the slot.
        options: Of its kind of data, see ``InferenceHooks.condition_options``.
        rows: Numbers of the samples.
        seed: Of what is left to chance; row n depends on the seed and on n alone.
        shares: Of classes: the share of the training data that each had; empty for equal ones.
    """

    codec: Codec[Any]
    options: BaseModel
    rows: range
    seed: int
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Where and how raw samples are to be written.

    Attributes:
        path: The file or folder.
        count: How many samples come.
        codec: Of the samples.
        labels: The class of each sample, empty for none; no entry where there are no classes.
        classes: Names of all classes.
        options: Of the kind of data, as they were asked for.
        facts: What the card says of the data that the model was trained on.
    """

    path: Path
    count: int
    codec: Codec[Any]
    labels: Sequence[str] = ()
    classes: tuple[str, ...] = ()
    options: BaseModel = field(default_factory=NoOptions)
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class LoadedSamples:
    """Encoded samples of a file.

    Attributes:
        samples: ``(n, *shape)``.
        names: What each is called behind the file's name, such as ``row 3``; empty for a file that
            is one sample.
    """

    samples: Tensor
    names: tuple[str, ...]
