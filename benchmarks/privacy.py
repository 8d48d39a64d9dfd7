"""What rows of the recipe ``table`` give away about the rows of Adult that they were learnt from.

gannet learns from ``adult-train.csv``; the rows of ``adult-test.csv`` were never seen. An attacker
who has the fakes and half of the strangers tells members from the other half by a ratio of
densities (DOMIAS, van Breugel et al. 2023, arXiv:2302.12580). Rows equal to a training row are
counted, and how many strangers equal one, which is what chance explains. The control shows that the
attack sees what there is to see: the training rows themselves in the place of the fakes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks._tables import ours, rehearsal
from benchmarks.adult import read_rows, write_table
from gannet.core.frame import Frame, joined
from gannet.core.scores import Score
from gannet.data.containers.frames import read_frame
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.evaluation.encoding import encode_table
from gannet.modalities.table.evaluation.privacy import privacy_scores
from gannet.modalities.table.evaluation.samples import evaluation_rows

COUNT = 10_000
"""Most rows on each side of a comparison."""


def run(
    data: Path,
    *,
    seconds: float = 300,
    seeds: int = 3,
    settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Train, attack, count; one run per seed."""
    torch.set_num_threads(1)
    found: list[dict[str, Any]] = []
    control: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as fresh:
        work = Path(fresh)
        paths = [
            write_table(read_rows(data / "tables" / f"adult-{part}.csv"), work / f"{part}.csv")
            for part in ("train", "test")
        ]
        train, test = (read_frame(path) for path in paths)
        overhead = rehearsal(paths[0], work / "rehearsal")
        for seed in range(seeds):
            model, about = ours(
                paths[0], seconds, seed, settings or {}, work / f"run-{seed}", overhead
            )
            codec = model.codec
            assert isinstance(codec, TableCodec)
            fake = joined(list(model.stream(len(train), seed=seed)))
            scores = _scores(train, test, fake, codec, seed)
            found.append({"seed": seed, "used": about["used"]} | _told(scores, len(fake)))
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
            if seed == 0:
                control = _told(_scores(train, test, train, codec, seed), len(train))
                print(json.dumps(control), file=sys.stderr, flush=True)
    mean = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
    return {
        "attack_auc": round(mean["attack_auc"], 4),
        "low": round(mean["low"], 4),
        "high": round(mean["high"], 4),
        "memorization": round(mean["memorization"], 1),
        "copies_by_chance": round(mean["copies_by_chance"], 1),
        "seeds": seeds,
        "rows": len(train),
        "control": control,
        "series": found,
    }


def _scores(
    train: Frame, test: Frame, fake: Frame, codec: TableCodec, seed: int
) -> dict[str, Score]:
    real, others, made = (encode_table(each, codec) for each in (train, test, fake))
    sides = evaluation_rows(real, others, made, count=COUNT, seed=seed)
    return {score.name: score for score in privacy_scores(sides, [])}


def _told(scores: dict[str, Score], rows: int) -> dict[str, Any]:
    attack, copies = scores["membership inference"], scores["exact duplicates"]
    return {
        "attack_auc": round(attack.value, 4),
        "low": round(attack.low, 4),
        "high": round(attack.high, 4),
        "nearer_to_training": round(scores["dcr share"].value, 4),
        "memorization": round(copies.value * rows),
        "copies_by_chance": round(copies.reference * rows),
    }
