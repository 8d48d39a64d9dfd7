"""Find the columns that follow from others: narrow differences, and sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gannet.core.frame import Frame
from gannet.modalities.table.columns.base import Missing
from gannet.modalities.table.columns.conditions import Ordered
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.formats import moments
from gannet.modalities.table.columns.infer_type import AnyColumn, missing
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.columns.value_counts import ValueCounter
from gannet.modalities.table.rules.derived import (
    CalculatedSum,
    Derived,
    LearntDifference,
    Step,
    differences,
)
from gannet.modalities.table.rules.discovery import DiscoveredRule, RuleSearch

NARROW = 0.5
"""Width of a difference (of its middle 80 %), relative to that of the larger column, up to which
it is learnt."""


def find_derived(frames: Iterable[Frame], columns: Sequence[AnyColumn]) -> Derived:
    """Search all rows for rules, and for columns that follow from others by them.

    Args:
        frames: Of the table; iterated twice.
        columns: Of the table.
    """
    search = RuleSearch(tuple(columns))
    for frame in frames:
        search.add(frame)
    found = search.rules()
    by_name = {column.name: column for column in columns}
    sums = [_sum(rule, by_name) for rule in found if rule.is_equation]
    chosen: dict[str, Step] = {}
    for each in sums:
        if each is not None and each.target not in chosen:
            chosen[each.target] = each
    pairs = _narrowest([rule for rule in found if not rule.is_equation], search, by_name)
    for difference in _fitted(pairs, frames, by_name):
        chosen.setdefault(difference.upper, difference)
    return Derived(rules=tuple(rule.rule for rule in found), steps=_in_order(chosen))


def _sum(rule: DiscoveredRule, columns: Mapping[str, AnyColumn]) -> CalculatedSum | None:
    total, *parts = (columns[name] for name in rule.columns)
    if len(parts) != 2 or not all(_divides(part, total) for part in parts):
        return None
    return CalculatedSum(total=total.name, parts=(parts[0].name, parts[1].name))


def _comparable(lower: AnyColumn, upper: AnyColumn) -> bool:
    """Whether whole units of the first column are whole units of the second."""
    if isinstance(lower, NumberColumn) and isinstance(upper, NumberColumn):
        fixed = lower.scale == upper.scale == "fixed" and not any(
            (*lower.infinite, *upper.infinite)
        )
        return fixed and lower.decimals <= upper.decimals and not upper.spelt
    if not (isinstance(lower, DatetimeColumn) and isinstance(upper, DatetimeColumn)):
        return False
    if lower.type != upper.type or lower.offset != upper.offset or lower.offsets or upper.offsets:
        return False
    if not lower.format or not upper.format:
        return lower.format == upper.format and lower.storage == upper.storage
    return moments.step(lower.format) == moments.step(upper.format)


def _divides(part: AnyColumn, total: AnyColumn) -> bool:
    """Whether steps of the first column are whole steps of the second."""
    if not _comparable(part, total):
        return False
    assert isinstance(part, Ordered)
    assert isinstance(total, Ordered)
    return _each(part, total) % total.each == 0


def _each(column: Ordered, like: Ordered) -> int:
    """Step of a column in the smallest units of another."""
    if isinstance(column, NumberColumn) and isinstance(like, NumberColumn):
        return column.each * 10 ** (like.decimals - column.decimals)
    return column.each


def _narrowest(
    rules: Sequence[DiscoveredRule], search: RuleSearch, columns: Mapping[str, AnyColumn]
) -> list[tuple[str, str]]:
    """For each larger column the smaller one with the narrowest difference, if narrow enough."""
    best: dict[str, tuple[float, str]] = {}
    for rule in rules:
        lower, upper = rule.columns
        small, large = columns[lower], columns[upper]
        if missing(small) or not _divides(small, large):
            continue
        one, other = (np.concatenate(search.sample[name]) for name in (lower, upper))
        width = _width(other - one) / max(_width(other), 1e-300)
        if width <= NARROW and width < best.get(upper, (np.inf, ""))[0]:
            best[upper] = width, lower
    return [(lower, upper) for upper, (_, lower) in best.items()]


def _width(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.subtract(*np.quantile(known, [0.9, 0.1]))) if len(known) else np.inf


def _fitted(
    pairs: Sequence[tuple[str, str]], frames: Iterable[Frame], columns: Mapping[str, AnyColumn]
) -> list[LearntDifference]:
    counters = [ValueCounter(f"{upper} - {lower}") for lower, upper in pairs]
    for frame in frames if pairs else ():
        for counter, (lower, upper) in zip(counters, pairs, strict=True):
            counter.add(differences(frame, upper, lower, columns))
    fitted: list[LearntDifference] = []
    for counter, (lower, upper) in zip(counters, pairs, strict=True):
        counts = counter.value_counts()
        absent = Missing(fraction=counts.blank)
        column = NumberColumn.fit(counter.name, "float64", counts.values, counts.counts, absent)
        if column.scale == "fixed" and not column.lossy:
            fitted.append(LearntDifference(upper=upper, lower=lower, column=column))
    return fitted


def _in_order(
    chosen: Mapping[str, Step],
) -> tuple[Step, ...]:
    """Steps after those that they depend on; circles are left out."""
    ordered: list[Step] = []
    waiting = dict(chosen)
    while waiting:
        ready = [s for s in waiting.values() if not waiting.keys() & set(s.sources)]
        if not ready:
            break
        ordered += ready
        for step in ready:
            del waiting[step.target]
    return tuple(ordered)
