"""Cases of ``evaluate``: data that a run may be scored on, and data that must be asked about."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._known.record import KnownAnswer, case
from gannet.api.evaluation_data import evaluation_data
from gannet.api.train import load, train
from gannet.core.errors import DataError

TINY: dict[str, Any] = {"steps": 2, "width": 4, "latent_dim": 8, "batch": 8, "threads": 1}


def guarded(own: Callable[[Path], Path], given: Callable[[Path], Path]) -> Callable[[], set[str]]:
    """A run of two steps on its own data, asked to be scored on others."""

    def found() -> set[str]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "own").mkdir()
            (folder / "given").mkdir()
            train(own(folder / "own"), folder / "run", **TINY)
            model = load(folder / "run")
            try:
                data = evaluation_data(model.artifact, model.folder, given(folder / "given"))
            except DataError as error:
                return {"refused"} if error.remedy else {"refused without a remedy"}
            said = " ".join(data.notes)
            found = {"left out"} if "Left out" in said else set[str]()
            return found | ({"not whole"} if not len(data.dataset.held_out) else set())

    return found


def pictures(side: int, channels: int = 1, seed: int = 0, more: int = 0) -> Callable[[Path], Path]:
    """Pictures of noise; the first ``60 - more`` are the same for every ``more``."""

    def write(folder: Path) -> Path:
        some = np.random.default_rng(seed).integers(0, 255, (60, side, side, channels), np.uint8)
        rest = np.random.default_rng(99).integers(0, 255, (60, side, side, channels), np.uint8)
        np.save(folder / "pictures.npy", np.concatenate([some[more:], rest[:more]]))
        return folder / "pictures.npy"

    return write


def columns(*names: str, seed: int = 0) -> Callable[[Path], Path]:
    """Rows of numbers and words."""

    def write(folder: Path) -> Path:
        rng = np.random.default_rng(seed)
        cells: list[NDArray[Any]] = [rng.integers(18, 80, 120) for _ in names]
        cells[-1] = rng.choice(["n", "s"], 120)
        lines = [",".join(map(str, row)) for row in zip(*cells, strict=True)]
        (folder / "rows.csv").write_text("\n".join([",".join(names), *lines]))
        return folder / "rows.csv"

    return write


GUARDED: tuple[KnownAnswer, ...] = (
    case("evaluate", "the run's own data", "good", guarded(pictures(8), pictures(8))),
    case("evaluate", "a held-out file", "good", guarded(pictures(8), pictures(8, seed=1)),
         small=True),
    case("evaluate", "a held-out table", "good",
         guarded(columns("age", "town"), columns("age", "town", seed=1))),
    case("evaluate", "pictures of another size", "wrong data",
         guarded(pictures(8), pictures(12)), "refused", small=True),
    case("evaluate", "pictures in colour", "wrong data",
         guarded(pictures(8), pictures(8, channels=3)), "refused"),
    case("evaluate", "a table for pictures", "wrong data",
         guarded(pictures(8), columns("age", "town")), "refused"),
    case("evaluate", "another column", "wrong data",
         guarded(columns("age", "town"), columns("age", "rent", "town")), "refused"),
    case("evaluate", "a column missing", "wrong data",
         guarded(columns("age", "rent", "town"), columns("age", "town")), "refused"),
    case("evaluate", "leaked training data", "leak",
         guarded(pictures(8), pictures(8, more=30)), "left out"),
)  # fmt: skip
