"""Cases of rows of numbers, and of numbers of an unknown kind: rings, grids, heavy tails."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks._known.record import Heap, KnownAnswer, Reals, case, chance, scored

Draw = Callable[[int, int], Tensor]
"""A number of samples and a seed to samples."""

LOSES = "loses, unbelievable, missing, difference, narrow, wide"


def ring(count: int, seed: int, *, spread: float = 0.1, modes: int = 8, of: int = 8) -> Tensor:
    """Gaussians on a ring of radius 1, of which the first ``modes`` of ``of`` are drawn."""
    rng = chance(seed)
    which = torch.randint(modes, (count,), generator=rng)
    turn = 2 * math.pi * which / of
    centres = torch.stack([turn.cos(), turn.sin()], 1)
    return centres + spread * torch.randn(count, 2, generator=rng)


def grid(count: int, seed: int, *, spread: float = 0.1, modes: int = 25) -> Tensor:
    """Gaussians on a grid of five by five, of which the first ``modes`` are drawn."""
    rng = chance(seed)
    which = torch.randint(modes, (count,), generator=rng)
    centres = torch.stack([which % 5, which // 5], 1) - 2.0
    return centres + spread * torch.randn(count, 2, generator=rng)


def tied(count: int, seed: int) -> Tensor:
    """Six Gaussian numbers that depend on each other, of different sizes."""
    noise = torch.randn(count, 6, generator=chance(seed))
    mixed = noise.cumsum(1) / torch.arange(1, 7).sqrt()
    return mixed * torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0, 1.0])


def heavy(count: int, seed: int, freedom: float = 2.5) -> Tensor:
    """Student's t with few degrees of freedom, three numbers."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_t(freedom, (count, 3))).float()


def light(count: int, seed: int) -> Tensor:
    """Gaussian numbers of about the same middle half."""
    return 1.1 * torch.randn(count, 3, generator=chance(seed))


def on(
    draw: Draw,
    make: Callable[[Tensor, Tensor], Tensor] = lambda fresh, _: fresh,
    kind: str = "vector",
) -> Callable[[], set[str]]:
    """A case from a distribution and what makes samples of fresh draws and training samples."""

    def found() -> set[str]:
        raw, held_out, fresh = (draw(count, seed) for seed, count in enumerate((1_500, 600, 600)))
        mean, deviation = raw.mean(0), raw.std(0)
        train, held_out, made = (
            (each - mean) / deviation for each in (raw, held_out, make(fresh, raw))
        )
        first, second = (Heap(each, np.full(len(each), -1), kind) for each in (train, held_out))
        return scored(Reals(first, second), made, count=500)

    return found


def column(samples: Tensor, at: int, values: Tensor | float) -> Tensor:
    """With one column replaced."""
    made = samples.clone()
    made[:, at] = values
    return made


def shuffled(samples: Tensor) -> Tensor:
    """Every column in an order of its own: all dependence is gone."""
    return torch.stack(
        [
            each[torch.randperm(len(each), generator=chance(at))]
            for at, each in enumerate(samples.T)
        ],
        1,
    )


def few(samples: Tensor, count: int, jitter: float = 0.0) -> Tensor:
    """As many samples, but only of the first few."""
    made = samples[torch.arange(len(samples)) % count]
    return made + jitter * torch.randn(made.shape, generator=chance(9))


ROWS: tuple[KnownAnswer, ...] = (
    case("rows", "further draws of a ring", "good", on(ring), small=True),
    case("rows", "further draws of a grid", "good", on(grid),
    ),
    case("rows", "further draws of tied numbers", "good", on(tied), small=True),
    case("rows", "further draws with heavy tails", "good", on(heavy)),
    case("rows", "further draws of Gaussian numbers", "good", on(light)),
    case(
        "rows", "a ring with modes half as wide", "shrunken modes",
        on(ring, lambda f, _: ring(len(f), 7, spread=0.05)), "difference, narrow",
        f"{LOSES}, repeated", small=True,
    ),
    case(
        "rows", "a grid with modes half as wide", "shrunken modes",
        on(grid, lambda f, _: grid(len(f), 7, spread=0.05)), "narrow", f"{LOSES}, repeated",

    ),
    case(
        "rows", "a ring with modes twice as wide", "shrunken modes",
        on(ring, lambda f, _: ring(len(f), 7, spread=0.2)), "difference, wide", LOSES,

    ),
    case(
        "rows", "a ring without two of its modes", "missing modes",
        on(ring, lambda f, _: ring(len(f), 7, modes=6)), "difference, missing",
        f"{LOSES}, repeated", small=True,
    ),
    case(
        "rows", "a grid without its last row", "missing modes",
        on(grid, lambda f, _: grid(len(f), 7, modes=20)), "missing", f"{LOSES}, repeated",
    ),
    case(
        "rows", "one mode of a ring", "mode collapse",
        on(ring, lambda f, _: ring(len(f), 7, modes=1)), "difference, missing",
        f"{LOSES}, repeated, narrow, wide",
    ),
    case(
        "rows", "one point", "mode collapse",
        on(ring, lambda f, _: f[:1].repeat(len(f), 1)), "difference, repeated, missing",
        f"{LOSES}, narrow",
    ),
    case(
        "rows", "sixty points with jitter", "mode collapse",
        on(tied, lambda f, _: few(f, 60, 0.01)), "repeated, difference", f"{LOSES}, narrow",
    ),
    case(
        "rows", "columns shuffled", "proof without power",
        on(tied, lambda f, _: shuffled(f)), "difference", f"{LOSES}, wide", small=True,
    ),
    case(
        "rows", "two columns swapped", "proof without power",
        on(tied, lambda f, _: f[:, [1, 0, 2, 3, 4, 5]]), "difference", f"{LOSES}, wide, narrow",
    ),
    case(
        "rows", "a constant column", "proof without power",
        on(tied, lambda f, _: column(f, 3, 0.2)), "difference", f"{LOSES}, repeated, narrow",
    ),
    case(
        "rows", "a column with its sign turned", "proof without power",
        on(tied, lambda f, _: column(f, 5, -f[:, 5])), "difference", f"{LOSES}, wide",
    ),
    case(
        "rows", "all moved by a third", "proof without power",
        on(tied, lambda f, _: f + 0.35 * f.std(0)), "difference", LOSES,
    ),
    case(
        "rows", "a column rounded", "proof without power",
        on(tied, lambda f, _: column(f, 4, f[:, 4].round())), "difference", LOSES,
    ),
    case(
        "rows", "heavy tails where reals have none", "proof without power",
        on(light, lambda f, _: heavy(len(f), 7, 1.5)), "difference", f"{LOSES}, wide, narrow",
    ),
    case(
        "rows", "tails cut off", "proof without power",
        on(heavy, lambda f, _: f.clamp(-1.2, 1.2)), "difference", f"{LOSES}, narrow, repeated",
    ),
    case(
        "rows", "a wrong scale", "proof without power",
        on(tied, lambda f, _: 1.6 * f), "difference", f"{LOSES}, wide, narrow",
    ),
    case(
        "rows", "training rows", "memorisation",
        on(tied, lambda f, raw: raw[: len(f)]), "memorised", "loses", small=True,
    ),
    case(
        "rows", "near copies of training rows", "memorisation",
        on(tied, lambda f, raw: raw[: len(f)] + 0.005 * torch.randn(f.shape, generator=chance(3))),
        "memorised", "loses",
    ),
    case("numbers", "further draws of an unknown kind", "good", on(tied, kind=""), small=True),
    case(
        "numbers", "columns shuffled, of an unknown kind", "proof without power",
        on(tied, lambda f, _: shuffled(f), kind=""), "difference", f"{LOSES}, wide",
    ),
    case(
        "numbers", "one sample, of an unknown kind", "mode collapse",
        on(tied, lambda f, _: f[:1].repeat(len(f), 1), kind=""), "difference, repeated, missing",
        f"{LOSES}, narrow",
    ),
    case(
        "numbers", "training samples of an unknown kind", "memorisation",
        on(tied, lambda f, raw: raw[: len(f)], kind=""), "memorised", "loses",
    ),
)  # fmt: skip
