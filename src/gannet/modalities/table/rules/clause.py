"""What a bound rule consists of: clauses, each of which every row must obey by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gannet.core.frame import Frame
from gannet.modalities.table.rules.values import Truth, Values

Test: TypeAlias = Callable[[Frame], Truth]
"""Whether something is so in each row of a table."""

Operand: TypeAlias = Callable[[Frame], Values]
"""What a column or a calculation is in each row of a table."""

SeenTogether: TypeAlias = Callable[[str, str], "NDArray[np.bool_] | None"]
"""Of two columns, whether two symbols stood in one row of training, if that is known."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a rule that every row must obey by itself.

    Attributes:
        text: As it stands in the rule.
        columns: That it looks at, in the order of the rule.
        test: Whether it is true, false or open in each row of a table with these columns.
        marks: Values that columns are compared with.
        plain: Whether columns are only compared, with values or with each other.
        order: ``(left, sign, right)`` if all it does is to compare two columns.
    """

    text: str
    columns: tuple[str, ...]
    test: Test
    marks: tuple[str, ...]
    plain: bool
    order: tuple[str, str, str] | None = None

    def holds(self, frame: Frame) -> NDArray[np.bool_]:
        """Which rows obey: those of which it is not false."""
        return ~self.test(frame).no


def certain(yes: NDArray[np.bool_]) -> Truth:
    """What is true or false in each row, and never open."""
    return Truth(yes, ~yes)


def repeated(values: Values) -> Operand:
    """One value for every row; arrays of one entry spread by themselves."""

    def part(frame: Frame) -> Values:
        count = len(frame)
        parts = tuple(np.repeat(each, count) for each in values.parts)
        return replace(values, parts=parts, gone=np.repeat(values.gone, count))

    return part
