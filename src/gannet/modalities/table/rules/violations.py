"""Violations: rows that break a rule which all training rows keep, such as start <= end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gannet.core.frame import Frame
from gannet.core.types import BoolArray
from gannet.modalities.table.columns.infer_type import AnyColumn
from gannet.modalities.table.rules.binder import bind
from gannet.modalities.table.rules.discovery import RuleSearch


def rules_of(train: Frame, columns: Sequence[AnyColumn]) -> tuple[str, ...]:
    """Rules that all training rows keep, and that independent columns would break."""
    search = RuleSearch(tuple(columns))
    search.add(train)
    return tuple(each.rule for each in search.rules())


def violations(frame: Frame, rules: Sequence[str], columns: Sequence[AnyColumn]) -> BoolArray:
    """``(rows, rules)`` which row breaks which rule; a missing cell breaks none."""
    broken = np.zeros((len(frame), len(rules)), np.bool_)
    for at, rule in enumerate(rules):
        for clause in bind(rule, columns, lambda _one, _other: None):
            broken[:, at] |= ~clause.holds(frame)
    return broken
