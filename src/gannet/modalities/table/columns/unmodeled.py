"""Columns that are not modelled: identifiers, free text, constants and empty columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.frame import Cells
from gannet.modalities.table.columns.base import Encoded, FieldKind, Missing, percent, with_missing
from gannet.modalities.table.columns.formats.identifiers import RARELY, IdentifierForm


class IdentifierColumn(BaseModel):
    """Unique identifiers. They are generated anew: all different, in the form of the originals.

    Attributes:
        type: Always ``identifier``.
        name: Of the column.
        storage: ``text`` or numpy's name of the type.
        form: How new ones are generated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["identifier"] = "identifier"
    name: str
    storage: str
    form: IdentifierForm

    @classmethod
    def fit(cls, name: str, storage: str, cells: Cells) -> Self:
        """Find the form of distinct non-missing cells."""
        return cls(
            name=name, storage=storage, form=IdentifierForm.fit(list(map(str, cells.tolist())))
        )

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Not encoded."""
        return ()

    def encode(self, cells: Cells) -> Encoded:
        """Nothing."""
        return _nothing(cells)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:
        """New identifiers, each different from those of all other rows and seeds."""
        identifiers = self.form.make(seed, range(start, start + len(numbers)))
        if self.storage == "text":
            return _objects(identifiers)
        kind = np.dtype(self.storage)
        if kind.kind not in "iu":
            return np.array(identifiers).astype(kind)
        most = int(np.iinfo(kind).max)  # huge seeds start again from the first
        first = min(self.form.first, most)
        whole = [int(each) for each in identifiers]
        return np.array([n if n <= most else first + n % (most - first + 1) for n in whole], kind)

    def describe(self) -> str:
        """Such as ``identifier, generated anew``."""
        example = self.decode(np.zeros((1, 0), np.float32), 0, 0)[0]
        return f"identifier, generated anew, such as {example}"

    def note(self) -> str:
        """A note that it is not modelled, and how often a new one is a real one by chance."""
        note = f"{self.name}: identifier, generated anew"
        if self.form.collision_probability <= RARELY:
            return note
        return f"{note}; about {percent(self.form.collision_probability)} are real ones by chance"


class TextColumn(BaseModel):
    """Free text. It is left out: its cells come back empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["text"] = "text"
    name: str
    storage: str
    missing: Missing

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Not encoded."""
        return ()

    def encode(self, cells: Cells) -> Encoded:
        """Nothing."""
        return _nothing(cells)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """Missing cells."""
        return _all_missing(len(numbers), self.missing.mark, self.storage)

    def describe(self) -> str:
        """Always ``free text, left out``."""
        return f"free text, left out{self.missing.describe()}"

    def note(self) -> str:
        """A note that it is left out."""
        return f"{self.name}: free text, left out; the column comes back empty"


class ConstantColumn(BaseModel):
    """The same in every row."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["constant"] = "constant"
    name: str
    storage: str
    value: str | int | float | bool

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Not encoded."""
        return ()

    def encode(self, cells: Cells) -> Encoded:
        """Nothing; every other value is unknown."""
        equal = np.array([str(cell) == str(self.value) for cell in cells.tolist()], np.bool_)
        return Encoded(np.zeros((len(cells), 0), np.float32), ~equal)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """The same in every row."""
        if self.storage == "text":
            return _objects([str(self.value)] * len(numbers))
        if self.storage.startswith("timedelta64"):
            return np.full(len(numbers), int(self.value), self.storage)
        return np.full(len(numbers), self.value).astype(self.storage)

    def describe(self) -> str:
        """Such as ``constant 'yes'``."""
        return f"constant {self.value!r}"

    def note(self) -> str:
        """Nothing."""
        return ""


class EmptyColumn(BaseModel):
    """Missing in every row."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["empty"] = "empty"
    name: str
    storage: str
    missing: Missing

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """Not encoded."""
        return ()

    def encode(self, cells: Cells) -> Encoded:
        """Nothing; every value is unknown."""
        return _nothing(cells)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """Missing cells."""
        return _all_missing(len(numbers), self.missing.mark, self.storage)

    def describe(self) -> str:
        """Always ``empty``."""
        return "empty, every cell is missing"

    def note(self) -> str:
        """A note that there is nothing to learn."""
        return f"{self.name}: every cell is missing"


def _nothing(cells: Cells) -> Encoded:
    return Encoded(np.zeros((len(cells), 0), np.float32), np.zeros(len(cells), np.bool_))


def _objects(values: Sequence[object]) -> Cells:
    cells = np.empty(len(values), object)
    cells[:] = values
    return cells


def _all_missing(count: int, mark: str | None, storage: str) -> Cells:
    blank = _objects([None] * count) if storage == "text" else np.zeros(count, np.int64)
    return with_missing(blank, np.ones(count, np.bool_), mark, storage)
