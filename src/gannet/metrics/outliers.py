"""Outlier rate: samples where there are no reals.

A classifier hardly gains by a few samples that lie off the data, and a neighbourhood score lets
them pass where reals are sparse. One distance for all, which 99 % of reals keep, does not.
"""

from __future__ import annotations

from torch import Tensor

from gannet.core.scores import ABOUT, Score
from gannet.metrics.confidence import wilson
from gannet.metrics.pairwise import nearest

USUAL = 0.99
"""Fraction of reals that lie within the distance."""

MAX_ROWS = 2_000
"""Most rows of each set; the cost grows with their square."""


def usual_distance(reals: Tensor) -> float:
    """Distance within which ``USUAL`` of the reals ``(N, F)`` have another real."""
    return float(nearest(reals, reals, same=True)[0][:, 0].quantile(USUAL))


def outlier_rate(reals: Tensor, rows: Tensor) -> float:
    """Fraction of rows with no real as near as 99 % of reals have one, 0..1.

    Args:
        reals: ``(N, F)``, at least two.
        rows: ``(M, F)`` other reals, or fakes.
    """
    return float(_are_outliers(reals, rows).double().mean())


def outlier_scores(
    held_out: Tensor, fake: Tensor, real_reference: Tensor, baseline: Tensor, features: str
) -> list[Score]:
    """The outlier rate as a score; none for fewer than two training reals.

    Args:
        held_out: ``(n, F)`` features of held-out reals, the reference.
        fake: The same of fakes.
        real_reference: The same of training reals, which samples should lie near to.
        baseline: The same of the baseline.
        features: Name of the features.
    """
    others, reals, fakes, trivial = (
        each[:MAX_ROWS].double() for each in (held_out, real_reference, fake, baseline)
    )
    if len(reals) < 2:
        return []
    of_reals, of_fakes = (_are_outliers(reals, each) for each in (others, fakes))
    low, high = wilson(float(of_fakes.sum()), len(of_fakes))
    reference_low, reference_high = wilson(float(of_reals.sum()), len(of_reals))
    return [
        Score(
            name=f"outlier rate[{features}]",
            value=float(of_fakes.double().mean()),
            low=low,
            high=high,
            reference=float(of_reals.double().mean()),
            reference_low=reference_low,
            reference_high=reference_high,
            samples=len(of_fakes),
            better="low",
            baseline=outlier_rate(reals, trivial),
            how=(
                f"Outlier rate: samples farther from the nearest of {len(reals):,} training reals "
                f"than {USUAL:.0%} of these are from each other. Reference: held-out reals."
            ),
            **ABOUT["outlier rate"],
        )
    ]


def _are_outliers(reals: Tensor, rows: Tensor) -> Tensor:
    return nearest(rows, reals)[0][:, 0] > usual_distance(reals)
