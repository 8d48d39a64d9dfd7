"""Features whose distances mean something on heavy tails, too."""

from __future__ import annotations

import torch
from torch import Tensor

from gannet.networks.features import RandomFeatures

NORMAL_DEVIATION = 1.2533
"""Standard deviation of a normal distribution over its mean distance from the median."""

FAR = 0.95
"""Fraction of the distances from the median that are taken as they are; larger ones as this one."""

MAX_ROWS = 10_000
"""Rows that are looked at, since sorting more says no more."""


class RobustScale:
    """Each number on the scale of usual distances from its median, far values by their logarithm.

    ``asinh((x - median) / scale)`` is linear near the median and logarithmic far from it, so that a
    few far values neither set the scale of a column nor make up all of a distance. The scale is
    the mean distance from the median without its tail, which does not vanish where half of a
    column is one value, as the distance between quartiles does; where it is tiny beside that of
    the other columns, a tenth of theirs.

    Source of the transform: Johnson 1949, Biometrika 36, 149 (the system of unbounded curves).
    """

    def __init__(self, reference: Tensor) -> None:
        """Fit medians and scales to ``(N, *shape)``."""
        rows = reference[:MAX_ROWS].flatten(1).float()
        self.middle = rows.median(0).values
        away = (rows - self.middle).abs()
        scale = away.minimum(away.quantile(FAR, dim=0)).mean(0) * NORMAL_DEVIATION
        usual = scale.median()
        self.scale = scale.clamp(min=float(usual) / 10 or 1.0)

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, F)``."""
        return torch.asinh((samples.flatten(1).float() - self.middle) / self.scale)


class RobustFeatures:
    """Random features of numbers on their robust scale, for the monitor.

    A distance in plain standardised features rests on a column's farthest values where its tail is
    heavy: two sets of reals then lie as far apart as reals and anything else.
    """

    name = "random, robust"

    def __init__(self, reference: Tensor, *, seed: int = 0) -> None:
        """Fit scales and features.

        Args:
            reference: ``(N, *shape)`` reals, at least two, better hundreds.
            seed: Of the weights; the same for scores that are to be compared.
        """
        self._scale = RobustScale(reference)
        self._features = RandomFeatures(self._scale(reference), seed=seed)
        self.width, self.hash = self._features.width, self._features.hash

    def __call__(self, samples: Tensor) -> Tensor:
        """``(B, *shape)`` to ``(B, width)``."""
        return self._features(self._scale(samples))
