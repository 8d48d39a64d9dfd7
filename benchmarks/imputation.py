"""Cells hidden on purpose: the recipe ``impute`` against means, regression, trees and plain GAIN.

Four tables: Wisconsin diagnostic (569 rows, from scikit-learn), spam, letter, and horse colic, in
which cells are missing to begin with; columns of numbers throughout. A fifth of the known cells is
hidden, at random or, in every column, the more often the larger the next column's value is. All
methods get the same table with holes, and all fills are brought to the grid of each column, as they
would be written (``unrounded`` are the baselines' errors without that).

``error`` is the root mean square error over the column's standard deviation, the mean over columns.
``interval_coverage`` is the share of hidden numbers within the middle nine tenths of the draws,
``shortest_coverage`` within the shortest interval that holds nine tenths of them: where most cells
are nought, the middle ones hold more than nine tenths, even of exact draws.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import gannet
from benchmarks._gain import gain_filled
from gannet.core.errors import need
from gannet.core.frame import Frame
from gannet.data.containers.frames import read_frame
from gannet.inference.apply import ApplyRequest, apply_value
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.as_numbers import cells_from, values_of
from gannet.modalities.table.columns.number import NumberColumn

SHARE, DRAWS, LEVEL = 0.2, 99, 0.9
MINUTES = {"wisconsin": 0.2, "colic": 0.2, "spam": 0.5, "letter": 2.0}
LARGE = ("spam", "letter")
FILES = {"spam": "spam.csv", "letter": "letter.csv", "colic": "horse-colic.csv"}
BASELINES = ("iterative regression", "iterated trees", "gradient boosting")
Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


def table_of(name: str, data: Path) -> tuple[Values, TableCodec]:
    """The columns of numbers of a set, ``(N, C)`` with NaN where cells are missing."""
    if name == "wisconsin":
        rows: Values = need("sklearn.datasets", "table").load_breast_cancer().data
        return rows, TableCodec.fit_frame(_frame(rows))
    frame = read_frame(data / "tables" / FILES[name])
    codec = TableCodec.fit_frame(frame)
    columns = [each for each in codec.columns if isinstance(each, NumberColumn)]
    rows = np.stack([values_of(each, frame.column(each.name)) for each in columns], 1)
    return rows, TableCodec.fit_frame(_frame(rows))


def _frame(rows: Values) -> Frame:
    return Frame(tuple(f"c{at + 1}" for at in range(rows.shape[1])), tuple(rows.T))


def hidden_cells(rows: Values, way: str, seed: int) -> Mask:
    """Which known cells are hidden, a fifth of them."""
    rng = np.random.default_rng(seed)
    chance = np.full(rows.shape, SHARE)
    if way == "depending":
        next_one = np.roll(rows, -1, axis=1)
        rank = np.argsort(np.argsort(next_one, 0), 0) / max(len(rows) - 1, 1)
        chance = np.where(np.isnan(next_one), SHARE, 2 * SHARE * rank)
    return ~np.isnan(rows) & (rng.random(rows.shape) < chance)


def on_grid(filled: Values, codec: TableCodec) -> Values:
    """Fills as they would be written."""
    columns = [
        values_of(column, cells_from(column, values, values))
        if isinstance(column, NumberColumn)
        else values
        for column, values in zip(codec.columns, filled.T, strict=True)
    ]
    return np.stack(columns, 1)


def error(filled: Values, rows: Values, mask: Mask) -> float:
    """Root mean square over standard deviation, the mean over columns with hidden cells."""
    spread = np.nanstd(rows, 0)
    asked = mask.any(0) & (spread > 0)
    gaps = np.where(mask, filled - np.nan_to_num(rows), 0.0)[:, asked] / spread[asked]
    return float(np.sqrt((gaps**2).sum(0) / mask[:, asked].sum(0)).mean())


def coverage(samples: Values, rows: Values, mask: Mask) -> dict[str, float]:
    """Share of hidden numbers within the middle, and the shortest, nine tenths of draws."""
    edges = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low, high = np.quantile(samples, edges, axis=0, method="weibull")
    ordered = np.sort(samples, 0)
    many = round(LEVEL * (len(samples) + 1))
    at = (ordered[many - 1 :] - ordered[: len(samples) - many + 1]).argmin(0)[None]
    least = np.take_along_axis(ordered, at, 0)[0]
    most = np.take_along_axis(ordered, at + many - 1, 0)[0]
    return {
        "interval_coverage": float(((rows >= low - 1e-9) & (rows <= high + 1e-9))[mask].mean()),
        "shortest_coverage": float(((rows >= least - 1e-9) & (rows <= most + 1e-9))[mask].mean()),
    }


def _mean(holed: Values, _seed: int) -> Values:
    return np.where(np.isnan(holed), np.nanmean(holed, 0), holed)


def _iterated(model: Callable[[int], Any], rounds: int) -> Callable[[Values, int], Values]:
    def fill(holed: Values, seed: int) -> Values:
        need("sklearn.experimental.enable_iterative_imputer", "table")
        imputer: Any = need("sklearn.impute", "table").IterativeImputer
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rounds that did not settle
            found = imputer(
                model(seed), max_iter=rounds, random_state=seed, keep_empty_features=True
            )
            filled: Values = found.fit_transform(holed)
        return filled

    return fill


def _ridge(_seed: int) -> Any:
    return need("sklearn.linear_model", "table").BayesianRidge()


def _trees(seed: int) -> Any:
    return need("sklearn.ensemble", "table").ExtraTreesRegressor(20, random_state=seed)


def _boosting(holed: Values, seed: int) -> Values:
    made = holed.copy()
    for column in range(holed.shape[1]):
        gone = np.isnan(holed[:, column])
        if gone.any() and not gone.all():
            model: Any = need("sklearn.ensemble", "table").HistGradientBoostingRegressor(
                early_stopping=False, random_state=seed
            )
            others = np.delete(holed, column, 1)
            model.fit(others[~gone], holed[~gone, column])
            made[gone, column] = model.predict(others[gone])
    return made


OTHERS: dict[str, Callable[[Values, int], Values]] = {
    "mean": _mean,
    "iterative regression": _iterated(_ridge, 10),
    "iterated trees": _iterated(_trees, 4),
    "gradient boosting": _boosting,
}


def _ours(
    holed: Values, minutes: float, seed: int, out: Path, settings: dict[str, Any]
) -> tuple[Values, Values]:
    """The best fill and draws."""
    frame = _frame(holed)
    model = gannet.train(
        frame, out, recipe="impute", minutes=minutes, seed=seed, threads=1, **settings
    )
    (one,) = apply_value(model.artifact, frame, ApplyRequest(seed=seed))
    many = apply_value(model.artifact, frame, ApplyRequest(DRAWS, seed))
    rows = [np.stack(each.columns, 1).astype(np.float64) for each in (one, *many)]
    return rows[0], np.stack(rows[1:])


def _one(
    name: str, way: str, seed: int, data: Path, minutes: float, settings: dict[str, Any]
) -> dict[str, Any]:
    rows, codec = table_of(name, data)
    mask = hidden_cells(rows, way, seed)
    holed = np.where(mask, np.nan, rows)
    found: dict[str, Any] = {"set": name, "way": way, "seed": seed, "cells": int(mask.sum())}
    errors: dict[str, float] = {}
    unrounded: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for method, fill in OTHERS.items():
        began = time.process_time()
        filled = fill(holed, seed)
        seconds[method] = round(time.process_time() - began, 1)
        errors[method] = error(on_grid(filled, codec), rows, mask)
        unrounded[method] = error(filled, rows, mask)
    began = time.process_time()
    plain = np.stack(gain_filled(holed, seed, 19))
    seconds["plain GAIN"] = round(time.process_time() - began, 1)
    errors["plain GAIN"] = error(on_grid(plain[0], codec), rows, mask)
    unrounded["plain GAIN"] = error(plain[0], rows, mask)
    found["gain_coverage"] = coverage(plain, rows, mask)["interval_coverage"]
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        best, draws = _ours(holed, minutes, seed, Path(folder) / "run", settings)
        seconds["gannet"] = round(time.process_time() - began, 1)
    errors["gannet"] = error(best, rows, mask)
    found |= coverage(draws, rows, mask)
    found |= {"errors": errors, "unrounded": unrounded, "seconds": seconds}
    print(json.dumps(found), file=sys.stderr, flush=True)
    return found


def run(
    data: Path,
    *,
    sets: str = "wisconsin,colic,spam,letter",
    ways: str = "random,depending",
    seeds: int = 3,
    large_seeds: int = 1,
    minutes: float = 0.0,
    settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Every set in every way with every seed; ``large_seeds`` of spam and letter."""
    torch.set_num_threads(1)
    series = [
        _one(name, way, seed, data, minutes or MINUTES[name], settings or {})
        for name in str(sets).split(",")
        for way in str(ways).split(",")
        for seed in range(large_seeds if name in LARGE else seeds)
    ]
    return _summary(series) | {"draws": DRAWS, "series": series}


def _summary(series: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, way in dict.fromkeys((each["set"], each["way"]) for each in series):
        mine = [each for each in series if (each["set"], each["way"]) == (name, way)]
        means = {
            method: float(np.mean([each["errors"][method] for each in mine]))
            for method in mine[0]["errors"]
        }
        best = min(BASELINES, key=lambda method: means[method])
        told: dict[str, Any] = {
            "error": round(means["gannet"], 4),
            "error_spread": round(float(np.ptp([each["errors"]["gannet"] for each in mine])), 4),
            "best_baseline": round(means[best], 4),
            "best_baseline_is": best,
        }
        for score in ("interval_coverage", "shortest_coverage", "gain_coverage"):
            told[score] = round(float(np.mean([each[score] for each in mine])), 4)
        told["errors"] = {method: round(value, 4) for method, value in means.items()}
        found.setdefault(name, {})[way] = told | {"seeds": len(mine)}
    flat = [each for ways in found.values() for each in ways.values()]
    return {
        "sets": found,
        "not_above": sum(
            all(each["error"] <= each["best_baseline"] for each in ways.values())
            for ways in found.values()
        ),
        "covered": sum(0.85 <= each["interval_coverage"] <= 0.95 for each in flat),
        "of": len(flat),
        "repeats": max(each["seeds"] for each in flat),
    }
