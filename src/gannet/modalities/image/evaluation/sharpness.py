"""Scores of over-smoothed and noisy images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from gannet.core.scores import Score, documented
from gannet.metrics.confidence import fraction_score

EDGE = 0.05
"""Fraction of held-out reals beyond each limit of roughness."""

SMOOTH = documented(
    "oversmoothed",
    "share of images smoother than 95 % of reals",
    "excess",
    "**Blurred**: {value:.0%} of images are smoother than 95 % of reals ({reference:.0%} of "
    "further reals are).",
)
ROUGH = documented(
    "noisy",
    "share of images rougher than 95 % of reals",
    "excess",
    "**Noisy**: {value:.0%} of images are rougher than 95 % of reals ({reference:.0%} of further "
    "reals are).",
)
HOW = (
    "Over-smoothed, noisy: squared differences of neighbouring pixels over the variance, below or "
    "above those of 95 % of held-out reals."
)


def roughness(images: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels over the variance, ``(N,)``.

    2 for white noise, lower for smoother images ``(N, C, H, W)``, 0 for a blank one. Independent
    of contrast.

    Source: von Neumann 1941, Distribution of the Ratio of the Mean Square Successive Difference
    to the Variance, Ann. Math. Stat. 12, p. 367, in two directions.
    """
    x = images.float()
    down = x.diff(dim=2).square().flatten(1).mean(1)
    right = x.diff(dim=3).square().flatten(1).mean(1)
    inner = (x - x.mean((2, 3), keepdim=True)).square().flatten(1).mean(1)
    return (down + right) / 2 / inner.clamp(min=1e-12)


def texture_scores(
    held_out: Tensor, fake: Tensor, real_reference: Tensor, baseline: Tensor
) -> Sequence[Score]:
    """Fractions of images ``(n, C, H, W)`` smoother, and rougher, than 95 % of held-out reals.

    Args:
        held_out: Reals that set the limits.
        fake: Fakes of the generator.
        real_reference: Further reals, for the reference (real against real).
        baseline: Samples of the baseline.
    """
    if min(fake.shape[2:]) < 2:
        return ()
    # What lies beyond the range is cut in files.
    reals, *others = (
        roughness(each.clamp(-1, 1)) for each in (held_out, fake, real_reference, baseline)
    )
    low, high = reals.quantile(EDGE), reals.quantile(1 - EDGE)
    return (
        fraction_score("oversmoothed", [each < low for each in others], SMOOTH, how=HOW),
        fraction_score("noisy", [each > high for each in others], ROUGH, how=HOW),
    )
