"""Categorical columns of up to 100,000 values, and booleans as they are written."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.errors import DataError
from gannet.core.frame import Cells
from gannet.modalities.table.columns.base import (
    Encoded,
    FieldKind,
    MisfitError,
    Missing,
    with_missing,
)

MAX_CATEGORIES = 100_000
"""Most values of a category."""
SINGLE = 256
"""Most values that are encoded as one symbol; more take two (bucket and value in the bucket)."""
DIRECT = 200
"""Most frequent values of a larger category, with a symbol of their own; others share buckets."""
BUCKET = 256
"""Values per bucket."""

_TRUTHS = [
    *(("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("off", "on"), ("0", "1")),
]


class CategoryColumn(BaseModel):
    """Values in descending frequency; rare values of a large category are encoded in buckets.

    Attributes:
        type: ``boolean`` if there are two values that mean no and yes.
        name: Of the column.
        storage: ``text`` or numpy's name of the type.
        missing: How often a cell is missing, and its marker.
        values: As text, the most frequent first; of a boolean, first no and then yes.
        counts: Of each value in the rows that the column was fitted to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["category", "boolean"]
    name: str
    storage: str
    missing: Missing
    values: tuple[str, ...]
    counts: tuple[int, ...]

    @classmethod
    def fit(
        cls,
        name: str,
        storage: str,
        cells: Cells,
        counts: NDArray[np.int64],
        missing: Missing,
        *,
        boolean: bool = False,
    ) -> Self:
        """Fit it to distinct non-missing cells and their counts.

        Raises:
            DataError: if there are too many values.
        """
        if len(cells) > MAX_CATEGORIES:
            raise DataError(
                f"more than {MAX_CATEGORIES:,} values, too many for a category",
                where=f"column {name!r}",
                remedy=f"Leave it out with --column {name}=text, or group its values.",
            )
        texts = list(map(str, plain(cells)))
        # Ties are broken alphabetically, so that the order of rows does not matter.
        order = sorted(range(len(texts)), key=lambda at: (-counts[at], texts[at]))
        if boolean:
            if not is_boolean(cells):
                remedy = f"Take it as a category: --column {name}=category."
                raise MisfitError("expected no and yes", name, texts[:5], remedy)
            order = sorted(order, key=lambda at: _meaning(texts[at]))
        return cls(
            type="boolean" if boolean else "category",
            name=name,
            storage=storage,
            missing=missing,
            values=tuple(texts[at] for at in order),
            counts=tuple(int(counts[at]) for at in order),
        )

    @property
    def buckets(self) -> int:
        """Number of buckets for the values beyond the direct ones."""
        return 0 if len(self.values) <= SINGLE else -((DIRECT - len(self.values)) // BUCKET)

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """One symbol; a large category has a second: the value in its bucket, 0 for none."""
        if not self.buckets:
            return (("symbol", len(self.values) + self.missing.symbols),)
        first = DIRECT + self.buckets + self.missing.symbols
        return (("symbol", first), ("symbol", min(BUCKET, len(self.values) - DIRECT) + 1))

    @cached_property
    def positions(self) -> dict[str, int]:
        """Value -> its index in `values`."""
        return {value: index for index, value in enumerate(self.values)}

    def position_of(self, cell: Any) -> int:
        """Index of a value in ``values``, -1 if absent. 1 and 1.0 are the same value."""
        index = self.positions.get(str(cell), -1)
        if index < 0 and isinstance(cell, float) and cell.is_integer():
            return self.positions.get(str(int(cell)), -1)
        return self.positions.get(f"{cell}.0", -1) if index < 0 and type(cell) is int else index

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """``(symbols,)`` relative frequency of each symbol of the first field."""
        probabilities = np.array(self.counts, np.float64)
        if self.buckets:
            ends = range(DIRECT, len(probabilities), BUCKET)
            bucket_sums = [probabilities[at : at + BUCKET].sum() for at in ends]
            probabilities = np.concatenate([probabilities[:DIRECT], bucket_sums])
        probabilities = probabilities / probabilities.sum() * (1 - self.missing.fraction)
        return np.concatenate([[self.missing.fraction] * self.missing.symbols, probabilities])

    def encode(self, cells: Cells) -> Encoded:
        """Distinct cells to symbols.

        An unknown value becomes missing if cells were missing in training, else the most frequent.
        """
        missing_mask = self.missing.find(cells)
        indices = np.array([self.position_of(cell) for cell in plain(cells)], np.int64)
        indices[missing_mask] = -1
        numbers = np.zeros((len(cells), len(self.sizes)), np.float32)
        unknown = (indices < 0) & ~(missing_mask & bool(self.missing.symbols))
        if not self.missing.symbols:
            indices = indices.clip(0)
        symbol, inside = indices, np.zeros(len(cells), np.int64)
        if self.buckets:
            bucket, offset = np.divmod(indices - DIRECT, BUCKET)
            symbol = np.where(indices < DIRECT, indices, DIRECT + bucket)
            inside = np.where(indices < DIRECT, 0, offset + 1)
            numbers[:, 1] = inside
        numbers[:, 0] = symbol + self.missing.symbols
        return Encoded(numbers, unknown)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """Symbols to values; a bucket with no value in it decodes to its most frequent one."""
        symbols = np.rint(numbers[:, 0]).clip(0, self.sizes[0][1] - 1).astype(np.int64)
        at = symbols - self.missing.symbols
        missing_mask = at < 0
        if self.buckets:
            inside = np.rint(numbers[:, 1]).clip(1, BUCKET).astype(np.int64)
            at = np.where(at < DIRECT, at, DIRECT + (at - DIRECT) * BUCKET + inside - 1)
            at = at.clip(max=len(self.values) - 1)
        return with_missing(self.cells[at.clip(0)], missing_mask, self.missing.mark, self.storage)

    @property
    def cells(self) -> Cells:
        """``(values,)`` in the storage type."""
        if self.storage == "bool":
            return np.array([value == "True" for value in self.values])
        if self.storage.startswith("timedelta64"):
            return np.array(list(map(int, self.values)), self.storage)
        if self.storage.startswith("datetime64"):
            return np.array(self.values, self.storage)
        if self.storage != "text":
            kind: Any = int if "int" in self.storage else float
            return np.array([kind(value) for value in self.values], self.storage)
        cells = np.empty(len(self.values), object)
        cells[:] = self.values
        return cells

    def describe(self) -> str:
        """Such as ``category of 15, 5.7 % missing ('?')``."""
        if self.type == "boolean":
            return f"boolean, {' or '.join(self.values)}{self.missing.describe()}"
        few = f" ({', '.join(self.values)})" if len(self.values) <= 3 else ""
        return f"category of {len(self.values):,}{few}{self.missing.describe()}"

    def note(self) -> str:
        """A warning if many values occur once, so that they may identify rows."""
        rare = sum(count == 1 for count in self.counts)
        if len(self.values) > 20 and 2 * rare > len(self.values):
            return f"{self.name}: {rare:,} of {len(self.values):,} values occur only once"
        return ""


def plain(cells: Cells) -> list[Any]:
    """Cells as Python values whose text is exact: moments as text, durations as numbers."""
    if cells.dtype.kind == "M":
        return cells.astype(str).tolist()
    return cells.astype(np.int64).tolist() if cells.dtype.kind == "m" else cells.tolist()


def is_boolean(cells: Cells) -> bool:
    """Whether the distinct cells are two that mean no and yes."""
    low = tuple(sorted((str(word).strip().lower() for word in cells.tolist()), key=_meaning))
    return low in _TRUTHS


def _meaning(word: str) -> bool:
    """Whether a word means yes."""
    return word.strip().lower() in {yes for _, yes in _TRUTHS}
