"""Mode coverage: frequencies of classes or clusters, real beside fake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from gannet.core.scores import Histogram
from gannet.metrics.kmeans import MAX_CLUSTERS, MIN_CLUSTERS, assigned, centers

SAMPLES_PER_CLUSTER = 40
"""Reals per cluster, enough to notice a missing one."""


def class_histogram(real: Tensor, fake: Tensor, names: Sequence[str]) -> Histogram:
    """Frequencies of the classes ``(n,)`` predicted for held-out reals and for fakes."""
    return _histogram("class, predicted by the classifier", "class", real, fake, names)


def cluster_histogram(
    real_reference: Tensor, held_out: Tensor, fake: Tensor, *, seed: int
) -> tuple[Histogram, ...]:
    """Frequencies of the clusters that features ``(n, F)`` fall into; none for few samples.

    The clusters are fitted to ``real_reference``, which is independent of held-out reals and fakes
    alike.
    """
    count = min(len(real_reference) // SAMPLES_PER_CLUSTER, MAX_CLUSTERS)
    if count < MIN_CLUSTERS:
        return ()
    centroids = centers(real_reference.float(), count, seed=seed)
    names = [f"cluster {number + 1}" for number in range(count)]
    real_clusters, fake_clusters = (assigned(each.float(), centroids) for each in (held_out, fake))
    return (
        _histogram(
            "clusters of reals, found without labels",
            "cluster",
            real_clusters,
            fake_clusters,
            names,
        ),
    )


def _histogram(
    name: str, kind: Literal["class", "cluster"], real: Tensor, fake: Tensor, names: Sequence[str]
) -> Histogram:
    fractions = [
        torch.bincount(each, minlength=len(names)).double() / len(each) for each in (real, fake)
    ]
    order = list(map(int, fractions[0].argsort(descending=True, stable=True)))
    return Histogram(
        name=name,
        kind=kind,
        bins=tuple(names[at] for at in order),
        real=tuple(float(fractions[0][at]) for at in order),
        fake=tuple(float(fractions[1][at]) for at in order),
        samples=min(len(real), len(fake)),
    )
