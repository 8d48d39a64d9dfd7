"""The long run: ``make fuzz FLAGS="--count 2000 --seed 1"``; ends with the faults it found."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

import gannet

if "tests" not in sys.modules:  # run as a script; other packages call a package of theirs so, too
    sys.modules["tests"] = ModuleType("tests")
    sys.modules["tests"].__path__ = [str(Path(__file__).resolve().parent.parent)]

from tests.fuzz.attacks import ATTACKS


def small_run(folder: Path) -> Path:
    """A run on small images, with all that a run has, checkpoint included."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (80, 8, 8, 3)).astype(np.uint8)
    np.savez(folder / "small.npz", images=images, labels=np.arange(80) % 2)
    settings = {"width": 4, "latent_dim": 6, "batch": 8, "threads": 1, "steps": 4}
    gannet.train(folder / "small.npz", folder / "run", precision="float32", **settings)
    return folder / "run"


def attack(run: Path, seed: int, out: Path) -> tuple[str, str]:
    """One attack, a function of its seed: what was done, and what was wrong."""
    rng = random.Random(seed)
    return rng.choice(ATTACKS)(rng, run, out)


def remove(folder: Path) -> None:
    """Remove a folder, however deep."""
    sys.setrecursionlimit(20_000)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Attack until all is done or time is over; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first attack")
    parser.add_argument("--seconds", type=float, default=3_600, help="begin none after so many")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    began, faults, done = time.monotonic(), Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        run = small_run(Path(folder))
        for seed in range(asked.seed, asked.seed + asked.count):
            if time.monotonic() - began > asked.seconds:
                break
            out = Path(folder) / f"out-{seed}"
            out.mkdir()
            what, fault = attack(run, seed, out)
            remove(out)
            done += 1
            if fault:
                faults[fault.split(":")[0][:80]] += 1
                print(f"seed {seed}: {what[:300]!r}\n    {fault}", flush=True)
    seconds = round(time.monotonic() - began, 1)
    print(
        json.dumps({"attacks": done, "faults": faults.total(), "kinds": faults, "seconds": seconds})
    )
    return int(bool(faults))


if __name__ == "__main__":
    raise SystemExit(main())
