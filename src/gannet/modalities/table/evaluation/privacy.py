"""Privacy scores of tables: what fakes reveal about the training rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gannet.core.scores import Score
from gannet.metrics.auc import auc
from gannet.metrics.confidence import NORMAL, wilson
from gannet.metrics.tabular_distance import (
    dcr_share,
    density_ratio,
    equal_rows,
    nearest,
    width_of,
)
from gannet.modalities.table.evaluation.encoding import EncodedTable
from gannet.modalities.table.evaluation.fidelity import Triple, scored
from gannet.modalities.table.evaluation.samples import EvaluationRows
from gannet.modalities.table.evaluation.utility import Target

CLOSEST = 3_000
"""Most fakes whose nearest real rows are searched."""
SEARCHED = 10_000
"""Most real rows that are searched."""
ATTACKED = 2_000
"""Most training rows that are attacked, and as many held-out ones."""


def privacy_scores(sides: EvaluationRows, sensitive: Sequence[Target]) -> list[Score]:
    """DCR share, exact duplicates, membership inference, attribute inference per column."""
    scores = [_dcr(sides), _exact_duplicates(sides), _membership_inference(sides)]
    return scores + [_attribute_inference(sides, target) for target in sensitive]


def _dcr(sides: EvaluationRows) -> Score:
    """DCR share: fraction of fakes nearer to training than to held-out rows; .5 is ideal."""
    rows = min(len(sides.others), len(sides.remaining), SEARCHED)
    train, held_out = (
        sides.row_distance.records(each.take(slice(0, rows)))
        for each in (sides.remaining, sides.others)
    )

    def share(grid: EncodedTable) -> Triple:
        asked = sides.row_distance.records(grid.take(slice(0, CLOSEST)))
        (near, which), (near_other, which_other) = nearest(asked, train), nearest(asked, held_out)
        value, error = dcr_share(near, near_other, which, which_other)
        return value, max(value - NORMAL * error, 0.0), min(value + NORMAL * error, 1.0)

    return scored(
        "dcr share",
        share(sides.fake),
        share(sides.real_reference),
        share(sides.baseline_samples)[0],
        min(len(sides.fake), CLOSEST),
        "low",
        chance=0.5,
    )


def _exact_duplicates(sides: EvaluationRows) -> Score:
    """Fraction of fakes equal to a training row; the reference is that of held-out rows."""

    def share(grid: EncodedTable) -> Triple:
        hits = int(equal_rows(grid.values, sides.train.values).sum())
        return (hits / len(grid), *wilson(hits, len(grid)))

    floor = share(sides.others)
    return scored(
        "exact duplicates",
        share(sides.fakes),
        floor,
        share(sides.baseline_samples)[0],
        len(sides.fakes),
        "low",
        chance=floor[0],
    )


def _membership_inference(sides: EvaluationRows) -> Score:
    """AUC of a density-ratio attack that tells training rows from held-out ones."""
    half = len(sides.others) // 2
    count = min(ATTACKED, half, len(sides.remaining))
    reference = sides.row_distance.records(sides.others.take(slice(half, half + SEARCHED)))
    members = sides.row_distance.records(sides.remaining.take(slice(0, count)))
    strangers = sides.row_distance.records(sides.others.take(slice(0, count)))
    width = width_of(reference[:ATTACKED])

    def attack(grid: EncodedTable) -> Triple:
        heap = sides.row_distance.records(grid.take(slice(0, SEARCHED)))
        found = [density_ratio(each, heap, reference, width) for each in (members, strangers)]
        return auc(*found)

    return scored(
        "membership inference",
        attack(sides.fakes),
        attack(sides.real_reference),
        attack(sides.baseline_samples)[0],
        count,
        "low",
        chance=0.5,
    )


def _attribute_inference(sides: EvaluationRows, target: Target) -> Score:
    """Accuracy of the nearest fake's value for training rows minus that for held-out rows.

    What is right for held-out rows too is knowledge about the population; only the difference is
    about the training rows.
    """
    half = len(sides.others) // 2
    count = min(ATTACKED, half, len(sides.remaining))
    ruler = sides.row_distance.without(target.name)
    asked = [each.take(slice(0, count)) for each in (sides.remaining, sides.others)]
    queries = [ruler.records(each.without(target.name)) for each in asked]

    def gain(grid: EncodedTable) -> Triple:
        known = grid.take(slice(0, SEARCHED))
        heap, answers = ruler.records(known.without(target.name)), known.column(target.name)
        right: list[int] = []
        for rows, records in zip(asked, queries, strict=True):
            told = answers[nearest(records, heap)[1].numpy()]
            right.append(int((told == rows.column(target.name)).sum()))
        return _difference(right[0], right[1], count)

    return scored(
        f"attribute inference[{target.name}]",
        gain(sides.fakes),
        gain(sides.real_reference),
        gain(sides.baseline_samples)[0],
        count,
        "low",
        chance=0.0,
    )


def _difference(hits: int, others: int, trials: int) -> Triple:
    """Difference of two proportions, with its 95 % interval.

    Source: Newcombe 1998, Statistics in Medicine 17, p. 873, method 10.
    """
    one, other = hits / trials, others / trials
    (low, high), (other_low, other_high) = wilson(hits, trials), wilson(others, trials)
    under = np.hypot(one - low, other_high - other)
    over = np.hypot(high - one, other - other_low)
    value = one - other
    return value, value - float(under), value + float(over)
