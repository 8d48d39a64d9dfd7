"""Speed and memory of the recipe ``table``.

Rows per processor second in training and in sampling, beside CTGAN's in the same run by turns, on
UCI Adult; and the peak memory of ``gannet train`` on tables of a million and of ten million rows
with 15 columns, one of which has 20,000 values. These tables are made here, from a seed.

Training counts rows in steps, looks of health included, without the fit of the codec or of CTGAN's
mixtures. Sampling counts rows from nothing to a data frame, for both.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import gannet
from benchmarks._tables import PEERS, peers_python
from benchmarks.adult import NUMBERS, read_rows, write_table
from benchmarks.memory import child

MANY = 20_000
"""Values of the largest column."""
PART = 250_000
"""Rows that are made at once."""
SAMPLED = 100_000
"""Rows whose making is timed."""
WORDS = ("north", "south", "east", "west", "centre")


def _part(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Rows of 15 columns that hang together: numbers, moments of a sort, words, few and many."""
    shop = np.minimum(rng.zipf(1.3, count) - 1, 10**6) % MANY
    size = rng.gamma(2.0, 1.0 + shop % 7)
    age = rng.integers(18, 91, count)
    group = (age // 12 + shop % 3) % 8
    region = (shop % 5 + (rng.random(count) < 0.1)) % 5
    items = rng.poisson(1 + size)
    return {
        "shop": [f"shop {each:05d}" for each in shop.tolist()],
        "region": np.array(WORDS, object)[region],
        "age": age,
        "group": group,
        "size": np.round(size, 2),
        "items": items,
        "price": np.round(items * rng.lognormal(2, 0.4, count), 2),
        "rate": rng.random(count).astype(np.float32),
        "score": np.round(rng.normal(50 + group, 10), 1),
        "hour": (rng.normal(14, 4, count) % 24).astype(np.int64),
        "weekday": rng.integers(0, 7, count),
        "paid": np.array(["card", "cash", "transfer"], object)[rng.integers(0, 3, count)],
        "rollback": rng.random(count) < 0.03 * (1 + group),
        "code": rng.integers(0, 200, count),
        "distance": rng.exponential(5.0, count),
    }


def _make(path: Path, rows: int) -> None:
    """The table as Parquet, from a seed, some rows at a time."""
    arrow, parquet = (__import__(name, fromlist=["_"]) for name in ("pyarrow", "pyarrow.parquet"))
    rng = np.random.default_rng(0)
    writer: Any = None
    for start in range(0, rows, PART):
        made: Any = arrow.table(_part(rng, min(PART, rows - start)))
        writer = writer or parquet.ParquetWriter(path, made.schema)
        writer.write_table(made)
    writer.close()


def _memory(folder: Path, rows: int, steps: int) -> dict[str, float]:
    """Peak memory and time of a run on a table of so many rows, in a process of its own."""
    data, log = folder / f"rows-{rows}.parquet", folder / "log.txt"
    # Made in a child too: what it took must not count.
    subprocess.run([sys.executable, "-m", "benchmarks.table_speed", data, str(rows)], check=True)
    out = str(folder / f"run-{rows}")
    words = [sys.executable, "-m", "gannet", "train", str(data), "--out", out]
    seconds, peak, code = child([*words, "--steps", str(steps), "--threads", "1"], log)
    if code:
        raise RuntimeError(log.read_text())
    size = data.stat().st_size / 2**20
    data.unlink()
    return {"gib": round(peak, 3), "seconds": round(seconds, 1), "file_mib": round(size, 1)}


def _ours(data: Path, folder: Path, steps: int, seed: int) -> dict[str, float]:
    """Rows per processor second of ``gannet.train``'s own loop, and of ``Model.sample``."""
    out = folder / f"ours-{seed}"
    session = gannet.prepare(
        data, out, seed=seed, steps=steps, threads=1, device="cpu", clock=time.process_time
    )
    batch = session.plan.config["batch"]
    moments = session.run()
    first = [moment.elapsed for moment in islice(moments, steps // 4)][-1]  # warm
    last = [moment.elapsed for moment in moments][-1]
    model = gannet.load(out)
    model.sample(1_000, seed=seed)
    began = time.process_time()
    rows = model.sample(SAMPLED, seed=seed)
    taken = time.process_time() - began
    assert len(rows) == SAMPLED
    trained = (steps - steps // 4) * batch
    return {"training": trained / (last - first), "sampling": SAMPLED / taken}


def _theirs(python: Path, data: Path, folder: Path, epochs: int, seed: int) -> dict[str, float]:
    """CTGAN's own, by its defaults, in its environment."""
    words = [python, PEERS, "train", "ctgan", data, folder, ",".join(NUMBERS), "1e9", epochs, seed]
    done = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])[-1]


def _spread(found: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(found), 3),
        "low": round(min(found), 3),
        "high": round(max(found), 3),
    }


def run(
    data: Path,
    *,
    repeats: int = 3,
    steps: int = 800,
    epochs: int = 8,
    environment: str = "",
    rows: str = "1000000,10000000",
    memory_steps: int = 50,
) -> dict[str, Any]:
    """Time both by turns, then measure the memory of large tables.

    Args:
        data: Folder with ``tables/adult-train.csv``.
        repeats: Turns; 0 leaves the speed out.
        steps: Of a run whose steps are timed.
        epochs: Of CTGAN.
        environment: Of the peers; made if it is not there.
        rows: Of the large tables, with commas between; empty for none.
        memory_steps: Of a run on a large table.
    """
    turns: list[dict[str, Any]] = []
    report: dict[str, Any] = {"repeats": repeats}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write_table(read_rows(data / "tables" / "adult-train.csv"), folder / "adult.csv")
        python = peers_python(environment, folder)
        for seed in range(repeats):
            ours = _ours(table, folder, steps, seed)
            theirs = _theirs(python, table, folder, epochs, seed)
            turns.append({"gannet": ours, "ctgan": theirs})
            print(json.dumps(turns[-1]), file=sys.stderr, flush=True)
        for what in ("training", "sampling") if turns else ():
            ratios = [each["gannet"][what] / each["ctgan"][what] for each in turns]
            report[what] = round(statistics.median(ratios), 2)
            report[f"{what}_ratio"] = _spread(ratios)
            for who in ("gannet", "ctgan"):
                report[f"{what}_{who}"] = _spread([each[who][what] for each in turns])
        for count in map(int, filter(None, str(rows).split(","))):
            made = _memory(folder, count, memory_steps)
            report[f"rss_gib_{count // 10**6}m"] = made["gib"]
            report[f"memory_{count // 10**6}m"] = made
            print(json.dumps(report), file=sys.stderr, flush=True)
    return report


if __name__ == "__main__":
    _make(Path(sys.argv[1]), int(sys.argv[2]))
