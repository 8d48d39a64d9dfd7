"""Sampling: what kinds of data need of a trained model, and requests for samples."""

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
    """No options."""

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
        """Facts about its training data, from its card."""
        ...

    @property
    def statistics(self) -> Mapping[str, Tensor]:
        """Statistics of the training data; see ``Modality.statistics``."""
        ...

    @property
    def latent_dim(self) -> int:
        """Size of the noise vector of a sample."""
        ...

    def infer(self, noise: Tensor, condition: Condition) -> Tensor:
        """Outputs ``(n, *shape)`` for noise ``(n, Z)`` and conditions."""
        ...

    def draw(self, condition: Condition, *, seed: int = 0, start: int = 0) -> Tensor:
        """One sample per condition; row n depends on the seed, ``start + n`` and its condition."""
        ...

    def sample(
        self, count: int, *, seed: int = 0, start: int = 0, **condition_options: object
    ) -> Tensor:
        """``count`` samples, ``(count, *shape)``, of given classes and other conditions."""
        ...

    def condition_on(self, conditions: CellConditions, uniforms: Tensor) -> SampledCondition:
        """Sample conditions that satisfy cell conditions, from uniform numbers per sample.

        Raises:
            ConfigError: if the recipe cannot be conditioned on cells.
        """
        ...

    def decode(self, samples: Tensor) -> list[Any]:
        """Samples as raw data."""
        ...


@dataclass(frozen=True, slots=True)
class SamplingRequest:
    """A request for samples.

    Attributes:
        count: Number of samples.
        seed: Sample n depends on the seed and on n alone.
        options: Of the kind of data, see ``InferenceHooks.options``.
        condition_options: Conditions by name, such as the class.
    """

    count: int
    seed: int
    options: BaseModel
    condition_options: Mapping[str, object]


@dataclass
class SampleStream(Iterator[Any]):
    """A stream of new raw samples, generated while it is iterated over.

    Attributes:
        parts: The remaining samples; of tables each is a frame of many rows.
    """

    parts: Iterator[Any]

    def __next__(self) -> Any:
        """The next sample."""
        return next(self.parts)

    def gather(self) -> Any:
        """All remaining samples in one object; by default a list."""
        return list(self)

    def notes(self) -> list[str]:
        """What a user should know about the samples drawn so far."""
        return []


@dataclass(frozen=True, slots=True)
class ConditionRequest:
    """A request for the conditions of samples in one slot.

    Attributes:
        codec: Of the slot.
        options: Of its kind of data, see ``InferenceHooks.condition_options``.
        rows: Indices of the samples.
        seed: Of random conditions; row n depends on the seed and on n alone.
        class_frequencies: Class frequencies in the training data; empty for a uniform distribution.
    """

    codec: Codec[Any]
    options: BaseModel
    rows: range
    seed: int
    class_frequencies: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Where and how raw samples are to be written.

    Attributes:
        path: The file or folder.
        count: Number of samples.
        codec: Of the samples.
        labels: The class of each sample, empty for none; no entry where there are no classes.
        classes: Names of all classes.
        options: Of the kind of data.
        facts: Facts about the model's training data, from its card.
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
        names: Name of each within the file, such as ``row 3``; empty for a file that is one
            sample.
    """

    samples: Tensor
    names: tuple[str, ...]
