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
    kernel_width,
    nearest,
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

    def proportion(table: EncodedTable) -> Triple:
        queries = sides.row_distance.records(table.take(slice(0, CLOSEST)))
        (near, which), (near_other, which_other) = (
            nearest(queries, train),
            nearest(queries, held_out),
        )
        value, error = dcr_share(near, near_other, which, which_other)
        return value, max(value - NORMAL * error, 0.0), min(value + NORMAL * error, 1.0)

    return scored(
        "dcr share",
        proportion(sides.fake),
        proportion(sides.real_reference),
        proportion(sides.baseline_samples)[0],
        min(len(sides.fake), CLOSEST),
        "low",
        chance_level=0.5,
    )


def _exact_duplicates(sides: EvaluationRows) -> Score:
    """Fraction of fakes equal to a training row; the reference is that of held-out rows."""

    def proportion(table: EncodedTable) -> Triple:
        hits = int(equal_rows(table.values, sides.train.values).sum())
        return (hits / len(table), *wilson(hits, len(table)))

    reference = proportion(sides.others)
    return scored(
        "exact duplicates",
        proportion(sides.fakes),
        reference,
        proportion(sides.baseline_samples)[0],
        len(sides.fakes),
        "low",
        chance_level=reference[0],
    )


def _membership_inference(sides: EvaluationRows) -> Score:
    """AUC of a density-ratio attack that tells training rows from held-out ones."""
    half = len(sides.others) // 2
    count = min(ATTACKED, half, len(sides.remaining))
    reference = sides.row_distance.records(sides.others.take(slice(half, half + SEARCHED)))
    members = sides.row_distance.records(sides.remaining.take(slice(0, count)))
    strangers = sides.row_distance.records(sides.others.take(slice(0, count)))
    width = kernel_width(reference[:ATTACKED])

    def attack(table: EncodedTable) -> Triple:
        records = sides.row_distance.records(table.take(slice(0, SEARCHED)))
        of_members, of_strangers = (
            density_ratio(each, records, reference, width) for each in (members, strangers)
        )
        return auc(of_members, of_strangers)

    return scored(
        "membership inference",
        attack(sides.fakes),
        attack(sides.real_reference),
        attack(sides.baseline_samples)[0],
        count,
        "low",
        chance_level=0.5,
    )


def _attribute_inference(sides: EvaluationRows, target: Target) -> Score:
    """Accuracy of the nearest fake's value for training rows minus that for held-out rows.

    What is right for held-out rows too is knowledge about the population; only the difference is
    about the training rows.
    """
    half = len(sides.others) // 2
    count = min(ATTACKED, half, len(sides.remaining))
    row_distance = sides.row_distance.without(target.name)
    row_sets = [each.take(slice(0, count)) for each in (sides.remaining, sides.others)]
    queries = [row_distance.records(each.without(target.name)) for each in row_sets]

    def gain(table: EncodedTable) -> Triple:
        candidates = table.take(slice(0, SEARCHED))
        candidate_records, labels = (
            row_distance.records(candidates.without(target.name)),
            candidates.column(target.name),
        )
        right: list[int] = []
        for rows, records in zip(row_sets, queries, strict=True):
            predicted = labels[nearest(records, candidate_records)[1].numpy()]
            right.append(int((predicted == rows.column(target.name)).sum()))
        return _difference(right[0], right[1], count)

    return scored(
        f"attribute inference[{target.name}]",
        gain(sides.fakes),
        gain(sides.real_reference),
        gain(sides.baseline_samples)[0],
        count,
        "low",
        chance_level=0.0,
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
