"""Draws the figures of docs/scores: what each score says of fakes that are wrong in a known way.

Rows of two numbers around eight places stand for samples; the fakes are right, lack half of the
places, are blurred, are copies of training rows, or all alike. Every number is computed here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from gannet.metrics import METRICS
from gannet.metrics.copies import closest, suspects

COUNT = 600
NAMES = ("further reals", "half the places", "blurred", "copies", "all alike")


def ring(count: int, seed: int, *, places: int = 8, spread: float = 0.12) -> Tensor:
    """Rows ``(count, 2)`` around places on a circle."""
    chance = torch.Generator().manual_seed(seed)
    angle = torch.randint(0, places, (count,), generator=chance) * (torch.pi / 4)
    middle = torch.stack([angle.cos(), angle.sin()], 1)
    return (middle + spread * torch.randn(count, 2, generator=chance)).double()


def heaps() -> dict[str, Tensor]:
    """Fakes by what is wrong with them."""
    train = ring(COUNT, 1)
    made = (
        ring(COUNT, 3),
        ring(COUNT, 4, places=4),
        ring(COUNT, 5, spread=0.35),
        train,
        ring(1, 6).expand(COUNT, 2) + 0.01 * ring(COUNT, 7),
    )
    return dict(zip(NAMES, made, strict=True))


def scores() -> dict[str, dict[str, float]]:
    """Each score of each heap of fakes."""
    held_out, train = ring(COUNT, 2), ring(COUNT, 1)
    usual = closest(held_out, [train])[0]
    found: dict[str, dict[str, float]] = {}
    for name, fake in heaps().items():
        told = {score: rated.function(held_out, fake) for score, rated in METRICS.items()}
        told["copies"] = float(suspects(closest(fake, [train])[0], usual).double().mean())
        found[name] = told
    return found


def draw(score: str, found: dict[str, dict[str, float]], path: Path) -> None:
    """One figure: bars of the score, by what is wrong with the fakes."""
    figure = Figure(figsize=(5.2, 2.1), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    values = [found[name][score] for name in NAMES]
    places = range(len(NAMES) - 1, -1, -1)
    axes.barh(list(places), values, height=0.6, color="#0060a8")
    axes.set_yticks(list(places), NAMES)
    for place, value in zip(places, values, strict=True):
        axes.annotate(
            f" {value:.3g}", (max(value, 0), place), va="center", fontsize=9, color="#1a1c1f"
        )
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.15)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def main(folder: Path) -> None:
    """Draw all."""
    folder.mkdir(parents=True, exist_ok=True)
    found = scores()
    for score in next(iter(found.values())):
        draw(score, found, folder / f"{score}.png")
        told = {name: round(each[score], 3) for name, each in found.items()}
        print(score, told)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures/scores"))
