"""Rule violations: rows that break a rule which all training rows keep, such as start <= end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gannet.core.frame import Frame
from gannet.core.scores import Component, Score
from gannet.core.types import BoolArray
from gannet.metrics.confidence import wilson
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.fidelity import WORST, Triple, scored
from gannet.modalities.table.evaluation.samples import ComparedRows
from gannet.modalities.table.rules import RuleSearch, bind


def rules_of(train: Frame, codec: TableCodec) -> tuple[str, ...]:
    """Rules that all training rows keep, and that independent columns would break."""
    search = RuleSearch(codec.columns)
    search.add(train)
    return tuple(each.rule for each in search.rules())


def violations(frame: Frame, rules: Sequence[str], codec: TableCodec) -> BoolArray:
    """``(rows, rules)`` which row breaks which rule; a missing cell breaks none."""
    broken = np.zeros((len(frame), len(rules)), np.bool_)
    for at, rule in enumerate(rules):
        for clause in bind(rule, codec.columns, lambda _one, _other: None):
            broken[:, at] |= ~clause.holds(frame)
    return broken


def rule_scores(train: Frame, rows: ComparedRows, codec: TableCodec) -> list[Score]:
    """The fraction of rows that break at least one rule, and of each rule; none without rules.

    Rules are found in training rows alone, so that held-out reals, the reference, may break them.
    """
    rules = rules_of(train, codec)
    if not rules:
        return []
    real, fake, trivial = (
        violations(each, rules, codec) for each in (rows.held_out, rows.fake, rows.baseline_samples)
    )
    parts = [
        Component(name=rule, value=float(value), reference=float(reference))
        for rule, value, reference in zip(rules, fake.mean(0), real.mean(0), strict=True)
    ]
    parts.sort(key=lambda part: part.reference - part.value)
    score = scored(
        "rule violations",
        _share(fake),
        _share(real),
        _share(trivial)[0],
        len(fake),
        "low",
        components=tuple(parts[:WORST]),
    )
    return [score.model_copy(update={"how": _how(rules)})]


def _share(broken: BoolArray) -> Triple:
    """Fraction of rows that break any rule, with its interval."""
    hits = int(broken.any(1).sum())
    return hits / len(broken), *wilson(hits, len(broken))


def _how(rules: Sequence[str]) -> str:
    more = f" and {len(rules) - WORST} more" if len(rules) > WORST else ""
    return (
        "Rule violations: fraction of rows that break at least one of the rules that all training "
        f"rows keep: {', '.join(rules[:WORST])}{more}. Reference: held-out reals."
    )
