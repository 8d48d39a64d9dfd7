"""Clauses of a bound rule; every row must obey each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gannet.core.frame import Frame
from gannet.modalities.table.rules.values import Truth, Values

Test: TypeAlias = Callable[[Frame], Truth]
"""The truth of a clause in each row of a table."""

Operand: TypeAlias = Callable[[Frame], Values]
"""The values of a column or a calculation in each row of a table."""

CooccurrenceLookup: TypeAlias = Callable[[str, str], "NDArray[np.bool_] | None"]
"""Two columns -> ``(K, L)`` whether their symbols occurred in one training row, if known."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a rule that every row must obey.

    Attributes:
        text: Its text in the rule.
        columns: That it uses, in the order of the rule.
        test: Whether it is true, false or unknown in each row of a table with these columns.
        marks: Values that columns are compared with.
        comparison_only: Whether it only compares columns with values or with each other.
        order: ``(left, sign, right)`` if it only compares two columns.
    """

    text: str
    columns: tuple[str, ...]
    test: Test
    marks: tuple[str, ...]
    comparison_only: bool
    order: tuple[str, str, str] | None = None

    def holds(self, frame: Frame) -> NDArray[np.bool_]:
        """``(rows,)`` which rows obey: those where it is true or unknown."""
        return ~self.test(frame).no


def certain(yes: NDArray[np.bool_]) -> Truth:
    """A truth that is never unknown."""
    return Truth(yes, ~yes)


def repeated(values: Values) -> Operand:
    """The same value in every row."""

    def part(frame: Frame) -> Values:
        count = len(frame)
        parts = tuple(np.repeat(each, count) for each in values.parts)
        return replace(values, parts=parts, missing_mask=np.repeat(values.missing_mask, count))

    return part
