"""Scores of imputed cells: error of the point estimate, and coverage of the draws' intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError, need
from gannet.core.frame import Frame
from gannet.core.scores import Component, Score
from gannet.core.types import BoolArray, FloatArray
from gannet.metrics.confidence import wilson
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.downstream_models import EXTRA
from gannet.modalities.table.evaluation.encoding import EncodedTable, encode_table
from gannet.modalities.table.evaluation.fidelity import Triple, scored

BY = "by "
"""Prefix of components that are the errors of other methods."""
LEVEL = 0.9
"""Level of the intervals that draws span."""
BOOTSTRAP_DRAWS = 200
"""Bootstrap samples of rows."""
FEW = 20
"""Most frequent values of a category that iterative regression encodes."""
ROUNDS = 5
"""Passes of iterative regression over all columns."""
RIDGE = 1.0
"""Ridge penalty of iterative regression."""


def score_imputation(
    truth: Frame,
    hidden_mask: BoolArray,
    filled: Sequence[Frame],
    codec: TableCodec,
    *,
    best: Frame | None = None,
    seed: int = 0,
) -> tuple[Score, ...]:
    """Score imputed cells that were masked on purpose.

    Args:
        truth: The table before masking.
        hidden_mask: ``(N, C)`` which cells were masked, in the codec's order of columns; cells that
            were missing before, and columns that are not modelled, do not count.
        filled: One table per draw, with the rows of ``truth``.
        codec: Of the columns.
        best: The point estimate, if it is not the mean or the most frequent value of the draws.
        seed: Of the baselines and the bootstrap.

    Returns:
        ``imputation rmse``: root mean square error over the column's standard deviation, averaged
        over columns. ``imputation error rate``: fraction of wrong categories. Both are of the point
        estimate; the reference is 0, the truth; the baseline is the column's mean or most frequent
        value; the components are other methods and the columns. With two draws or more ``interval
        coverage``: fraction of true numbers within the intervals that the draws span; its reference
        is that of exact draws.

    Raises:
        DataError: if shapes differ, or no cell was masked.
        MissingExtraError: if scikit-learn is not installed.
    """
    every = [*filled, *([] if best is None else [best])]
    _check_shapes(truth, hidden_mask, every if filled else [], codec)
    real = encode_table(truth, codec)
    at = [codec.names.index(name) for name in real.names]
    mask = hidden_mask[:, at] & ~np.isnan(real.values)
    if not mask.any():
        raise DataError("no known cell was hidden", remedy="Hide cells whose value is known.")
    draws = np.stack([encode_table(each, codec).values for each in filled])
    masked = EncodedTable(real.names, real.sizes, np.where(mask, np.nan, real.values))
    fills = {
        "": _point(draws, real.numeric) if best is None else encode_table(best, codec).values,
        "mean or commonest": mean_filled(masked),
        "iterative regression": regression_filled(masked),
        "trees": trees_filled(masked, seed),
    }
    scores = [
        _error(name, real, mask & (real.numeric == numeric), fills, seed)
        for name, numeric in (("imputation rmse", True), ("imputation error rate", False))
        if (mask & (real.numeric == numeric)).any()
    ]
    if len(draws) > 1 and (mask & real.numeric).any():
        scores.append(_coverage(real, mask & real.numeric, draws))
    return tuple(scores)


def _check_shapes(
    truth: Frame, hidden_mask: BoolArray, every: Sequence[Frame], codec: TableCodec
) -> None:
    """Refuse a mask or imputed tables of another size than the truth."""
    if hidden_mask.shape != (len(truth), len(codec.names)):
        raise DataError(
            f"the mask of hidden cells is {hidden_mask.shape}, expected "
            f"{(len(truth), len(codec.names))}",
            remedy="Give one row per row, and one column per column of the codec.",
        )
    if not every or any(len(each) != len(truth) for each in every):
        raise DataError(
            f"{[len(each) for each in every]} filled rows, expected {len(truth)} in each draw",
            remedy="Give at least one filled table with the rows of the truth.",
        )


def mean_filled(masked: EncodedTable) -> FloatArray:
    """Impute the mean, or the most frequent value, of each column."""
    filled = masked.values.copy()
    for values, size in zip(filled.T, masked.sizes, strict=True):
        observed = values[~np.isnan(values)]
        if len(observed):
            common = np.bincount(observed.astype(np.int64)).argmax() if size else observed.mean()
            values[np.isnan(values)] = common
    return filled


def regression_filled(masked: EncodedTable) -> FloatArray:
    """Impute by iterated ridge regression of each column on all others, with one-hot categories.

    Source: van Buuren 2011, J. Stat. Softw. 45(3), with conditional means instead of draws.
    Differs: scikit-learn's ``IterativeImputer`` would regress each one-hot column on the other
        imputed columns of the same category, which determine it; here they are left out.
    """
    filled = mean_filled(masked)
    blocks = [_as_design(values, size) for values, size in zip(filled.T, masked.sizes, strict=True)]
    for _ in range(ROUNDS):
        for column, size in enumerate(masked.sizes):
            missing = np.isnan(masked.values[:, column])
            if not missing.any() or missing.all():
                continue
            others = [block for at, block in enumerate(blocks) if at != column]
            design = np.concatenate([np.ones((len(filled), 1)), *others], 1)
            observed = design[~missing]
            gram = observed.T @ observed + RIDGE * np.eye(observed.shape[1])
            slopes = np.linalg.solve(gram, observed.T @ blocks[column][~missing])
            blocks[column][missing] = design[missing] @ slopes
            if size:
                filled[missing, column] = blocks[column][missing].argmax(1)
    for column, size in enumerate(masked.sizes):
        missing = np.isnan(masked.values[:, column])
        if not size:
            center, std = _center(mean_filled(masked)[:, column])
            filled[missing, column] = blocks[column][missing, 0] * std + center
    return filled


def _as_design(values: FloatArray, size: int) -> FloatArray:
    """A column as standardized numbers ``(N, 1)``, or one-hot ``(N, K)``."""
    if size:
        return (values[:, None] == np.arange(min(size, FEW))).astype(np.float64)
    center, std = _center(values)
    return ((values - center) / std)[:, None]


def _center(values: FloatArray) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values)) or 1.0


def trees_filled(masked: EncodedTable, seed: int) -> FloatArray:
    """Impute by gradient boosting of each column on all others, in one pass.

    Source: Stekhoven and Buehlmann 2012, Bioinformatics 28, p. 112 (trees for each column).
    Differs: boosting, which accepts missing inputs, instead of iterated forests, because it is as
        good and much faster.
    """
    ensemble = need("sklearn.ensemble", EXTRA)
    filled = mean_filled(masked)
    for column, size in enumerate(masked.sizes):
        missing = np.isnan(masked.values[:, column])
        targets = masked.values[~missing, column]
        if not missing.any() or len(np.unique(targets)) < 2:
            continue
        kinds = ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor
        model: Any = kinds[size == 0](max_iter=50, early_stopping=False, random_state=seed)
        others = np.delete(masked.values, column, axis=1)
        filled[missing, column] = model.fit(others[~missing], targets).predict(others[missing])
    return filled


def _point(samples: NDArray[np.float64], numeric: BoolArray) -> FloatArray:
    """Mean of numbers, most frequent value of categories, over draws ``(D, N, F)``."""
    votes = np.stack([(samples == each).sum(0) for each in samples])
    common = np.take_along_axis(samples, votes.argmax(0)[None], 0)[0]
    return np.where(numeric, samples.mean(0), common)


def _error(
    name: str, real: EncodedTable, mask: BoolArray, fills: dict[str, FloatArray], seed: int
) -> Score:
    columns: list[int] = np.flatnonzero(mask.any(0)).tolist()
    numbers = name == "imputation rmse"
    std = np.where(mask.any(0), np.nanstd(real.values, axis=0), 1.0)
    std = np.where(std > 0, std, 1.0)

    def wrong(filled: FloatArray) -> FloatArray:
        """Squared error in standard deviations, or 1 for a wrong category; 0 if not masked."""
        gap = ((filled - real.values) / std) ** 2 if numbers else filled != real.values
        return np.where(mask, np.nan_to_num(gap, nan=1.0), 0.0)[:, columns]

    def by_column(faults: FloatArray, weight: FloatArray) -> FloatArray:
        mean_fault = weight @ faults / np.maximum(weight @ mask[:, columns], 1)
        return np.sqrt(mean_fault) if numbers else mean_fault

    every = np.ones(len(mask))
    mine = wrong(fills[""])
    each = by_column(mine, every)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(mask), every / len(mask), BOOTSTRAP_DRAWS).astype(np.float64)
    low, high = np.quantile(by_column(mine, weights).mean(1), [0.025, 0.975]).tolist()
    value = float(each.mean())
    errors = {
        method: float(by_column(wrong(filled), every).mean()) for method, filled in fills.items()
    }
    order: list[int] = np.argsort(-each, kind="stable").tolist()
    components = [
        Component(name=f"{BY}{method}", value=errors[method], reference=0.0)
        for method in fills
        if method
    ]
    components += [
        Component(name=real.names[columns[at]], value=float(each[at]), reference=0.0)
        for at in order
    ]
    return scored(
        name,
        (value, min(low, value), max(high, value)),
        (0.0, 0.0, 0.0),
        errors["mean or commonest"],
        int(mask.sum()),
        "low",
        components=tuple(components),
    )


def _coverage(real: EncodedTable, mask: BoolArray, samples: NDArray[np.float64]) -> Score:
    """Fraction of true numbers within the interval of the draws.

    If the D draws and the truth have the same distribution, the truth has each rank with equal
    probability. So order statistics give intervals of known level, up to (D - 1) / (D + 1): 19
    draws are needed for 90 %.
    """
    count = len(samples)
    level = min(LEVEL, (count - 1) / (count + 1))
    edges = (1 - level) / 2 * (count + 1)
    # `weibull` puts the k-th of D draws at its expected quantile k / (D + 1).
    low, high = np.quantile(
        samples, [edges / (count + 1), 1 - edges / (count + 1)], axis=0, method="weibull"
    )
    slack = 1e-9 * np.maximum(np.abs(low), np.abs(high))  # rounding, whatever the unit
    inside = (real.values >= low - slack) & (real.values <= high + slack) & mask

    def proportion(hits: int, trials: int) -> Triple:
        return (hits / trials, *wilson(hits, trials))

    hits, trials = int(inside.sum()), int(mask.sum())
    columns: list[int] = np.flatnonzero(mask.any(0)).tolist()
    each = inside[:, columns].sum(0) / mask[:, columns].sum(0)
    order: list[int] = np.argsort(each, kind="stable").tolist()
    return scored(
        f"interval coverage[{level:.0%}]",
        proportion(hits, trials),
        (level, *wilson(round(level * trials), trials)),
        0.0,
        trials,
        "high",
        components=tuple(
            Component(name=real.names[columns[at]], value=float(each[at]), reference=level)
            for at in order
        ),
    )
