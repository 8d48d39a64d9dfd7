"""translate from label maps to facades, against three rivals with equal processor time.

    make bench NAME=facades DATA=FOLDER

FOLDER holds ``facades/train`` and ``facades/test``: photo left, label map right. See ``_pairs``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks._pairs import measured

MINUTES = 10.0


def run(data: Path, *, minutes: float = MINUTES, seed: int = 0, keep: str = "") -> dict[str, Any]:
    """Train, or take up the runs that are in the folder ``keep``, and score them."""
    with tempfile.TemporaryDirectory() as held:
        place, facades = Path(keep or held), data / "facades"
        place.mkdir(parents=True, exist_ok=True)
        return measured(
            facades / "train", place, minutes=minutes, seed=seed, test=facades / "test",
            pairs="side_by_side", input_side="right",
        )  # fmt: skip
