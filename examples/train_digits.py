"""Train on real digits from Python: watch the duel, then sample, judge and evaluate.

Needs the extra ``demo``, for the digits. ``python examples/train_digits.py --minutes 2``
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import gannet
from gannet.cli.demo import write_digits


def main(out: Path, **budget: Any) -> None:
    """Train into ``out`` and look at the result."""
    digits = write_digits(out / "digits.npz")

    # `gannet.train(digits, run)` is all it takes; to watch it, drive the loop yourself.
    session = gannet.prepare(digits, out / "run", seed=0, **budget)
    for moment in session.run():
        if moment.evaluation:
            auc = moment.evaluation.measurements.auc_held_out
            print(f"step {moment.result.step}: {moment.evaluation.diagnosis.name}, AUC {auc:.2f}")

    # The same call goes on with a run that was stopped; this one is finished and returns at once.
    model = gannet.train(digits, out / "run", seed=0, **budget)
    sevens = model.sample(16, label="7", seed=1)
    print(f"made {len(sevens)} pictures of {sevens.shape[1]}x{sevens.shape[2]} pixels")

    # Row n depends on the seed and on n alone, so these four are the first four of above.
    assert (model.sample(4, label="7", seed=1) == sevens[:4]).all()

    chances = model.judge(sevens, label="7")
    print("probability of being real:", ", ".join(f"{chance:.2f}" for chance in chances))

    for score in model.evaluate(digits, count=500).scores:
        print(f"{score.name}: {score.value:.3g} (reference {score.reference:.3g})")

    again = gannet.load(out / "run")
    assert (again.sample(1, seed=3) == model.sample(1, seed=3)).all()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/digits"))
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--steps", type=int, help="train so many steps instead")
    given = parser.parse_args()
    if given.steps:
        main(given.out, steps=given.steps)
    else:
        main(given.out, minutes=given.minutes)
