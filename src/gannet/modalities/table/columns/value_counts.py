"""Value counts of a column, accumulated chunk by chunk in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.frame import Cells, cells_of
from gannet.core.seeding import derive_seed
from gannet.modalities.table.columns.base import WIDE_MARKS, MisfitError
from gannet.modalities.table.columns.formats.numbers import decimals, numbers

MAX_EXACT = 2**18
"""Most distinct cells that are counted exactly; beyond, a uniform sample of cells is counted."""
MAX_ODD = 0.2
"""Most cells of the wrong type, as a fraction of the known ones, that are set aside as missing."""
CULPRITS = 20
"""Most cells of the wrong type that a sampled column stores for error messages."""


@dataclass(frozen=True, slots=True, eq=False)
class ValueCounts:
    """Distinct cells of a column and their counts.

    Attributes:
        name: Of the column.
        storage: ``text``, or numpy's name for the type of the cells.
        values: ``(K,)`` distinct cells except ``None``, NaN and NaT, in order of appearance.
        counts: ``(K,)`` of each.
        blank: Fraction of the rows that hold ``None``, NaN or NaT.
        rows: Number of rows.
        distinct: Whether no cell occurred twice.
    """

    name: str
    storage: str
    values: Cells
    counts: NDArray[np.int64]
    blank: float
    rows: int
    distinct: bool

    def without(self, cells: Sequence[Any]) -> ValueCounts | None:
        """The counts with some cells taken as missing; ``None`` if these are too many."""
        odd = set(map(repr, cells))
        aside = np.array([repr(cell) in odd for cell in self.values.tolist()], np.bool_)
        fraction = self.counts[aside].sum() / max(self.counts.sum(), 1)
        if not aside.any() or fraction > MAX_ODD:
            return None
        return replace(
            self,
            values=self.values[~aside],
            counts=self.counts[~aside],
            blank=float(self.blank + fraction * (1 - self.blank)),
        )


class ValueCounter:
    """Counts of distinct cells; a uniform sample of them once they are too many.

    Extremes, markers of missing cells and cells of the wrong type stay in the sample even if they
    are rare, so that bounds, decimals and errors are exact for data of any length.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name = name
        self.counts: Counter[Any] = Counter()
        self.storages: set[str] = set()
        self.sampling_rate = 1.0
        self.rows = self.blank = 0
        self.odd: list[Any] = []
        self.distinct = True
        self.protected: set[Any] = set()
        self.rng = np.random.default_rng(derive_seed(seed, *name.encode()))

    def add(self, cells: Cells) -> None:
        """Count the cells of one more chunk.

        Raises:
            MisfitError: if they are of several types of Python.
        """
        self.rows += len(cells)
        cells, odd = uniform(cells)
        self.odd += odd[: CULPRITS - len(self.odd)]
        storage = storage_of(self.name, cells)
        if storage:
            self.storages.add(storage)
        observed = cells[~_blank(cells)]
        self.blank += len(cells) - len(observed)
        if not len(observed):
            return
        if observed.dtype.kind in "mM":
            observed = observed.astype(np.int64)
        chunk_counts: Counter[Any] = Counter(observed.tolist())
        if self.distinct:
            max_count = max(chunk_counts.values(), default=0)
            self.distinct = max_count <= 1 and self.counts.keys().isdisjoint(chunk_counts.keys())
        if self.sampling_rate < 1:
            self._protect(cells_of(chunk_counts))
            chunk_counts = Counter(
                observed[self.rng.random(len(observed)) < self.sampling_rate].tolist()
            )
        self.counts.update(chunk_counts)
        while len(self.counts) > MAX_EXACT:
            self._thin()

    def _thin(self) -> None:
        """Halve the sample: keep each counted cell with probability 1/2."""
        if self.sampling_rate == 1:
            self._protect(cells_of(self.counts))
        self.sampling_rate /= 2
        values = list(self.counts)
        left = self.rng.binomial(list(self.counts.values()), 0.5).tolist()
        always = self.protected | WIDE_MARKS
        self.counts = Counter(
            {
                word: max(count, 1)
                for word, count in zip(values, left, strict=True)
                if count or word in always
            }
        )

    def _protect(self, cells: Cells) -> None:
        """Store cells that sampling must not drop: extremes, markers, misfits."""
        parsed = numbers(cells)
        at = parsed.read
        if at.mean() < 0.5:
            if cells.dtype.kind == "O":
                self.protected |= {min(cells), max(cells)}
        else:
            read = np.flatnonzero(at)
            ends = [read[np.argmin(parsed.values[read])], read[np.argmax(parsed.values[read])]]
            self.protected |= {
                cells.tolist()[end] for end in [*ends, int(np.argmax(decimals(cells)))]
            }
            wrong = [word for word in cells[~at].tolist() if word not in WIDE_MARKS]
            self.protected |= set(wrong[: max(CULPRITS - len(self.protected), 0)])
        if cells.dtype.kind == "O":
            self.protected |= WIDE_MARKS & set(cells.tolist())
        for word in self.protected:
            self.counts.setdefault(word, 1)

    def value_counts(self) -> ValueCounts:
        """The counts so far."""
        storage = _merged(self.name, self.storages)
        values = list(self.counts)
        if storage == "text" or not storage:
            cells = np.empty(len(values), object)
            cells[:] = values
        else:
            cells = (
                np.array(values, storage) if "int" in storage else np.array(values).astype(storage)
            )
        return ValueCounts(
            name=self.name,
            storage=storage or "text",
            values=cells,
            counts=np.array(list(self.counts.values()), np.int64),
            blank=self.blank / self.rows if self.rows else 0.0,
            rows=self.rows,
            distinct=self.distinct,
        )


def uniform(cells: Cells) -> tuple[Cells, list[Any]]:
    """Cells of one type: a few of another type are set aside, and named.

    Text among numbers becomes missing; numbers among text become text.
    """
    if cells.dtype.kind != "O":
        return cells, []
    kinds = set(map(type, cells.tolist())) - {type(None)}
    if str not in kinds or kinds == {str} or not kinds <= {str, int, float, bool}:
        return cells, []
    values = cells.tolist()
    is_text = np.array([isinstance(cell, str) for cell in values], np.bool_)
    known = np.array([cell is not None and cell == cell for cell in values], np.bool_)
    fraction, whole = is_text.sum() / max(known.sum(), 1), cells.copy()
    if fraction <= MAX_ODD:
        whole[is_text] = None
        texts = [
            cell for cell in values if isinstance(cell, str) and cell.strip() not in WIDE_MARKS
        ]
        return whole, list(dict.fromkeys(texts))
    if 1 - fraction <= MAX_ODD:
        numbers_among = known & ~is_text
        whole[numbers_among] = [str(cell) for cell in cells[numbers_among]]
        whole[~known] = None
        return whole, []
    return cells, []


def storage_of(name: str, cells: Cells) -> str:
    """Type of the cells: ``text`` or numpy's name; empty if all are ``None``.

    Raises:
        MisfitError: if text stands among numbers that are not text.
    """
    if cells.dtype.kind != "O":
        return cells.dtype.name
    kinds = set(map(type, cells.tolist())) - {type(None)}
    if not kinds:
        return ""
    if kinds == {str}:
        return "text"
    if kinds == {bool}:
        return "bool"
    if kinds == {int}:
        present = [cell for cell in cells if cell is not None]
        if all(-(2**63) <= cell < 2**63 for cell in present):
            return "int64"
        return "uint64" if all(0 <= cell < 2**64 for cell in present) else "float64"
    if kinds <= {int, float}:
        return "float64"
    texts = [cell for cell in cells if isinstance(cell, str)]
    if strange := kinds - {str, int, float, bool}:
        raise MisfitError(
            f"cells of type {min(kind.__name__ for kind in strange)}",
            name,
            [cell for cell in cells[:1000] if type(cell) in strange],
            "Convert them to text, numbers or dates.",
        )
    raise MisfitError(
        f"mixed types: {', '.join(sorted(kind.__name__ for kind in kinds))}",
        name,
        texts or cells[:5].tolist(),
        "Give all cells of the column one type.",
    )


def _blank(cells: Cells) -> NDArray[np.bool_]:
    if cells.dtype.kind == "O":
        return np.array([cell is None or cell != cell for cell in cells.tolist()], np.bool_)
    if cells.dtype.kind in "mM":
        return np.isnat(cells)
    return np.isnan(cells) if cells.dtype.kind == "f" else np.zeros(len(cells), np.bool_)


def _merged(name: str, storages: set[str]) -> str:
    """The common type of all chunks."""
    if len(storages) < 2:
        return next(iter(storages), "")
    if storages <= {"int64", "uint64"}:
        return "uint64"
    if any(not each.startswith(("int", "uint", "float")) for each in storages):
        raise MisfitError(
            f"mixed types: {', '.join(sorted(storages))}",
            name,
            [],
            "Give all cells of the column one type.",
        )
    return "float64" if any(each.startswith("float") for each in storages) else "int64"
