"""Evaluation of fake rows of a table: fidelity, utility, privacy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gannet.core.frame import Frame
from gannet.core.plugins import gannet_version
from gannet.core.scores import Report, Score
from gannet.core.seeding import derive_seed
from gannet.modalities.hooks import TwoSampleScorer
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.encoding import encode_table
from gannet.modalities.table.evaluation.fidelity import (
    HALVES,
    column_scores,
    pair_scores,
    rule_scores,
)
from gannet.modalities.table.evaluation.histograms import table_profiles
from gannet.modalities.table.evaluation.nearest_neighbors import table_neighbors
from gannet.modalities.table.evaluation.privacy import SEARCHED, privacy_scores
from gannet.modalities.table.evaluation.samples import (
    ComparedRows,
    EvaluationRows,
    evaluation_rows,
    order_of,
)
from gannet.modalities.table.evaluation.spread import scores_among_rows
from gannet.modalities.table.evaluation.utility import LEARNT, Target, targets_of, tstr_scores


def evaluate_table(  # noqa: PLR0913  # what a report depends on
    train: Frame,
    held_out: Frame,
    fake: Frame,
    codec: TableCodec,
    *,
    count: int = 10_000,
    targets: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    seed: int = 0,
    two_sample: TwoSampleScorer | None = None,
    artifact: str = "",
    data: str = "",
) -> Report:
    """Score fake rows.

    Args:
        train: Training rows of the generator.
        held_out: Rows of the same source that were not trained on.
        fake: Generated rows. With fewer than held-out rows, fewer of all are compared; with fewer
            than training rows, classifiers are trained on fewer.
        codec: Of the columns.
        count: Most rows of each set where distributions are compared.
        targets: Columns to predict; chosen by ``targets_of`` if none is named.
        sensitive: Columns that an attacker wants to infer; the targets if none is named.
        seed: Of all random choices; equal arguments give equal reports.
        two_sample: The two-sample test; without it there are no scores ``c2st``.
        artifact: Name of the generator in the report.
        data: Name of the data in the report.

    Raises:
        DataError: if a set has fewer than 20 rows, or a table has other columns.
        ConfigError: if a target or sensitive column is not a category of 2 to 20 values.
        MissingExtraError: if scikit-learn is not installed.
    """
    real, others, generated = (encode_table(each, codec) for each in (train, held_out, fake))
    sides = evaluation_rows(real, others, generated, count=count, seed=seed)
    chosen = targets_of(sides, targets)
    secrets = targets_of(sides, sensitive) if sensitive else chosen
    compared = _compared((train, held_out, fake), sides)
    record, tested = _tested(compared, codec, two_sample)
    scores = [*column_scores(sides), *pair_scores(sides)]
    scores += [*rule_scores(train, compared, codec.columns), *tested, *scores_among_rows(sides)]
    scores += tstr_scores(sides, chosen) + privacy_scores(sides, secrets)
    near = table_neighbors(sides, train, fake)
    return Report(
        artifact=artifact,
        data=data,
        scores=tuple(scores),
        suspects=near.suspects,
        seed=seed,
        gannet=gannet_version(),
        protocol=_protocol(sides, codec, chosen, scores, requested=bool(targets)),
        baseline="shuffled columns",
        examples=near.examples,
        training_distance=near.training_distance,
        columns=sides.train.names,
        histograms=table_profiles(codec, sides.others, sides.fakes),
        two_sample_test=record,
    )


def _compared(frames: tuple[Frame, Frame, Frame], sides: EvaluationRows) -> ComparedRows:
    """The rows that all scores compare, as cells."""
    train, held_out, fake = frames
    real, fakes, reference = (
        frame[order_of(len(frame), sides.seed, use)[: len(some)]]
        for frame, some, use in (
            (held_out, sides.held_out, 1),
            (fake, sides.fake, 2),
            (train, sides.real_reference, 0),
        )
    )
    rng = np.random.default_rng(derive_seed(sides.seed, 3))
    rows = len(sides.baseline_samples)
    shuffled = tuple(
        column[np.resize(rng.permutation(len(train)), rows)] for column in train.columns
    )
    return ComparedRows(real, fakes, reference, replace(train, columns=shuffled))


def _tested(
    rows: ComparedRows, codec: TableCodec, two_sample: TwoSampleScorer | None
) -> tuple[dict[str, Any], Sequence[Score]]:
    """The two-sample test on the rows that all scores compare, and its scores."""
    if two_sample is None:
        return {}, ()
    found, scores = two_sample(*map(codec.encode_frame, rows))
    return found.record(), scores


def _protocol(
    sides: EvaluationRows,
    codec: TableCodec,
    chosen: Sequence[Target],
    scores: Sequence[Score],
    *,
    requested: bool,
) -> tuple[str, ...]:
    rows, learnt = len(sides.fake), min(len(sides.fakes), len(sides.train), LEARNT)
    left = [name for name in codec.names if name not in sides.train.names]
    names = ", ".join(target.name for target in chosen) or "none"
    rule = (
        "as requested"
        if requested
        else (
            "the last column if it qualifies, and the most predictable of the categories of 2 to "
            "20 values that classifiers trained on reals predict with an AUC above .6"
        )
    )
    sentences = [
        f"{rows} fakes against {rows} held-out reals.",
        f"Reference (real against real): {len(sides.real_reference)} training reals in place of "
        "the fakes. Baseline: training reals with each column shuffled by itself.",
        "Marginals: Kolmogorov-Smirnov complement of numbers and dates, total variation "
        "complement of categories, known cells only.",
        "Dependence: fraction kept of the departure from independence, in bins (fifths of numbers, "
        "the eight most frequent values); shuffled columns get about 0. Pair trends: correlation "
        "of numbers, contingency tables otherwise, of pairs of reals that have a trend "
        "(correlation above .5, Cramer's V above .3), as in SDMetrics; shuffled columns score high "
        "too.",
        f"Targets: {names} ({rule}). Classifiers learn from {learnt} rows and are tested on all "
        "held-out rows; reference: as many training reals; upper bound: up to "
        f"{LEARNT} training reals.",
        "Distances: Gower's, numbers by rank among training rows. DCR share: equally many training "
        f"and held-out rows, {SEARCHED} at most.",
        "Membership inference: ratio of the kernel densities of fakes and of reference reals "
        "(DOMIAS); the reference rows are half of the held-out ones, the other half non-members.",
        "Attribute inference: accuracy of the nearest fake's value for training rows minus that "
        "for held-out rows.",
        f"Intervals: 95 %. Fidelity: delete-half jackknife, {HALVES} halves. Fractions: Wilson. "
        "AUC: DeLong. F1: bootstrap. They cover the choice of rows, not other training runs.",
    ]
    if left:
        sentences.append(f"Left out, since they are not modelled: {', '.join(left)}.")
    return (*sentences, *dict.fromkeys(score.how for score in scores if score.how))
