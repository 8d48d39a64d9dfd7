"""Small medical and credit tables: does a classifier learn from fakes, and do they cover the reals?

Pima, German credit, Wisconsin breast cancer and mammography (2 % of the rows are of the rare
class). Seven tenths of each are learnt from, the rest is held out; the split changes with the seed.
CTGAN and TVAE run with their defaults to their end, gannet for ``seconds`` of processor time or for
as long as CTGAN took, whichever is less. As many rows are made as were learnt from. Beside them
stand the floor (columns shuffled independently) and the ceiling (the training rows themselves).
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks._tables import ask_peer, ours, peers_python, rehearsal, write_rows

TABLES = {
    "pima": "pima-indians-diabetes",
    "german": "german",
    "wisconsin": "breast-cancer-wisconsin",
    "mammography": "mammography",
}
NEIGHBORS = 5
"""As in the paper of coverage, Naeem et al. 2020, arXiv:2002.09797."""

METHODS = ("gannet", "ctgan", "tvae", "shuffled", "real")

Cells = NDArray[Any]


def _read(path: Path) -> tuple[list[str], Cells]:
    """Names and cells of a file without a header; the last column is the class."""
    with path.open(newline="") as file:
        rows = [[cell.strip("'") for cell in row] for row in csv.reader(file) if row]
    return [*(f"column_{at + 1}" for at in range(len(rows[0]) - 1)), "class"], np.array(rows)


def _written(names: Sequence[str], cells: Cells, path: Path) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *cells.tolist()])
    return path


def _back(path: Path) -> Cells:
    with path.open(newline="") as file:
        return np.array(list(csv.reader(file))[1:])


class _Ruler:
    """Cells as numbers: as they are, or zeros and ones of the words seen in training."""

    def __init__(self, train: Cells) -> None:
        self.words = [_words(column) for column in train.T]

    def points(self, cells: Cells) -> NDArray[np.float64]:
        parts = [
            column.astype(float)[:, None] if words is None else column[:, None] == words
            for column, words in zip(cells.T, self.words, strict=True)
        ]
        return np.concatenate(parts, 1).astype(float)


def _words(column: Cells) -> Cells | None:
    try:
        column.astype(float)
    except ValueError:
        return np.unique(column)
    return None


def scored(train: Cells, test: Cells, fake: Cells) -> dict[str, float]:
    """F1 of the rarer class, the mean of two classifiers; coverage of the test rows by fakes."""
    ruler = _Ruler(train[:, :-1])
    classes, counts = np.unique(train[:, -1], return_counts=True)
    rare = classes[counts.argmin()]
    learnt, asked = ruler.points(fake[:, :-1]), ruler.points(test[:, :-1])
    answer, truth = fake[:, -1] == rare, test[:, -1] == rare
    found: dict[str, float] = {"rare": float(answer.mean())}
    learners: Mapping[str, Any] = {
        "trees": HistGradientBoostingClassifier(random_state=0),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)),
    }
    for name, learner in learners.items():
        found[f"f1_{name}"] = 0.0
        if answer.any() and not answer.all():
            told = learner.fit(learnt, answer).predict(asked)
            found[f"f1_{name}"] = float(f1_score(truth, told))
    found["f1"] = (found["f1_trees"] + found["f1_logistic"]) / 2
    points = ruler.points(train[:, :-1])
    middle, spread = points.mean(0), points.std(0) + 1e-12
    reals, fakes = (asked - middle) / spread, (learnt - middle) / spread
    fakes = fakes[np.random.default_rng(0).permutation(len(fakes))[: len(reals)]]
    near: Any = NearestNeighbors()
    around = near.fit(reals).kneighbors(reals, NEIGHBORS + 1)[0][:, -1]
    nearest = near.fit(fakes).kneighbors(reals, 1)[0][:, 0]
    found["coverage"] = float((nearest <= around).mean())
    return {name: round(score, 4) for name, score in found.items()}


def run(
    data: Path,
    *,
    seconds: float = 60,
    seeds: int = 3,
    sets: str = ",".join(TABLES),
    peers: str = "ctgan,tvae",
    environment: str = "",
    settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """All tables and methods, one after the other, on one thread."""
    torch.set_num_threads(1)
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as fresh:
        work = Path(fresh)
        python = peers_python(environment, work)
        methods = [each for each in str(peers).split(",") if each]
        for name in str(sets).split(","):
            names, cells = _read(data / "tables" / f"{TABLES[name]}.csv")
            for seed in range(seeds):
                place = work / f"{name}-{seed}"
                place.mkdir()
                for about in _split(names, cells, seed, place, python, methods, seconds, settings):
                    found.append({"set": name, "seed": seed} | about)
                    print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    return _summary(found) | {"series": found}


def _split(
    names: Sequence[str],
    cells: Cells,
    seed: int,
    work: Path,
    python: Path,
    peers: Sequence[str],
    seconds: float,
    settings: dict[str, Any] | None,
) -> Iterator[dict[str, Any]]:
    """Every method on one split of one table."""
    some, rest = train_test_split(
        np.arange(len(cells)), test_size=0.3, random_state=seed, stratify=cells[:, -1]
    )
    train, test = cells[some], cells[rest]
    path = _written(names, train, work / "train.csv")
    words = [_words(column) for column in train.T]
    numbers = ",".join(name for name, each in zip(names[:-1], words, strict=False) if each is None)
    yield {"method": "real"} | scored(train, test, train)
    mixed = np.stack(
        [np.random.default_rng((seed, at)).permutation(train[:, at]) for at in range(len(names))], 1
    )
    yield {"method": "shuffled"} | scored(train, test, mixed)
    budget = seconds
    for peer in peers:
        evaluation = ask_peer(python, "train", peer, path, work, numbers, 1e9, 300, seed)[-1]
        about = {"method": peer, "used": round(evaluation["used"], 1)}
        yield about | scored(train, test, _back(Path(evaluation["path"])))
        budget = min(budget, evaluation["used"]) if peer == "ctgan" else budget
    overhead = rehearsal(path, work / "rehearsal")
    model, about = ours(path, budget, seed, settings or {}, work / "run", overhead)
    fake = _back(write_rows(model, len(train), work / "ours.csv"))
    about = {"method": "gannet", "used": about["used"], "steps": about["steps"]}
    yield about | scored(train, test, fake)


def _summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over tables and seeds, with the spread over seeds of the means over tables."""
    report: dict[str, Any] = {"seeds": len({each["seed"] for each in found})}
    for method in METHODS:
        rows = [each for each in found if each["method"] == method]
        if not rows:
            continue
        end = "" if method == "gannet" else f"_{method}"
        for score in ("f1", "coverage"):
            means = [
                float(np.mean([row[score] for row in rows if row["seed"] == seed]))
                for seed in sorted({row["seed"] for row in rows})
            ]
            report[f"{score}{end}"] = round(float(np.mean(means)), 4)
            report[f"{score}{end}_spread"] = [round(min(means), 4), round(max(means), 4)]
    return report
