"""Value counts of a column, accumulated chunk by chunk in bounded memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.frame import Cells, cells_of
from gannet.core.seeding import derive_seed
from gannet.modalities.table.columns.base import WIDE_MARKS, MisfitError, decimals, numbers

MOST_WORDS = 2**18
"""Most distinct cells that are counted exactly; beyond, a uniform sample of cells is counted."""
CULPRITS = 20
"""Most cells of the wrong type that a sampled column stores for error messages."""


@dataclass(frozen=True, slots=True, eq=False)
class ValueCounts:
    """Distinct cells of a column and their counts.

    Attributes:
        name: Of the column.
        storage: ``text``, or numpy's name for the type of the cells.
        words: ``(K,)`` distinct cells except ``None``, NaN and NaT, in order of appearance.
        counts: ``(K,)`` of each.
        blank: Fraction of the rows that hold ``None``, NaN or NaT.
        rows: Number of rows.
        distinct: Whether no cell occurred twice.
    """

    name: str
    storage: str
    words: Cells
    counts: NDArray[np.int64]
    blank: float
    rows: int
    distinct: bool


class ValueCounter:
    """Counts of distinct cells; a uniform sample of them once they are too many.

    Extremes, markers of missing cells and cells of the wrong type stay in the sample even if they
    are rare, so that bounds, decimals and errors are exact for data of any length.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name = name
        self.counts: Counter[Any] = Counter()
        self.storages: set[str] = set()
        self.share = 1.0
        self.rows = self.blank = 0
        self.distinct = True
        self.kept: set[Any] = set()
        self.rng = np.random.default_rng(derive_seed(seed, *name.encode()))

    def add(self, cells: Cells) -> None:
        """Count the cells of one more chunk.

        Raises:
            MisfitError: if they are of several types of Python.
        """
        self.rows += len(cells)
        storage = storage_of(self.name, cells)
        if storage:
            self.storages.add(storage)
        known = cells[~_blank(cells)]
        self.blank += len(cells) - len(known)
        if not len(known):
            return
        if known.dtype.kind == "M":
            known = known.astype(np.int64)
        fresh: Counter[Any] = Counter(known.tolist())
        if self.distinct:
            most = max(fresh.values(), default=0)
            self.distinct = most <= 1 and self.counts.keys().isdisjoint(fresh.keys())
        if self.share < 1:
            self._keep(cells_of(fresh))
            fresh = Counter(known[self.rng.random(len(known)) < self.share].tolist())
        self.counts.update(fresh)
        while len(self.counts) > MOST_WORDS:
            self._thin()

    def _thin(self) -> None:
        """Halve the sample: keep each counted cell with probability 1/2."""
        if self.share == 1:
            self._keep(cells_of(self.counts))
        self.share /= 2
        words = list(self.counts)
        left = self.rng.binomial(list(self.counts.values()), 0.5).tolist()
        always = self.kept | WIDE_MARKS
        self.counts = Counter(
            {
                word: max(count, 1)
                for word, count in zip(words, left, strict=True)
                if count or word in always
            }
        )

    def _keep(self, words: Cells) -> None:
        """Store cells that sampling must not drop: extremes, markers, misfits."""
        found = numbers(words)
        at = found.read
        if at.mean() < 0.5:
            if words.dtype.kind == "O":
                self.kept |= {min(words), max(words)}
        else:
            read = np.flatnonzero(at)
            ends = [read[np.argmin(found.values[read])], read[np.argmax(found.values[read])]]
            self.kept |= {words.tolist()[end] for end in [*ends, int(np.argmax(decimals(words)))]}
            wrong = [word for word in words[~at].tolist() if word not in WIDE_MARKS]
            self.kept |= set(wrong[: max(CULPRITS - len(self.kept), 0)])
        if words.dtype.kind == "O":
            self.kept |= WIDE_MARKS & set(words.tolist())
        for word in self.kept:
            self.counts.setdefault(word, 1)

    def counts_so_far(self) -> ValueCounts:
        """The counts so far."""
        storage = _merged(self.name, self.storages)
        words = list(self.counts)
        if storage == "text" or not storage:
            held = np.empty(len(words), object)
            held[:] = words
        else:
            held = np.array(words).astype(storage)
        return ValueCounts(
            name=self.name,
            storage=storage or "text",
            words=held,
            counts=np.array(list(self.counts.values()), np.int64),
            blank=self.blank / self.rows if self.rows else 0.0,
            rows=self.rows,
            distinct=self.distinct,
        )


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
        return "int64" if all(cell is None or abs(cell) < 2**63 for cell in cells) else "float64"
    if kinds <= {int, float}:
        return "float64"
    words = [cell for cell in cells if isinstance(cell, str)]
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
        words or cells[:5].tolist(),
        "Give all cells of the column one type.",
    )


def _blank(cells: Cells) -> NDArray[np.bool_]:
    if cells.dtype.kind == "O":
        return np.array([cell is None or cell != cell for cell in cells.tolist()], np.bool_)
    if cells.dtype.kind == "M":
        return np.isnat(cells)
    return np.isnan(cells) if cells.dtype.kind == "f" else np.zeros(len(cells), np.bool_)


def _merged(name: str, storages: set[str]) -> str:
    """The common type of all chunks."""
    if len(storages) < 2:
        return next(iter(storages), "")
    if any(not each.startswith(("int", "uint", "float")) for each in storages):
        raise MisfitError(
            f"mixed types: {', '.join(sorted(storages))}",
            name,
            [],
            "Give all cells of the column one type.",
        )
    return "float64" if any(each.startswith("float") for each in storages) else "int64"
