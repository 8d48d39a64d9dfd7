"""Downstream models of tables: gradient boosting and logistic regression."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import need
from gannet.modalities.table.evaluation.encoding import EncodedTable, RowDistance

DownstreamModel = Literal["boosting", "linear"]
DOWNSTREAM_MODELS: tuple[DownstreamModel, ...] = ("boosting", "linear")
EXTRA = "table"
TREES = 100
"""Boosting rounds; each grows a tree per class, so many classes get fewer rounds."""

ProbabilityModel = Callable[[EncodedTable], NDArray[np.float64]]
"""Rows -> probability of each class ``(N, K)``."""


def learn(
    learner: DownstreamModel,
    table: EncodedTable,
    labels: NDArray[np.int64],
    classes: int,
    row_distance: RowDistance,
    seed: int,
    trees: int = TREES,
) -> ProbabilityModel:
    """Train a classifier of rows.

    Args:
        learner: Which model.
        table: The rows, without the target column.
        labels: ``(N,)`` class labels; classes that do not occur get probability 0.
        classes: Number of classes.
        row_distance: Of the same columns; scales numbers for the linear model.
        seed: Of the model.
        trees: Most boosting rounds.

    Raises:
        MissingExtraError: if scikit-learn is not installed.

    Source: Friedman 2001; Ke 2017 (histograms), by scikit-learn.
    """
    present = np.unique(labels)
    if len(present) < 2:
        return lambda rows: _all_classes(np.ones((len(rows), 1)), present, classes)
    if learner == "boosting":
        rounds = max(min(trees, 2 * TREES // len(present)), 15)
        model: Any = need("sklearn.ensemble", EXTRA).HistGradientBoostingClassifier(
            max_iter=rounds, early_stopping=False, random_state=seed
        )
        model.fit(table.values, labels)
        return lambda rows: _all_classes(model.predict_proba(rows.values), present, classes)
    model = need("sklearn.linear_model", EXTRA).LogisticRegression(max_iter=200)
    with warnings.catch_warnings():
        # Not converged after 200 iterations is good enough, and the same for reals and fakes.
        warnings.simplefilter("ignore", need("sklearn.exceptions", EXTRA).ConvergenceWarning)
        model.fit(row_distance.features(table), labels)
    return lambda rows: _all_classes(
        model.predict_proba(row_distance.features(rows)), present, classes
    )


def _all_classes(
    predicted: NDArray[np.float64], present: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    probabilities = np.zeros((len(predicted), classes))
    probabilities[:, present] = predicted
    return probabilities
