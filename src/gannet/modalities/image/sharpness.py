"""Are pictures too smooth or too rough, and are samples made over and over?"""

from __future__ import annotations

from torch import Tensor

from gannet.core.scores import Score
from gannet.metrics.confidence import wilson
from gannet.metrics.distribution import nearest_others
from gannet.metrics.pairwise import Heap

EDGE = 0.05
"""Share of held-out reals that are as smooth, or as rough, as a picture called so."""

ALIKE = 0.01
"""Share of held-out reals that have another as near as a repeated sample has."""


def roughness(pictures: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels over the variance, ``(N,)``.

    2 for noise, less the smoother a picture ``(N, C, H, W)`` is, 0 for a blank one. Contrast does
    not matter.

    Source: von Neumann 1941, Distribution of the Ratio of the Mean Square Successive Difference
    to the Variance, Ann. Math. Stat. 12, p. 367, in two directions.
    """
    x = pictures.float()
    down = x.diff(dim=2).square().flatten(1).mean(1)
    right = x.diff(dim=3).square().flatten(1).mean(1)
    inner = (x - x.mean((2, 3), keepdim=True)).square().flatten(1).mean(1)
    return (down + right) / 2 / inner.clamp(min=1e-6)


def texture_scores(held_out: Tensor, fake: Tensor, fresh: Tensor, plain: Tensor) -> list[Score]:
    """Shares of pictures smoother, and rougher, than 95 % of held-out reals; of rows none.

    Args:
        held_out: ``(N, C, H, W)``.
        fake: The same of fakes.
        fresh: Of further reals, the floor.
        plain: Of the baseline.
    """
    if fake.ndim != 4 or min(fake.shape[2:]) < 2:
        return []
    usual, *others = map(roughness, (held_out, fake, fresh, plain))
    low, high = usual.quantile(EDGE), usual.quantile(1 - EDGE)
    return [
        _share("too smooth", [each < low for each in others]),
        _share("too rough", [each > high for each in others]),
    ]


def repeat_score(
    held_out: Tensor | Heap,
    fake: Tensor | Heap,
    fresh: Tensor | Heap,
    plain: Tensor | Heap,
    eye: str,
) -> Score:
    """Share of fakes with another fake nearer than 99 % of held-out reals have another real.

    Args:
        held_out: ``(n, F)`` features.
        fake: The same of fakes.
        fresh: Of further reals, the floor.
        plain: Of the baseline.
        eye: What the features are called.
    """
    limit = nearest_others(held_out).quantile(ALIKE)
    return _share(f"repeats[{eye}]", [nearest_others(x) <= limit for x in (fake, fresh, plain)])


def _share(name: str, flags: list[Tensor]) -> Score:
    hits = [int(each.sum()) for each in flags]
    count = len(flags[0])
    low, high = wilson(hits[0], count)
    floor_low, floor_high = wilson(hits[1], count)
    return Score(
        name=name,
        value=hits[0] / count,
        low=low,
        high=high,
        floor=hits[1] / count,
        floor_low=floor_low,
        floor_high=floor_high,
        samples=count,
        better="low",
        baseline=hits[2] / count,
    )
