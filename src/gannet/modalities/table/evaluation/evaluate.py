"""Scores of fake rows of a mixed table: likeness, use, privacy."""

from __future__ import annotations

from collections.abc import Sequence

from gannet.core.frame import Frame
from gannet.core.plugins import gannet_version
from gannet.core.scores import Report
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.encoding import grid_of
from gannet.modalities.table.evaluation.fidelity import (
    HALVES,
    column_scores,
    pair_scores,
    two_sample_scores,
)
from gannet.modalities.table.evaluation.histograms import table_profiles
from gannet.modalities.table.evaluation.nearest_neighbors import table_neighbors
from gannet.modalities.table.evaluation.privacy import SEARCHED, privacy_scores
from gannet.modalities.table.evaluation.samples import EvaluationRows, evaluation_rows
from gannet.modalities.table.evaluation.utility import LEARNT, Target, targets_of, tstr_scores


def evaluate_table(
    train: Frame,
    held_out: Frame,
    fake: Frame,
    codec: TableCodec,
    *,
    count: int = 10_000,
    targets: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    seed: int = 0,
    artifact: str = "",
    data: str = "",
) -> Report:
    """Score fake rows.

    Args:
        train: What the generator learnt from.
        held_out: Rows of the same source that it never saw.
        fake: Its rows. As many as there are held-out rows at least, or fewer of all are compared;
            as many as there are training rows, or classifiers learn from fewer.
        codec: Says what the columns are.
        count: Most rows on each side where distributions are compared.
        targets: Columns to predict; chosen by ``targets_of`` if none is named.
        sensitive: Columns an attacker wants to know; the targets if none is named.
        seed: Of all choices; equal arguments give an equal report.
        artifact: How the report calls the generator.
        data: How it calls the data.

    Raises:
        DataError: if there are fewer than 20 rows on a side, or a table has other columns.
        ConfigError: if a target or sensitive column is no category of few values.
        MissingExtraError: if scikit-learn is not installed.
    """
    real, others, made = (grid_of(each, codec) for each in (train, held_out, fake))
    sides = evaluation_rows(real, others, made, count=count, seed=seed)
    chosen = targets_of(sides, targets)
    secrets = targets_of(sides, sensitive) if sensitive else chosen
    scores = column_scores(sides) + pair_scores(sides) + two_sample_scores(sides)
    scores += tstr_scores(sides, chosen) + privacy_scores(sides, secrets)
    near = table_neighbors(sides, train, fake)
    return Report(
        artifact=artifact,
        data=data,
        scores=tuple(scores),
        suspects=near.suspects,
        seed=seed,
        gannet=gannet_version(),
        protocol=_protocol(sides, codec, chosen, asked=bool(targets)),
        baseline="shuffled columns",
        examples=near.examples,
        training_distance=near.training_distance,
        columns=sides.train.names,
        histograms=table_profiles(codec, sides.others, sides.fakes),
    )


def _protocol(
    sides: EvaluationRows, codec: TableCodec, chosen: Sequence[Target], *, asked: bool
) -> tuple[str, ...]:
    rows, learnt = len(sides.fake), min(len(sides.fakes), len(sides.train), LEARNT)
    left = [name for name in codec.names if name not in sides.train.names]
    names = ", ".join(target.name for target in chosen) or "none"
    rule = (
        "as asked for"
        if asked
        else (
            "the last column, if it is one, and the best learnt of the categories of 2 to 20 "
            "values that reals predict with an AUC above .6"
        )
    )
    said = [
        f"{rows} fakes against {rows} reals that training never saw.",
        f"Floor: {rows} training reals in place of the fakes. Baseline: training reals with each "
        "column shuffled by itself.",
        "Marginals: Kolmogorov-Smirnov complement of numbers and moments, total variation "
        "complement of categories, known cells only.",
        "Dependence: departure from independence in bins (fifths of numbers, the commonest eight "
        "values), what is shared of it; shuffled columns get about 0. Pair trends: correlation "
        "of numbers, contingency tables else, of pairs of reals that have a trend (correlation "
        "above .5, Cramer's V above .3), as SDMetrics has them; shuffled columns get much.",
        "Fresh critics: learn from the first halves, judge the second.",
        f"Targets: {names} ({rule}). Classifiers learn from {learnt} rows and are tested on all "
        f"held-out rows; floor: as many training reals; ceiling: up to {LEARNT} training reals.",
        "Distances: Gower's, numbers by rank among training rows. Nearer to training: equally "
        f"many training and held-out rows, {SEARCHED} at most.",
        "Membership attack: ratio of the densities of fakes and of reference reals (DOMIAS), with "
        "a kernel; the reference rows are half of the held-out ones, the other half non-members.",
        "Disclosure: the nearest fake's value for training rows minus that for held-out rows.",
        f"Intervals: 95 %. Likeness: delete-half jackknife, {HALVES} halves. Shares: Wilson. AUC: "
        "DeLong. F1: bootstrap. They cover the choice of rows, not other training runs.",
    ]
    if left:
        said.append(f"Left out, since nothing of them is learnt: {', '.join(left)}.")
    return tuple(said)
