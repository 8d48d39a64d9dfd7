"""Rows of UCI Adult: the recipe ``table`` against CTGAN and TVAE at equal processor time.

Every method trains on ``adult-train.csv`` and is judged on the rows of ``adult-test.csv``, which
none of them saw: SDMetrics' quality and its part for pairs of columns, the AUC of gradient boosting
trained on synthetic rows, and that of a fresh critic (0.5: it cannot tell them from real rows).
Beside them stand the floor (columns shuffled independently) and the ceiling (the training rows).

gannet is called as its users call it, on a CSV file; reading and encoding it, looks of health,
saves and the last judgement are charged to its budget, and a tenth of the rows is held out from
training. The peers learn from all rows. They live in an environment of their own that is made on
first use (``environment`` names an existing one).
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks._tables import ask_peer, ours, peers_python, rehearsal, write_rows

NAMES = [
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status"),
    *("occupation", "relationship", "race", "sex", "capital-gain", "capital-loss"),
    *("hours-per-week", "native-country", "income"),
]
NUMBERS = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
TARGET = "income"


Table = dict[str, NDArray[Any]]


def read_rows(path: Path) -> Table:
    """The raw file: no header, blanks after commas; the test part ends its labels in a dot."""
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file, skipinitialspace=True) if len(row) == len(NAMES)]
    columns = dict(zip(NAMES, map(np.array, zip(*rows, strict=True)), strict=True))
    columns[TARGET] = np.char.rstrip(columns[TARGET], ".")
    return {
        name: cells.astype(int) if name in NUMBERS else cells for name, cells in columns.items()
    }


def write_table(rows: Table, path: Path) -> Path:
    """Rows with a header."""
    with path.open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(rows)
        sheet.writerows(zip(*(cells.tolist() for cells in rows.values()), strict=True))
    return path


def _lead(ours: dict[str, float], theirs: Sequence[dict[str, float]]) -> bool:
    """Whether all three scores are ahead of every peer's."""
    return all(
        ours["auc"] > each["auc"]
        and ours["pairs"] > each["pairs"]
        and abs(ours["critic"] - 0.5) < abs(each["critic"] - 0.5)
        for each in theirs
    )


def run(
    data: Path,
    *,
    budgets: str = "30,100,300",
    seeds: str = "0,1,2",
    ours_too: bool = True,
    gathered: str = "",
    peers: str = "ctgan,tvae",
    epochs: int = 300,
    settings: dict[str, Any] | None = None,
    environment: str = "",
    work_in: str = "",
) -> dict[str, Any]:
    """All runs one after the other.

    Args:
        data: Folder of ``tables/adult-*.csv``.
        budgets: Processor seconds.
        seeds: Which ones.
        ours_too: Without it only the peers run, for a second process.
        gathered: File of what such a process printed, a JSON object a line, to be summed up too.
        peers: Any of ctgan and tvae.
        epochs: For CTGAN's own end (of seed 0), 0 for none.
        settings: Of the recipe.
        environment: Of the peers; made if there is none.
        work_in: Folder to keep what is made.
    """
    torch.set_num_threads(1)
    seconds = [float(each) for each in str(budgets).split(",")]
    names = [each for each in str(peers).split(",") if each]
    found = [json.loads(line) for line in _lines(gathered)]
    with tempfile.TemporaryDirectory() as fresh:
        work = Path(work_in or fresh)
        python = peers_python(environment, work)
        train, test = (
            read_rows(data / "tables" / f"adult-{part}.csv") for part in ("train", "test")
        )
        paths = [write_table(train, work / "train.csv"), write_table(test, work / "test.csv")]
        numbers = ",".join(NUMBERS)

        def judged(about: dict[str, Any]) -> dict[str, Any]:
            scores = ask_peer(python, "score", *paths, about["path"], numbers, TARGET)
            about = {key: value for key, value in about.items() if key != "path"}
            found.append(about | {name: round(score, 4) for name, score in scores.items()})
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
            return found[-1]

        rng = np.random.default_rng(0)
        mixed = {name: rng.permutation(cells) for name, cells in train.items()}
        floor = judged(
            {"method": "shuffled columns", "path": write_table(mixed, work / "mixed.csv")}
        )
        ceiling = judged({"method": "training rows", "path": paths[0]})
        overhead = rehearsal(paths[0], work / "rehearsal") if ours_too else 0.0
        for seed in [int(each) for each in str(seeds).split(",") if each != ""]:
            for budget in seconds if ours_too else []:
                out = work / f"run-{seed}-{budget:g}"
                model, about = ours(paths[0], budget, seed, settings or {}, out, overhead)
                path = write_rows(model, len(train[TARGET]), work / "ours.csv")
                judged({"method": "gannet", "budget": budget, "seed": seed, "path": path} | about)
            for name in names:
                whole = epochs if name == "ctgan" and seed == 0 else 0
                evaluations = ask_peer(
                    python, "train", name, paths[0], work, numbers, budgets, whole, seed
                )
                for budget, evaluation in zip([*seconds, 0.0], evaluations, strict=False):
                    judged({"method": name, "budget": budget, "seed": seed} | evaluation)
    return _summary(found, seconds, names) | {
        "reference": floor,
        "ceiling": ceiling,
        "series": found,
    }


def _lines(path: str) -> list[str]:
    text = Path(path).read_text(encoding="utf-8") if path else ""
    return [line for line in text.splitlines() if line.startswith("{")]


def _summary(
    found: list[dict[str, Any]], seconds: Sequence[float], names: Sequence[str]
) -> dict[str, Any]:
    def mean(method: str, budget: float) -> dict[str, float]:
        rows = [each for each in found if each["method"] == method and each.get("budget") == budget]
        scores = ("auc", "quality", "pairs", "critic", "used", "sampling", "training")
        return {name: float(np.mean([row[name] for row in rows])) for name in scores if rows}

    def spread(method: str, budget: float, score: str) -> list[float]:
        rows = [each for each in found if each["method"] == method and each.get("budget") == budget]
        return [min(row[score] for row in rows), max(row[score] for row in rows)]

    ours = {budget: mean("gannet", budget) for budget in seconds}
    if not all(ours.values()):
        return {}
    peers = {budget: [mean(name, budget) for name in names] for budget in seconds}
    report: dict[str, Any] = {
        "auc_best": round(max(each["auc"] for each in ours.values()), 4),
        "ahead": sum(_lead(ours[budget], peers[budget]) for budget in seconds) if names else 0,
        "sampling": round(max(each["sampling"] for each in ours.values())),
        "training": round(max(each["training"] for each in ours.values())),
        "seeds": len({each["seed"] for each in found if "seed" in each}),
    }
    if 100.0 in ours:
        for score in ("auc", "quality"):
            report[f"{score}_100"] = round(ours[100.0][score], 4)
            report[f"{score}_100_spread"] = spread("gannet", 100.0, score)
    end = mean("ctgan", 0.0)
    reached = [budget for budget in seconds if end and ours[budget]["auc"] >= end["auc"]]
    if reached:
        report["time_to_ctgan"] = round(ours[reached[0]]["used"] / end["used"], 3)
    return report
