"""translate from one vendor's emoji to another's, against three rivals with equal processor time.

    make bench NAME=emoji_pairs DATA=FOLDER

FOLDER holds ``emoji/noto`` and ``emoji/twemoji``; equal names are pairs. Scored on pairs that are
held out. See ``_pairs``.
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
        place = Path(keep or held)
        place.mkdir(parents=True, exist_ok=True)
        return measured(
            data / "emoji", place, minutes=minutes, seed=seed, pairs="folders", input_side="noto"
        )
