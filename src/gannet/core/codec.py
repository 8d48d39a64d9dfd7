"""Codecs: raw data of one kind (an image, a class name, a row of numbers) <-> tensors.

A codec is a frozen pydantic model: what it learnt from the data is its fields, so its JSON in a
model card is all that is needed to decode samples later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

from torch import Tensor

from gannet.core.errors import ConfigError

R = TypeVar("R")


@runtime_checkable
class Codec(Protocol[R]):
    """What every kind of data must offer. ``gannet.testing.check_codec`` checks the laws.

    Laws: ``decode(encode(x))`` is ``x`` within ``tolerance``; encoding a list equals encoding its
    parts; ``squash`` makes any numbers decodable and keeps their gradient; JSON round trip.

    Attributes:
        kind: Name of the kind of data.
        tolerance: Largest difference a round trip may make, in raw units.
        shape: Of one encoded sample, without the batch axis.
    """

    kind: ClassVar[str]
    tolerance: ClassVar[float]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one encoded sample."""
        ...

    @classmethod
    def fit(cls, raws: Iterable[R]) -> Self:
        """Learn what decoding will need. An instance always works; there is no unfitted state."""
        ...

    def read(self, path: Path) -> R:
        """Load one raw sample from a file."""
        ...

    def write(self, raw: R, path: Path) -> None:
        """Save one raw sample; the suffix chooses the format."""
        ...

    def encode(self, raws: Sequence[R]) -> Tensor:
        """Raw samples to ``(n, *shape)`` floats."""
        ...

    def decode(self, samples: Tensor) -> list[R]:
        """``(n, *shape)`` to raw samples; never fails on finite numbers."""
        ...

    def squash(self, output: Tensor) -> Tensor:
        """Any finite numbers to the codec's range, differentiably."""
        ...

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        """The codec's state, as pydantic gives it."""
        ...


@runtime_checkable
class NamesClasses(Protocol):
    """A codec whose raw data are names of classes.

    Attributes:
        classes: The names, in the order of their columns.
        pseudo: Whether they are pseudo-classes (clusters), which people cannot ask for.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """The names."""
        ...

    @property
    def pseudo(self) -> bool:
        """Whether they are pseudo-classes."""
        ...


def classes_of(codec: object, *, include_pseudo: bool = False) -> tuple[str, ...]:
    """Names of the classes that a codec encodes; empty if it encodes other data, or is none.

    Args:
        codec: Of a slot.
        include_pseudo: Whether pseudo-classes, made for data without labels, count.
    """
    if not isinstance(codec, NamesClasses) or (codec.pseudo and not include_pseudo):
        return ()
    return codec.classes


@runtime_checkable
class HasNotes(Protocol):
    """A codec with notes on what it was fitted to."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, set aside or lost, a sentence each."""
        ...


def notes_of(codec: object) -> tuple[str, ...]:
    """What a codec left out, set aside or lost when it was fitted; empty if it does not say."""
    return codec.notes if isinstance(codec, HasNotes) else ()


def class_number(classes: Sequence[str], label: str | int) -> int:
    """The index of a class, given by name or, where no class has a number for a name, by index.

    >>> class_number(("cat", "dog"), "dog"), class_number(("cat", "dog"), 1)
    (1, 1)

    Raises:
        ConfigError: if there is no such class; the known ones are in the message.
    """
    name = str(label)
    if name in classes:
        return classes.index(name)
    # Among classes "10" and "20", a 1 is more likely a mistake than an index.
    by_number = name.isdecimal() and not any(each.isdecimal() for each in classes)
    if by_number and int(name) < len(classes):
        return int(name)
    names = ", ".join(classes[:20]) + (", ..." if len(classes) > 20 else "")
    raise ConfigError(f"--label: no class {name!r}", remedy=f"Known classes: {names}.")
