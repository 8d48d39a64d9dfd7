"""Examples at the end of each command's help."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "inspect": ("gannet inspect photos", "gannet inspect people.csv --json"),
    "train": (
        "gannet train photos --out run --minutes 10",
        "gannet train people.csv -o run --steps 2000 --seed 1",
        "gannet train photos -o run --dry-run",
    ),
    "sample": (
        "gannet sample run -n 16 --out samples",
        "gannet sample run -n 100 -s 1 -o grid.png --label cat",
        "gannet sample run -n 1000 -o fake.csv",
    ),
    "apply": (
        "gannet apply run gaps.csv --out filled.csv",
        "gannet apply run small.png -o large.png",
    ),
    "edit": (
        "gannet edit run --out directions.png --directions",
        "gannet edit run photo.png -o edited.png --edit brightness=+1.5",
    ),
    "judge": ("gannet judge run a.png b.png", "gannet judge run rows.csv --json"),
    "evaluate": ("gannet evaluate run", "gannet evaluate run other_photos --out report"),
    "compare": ("gannet compare run1 run2 --out comparison",),
    "recipes": ("gannet recipes",),
    "settings": ("gannet settings generate", "gannet settings generate --batch 48"),
    "demo": ("gannet demo --minutes 2",),
}
"""Command -> lines that could be typed."""


def epilogue(command: str) -> str:
    """The examples of a command as text.

    >>> epilogue("recipes").splitlines()
    ['Examples:', '  gannet recipes']
    """
    return "\n".join(["Examples:", *(f"  {line}" for line in EXAMPLES[command])])
