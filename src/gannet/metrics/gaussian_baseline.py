"""Gaussian baseline: the trivial generator that every score has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gannet.core.seeding import derive_seed

DIRECTIONS = 64
"""Principal directions; the variance outside them is modelled as isotropic noise."""


@dataclass(frozen=True)
class GaussianBaseline:
    """A Gaussian around each class mean, with one shared covariance, clipped to the data's range.

    Attributes:
        mean: ``(F,)`` mean of all samples.
        classes: ``(K, F)`` class means; ``(0, F)`` without labels.
        directions: ``(D, F)`` principal directions, scaled to their standard deviations.
        residual_std: Standard deviation per number outside these directions.
        low: ``(F,)`` minimum of the data.
        high: ``(F,)`` maximum of the data.
        shape: Shape of one sample.
    """

    mean: Tensor
    classes: Tensor
    directions: Tensor
    residual_std: float
    low: Tensor
    high: Tensor
    shape: tuple[int, ...]

    @classmethod
    def fit(cls, samples: Tensor, labels: Tensor, classes: int, *, seed: int) -> GaussianBaseline:
        """Fit to samples ``(N, *shape)`` with labels ``(N,)``, -1 where unknown."""
        rows = samples.flatten(1).float()
        mean = rows.mean(0)
        means = mean.repeat(classes, 1)
        for number in range(classes):
            if bool((labels == number).any()):
                means[number] = rows[labels == number].mean(0)
        centers = torch.where(labels[:, None] >= 0, _pick(means, mean, labels), mean)
        residuals = rows - centers
        rank = min(DIRECTIONS, *residuals.shape)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            _, singular_values, axes = torch.svd_lowrank(residuals, q=rank)
        directions = (axes * (singular_values / max(len(rows) - 1, 1) ** 0.5)).T
        residual_variance = (
            residuals.square().sum() / max(len(rows) - 1, 1) - directions.square().sum()
        )
        residual_std = float((residual_variance / rows.shape[1]).clamp(min=0).sqrt())
        return cls(
            mean,
            means,
            directions,
            residual_std,
            rows.amin(0),
            rows.amax(0),
            tuple(samples.shape[1:]),
        )

    def sample(self, labels: Tensor, *, seed: int) -> Tensor:
        """One sample per label ``(N,)``, as ``(N, *shape)``; -1 uses the overall mean."""
        rng = torch.Generator().manual_seed(derive_seed(seed, 1))
        count, width = len(labels), len(self.mean)
        noise = torch.randn(count, len(self.directions), generator=rng) @ self.directions
        noise += self.residual_std * torch.randn(count, width, generator=rng)
        rows = _pick(self.classes, self.mean, labels) + noise
        return rows.clamp(self.low, self.high).unflatten(1, self.shape)


def _pick(means: Tensor, mean: Tensor, labels: Tensor) -> Tensor:
    every = torch.cat([means, mean[None]])
    return every[torch.where(labels >= 0, labels, len(means))]
