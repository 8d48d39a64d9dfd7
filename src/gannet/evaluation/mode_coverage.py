"""Which classes, or kinds, of samples the fakes lack: shares of each, of reals beside fakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from gannet.core.scores import Histogram
from gannet.metrics.kmeans import FEWEST, MOST, assigned, centers

MEMBERS = 40
"""Reals that each kind should have, so that one that is missing is seen."""


def class_histogram(real: Tensor, fake: Tensor, names: Sequence[str]) -> Histogram:
    """Shares of the classes ``(n,)`` that one classifier tells of held-out reals and of fakes."""
    return _profile("class, as told by the classifier", "class", real, fake, names)


def cluster_histogram(
    fresh: Tensor, held_out: Tensor, fake: Tensor, *, seed: int
) -> tuple[Histogram, ...]:
    """Shares of the heaps that features ``(n, F)`` fall into; nothing where samples are few.

    The heaps are those of ``fresh``, so that held-out reals and fakes are strangers to them alike.
    """
    count = min(len(fresh) // MEMBERS, MOST)
    if count < FEWEST:
        return ()
    middles = centers(fresh.float(), count, seed=seed)
    names = [f"kind {number + 1}" for number in range(count)]
    real, made = (assigned(each.float(), middles) for each in (held_out, fake))
    return (_profile("kinds of reals, found without labels", "cluster", real, made, names),)


def _profile(
    name: str, kind: Literal["class", "cluster"], real: Tensor, fake: Tensor, names: Sequence[str]
) -> Histogram:
    shares = [
        torch.bincount(each, minlength=len(names)).double() / len(each) for each in (real, fake)
    ]
    order = list(map(int, shares[0].argsort(descending=True, stable=True)))
    return Histogram(
        name=name,
        kind=kind,
        bins=tuple(names[at] for at in order),
        real=tuple(float(shares[0][at]) for at in order),
        fake=tuple(float(shares[1][at]) for at in order),
        samples=min(len(real), len(fake)),
    )
