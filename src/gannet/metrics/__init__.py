"""Metrics: pure functions from real and fake features to one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from torch import Tensor

from gannet.metrics import distribution
from gannet.metrics.pairwise import FeatureSet

Metric = Callable[[Tensor | FeatureSet, Tensor | FeatureSet], float]
"""Features of reals ``(N, F)`` and of fakes ``(M, F)`` to a number.

Metrics that get the same ``FeatureSet`` objects share intermediate results; the value is the same.

Laws (``gannet.testing.check_metric``): finite for finite features; independent of the order of
rows; arguments are not modified; deterministic; two halves of one set score better than reals
against shifted reals, and better than reals against one repeated real.
"""

Better = Literal["low", "high"]


class Rated(NamedTuple):
    """A metric, whether low or high is better, and its bounds."""

    function: Metric
    better: Better
    min_value: float = float("-inf")
    max_value: float = float("inf")


METRICS: Mapping[str, Rated] = {
    "frechet": Rated(distribution.frechet_distance, "low", 0.0),
    "kid": Rated(distribution.kernel_distance, "low"),
    "energy": Rated(distribution.energy_distance, "low"),
    "precision": Rated(distribution.precision, "high", 0.0, 1.0),
    "recall": Rated(distribution.recall, "high", 0.0, 1.0),
    "density": Rated(distribution.density, "high", 0.0),
    "coverage": Rated(distribution.coverage, "high", 0.0, 1.0),
}
