"""What runs in the peers' own environment: CTGAN and TVAE, and SDMetrics, which judges everyone.

A script of its own: gannet is not installed there, and nothing of it is imported here.

    python _peers.py score TRAIN TEST FAKE NUMBERS TARGET
    python _peers.py train ctgan|tvae TRAIN FOLDER NUMBERS BUDGETS EPOCHS SEED

Tables are CSV files with a header; ``NUMBERS`` are names of columns, ``BUDGETS`` processor seconds,
both with commas between. The last line of the output is JSON.
"""

# pyright: basic, reportMissingImports=false

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch


def _coded(table: pd.DataFrame, levels: dict[str, list[str]]) -> pd.DataFrame:
    """Words as numbers, the same for every table."""
    return pd.DataFrame(
        {
            name: pd.Categorical(table[name], levels[name]).codes if name in levels else table[name]
            for name in table
        }
    )


def score(train: Path, test: Path, fake: Path, numbers: list[str], target: str) -> dict[str, float]:
    """Quality, pair dependence, train-on-synthetic AUC and a fresh critic, on held-out rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    tables = {
        name: pd.read_csv(path, keep_default_na=False)
        for name, path in (("train", train), ("test", test), ("fake", fake))
    }
    words = [name for name in tables["train"] if name not in numbers]
    levels = {name: sorted(tables["train"][name].unique()) for name in words}
    made, held = _coded(tables["fake"], levels), _coded(tables["test"], levels)

    def fitted(rows: pd.DataFrame, answer: Any, ask: pd.DataFrame) -> Any:
        kinds: Any = [name in words for name in rows]
        discriminator = HistGradientBoostingClassifier(categorical_features=kinds, random_state=0)
        return discriminator.fit(rows, answer).predict_proba(ask)[:, 1]

    auc = 0.5
    if len(set(made[target])) > 1:
        told = fitted(made.drop(columns=target), made[target], held.drop(columns=target))
        auc = float(roc_auc_score(held[target], told))
    count = min(len(made), len(held))
    both = pd.concat([made[:count], held[:count]], ignore_index=True)
    real = np.repeat([0, 1], count)
    mixed = np.random.default_rng(0).permutation(2 * count)
    learns, asked = mixed[:count], mixed[count:]
    told = fitted(both.iloc[learns], real[learns], both.iloc[asked])
    critic = float(roc_auc_score(real[asked], told))
    return {"auc": auc, "linear_probe_auc": critic} | _quality(tables, numbers)


def _quality(tables: dict[str, pd.DataFrame], numbers: list[str]) -> dict[str, float]:
    from sdmetrics.reports.single_table import QualityReport

    kinds = {
        name: {"sdtype": "numerical" if name in numbers else "categorical"}
        for name in tables["train"]
    }
    report = QualityReport()
    count = min(len(tables["fake"]), len(tables["test"]))
    report.generate(tables["test"], tables["fake"][:count], {"columns": kinds}, verbose=False)
    parts = report.get_properties().set_index("Property").Score
    return {
        "quality": float(report.get_score()),
        "shapes": float(parts["Column Shapes"]),
        "pairs": float(parts["Column Pair Trends"]),
    }


def train(
    name: str,
    path: Path,
    folder: Path,
    numbers: list[str],
    budgets: list[float],
    epochs: int,
    seed: int,
) -> list[dict[str, Any]]:
    """One run of a peer with its defaults; a table is written when each budget is used up.

    Looks are not charged. The peers have no stop of their own: their list of epochs, the progress
    bar, is exchanged for one that looks at the clock.
    """
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 # the one that ctgan draws from
    table = pd.read_csv(path, keep_default_na=False)
    kind = "CTGAN" if name == "ctgan" else "TVAE"
    model: Any = getattr(importlib.import_module("ctgan"), kind)(epochs=epochs)
    found: list[dict[str, Any]] = []
    began = time.process_time()
    free = 0.0

    def look(epoch: int, used: float) -> None:
        out = folder / f"{name}-{seed}-{len(found)}.csv"
        start = time.process_time()
        rows = model.sample(len(table))
        rate = len(rows) / (time.process_time() - start)
        rows.to_csv(out, index=False)
        about = {"used": used, "epochs": epoch, "path": str(out), "sampling": rate}
        found.append(about | {"training": epoch * len(table) / max(used - fitted, 1e-9)})

    def clock(asked: range, **_: object) -> Iterator[int]:
        nonlocal free, fitted
        fitted = time.process_time() - began
        for epoch in _bar(asked):
            used = time.process_time() - began - free
            while len(found) < len(budgets) and used >= budgets[len(found)]:
                start = time.process_time()
                look(epoch, used)
                free += time.process_time() - start
            if len(found) == len(budgets) and not whole:
                return
            yield epoch
        look(len(asked), time.process_time() - began - free)

    whole, fitted = epochs < FOREVER, 0.0
    module: Any = importlib.import_module(f"ctgan.synthesizers.{name}")
    module.tqdm = _bar_of(clock)
    model.fit(table, [each for each in table if each not in numbers])
    return found


FOREVER = 10**6
"""Epochs that stand for "until the last budget"."""


def _bar(asked: range) -> Iterator[int]:
    yield from asked


def _bar_of(clock: Callable[..., Iterator[int]]) -> type:
    """The peers' progress bar with another clock inside; they also write beside it."""

    class Bar:
        def __init__(self, asked: range, **options: object) -> None:
            self.steps = clock(asked, **options)

        def __iter__(self) -> Iterator[int]:
            return self.steps

        def set_description(self, _text: str) -> None:
            """Nobody reads it."""

    return Bar


def main(words: list[str]) -> None:
    """Do what the command line says."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if words[0] == "score":
        train_path, test_path, fake = map(Path, words[1:4])
        result: Any = score(train_path, test_path, fake, words[4].split(","), words[5])
    else:
        result = train(
            words[1],
            Path(words[2]),
            Path(words[3]),
            words[4].split(","),
            [float(each) for each in words[5].split(",")],
            int(words[6]) or FOREVER,
            int(words[7]),
        )
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
