"""How unlike everything seen in training a sample is, as distances in several views of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.seeding import derive_seed
from gannet.metrics.modes.kmeans import centers
from gannet.networks.features import in_chunks

CLUSTERS = 32
"""Maximum number of centers in a view."""

PER_CLUSTER = 50
"""Reals for each of them."""

RANK = 64
"""Maximum number of principal directions."""

FALSE_ALARM = 0.005
"""Share of calibration reals that may be called strangers."""

SampleView = Callable[[Tensor], Tensor]
"""Samples ``(n, *shape)`` to rows ``(n, F)``."""


class Novelty:
    """Distances to what training showed, in units of those of held-out reals.

    In each view reals are described by their principal directions and the centers of clusters; a
    sample's distance is that to the nearest center in units of the deviation along each direction,
    together with what lies outside of all directions. No training sample is stored.

    Args:
        views: Ways to see samples, by name.
        state: What ``fitted`` measured, by name.
    """

    def __init__(self, views: Mapping[str, SampleView], state: Mapping[str, Tensor]) -> None:
        self.views, self.state = views, dict(state)

    @classmethod
    def fitted(
        cls,
        views: Mapping[str, SampleView],
        train: Tensor,
        held_out: Tensor,
        *,
        seed: int,
    ) -> Novelty:
        """Describe training reals ``(N, *shape)``, and calibrate on held-out reals.

        Args:
            views: Ways to see samples, by name.
            train: ``(N, *shape)``.
            held_out: ``(n, *shape)``.
            seed: Of the clusters.

        Source: Lee et al. 2018, arXiv:1807.03888, sec. 2 (Mahalanobis distance to classes in
            features); Vovk et al. 2005, Algorithmic Learning in a Random World, ch. 2 (threshold
            from held-out scores). Differs: clusters in place of classes, and several views.
        """
        state: dict[str, Tensor] = {}
        for number, (name, view) in enumerate(views.items()):
            rows = in_chunks(view, train, 256).double()
            described = _description(rows, derive_seed(seed, number))
            state |= {f"{name}.{part}": each.float() for part, each in described.items()}
        return cls(views, state).calibrated(held_out)

    def calibrated(self, held_out: Tensor) -> Novelty:
        """The same with limits that held-out reals ``(n, *shape)`` hardly exceed."""
        state = dict(self.state)
        found: list[Tensor] = []
        for name, view in self.views.items():
            distances = _distances(view, state, name, held_out)
            state[f"{name}.scale"] = _threshold(distances).clamp(min=1e-6)
            found.append(distances / state[f"{name}.scale"])
        state["limit"] = _threshold(torch.stack(found).amax(0))
        return Novelty(self.views, state)

    def __call__(self, samples: Tensor) -> Tensor:
        """How far each sample is out, ``(n, V)`` for each view; above 1 it is a stranger."""
        if not len(samples):
            return torch.zeros(0, len(self.views))
        found = [
            _distances(view, self.state, name, samples) / self.state[f"{name}.scale"]
            for name, view in self.views.items()
        ]
        return torch.stack(found, 1) / self.state["limit"]


def _distances(view: SampleView, state: Mapping[str, Tensor], name: str, samples: Tensor) -> Tensor:
    """Distance ``(n,)`` of each sample to what training showed, in one view."""
    rows = in_chunks(view, samples, 256)
    part = {key: state[f"{name}.{key}"] for key in ("mean", "turn", "centers", "rest")}
    centered = rows - part["mean"]
    inside = centered @ part["turn"]
    to_center = torch.cdist(inside, part["centers"]).amin(1).square()
    # Directions are scaled to deviation 1: undo it to see what lies outside of them all.
    within = (inside.square() / part["turn"].square().sum(0)).sum(1)
    outside = (centered.square().sum(1) - within).clamp(min=0) / part["rest"]
    return (to_center + outside).sqrt().nan_to_num(nan=1e6, posinf=1e6)


def _description(rows: Tensor, seed: int) -> dict[str, Tensor]:
    """Mean, scaled directions ``(F, R)``, centers ``(K, R)`` and the variance outside of them."""
    mean = rows.mean(0)
    centered = rows - mean
    covariance = centered.T @ centered / max(len(rows) - 1, 1)
    variances, axes = _eigen(covariance)
    rank = max(min(RANK, len(rows) // 10, len(variances)), 1)
    top, axes = variances[-rank:], axes[:, -rank:]
    min_variance = max(float(variances.clamp(min=0).mean()) * 1e-3, 1e-12)
    turn = axes / top.clamp(min=min_variance).sqrt()
    inside = centered @ turn
    count = max(min(CLUSTERS, len(rows) // PER_CLUSTER), 1)
    rest = variances[:-rank].clamp(min=0).sum() / max(len(variances) - rank, 1)
    return {
        "mean": mean,
        "turn": turn,
        "centers": centers(inside.float(), count, seed=seed),
        "rest": rest.clamp(min=min_variance)[None],
    }


def _eigen(symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, ascending, and eigenvectors as columns."""
    values: NDArray[np.float64]
    vectors: NDArray[np.float64]
    values, vectors = np.linalg.eigh(symmetric.numpy())
    return torch.from_numpy(values), torch.from_numpy(vectors)


def _threshold(scores: Tensor) -> Tensor:
    """The value, a scalar, that few of ``(n,)`` scores of new reals exceed."""
    count = len(scores)
    at = int((1 - FALSE_ALARM) * (count + 1) + 0.999999)
    ordered = scores.sort(0).values
    if at <= count:
        return ordered[at - 1]
    # Too few to know so rare an event: some room beyond the highest, and at least what three
    # deviations of the logarithm reach.
    logs = ordered.clamp(min=1e-12).log()
    usual = (logs.mean() + 3 * logs.std()).exp() if count > 1 else ordered[-1]
    return torch.maximum(ordered[-1] * (1 + 5 / count), usual)
