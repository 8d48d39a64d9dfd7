"""Utility scores of tables: train on synthetic, test on real (TSTR), for target columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import ConfigError
from gannet.core.scores import Score
from gannet.metrics.auc import Auc, auc
from gannet.modalities.table.evaluation.downstream_models import (
    DOWNSTREAM_MODELS,
    DownstreamModel,
    learn,
)
from gannet.modalities.table.evaluation.encoding import EncodedTable, shuffled
from gannet.modalities.table.evaluation.fidelity import Triple, scored
from gannet.modalities.table.evaluation.samples import EvaluationRows

LEARNT = 20_000
"""Most rows that a classifier is trained on."""
TARGETS = 3
"""Most targets that are chosen."""
MAX_CLASSES = 20
"""Most classes of a target."""
MIN_ROWS_PER_CLASS = 25
"""Fewest rows of a class in training data and in held-out data."""
LEARNABLE = 0.6
"""AUC of a classifier of reals above which a column is chosen as a target."""
TASTED = 3_000
"""Training rows of the classifiers that choose targets."""
TASTED_TREES = 30
"""Boosting rounds of the classifiers that choose targets."""
DRAWS = 200
"""Bootstrap samples of the F1 interval."""


@dataclass(frozen=True)
class Target:
    """A column to predict.

    Attributes:
        name: Of the column.
        codes: ``(K,)`` its values with enough rows; rows with other values are left out.
    """

    name: str
    codes: NDArray[np.float64]

    def split(self, table: EncodedTable) -> tuple[EncodedTable, NDArray[np.int64]]:
        """Rows with one of the values, without the target column, and their class labels."""
        values = table.column(self.name)
        mask = np.isin(values, self.codes)
        labels = np.searchsorted(self.codes, values[mask]).astype(np.int64)
        return table.without(self.name).take(mask), labels


def targets_of(sides: EvaluationRows, names: Sequence[str]) -> list[Target]:
    """The requested target columns, or those chosen by a rule.

    The rule: categories and booleans of 2 to 20 values (of at least 25 rows each) that gradient
    boosting predicts from the other columns of real rows with an AUC above .6. The last column
    comes first if it qualifies, since tables often have their target there; then by AUC.

    Raises:
        ConfigError: if a requested column does not exist, or is not such a category.
    """
    candidates = {
        name: target
        for name, size in zip(sides.train.names, sides.train.sizes, strict=True)
        if size and (target := _target(name, sides))
    }
    for name in names:
        if name not in candidates:
            raise ConfigError(
                f"targets: {name!r} is no category of 2 to {MAX_CLASSES} values, each in at "
                f"least {MIN_ROWS_PER_CLASS} training and held-out rows",
                remedy=f"Columns that are: {', '.join(candidates) or 'none'}.",
            )
    if names:
        return [candidates[name] for name in dict.fromkeys(names)]
    some = sides.train.take(slice(0, TASTED))
    tasted = {
        name: _mean_auc(*_predict("boosting", some, target, sides, trees=TASTED_TREES))[0]
        for name, target in candidates.items()
    }
    chosen = [name for name, value in tasted.items() if value > LEARNABLE]
    last = sides.train.names[-1]
    chosen.sort(key=lambda name: (name != last, -tasted[name]))
    return [candidates[name] for name in chosen[:TARGETS]]


def tstr_scores(sides: EvaluationRows, targets: Sequence[Target]) -> list[Score]:
    """TSTR: AUC and macro F1 on held-out reals of classifiers trained on fakes alone.

    Reference: trained on as many training reals. Baseline: trained on shuffled columns.

    Source: Esteban, Hyland and Raetsch 2017, arXiv:1706.02633, sec. 4.2 (TSTR).
    """
    count = min(len(sides.fakes), len(sides.train), LEARNT)
    fake, real = (each.take(slice(0, count)) for each in (sides.fakes, sides.train))
    baseline_rows = shuffled(sides.train, count, sides.rng(10))
    everything = sides.train.take(slice(0, LEARNT))
    scores: list[Score] = []
    for target in targets:
        for learner in DOWNSTREAM_MODELS:
            result, reference, base = (
                _results(learner, each, target, sides) for each in (fake, real, baseline_rows)
            )
            more = len(everything) > count
            best = _results(learner, everything, target, sides) if more else reference
            chance_levels = (0.5, _majority_f1(target, sides))
            scores += [
                scored(
                    f"{name}[{target.name}, {learner}]",
                    result[at],
                    reference[at],
                    base[at][0],
                    len(target.split(sides.others)[1]),
                    "high",
                    chance_level=chance_levels[at],
                    upper_bound=best[at][0],
                )
                for at, name in enumerate(("tstr", "tstr f1"))
            ]
    return scores


def _target(name: str, sides: EvaluationRows) -> Target | None:
    train, held_out = (each.column(name) for each in (sides.train, sides.others))
    codes, counts = np.unique(train[~np.isnan(train)], return_counts=True)
    if len(codes) > MAX_CLASSES or len(sides.train.names) < 2:
        return None
    enough = (counts >= MIN_ROWS_PER_CLASS) & np.array(
        [(held_out == code).sum() >= MIN_ROWS_PER_CLASS for code in codes], np.bool_
    )
    return Target(name, codes[enough]) if enough.sum() >= 2 else None


def _predict(
    learner: DownstreamModel,
    rows: EncodedTable,
    target: Target,
    sides: EvaluationRows,
    trees: int = 100,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Class probabilities ``(N, K)`` of held-out rows, and their true labels ``(N,)``."""
    train_rows, labels = target.split(rows)
    test_rows, truth = target.split(sides.others)
    if not len(labels):
        return np.full((len(truth), len(target.codes)), 1 / len(target.codes)), truth
    row_distance = sides.row_distance.without(target.name)
    discriminator = learn(
        learner, train_rows, labels, len(target.codes), row_distance, sides.seed, trees
    )
    return discriminator(test_rows), truth


def _results(
    learner: DownstreamModel, rows: EncodedTable, target: Target, sides: EvaluationRows
) -> tuple[Triple, Triple]:
    probabilities, truth = _predict(learner, rows, target, sides)
    return _mean_auc(probabilities, truth), _f1(
        probabilities.argmax(1), truth, probabilities.shape[1], sides.rng(11)
    )


def _mean_auc(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> Triple:
    """AUC, one class against the others, averaged over classes; so are the interval's ends."""
    if probabilities.shape[1] == 2:
        return auc(probabilities[truth == 1, 1], probabilities[truth == 0, 1])
    each: list[Auc] = [
        auc(probabilities[truth == code, code], probabilities[truth != code, code])
        for code in range(probabilities.shape[1])
    ]
    value, low, high = np.array(each).mean(0).tolist()
    return value, low, high


def _f1(
    called: NDArray[np.int64], truth: NDArray[np.int64], classes: int, rng: np.random.Generator
) -> Triple:
    """Macro F1; a bootstrap of rows equals a multinomial sample of the confusion matrix."""
    table = np.bincount(truth * classes + called, minlength=classes**2)
    value = float(_macro(table[None], classes)[0])
    resampled = _macro(rng.multinomial(len(truth), table / len(truth), DRAWS), classes)
    low, high = np.quantile(resampled, [0.025, 0.975]).tolist()
    return value, min(low, value), max(high, value)


def _macro(tables: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    square = tables.reshape(-1, classes, classes)
    hits = np.einsum("bkk->bk", square)
    both = square.sum(1) + square.sum(2)
    return (2 * hits / np.maximum(both, 1)).mean(1)


def _majority_f1(target: Target, sides: EvaluationRows) -> float:
    """Macro F1 of always predicting the most frequent class."""
    truth = target.split(sides.others)[1]
    frequency = np.bincount(truth).max() / len(truth)
    return float(2 * frequency / (1 + frequency) / len(target.codes))
