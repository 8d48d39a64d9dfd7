"""What benchmarks of tables share: a run of gannet within a budget, and the peers' environment."""

from __future__ import annotations

import json
import subprocess
import time
import venv
from pathlib import Path
from typing import Any

import torch

import gannet
from gannet.api.model import Model
from gannet.inference.write_samples import write_samples

PINNED = ("ctgan==0.12.1", "sdmetrics==0.32.0")
PEERS = Path(__file__).with_name("_peers.py")


def ours(
    table: Path,
    budget: float,
    seed: int,
    settings: dict[str, Any],
    folder: Path,
    overhead: float,
) -> tuple[Model, dict[str, Any]]:
    """One run that takes ``budget`` processor seconds, from the first look at the file to the end.

    Args:
        table: A CSV file with a header.
        budget: Processor seconds for all of it: reading, encoding, planning, training, looks of
            health, saves, the last judgement.
        seed: Of everything.
        settings: Of the recipe.
        folder: Of the run.
        overhead: Seconds that all but the training is expected to take, from a rehearsal.

    Returns:
        The model, and what the run took: ``training`` and ``sampling`` are rows per second, the
        latter as data frames.
    """
    began = time.process_time()
    minutes = max(budget - overhead, 5.0) / 60
    session = gannet.prepare(
        table,
        folder,
        recipe="table",
        seed=seed,
        minutes=minutes,
        clock=time.process_time,
        threads=1,
        **settings,
    )
    prepared = time.process_time()
    steps, trained = 0, prepared
    for moment in session.run():
        steps, trained = moment.result.step, time.process_time()
    used = time.process_time() - began
    model = gannet.load(folder)
    rows = session.dataset.train
    model.sample(100)  # warm
    started = time.process_time()
    model.sample(len(rows))
    taken = time.process_time() - started
    return model, {
        "used": round(used, 1),
        "overhead": round(used - (trained - prepared), 1),
        "steps": steps,
        "training": round(steps * session.plan.config["batch"] / (trained - prepared)),
        "sampling": round(len(rows) / taken),
    }


def rehearsal(table: Path, folder: Path) -> float:
    """Processor seconds of all but the training: a run of a few steps, which also warms up."""
    began = time.process_time()
    gannet.train(table, folder, recipe="table", steps=50, threads=1)
    return time.process_time() - began


def write_rows(model: Model, count: int, out: Path) -> Path:
    """Rows as the command ``gannet sample`` writes them."""
    write_samples(model.artifact, count=count, out=out)
    return out


def peers_python(environment: str, work: Path) -> Path:
    """A Python with the peers and SDMetrics in it, made if it is not there."""
    folder = Path(environment) if environment else work / "peers"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        # The same torch as here: another one would be compared too.
        same = f"torch=={torch.__version__.partition('+')[0]}"
        subprocess.run([python, "-m", "pip", "install", "-q", same, *PINNED], check=True)
    return python


def ask_peer(python: Path, *words: object) -> Any:
    """The JSON in the last line that the script in the peers' environment prints."""
    done = subprocess.run(
        [python, PEERS, *map(str, words)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])
