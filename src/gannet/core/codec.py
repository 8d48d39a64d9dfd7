"""Codecs: raw data of one kind (a picture, a class name, a row of numbers) <-> tensors.

A codec is a frozen pydantic model: what it learnt from the data is its fields, so its JSON in an
artefact's card is all that is needed to decode samples later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar, runtime_checkable

from torch import Tensor

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
