"""Words that recur: categories, from two to a hundred thousand, and truths in their own words."""

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
    find_missing,
    with_missing,
)

MOST = 100_000
"""Values of a category."""
SINGLE = 256
"""Up to here a category is one symbol."""
DIRECT = 200
"""Commonest values of a larger one that have a symbol of their own; the rest share buckets."""
BUCKET = 256
"""Values of a bucket."""

_TRUTHS = [
    *(("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("off", "on"), ("0", "1")),
]


class CategoryColumn(BaseModel):
    """Values by falling frequency; those beyond the first ones in buckets, so none is lost.

    Attributes:
        type: ``boolean`` if there are two and they say no and yes.
        name: Of the column.
        storage: ``text`` or numpy's name.
        missing: How often a cell is missing, and its mark.
        values: As text, the commonest first; of a boolean, first no and then yes.
        counts: Of each value among the rows that were looked at.
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
        words: Cells,
        counts: NDArray[np.int64],
        gone: Missing,
        *,
        boolean: bool = False,
    ) -> Self:
        """Build it from distinct known cells and their counts.

        Raises:
            DataError: if there are too many values.
        """
        if len(words) > MOST:
            raise DataError(
                f"more than {MOST:,} values, which are no category",
                where=f"column {name!r}",
                remedy=f"Leave it out with --column {name}=text, or group its values.",
            )
        texts = list(map(str, words.tolist()))
        # Equal counts in the order of the words, so that the order of rows does not matter.
        order = sorted(range(len(texts)), key=lambda at: (-counts[at], texts[at]))
        if boolean:
            if not is_boolean(words):
                remedy = f"Take it as a category: --column {name}=category."
                raise MisfitError("expected no and yes", name, texts[:5], remedy)
            order = sorted(order, key=lambda at: _meaning(texts[at]))
        return cls(
            type="boolean" if boolean else "category",
            name=name,
            storage=storage,
            missing=gone,
            values=tuple(texts[at] for at in order),
            counts=tuple(int(counts[at]) for at in order),
        )

    @property
    def buckets(self) -> int:
        """How many buckets hold the values beyond the direct ones."""
        return 0 if len(self.values) <= SINGLE else -((DIRECT - len(self.values)) // BUCKET)

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """One symbol; of a large category a second, the value in the bucket, 0 outside one."""
        if not self.buckets:
            return (("symbol", len(self.values) + self.missing.symbols),)
        first = DIRECT + self.buckets + self.missing.symbols
        return (("symbol", first), ("symbol", min(BUCKET, len(self.values) - DIRECT) + 1))

    @cached_property
    def positions(self) -> dict[str, int]:
        """Value -> its place in `values`."""
        return {value: place for place, value in enumerate(self.values)}

    def position_of(self, cell: Any) -> int:
        """Of a value in ``values``, -1 for none. 1 and 1.0 are one: tables may differ in that."""
        place = self.positions.get(str(cell), -1)
        if place < 0 and isinstance(cell, float) and cell.is_integer():
            return self.positions.get(str(int(cell)), -1)
        return self.positions.get(f"{cell}.0", -1) if place < 0 and type(cell) is int else place

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """``(symbols,)`` of the first field: how often each occurs."""
        known = np.array(self.counts, np.float64)
        if self.buckets:
            ends = range(DIRECT, len(known), BUCKET)
            rest = [known[at : at + BUCKET].sum() for at in ends]
            known = np.concatenate([known[:DIRECT], rest])
        known = known / known.sum() * (1 - self.missing.fraction)
        return np.concatenate([[self.missing.fraction] * self.missing.symbols, known])

    def encode(self, cells: Cells) -> Encoded:
        """Distinct cells to symbols; an unknown value is missing if ever seen, else the first."""
        gone = find_missing(cells)
        found = np.array([self.position_of(cell) for cell in cells.tolist()], np.int64)
        found[gone] = -1
        numbers = np.zeros((len(cells), len(self.sizes)), np.float32)
        unknown = (found < 0) & ~(gone & bool(self.missing.symbols))
        if not self.missing.symbols:
            found = found.clip(0)
        symbol, inside = found, np.zeros(len(cells), np.int64)
        if self.buckets:
            bucket, place = np.divmod(found - DIRECT, BUCKET)
            symbol = np.where(found < DIRECT, found, DIRECT + bucket)
            inside = np.where(found < DIRECT, 0, place + 1)
            numbers[:, 1] = inside
        numbers[:, 0] = symbol + self.missing.symbols
        return Encoded(numbers, unknown)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """Symbols to values; a bucket without a value inside it means its commonest."""
        symbols = np.rint(numbers[:, 0]).clip(0, self.sizes[0][1] - 1).astype(np.int64)
        at = symbols - self.missing.symbols
        gone = at < 0
        if self.buckets:
            inside = np.rint(numbers[:, 1]).clip(1, BUCKET).astype(np.int64)
            at = np.where(at < DIRECT, at, DIRECT + (at - DIRECT) * BUCKET + inside - 1)
            at = at.clip(max=len(self.values) - 1)
        return with_missing(self.cells[at.clip(0)], gone, self.missing.mark, self.storage)

    @property
    def cells(self) -> Cells:
        """``(values,)`` as they are stored."""
        if self.storage == "bool":
            return np.array([value == "True" for value in self.values])
        if self.storage.startswith("datetime64"):
            return np.array(self.values, self.storage)
        if self.storage != "text":
            kind: Any = np.int64 if "int" in self.storage else np.float64
            return np.array([kind(value) for value in self.values]).astype(self.storage)
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
        """Says when values may point at single rows."""
        rare = sum(count == 1 for count in self.counts)
        if len(self.values) > 20 and 2 * rare > len(self.values):
            return f"{self.name}: {rare:,} of {len(self.values):,} values occur only once"
        return ""


def is_boolean(words: Cells) -> bool:
    """Whether two distinct cells say no and yes."""
    low = tuple(sorted((str(word).strip().lower() for word in words.tolist()), key=_meaning))
    return low in _TRUTHS


def _meaning(word: str) -> bool:
    """Whether a word says yes."""
    return word.strip().lower() in {yes for _, yes in _TRUTHS}
