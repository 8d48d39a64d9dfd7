"""Evaluation of imputation: known held-out cells are masked and imputed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gannet.core.frame import Cells, Frame, joined
from gannet.core.plugins import gannet_version
from gannet.core.scores import Report, Score
from gannet.core.types import BoolArray
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.as_numbers import missing_mask
from gannet.modalities.table.evaluation.imputation import BY, score_imputation

HIDDEN_FRACTION = 0.2
"""Fraction of the known cells that is masked."""
DRAWS = 39
"""Draws per masked cell, of which intervals are taken."""
LEARNT = 5_000
"""Most training rows that the other methods are fitted to."""

Fill = Callable[[Frame, int], Sequence[Frame]]
"""A table and a number of draws -> that many imputed tables; 1 gives the point estimate."""


def evaluate_filled(
    train: Frame,
    held_out: Frame,
    codec: TableCodec,
    fill: Fill,
    *,
    count: int = 2_000,
    seed: int = 0,
    artifact: str = "",
    data: str = "",
) -> Report:
    """Mask a fifth of the known cells of held-out rows at random, impute and score them.

    Args:
        train: Training rows of the imputer; the other methods are fitted to them too.
        held_out: Rows that were not trained on.
        codec: Of the columns.
        fill: The imputer.
        count: Most held-out rows.
        seed: Of the mask, the draws and the other methods.
        artifact: Name of the imputer in the report.
        data: Name of the data in the report.

    Raises:
        DataError: if there is no known cell to mask.
        MissingExtraError: if scikit-learn is not installed.
    """
    test_rows, train_rows = held_out[:count], train[:LEARNT]
    hidden_mask = _hidden_mask(test_rows, codec, seed)
    masked = hide_cells(test_rows, hidden_mask, codec)
    (best,) = fill(masked, 1)
    draws = fill(masked, DRAWS)
    mask = np.concatenate(
        [np.zeros((len(train_rows), hidden_mask.shape[1]), np.bool_), hidden_mask]
    )
    every = score_imputation(
        joined([train_rows, test_rows]),
        mask,
        [joined([train_rows, each]) for each in draws],
        codec,
        best=joined([train_rows, best]),
        seed=seed,
    )
    scores, others = _against_the_best(every)
    return Report(
        artifact=artifact,
        data=data,
        scores=scores,
        suspects=(),
        seed=seed,
        gannet=gannet_version(),
        protocol=_protocol(len(test_rows), len(train_rows), int(hidden_mask.sum()), others),
        baseline="best of mean, iterative regression and trees",
        conditional=True,
    )


def _protocol(rows: int, learnt: int, cells: int, others: Sequence[str]) -> tuple[str, ...]:
    """How the scores were measured, in sentences."""
    return (
        f"A fifth of the known cells of {rows} held-out rows was hidden at random: {cells} cells.",
        "Errors are of the point estimate. Numbers: root mean square error over the column's "
        "standard deviation, averaged over columns; categories: fraction of wrong ones.",
        f"The other methods learn from the same rows and {learnt} rows of training. "
        f"Their errors: {'; '.join(others)}.",
        "The imputer was calibrated on the other half of the held-out rows.",
        f"Coverage: true numbers within the middle nine tenths of {DRAWS} draws. Reference: the "
        "coverage of exact draws of continuous numbers; rounded numbers are covered more often.",
        "Intervals: 95 %; bootstrap over rows for errors, Wilson for fractions.",
    )


def _against_the_best(scores: Sequence[Score]) -> tuple[tuple[Score, ...], list[str]]:
    """The scores with the best other method as their baseline, and each method's errors."""
    rescored: list[Score] = []
    method_errors: list[str] = []
    for score in scores:
        methods = [part for part in score.components if part.name.startswith(BY)]
        if not methods:
            rescored.append(score.model_copy(update={"baseline": None}))
            continue
        column_components = tuple(part for part in score.components if part not in methods)
        best = min(part.value for part in methods)
        rescored.append(
            score.model_copy(update={"components": column_components, "baseline": best})
        )
        got = ", ".join(f"{part.name.removeprefix(BY)} {part.value:.3g}" for part in methods)
        method_errors.append(f"{score.name}: {got}")
    return tuple(rescored), method_errors


def _hidden_mask(frame: Frame, codec: TableCodec, seed: int) -> BoolArray:
    rng = np.random.default_rng(seed)
    observed = np.stack(
        [
            ~missing_mask(column, frame.column(column.name)) & bool(column.sizes)
            for column in codec.columns
        ],
        1,
    )
    return observed & (rng.random(observed.shape) < HIDDEN_FRACTION)


def hide_cells(frame: Frame, hidden_mask: BoolArray, codec: TableCodec) -> Frame:
    """The frame with missing values in the masked cells, ``(N, C)`` in the codec's order."""
    columns: list[Cells] = []
    for name, cells in zip(frame.names, frame.columns, strict=True):
        rows = hidden_mask[:, codec.names.index(name)]
        # Integer and boolean arrays cannot hold missing values; arrays of objects can.
        masked: Cells = cells.copy() if cells.dtype.kind in "OfM" else cells.astype(object)
        if rows.any():
            masked[rows] = {"f": np.nan, "M": np.datetime64("NaT")}.get(masked.dtype.kind)
        columns.append(masked)
    return Frame(frame.names, tuple(columns), frame.where, frame.first)
