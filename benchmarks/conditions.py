"""Conditions on UCI Adult: is what is asked for there, and is the rest as it should be?

A run of the recipe ``table`` is trained on ``adult-train.csv``, then every value of every column is
asked for (of columns with a thousand values or more, quantile ranges), and pairs of values that
stand together in a random row of the training data.

*Honoured*: rows in which every asked cell is what was asked. *Distribution*: wherever at least 200
real rows fulfil a condition, each other column of the fakes is compared with that of the real rows
(training and test rows pooled; at most ``rows`` on each side, as many fakes as reals). A
permutation test on the total variation says whether both may come from one distribution: with
Holm's correction over the columns of a condition, at 5 %. Beside it stand the same test between two
halves of the real rows, which cannot do better (``floor``), and against real rows that ignore the
condition (``unconditional``), which shows that the test can fail.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import gannet
from benchmarks.adult import NAMES, NUMBERS, Table, read_rows, write_table
from gannet.core.errors import ConfigError

MANY = 1_000
"""Values of a column from which on ranges are asked for."""
RANGES = 100
BINS = 20
FEWEST = 200
"""Real rows that a condition needs for its distribution to be compared."""
TURNS = 1_000
"""Permutations."""
LEVEL = 0.05

Counts = NDArray[np.int64]
Given = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Binning:
    """A column's cells as few numbers: its values, or for numbers with many, quantiles."""

    values: NDArray[Any]
    binned: bool

    @classmethod
    def of(cls, cells: NDArray[Any]) -> _Binning:
        values = np.unique(cells)
        if cells.dtype.kind != "i" or len(values) <= BINS:
            return cls(values, binned=False)
        return cls(np.unique(np.quantile(cells, np.linspace(0, 1, BINS + 1)[1:-1])), binned=True)

    def counts(self, cells: NDArray[Any]) -> Counts:
        """How many cells lie in each bin."""
        at = np.searchsorted(self.values, cells, "right" if self.binned else "left")
        return np.bincount(at, minlength=len(self.values) + 1)


def _conditions(train: Table, pairs: int, rng: np.random.Generator) -> Iterator[Given]:
    """All values of all columns one by one, then pairs of cells of a random row."""
    for name, cells in train.items():
        values = np.unique(cells)
        if len(values) < MANY:
            yield from ({name: value} for value in values.tolist())
        else:
            edges = np.quantile(cells, np.linspace(0, 1, RANGES + 1)).astype(int).tolist()
            yield from ({name: (a, b - 1)} for a, b in pairwise(edges))
    columns = [name for name in train if len(np.unique(train[name])) < MANY]
    for _ in range(pairs):
        one, other = rng.choice(columns, 2, replace=False).tolist()
        row = int(rng.integers(len(train[one])))
        yield {name: train[name][row].item() for name in (one, other)}


def _fulfil(rows: Table, given: Given) -> NDArray[np.bool_]:
    kept = np.ones(len(next(iter(rows.values()))), np.bool_)
    for name, wish in given.items():
        cells = rows[name]
        if isinstance(wish, tuple):
            low, high = wish  # pyright: ignore[reportUnknownVariableType]  # a range
            kept &= (cells >= low) & (cells <= high)
        else:
            kept &= cells == wish
    return kept


def _made(model: gannet.Model, count: int, given: Given, seed: int) -> Table:
    """Fakes as plain columns."""
    frames = list(model.stream(count, given=given, seed=seed))
    found = {name: np.concatenate([frame.column(name) for frame in frames]) for name in NAMES}
    return {name: cells.astype(int if name in NUMBERS else str) for name, cells in found.items()}


def _distance(one: Counts, other: Counts) -> tuple[float, float, float]:
    """Total variation, what it is by chance, and the odds of at least as much by chance."""
    sizes = one.sum(-1), other.sum(-1)
    both = one + other
    rng = np.random.default_rng(0)
    turns = rng.multivariate_hypergeometric(both, int(sizes[0]), TURNS, method="marginals")
    chance = np.abs(turns / sizes[0] - (both - turns) / sizes[1]).sum(-1) / 2
    seen = float(np.abs(one / sizes[0] - other / sizes[1]).sum() / 2)
    odds = (1 + (chance >= seen - 1e-12).sum()) / (1 + TURNS)
    return seen, float(chance.mean()), float(odds)


def _within(odds: Sequence[float]) -> list[bool]:
    """Which of several tests are passed, after Holm's correction."""
    order = np.argsort(odds)
    passed = [True] * len(odds)
    for step, at in enumerate(order.tolist()):
        if odds[at] > LEVEL / (len(odds) - step):
            break
        passed[at] = False
    return passed


def _compared(
    some: Table, others: Table, binnings: Mapping[str, _Binning], given: Given
) -> list[dict[str, Any]]:
    """The test for each column that is not asked for."""
    names = [name for name in binnings if name not in given]
    found = [
        _distance(binnings[name].counts(some[name]), binnings[name].counts(others[name]))
        for name in names
    ]
    passed = _within([odds for _, _, odds in found])
    return [
        {"column": name, "tv": seen, "chance": chance, "odds": odds, "ok": ok}
        for name, (seen, chance, odds), ok in zip(names, found, passed, strict=True)
    ]


def _take(rows: Table, at: NDArray[Any]) -> Table:
    return {name: cells[at] for name, cells in rows.items()}


def _share(tests: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    excess = [each["tv"] - each["chance"] for each in tests]
    return {
        "ok": round(float(np.mean([each["ok"] for each in tests])), 4),
        "ok_uncorrected": round(float(np.mean([each["odds"] > LEVEL for each in tests])), 4),
        "median_excess_tv": round(float(np.median(excess)), 4),
        "p90_excess_tv": round(float(np.quantile(excess, 0.9)), 4),
    }


def _trained(data: Path, work: Path, budget: float, seed: int, settings: Mapping[str, Any]) -> Any:
    """A run through the joined path; time is the processor's, so that other work does not count."""
    path = write_table(read_rows(data / "tables" / "adult-train.csv"), work / "train.csv")
    began = time.process_time()
    options: dict[str, Any] = {"minutes": budget / 60, "seed": seed, "clock": time.process_time}
    gannet.train(path, work / "run", **(options | dict(settings)))
    return time.process_time() - began


def run(
    data: Path,
    *,
    budget: float = 300.0,
    rows: int = 1_000,
    pairs: int = 50,
    seed: int = 0,
    settings: dict[str, Any] | None = None,
    trained: str = "",
) -> dict[str, Any]:
    """Train for ``budget`` processor seconds, or take the run ``trained``; then ask."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as fresh:
        used = 0.0
        if not trained:
            used = _trained(data, Path(fresh), budget, seed, settings or {})
        model = gannet.load(trained or Path(fresh) / "run")
        train, test = (
            read_rows(data / "tables" / f"adult-{part}.csv") for part in ("train", "test")
        )
        pool = {name: np.concatenate([train[name], test[name]]) for name in train}
        report = _asked(model, train, pool, rows, pairs, seed)
    return report | {"training_seconds": round(used, 1), "steps": model.card.config["steps"]}


def _asked(
    model: gannet.Model, train: Table, pool: Table, rows: int, pairs: int, seed: int
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    binnings = {name: _Binning.of(cells) for name, cells in pool.items()}
    conditions = list(_conditions(train, pairs, rng))
    refused: list[str] = []
    right = made = compared = 0
    ours: list[dict[str, Any]] = []
    floor: list[dict[str, Any]] = []
    ignoring: list[dict[str, Any]] = []
    for number, given in enumerate(conditions):
        try:
            fakes = _made(model, rows, given, seed + number)
        except ConfigError as error:
            refused.append(f"{json.dumps(given)}: {error.problem}")
            continue
        right += int(_fulfil(fakes, given).sum())
        made += rows
        real = rng.permutation(np.flatnonzero(_fulfil(pool, given)))
        if len(real) < FEWEST:
            continue
        compared += 1
        count = min(len(real), rows)
        some = _take(pool, real[:count])
        about = {"given": json.dumps(given), "rows": len(real)}
        for tests, drawn in (
            (ours, _take(fakes, np.arange(count))),
            (ignoring, _take(pool, rng.integers(0, len(pool[NAMES[0]]), count))),
        ):
            tests += [about | each for each in _compared(drawn, some, binnings, given)]
        half = min(len(real) // 2, rows)
        one, other = (_take(pool, part) for part in (real[:half], real[half : 2 * half]))
        floor += [about | each for each in _compared(one, other, binnings, given)]
        if number % 50 == 0:
            print(number, given, _share(ours), file=sys.stderr, flush=True)
    return {
        "asked": len(conditions),
        "refused": refused,
        "rows_asked": made,
        "honoured": round(right / made, 6),
        "conditions_compared": compared,
        "tests": len(ours),
        "distribution_ok": _share(ours)["ok"],
        "fakes": _share(ours),
        "reference": _share(floor),
        "unconditional": _share(ignoring),
        "by_column": {
            name: _share([each for each in ours if each["column"] == name]) for name in NAMES
        },
        "by_condition": {
            name: _share([each for each in ours if list(json.loads(each["given"])) == [name]])
            for name in NAMES
            if any(list(json.loads(each["given"])) == [name] for each in ours)
        },
        "worst": [
            {
                key: value if isinstance(value, str) else round(value, 4)
                for key, value in each.items()
            }
            for each in sorted(ours, key=lambda each: each["chance"] - each["tv"])[:20]
        ],
    }
