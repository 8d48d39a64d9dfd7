"""Memory of a run on very many pictures, and the time until ``gannet --help`` has answered."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

DIFFERENT = 2_000
"""Pictures drawn; the folder is filled with hard links to them, read like any other file."""


def _fill(folder: Path, count: int, side: int) -> None:
    source = np.random.default_rng(0)
    for number in range(min(DIFFERENT, count)):
        coarse = source.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(coarse).resize((side, side)).save(folder / f"{number:06}.png")
    for number in range(DIFFERENT, count):
        os.link(folder / f"{number % DIFFERENT:06}.png", folder / f"{number:06}.png")


def child(words: list[str], log: Path) -> tuple[float, float, int]:
    """Wall seconds, peak resident GiB and exit code of a command."""
    began = time.perf_counter()
    pid = os.posix_spawn(
        words[0],
        words,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    _, status, usage = os.wait4(pid, 0)
    taken = time.perf_counter() - began
    return taken, usage.ru_maxrss / 2**20, os.waitstatus_to_exitcode(status)


def run(
    data: Path, *, count: int = 200_000, side: int = 64, steps: int = 30, repeats: int = 10
) -> dict[str, Any]:
    """Train for some steps on ``count`` files; then time the help, cold imports included."""
    gannet = [sys.executable, "-m", "gannet"]
    with tempfile.TemporaryDirectory() as name:
        folder, log = Path(name), Path(name) / "log.txt"
        (folder / "pictures").mkdir()
        _fill(folder / "pictures", count, side)
        out = str(folder / "run")
        words = [*gannet, "train", str(folder / "pictures"), "--out", out, "--steps", str(steps)]
        seconds, peak, code = child(words, log)
        if code:
            raise RuntimeError(log.read_text())
        again, peak_again, _ = child([*words[:-1], str(steps)], log)
        times = sorted(child([*gannet, "--help"], log)[0] for _ in range(repeats))
    return {
        "pictures": count,
        "side": side,
        "peak_gib": round(peak, 3),
        "peak_gib_from_cache": round(peak_again, 3),
        "seconds": round(seconds, 1),
        "seconds_from_cache": round(again, 1),
        "help_seconds": round(statistics.median(times), 3),
        "help_seconds_low": round(times[0], 3),
        "help_seconds_high": round(times[-1], 3),
        "repeats": repeats,
    }
