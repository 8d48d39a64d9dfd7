"""Rows of UCI Adult: the recipe ``table`` against CTGAN and TVAE at equal processor time.

Every method trains on ``adult-train.csv`` and is judged on the rows of ``adult-test.csv``, which
none of them saw: SDMetrics' quality and its part for pairs of columns, the AUC of gradient boosting
trained on synthetic rows, and that of a fresh critic (0.5: it cannot tell them from real rows).
Beside them stand the floor (columns shuffled independently) and the ceiling (the training rows).

Until the codec for tables is joined with the training loop, rows are encoded here and the duel is
driven directly; encoding is charged to the budget. The peers live in an environment of their own
that is made on first use (``environment`` names an existing one).
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet import device
from gannet.config import parse
from gannet.duel import Duel
from gannet.networks.fields import told
from gannet.recipes import table
from gannet.types import Batch, Condition, Spec

NAMES = [
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status"),
    *("occupation", "relationship", "race", "sex", "capital-gain", "capital-loss"),
    *("hours-per-week", "native-country", "income"),
]
NUMBERS = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]
TARGET = "income"
PINNED = ("ctgan==0.12.1", "sdmetrics==0.32.0")
FEW, BINS = 256, 64
PEERS = Path(__file__).with_name("_peers.py")
PROBE = 60
"""Steps whose time tells how many fit into the budget."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's values in ascending order or, for numbers with many, the edges of its bins."""

    values: NDArray[Any]
    binned: bool

    @classmethod
    def of(cls, cells: NDArray[Any]) -> _Column:
        values = np.unique(cells)
        if cells.dtype.kind != "i" or len(values) <= FEW:
            return cls(values, binned=False)
        return cls(np.unique(np.quantile(cells, np.linspace(0, 1, BINS + 1))), binned=True)

    @property
    def fields(self) -> tuple[int, ...]:
        return (len(self.values) - 1, 0) if self.binned else (len(self.values),)

    def encode(self, cells: NDArray[Any]) -> list[NDArray[Any]]:
        if not self.binned:
            return [np.searchsorted(self.values, cells)]
        at = np.searchsorted(self.values, cells, side="right") - 1
        at = at.clip(0, len(self.values) - 2)
        low, high = self.values[at], self.values[at + 1]
        return [at, (cells - low) / (high - low)]

    def decode(self, fields: NDArray[Any]) -> NDArray[Any]:
        at = fields[0].astype(int)
        if not self.binned:
            return self.values[at]
        low, high = self.values[at], self.values[at + 1]
        return np.round(low + fields[1] * (high - low)).astype(int)


Table = dict[str, NDArray[Any]]


def read(path: Path) -> Table:
    """The raw file: no header, blanks after commas; the test part ends its labels in a dot."""
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file, skipinitialspace=True) if len(row) == len(NAMES)]
    columns = dict(zip(NAMES, map(np.array, zip(*rows, strict=True)), strict=True))
    columns[TARGET] = np.char.rstrip(columns[TARGET], ".")
    return {
        name: cells.astype(int) if name in NUMBERS else cells for name, cells in columns.items()
    }


def write(rows: Table, path: Path) -> Path:
    """A table as CSV with a header."""
    with path.open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(rows)
        sheet.writerows(zip(*(cells.tolist() for cells in rows.values()), strict=True))
    return path


def _encoded(rows: Table) -> tuple[Tensor, tuple[int, ...], dict[str, _Column]]:
    columns = {name: _Column.of(cells) for name, cells in rows.items()}
    fields = [each for name, cells in rows.items() for each in columns[name].encode(cells)]
    sizes = tuple(size for column in columns.values() for size in column.fields)
    return torch.from_numpy(np.stack(fields, 1).astype(np.float32)), sizes, columns


def _decoded(cells: Tensor, columns: dict[str, _Column]) -> Table:
    rest: list[NDArray[Any]] = list(cells.numpy().T)
    made: Table = {}
    for name, column in columns.items():
        taken = len(column.fields)
        made[name], rest = column.decode(np.stack(rest[:taken])), rest[taken:]
    return made


def _batches(rows: Tensor, sizes: tuple[int, ...], size: int, seed: int) -> Iterator[Batch]:
    rng = torch.Generator().manual_seed(seed)
    blank = Condition.none(rows[:size])
    while True:
        order = torch.randperm(len(rows), generator=rng)
        for at in order[: len(rows) // size * size].split(size):
            yield Batch(rows[at], blank, sizes)


def _ours(
    train: Table, budget: float, seed: int, settings: dict[str, Any], out: Path
) -> dict[str, Any]:
    """One run of ``budget`` processor seconds from the first look at the table; rows in ``out``."""
    began = time.process_time()
    rows, sizes, columns = _encoded(train)
    short = "bfloat16" if device.may_use_bfloat16("cpu") else "float32"
    config = parse(table.Config, {"precision": short} | settings | {"steps": 10**6})
    example = table.prepare(
        Batch(rows[:2], Condition.none(rows[:2]), sizes), torch.Generator(), config
    )
    batches = _batches(rows, sizes, config.batch, seed)

    def start(steps: int) -> Duel[table.Config]:
        set_to = config.model_copy(update={"steps": steps})
        return Duel(table.recipe, set_to, Spec.of(example), seed=seed)

    for _ in start(PROBE // 3).run(batches):  # the first steps are slower than the rest
        pass
    probed = time.process_time()
    for _ in start(PROBE).run(batches):
        pass
    each = (time.process_time() - probed) / PROBE
    left = budget - (time.process_time() - began)
    duel = start(max(1, int(0.97 * left / each)))
    for _ in duel.run(batches):
        pass
    used = time.process_time() - began
    count = len(rows)
    nothing = torch.zeros_like(rows)
    condition = replace(Condition.none(rows), vector=told(nothing, nothing))
    noise = torch.randn(count, config.noise, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        table.infer(duel.average, noise[:100], condition[:100], config)  # warm
        started = time.process_time()
        made = table.infer(duel.average, noise, condition, config)
        taken = time.process_time() - started
    write(_decoded(made, columns), out)
    return {
        "used": round(used, 1),
        "steps": duel.step,
        "training": round(duel.step * config.batch / (used - (probed - began))),
        "sampling": round(count / taken),
        "path": str(out),
    }


def environment_in(folder: Path) -> Path:
    """A Python with the peers and SDMetrics in it, made if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        # The same torch as here: another one would be compared too.
        same = f"torch=={torch.__version__.partition('+')[0]}"
        subprocess.run([python, "-m", "pip", "install", "-q", same, *PINNED], check=True)
    return python


def _child(python: Path, *words: object) -> Any:
    """The JSON in the last line that the script in the peers' environment prints."""
    done = subprocess.run(
        [python, PEERS, *map(str, words)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


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
    seeds: int = 3,
    peers: str = "ctgan,tvae",
    epochs: int = 300,
    settings: dict[str, Any] | None = None,
    environment: str = "",
    work_in: str = "",
) -> dict[str, Any]:
    """All runs one after the other; ``epochs`` more for CTGAN's own end, 0 for none."""
    torch.set_num_threads(1)
    seconds = [float(each) for each in str(budgets).split(",")]
    names = [each for each in str(peers).split(",") if each]
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as fresh:
        work = Path(work_in or fresh)
        python = environment_in(Path(environment) if environment else work / "peers")
        train, test = (read(data / "tables" / f"adult-{part}.csv") for part in ("train", "test"))
        paths = [write(train, work / "train.csv"), write(test, work / "test.csv")]
        numbers = ",".join(NUMBERS)

        def judged(about: dict[str, Any]) -> dict[str, Any]:
            scores = _child(python, "score", *paths, about["path"], numbers, TARGET)
            about = {key: value for key, value in about.items() if key != "path"}
            found.append(about | {name: round(score, 4) for name, score in scores.items()})
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
            return found[-1]

        rng = np.random.default_rng(0)
        mixed = {name: rng.permutation(cells) for name, cells in train.items()}
        floor = judged({"method": "shuffled columns", "path": write(mixed, work / "mixed.csv")})
        ceiling = judged({"method": "training rows", "path": paths[0]})
        for seed in range(seeds):
            for budget in seconds:
                made = _ours(train, budget, seed, settings or {}, work / "ours.csv")
                judged({"method": "gannet", "budget": budget, "seed": seed} | made)
            for name in names:
                whole = epochs if name == "ctgan" else 0
                looks = _child(python, "train", name, paths[0], work, numbers, budgets, whole, seed)
                for budget, look in zip([*seconds, 0.0], looks, strict=False):
                    judged({"method": name, "budget": budget, "seed": seed} | look)
    return _summary(found, seconds, names) | {"floor": floor, "ceiling": ceiling, "series": found}


def _summary(
    found: list[dict[str, Any]], seconds: Sequence[float], names: Sequence[str]
) -> dict[str, Any]:
    def mean(method: str, budget: float) -> dict[str, float]:
        rows = [each for each in found if each["method"] == method and each.get("budget") == budget]
        scores = ("auc", "quality", "pairs", "critic", "used", "sampling", "training")
        return {name: float(np.mean([row[name] for row in rows])) for name in scores if rows}

    ours = {budget: mean("gannet", budget) for budget in seconds}
    peers = {budget: [mean(name, budget) for name in names] for budget in seconds}
    report: dict[str, Any] = {
        "auc_best": round(max(each["auc"] for each in ours.values()), 4),
        "ahead": sum(_lead(ours[budget], peers[budget]) for budget in seconds) if names else 0,
        "sampling": round(max(each["sampling"] for each in ours.values())),
        "training": round(max(each["training"] for each in ours.values())),
        "seeds": len({each["seed"] for each in found if "seed" in each}),
    }
    if 100.0 in ours:
        report |= {"auc_100": round(ours[100.0]["auc"], 4)}
        report |= {"quality_100": round(ours[100.0]["quality"], 4)}
    end = mean("ctgan", 0.0)
    reached = [budget for budget in seconds if end and ours[budget]["auc"] >= end["auc"]]
    if reached:
        report["time_to_ctgan"] = round(ours[reached[0]]["used"] / end["used"], 3)
    return report
