"""Discovery of columns that are the sum of two others, such as ``total == net + tax``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gannet.modalities.table.rules.values import NEAR, Values, calculated, compared

MAX_COLUMNS = 40
"""Most columns of numbers that are compared: candidates grow with their cube."""
FIRST_ROWS = 64
"""Rows that candidates are chosen from; all others then test them."""


@dataclass(slots=True)
class Sum:
    """A column that is the sum of two others in all rows so far.

    Attributes:
        total: The column.
        parts: The two others.
        rows: Rows in which all three cells are present.
        unlike: Of these, rows whose sum another row's total would not have equalled.
    """

    total: str
    parts: tuple[str, str]
    rows: int = 0
    unlike: int = 0


@dataclass
class SumSearch:
    """Tests candidate sums chunk by chunk and drops those that a row violates.

    Args:
        names: Columns of numbers.
    """

    names: tuple[str, ...]
    sums: list[Sum] = field(init=False)
    started: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Start without candidates: the first rows choose them."""
        self.names = self.names[:MAX_COLUMNS]
        self.sums = []

    @property
    def used(self) -> set[str]:
        """Columns whose values ``add`` needs."""
        if not self.started:
            return set(self.names)
        return {name for each in self.sums for name in (each.total, *each.parts)}

    def add(self, values: Mapping[str, Values]) -> None:
        """Test the candidates on the values of some rows."""
        if not self.started:
            self.sums, self.started = _candidates({n: values[n] for n in self.names}), True
        remaining: list[Sum] = []
        for each in self.sums:
            one, other = (values[name] for name in each.parts)
            total, added = values[each.total], calculated(one, "+", other)
            truth = compared(added, "==", total)
            if truth.no.any():
                continue
            each.rows += int(truth.yes.sum())
            shift = max(len(truth.yes) // 2, 1)
            moved = Values(
                tuple(np.roll(part, shift) for part in total.parts),
                np.roll(total.missing_mask, shift),
            )
            each.unlike += int(compared(added, "==", moved).no.sum())
            remaining.append(each)
        self.sums = remaining


def _candidates(values: Mapping[str, Values]) -> list[Sum]:
    """All sums of two columns that hold in the first rows."""
    names = tuple(values)
    if len(names) < 3:
        return []
    rows = np.stack([_numbers(values[name])[:FIRST_ROWS] for name in names], 1)
    found: list[Sum] = []
    for one, other in combinations(range(len(names)), 2):
        added = rows[:, one] + rows[:, other]
        with np.errstate(invalid="ignore"):
            near = NEAR * np.maximum(np.abs(added)[:, None], np.abs(rows))
            broken = np.abs(rows - added[:, None]) > near
        found += [
            Sum(names[at], (names[one], names[other]))
            for at in np.flatnonzero(~broken.any(0)).tolist()
            if at not in (one, other)
        ]
    return found


def _numbers(values: Values) -> NDArray[np.float64]:
    return np.where(values.missing_mask, np.nan, values.parts[0].astype(np.float64))
