"""Discovery of rules that hold in all rows of a table: ``start <= end``, ``total == net + tax``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from gannet.core.frame import Frame
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.infer_type import AnyColumn
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.rules.lexer import KEYWORDS
from gannet.modalities.table.rules.sums import SumSearch
from gannet.modalities.table.rules.values import Values, compared, kind_of, reader

MIN_ROWS = 100
"""Fewest rows with both cells present; with fewer, a rule may hold by chance."""
MIN_EXPECTED_VIOLATIONS = 10.0
"""Fewest violations expected if the columns were independent; with fewer, a rule says little."""
MAX_COLUMNS = 60
"""Most ordered columns that are compared."""
MAX_SAMPLE_ROWS = 20_000
"""Rows stored to estimate how often independent columns would violate a rule."""


@dataclass(frozen=True, slots=True)
class DiscoveredRule:
    """A rule that holds.

    Attributes:
        rule: As ``--constraint`` takes it.
        rows: Rows with all its cells present.
        equal: Rows in which both sides are equal.
        columns: That it uses.
    """

    rule: str
    rows: int
    equal: int
    columns: tuple[str, ...]

    @property
    def is_equation(self) -> bool:
        """Whether it says what a cell is, so that rows hardly ever obey it by being drawn anew."""
        return self.equal == self.rows


@dataclass(slots=True)
class _Pair:
    left: str
    right: str
    rows: int = 0
    equal: int = 0


@dataclass
class RuleSearch:
    """Tests candidate rules chunk by chunk and drops those that a row violates.

    Args:
        columns: Of the table.
    """

    columns: tuple[AnyColumn, ...]
    pairs: list[_Pair] = field(init=False)
    sums: SumSearch = field(init=False)
    sample: dict[str, list[NDArray[np.float64]]] = field(init=False)
    sampled_rows: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Start with all pairs of columns whose ranges overlap and are in order."""
        ordered = [each for each in self.columns if isinstance(each, NumberColumn | DatetimeColumn)]
        ends = {each.name: _ends(each) for each in ordered[:MAX_COLUMNS]}
        kinds = {each.name: kind_of(each) for each in ordered}
        self.pairs = [
            _Pair(one, other)
            for one, other in permutations(ends, 2)
            if kinds[one] == kinds[other] and _may_be(ends[one], ends[other])
        ]
        self.sums = SumSearch(tuple(n for n in kinds if kinds[n] == "a number"))
        self.sample = {name: [] for name in ends}

    def add(self, frame: Frame) -> None:
        """Test the candidates on some rows."""
        paired = {name for pair in self.pairs for name in (pair.left, pair.right)}
        names = paired | self.sums.used
        by_name = {each.name: each for each in self.columns if each.name in names}
        read = {name: reader(column)(frame.column(name)) for name, column in by_name.items()}
        self.sums.add(read)
        remaining: list[_Pair] = []
        for pair in self.pairs:
            one, other = read[pair.left], read[pair.right]
            truth = compared(one, "<=", other)
            if truth.no.any():
                continue
            pair.rows += int(truth.yes.sum())
            pair.equal += int(compared(one, "==", other).yes.sum())
            remaining.append(pair)
        self.pairs = remaining
        if self.sampled_rows < MAX_SAMPLE_ROWS:
            for name in paired:
                self.sample[name].append(_as_numbers(read[name])[:MAX_SAMPLE_ROWS])
            self.sampled_rows += len(frame)

    def rules(self) -> tuple[DiscoveredRule, ...]:
        """The rules that held in all rows and would not if columns were independent."""
        ordered = [
            DiscoveredRule(
                f"{quoted(pair.left)} <= {quoted(pair.right)}",
                pair.rows,
                pair.equal,
                (pair.left, pair.right),
            )
            for pair in self.pairs
            if pair.rows >= MIN_ROWS and pair.equal < pair.rows and self._is_unexpected(pair)
        ]
        sums = [
            DiscoveredRule(
                f"{quoted(each.total)} == {' + '.join(map(quoted, each.parts))}",
                each.rows,
                each.rows,
                (each.total, *each.parts),
            )
            for each in self.sums.sums
            if each.rows >= MIN_ROWS and each.unlike >= MIN_EXPECTED_VIOLATIONS
        ]
        return (*ordered, *sums)

    def _is_unexpected(self, pair: _Pair) -> bool:
        """Whether independent columns would have violated the rule."""
        one, other = (np.concatenate(self.sample[name]) for name in (pair.left, pair.right))
        one, other = one[~np.isnan(one)], np.sort(other[~np.isnan(other)])
        broken = np.searchsorted(other, one, "left").mean() / max(len(other), 1)
        return bool(broken * pair.rows >= MIN_EXPECTED_VIOLATIONS)


def quoted(name: str) -> str:
    """A column's name, quoted as a rule requires.

    >>> quoted("start"), quoted("end of day"), quoted("2019"), quoted("in")
    ('start', '`end of day`', '`2019`', '`in`')
    """
    unquoted = re.fullmatch(r"[^\W\d]\w*(?:[-.]\w+)*", name) and name not in KEYWORDS
    return name if unquoted else f"`{name}`"


def _ends(column: NumberColumn | DatetimeColumn) -> tuple[float, float]:
    cells = column.cells_of(np.array([column.quantile_bins.low, column.quantile_bins.high]))
    low, high = _as_numbers(reader(column)(cells)).tolist()
    return low, high


def _as_numbers(values: Values) -> NDArray[np.float64]:
    """Values as one float each, NaN where missing; precise enough for counting."""
    numbers = values.parts[0].astype(np.float64)
    if len(values.parts) > 1:
        numbers = numbers + values.parts[1] / (86_400 * 10**9)
    return np.where(values.missing_mask, np.nan, numbers)


def _may_be(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether ``one <= other`` may hold in all rows without following from their ranges."""
    return one[0] <= other[0] and one[1] <= other[1] and one[1] > other[0]
