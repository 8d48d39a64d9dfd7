"""Class names <-> one-hot rows ``(B, K)``; an unlabeled sample is a row of zeros."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, field_validator
from torch import Tensor

from gannet.core.errors import DataError
from gannet.core.io.regular import read_text


class LabelCodec(BaseModel):
    """Class names, in the order of their columns. ``None`` stands for unlabeled.

    Attributes:
        classes: The names.
        pseudo: Whether they are pseudo-classes (clusters of unlabeled data): networks are
            conditioned on them, but users cannot choose them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: ClassVar[str] = "label"
    tolerance: ClassVar[float] = 0.0

    classes: tuple[str, ...]
    pseudo: bool = False

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if not classes or len(set(classes)) != len(classes) or "" in classes:
            raise ValueError("classes need names, each of its own")
        return classes

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one encoded name, ``(K,)``."""
        return (len(self.classes),)

    @classmethod
    def fit(cls, raws: Iterable[str | None]) -> Self:
        """Collect the names that occur.

        Raises:
            DataError: if there is none.
        """
        if names := in_order(raw for raw in raws if raw is not None):
            return cls(classes=names)
        raise DataError("no labels found", remedy="Name the column that holds them with --label.")

    def read(self, path: Path) -> str | None:
        """The name in a text file; an empty file means unlabeled.

        Raises:
            DataError: if the name is none of the classes.
        """
        name = read_text(path).strip() or None
        self.index(name)
        return name

    def write(self, raw: str | None, path: Path) -> None:
        """Save one name as text."""
        path.write_text(raw or "", encoding="utf-8")

    def index(self, name: str | None) -> int:
        """The index of a name, -1 for ``None``.

        Raises:
            DataError: if there is no such class; the message suggests the nearest name.
        """
        if name is None:
            return -1
        if name in self.classes:
            return self.classes.index(name)
        near = difflib.get_close_matches(name, self.classes, 1)
        listed = ", ".join(self.classes[:20]) + (", ..." if len(self.classes) > 20 else "")
        raise DataError(
            f"no class {name!r}",
            remedy=f"Did you mean {near[0]!r}?" if near else f"Known classes: {listed}.",
        )

    def encode(self, raws: Sequence[str | None]) -> Tensor:
        """Names to rows ``(n, K)`` of zeros and at most one 1.

        Raises:
            DataError: if a name is none of the classes.
        """
        return self.rows(np.array([self.index(raw) for raw in raws], dtype=np.int64))

    def rows(self, indices: NDArray[np.int64]) -> Tensor:
        """Class indices ``(n,)``, -1 for unlabeled, to one-hot rows ``(n, K)``."""
        labeled = np.flatnonzero(indices >= 0)
        rows = np.zeros((len(indices), len(self.classes)), np.float32)
        rows[labeled, indices[labeled]] = 1
        return torch.from_numpy(rows)

    def decode(self, samples: Tensor) -> list[str | None]:
        """The most likely name of each row; ``None`` where a row sums to less than 0.5."""
        confident: list[bool] = (samples.sum(1) >= 0.5).tolist()
        best: list[int] = samples.argmax(1).tolist()
        return [self.classes[k] if sure else None for k, sure in zip(best, confident, strict=True)]

    def squash(self, output: Tensor) -> Tensor:
        """Logits to class probabilities."""
        return output.softmax(1)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Distinct names, sorted as numbers if all are integers, else as text.

    >>> in_order(["10", "9", "10"])
    ('9', '10')
    """
    distinct = set(names)
    if all(name.isascii() and name.removeprefix("-").isdigit() for name in distinct):
        return tuple(sorted(distinct, key=lambda name: (int(name), name)))
    return tuple(sorted(distinct))
