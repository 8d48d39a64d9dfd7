"""Every metric keeps the laws, and every law catches who breaks it."""

from __future__ import annotations

import math
import random

import pytest
import torch

from gannet.metrics import METRICS
from gannet.metrics.distribution import energy_distance, frechet_distance, precision
from gannet.testing import check_metric

KNOWN = {"frechet", "kid", "energy", "precision", "recall", "density", "coverage"}
SYMMETRIC = {"frechet", "kid", "energy"}
# One real picture repeated is believable each time: these two do not look for variety.
BLIND_TO_COLLAPSE = {"precision", "density"}


def test_the_list_of_metrics_is_whole():
    assert set(METRICS) >= KNOWN


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_keeps_the_laws(name):
    rated = METRICS[name]
    check_metric(
        rated.function,
        rated.better,
        min_value=rated.min_value,
        max_value=rated.max_value,
        symmetric=name in SYMMETRIC,
        sees=("shift",) if name in BLIND_TO_COLLAPSE else ("shift", "collapse"),
    )


# Broken specimens: each breaks one law. -----------------------------------------------------------
def in_chunks(real, fake, *, cells=1 << 20):
    size = max(cells // len(real), 1)
    return sum(frechet_distance(real, part) for part in fake.split(size) if len(part) > 1) + 0.0


def centers_in_place(real, fake):
    real -= real.mean(0)
    return energy_distance(real, fake)


def by_place(real, fake):
    rows = min(len(real), len(fake))
    return float((real[:rows] - fake[:rows]).square().mean().double())


def lopsided(real, fake):
    return float((fake.mean(0) - real.mean(0)).clamp_min(0).sum().double())


def unlike_itself(real, fake):
    return frechet_distance(real, fake) + (1.0 if torch.equal(real, fake) else 0.0)


def variety(real, fake):
    return round(float(min(fake.double().var(), real.double().var())), 6)


def coarse(real, fake):
    return frechet_distance(real, fake) + (0.5 if real.dtype == torch.float64 else 0.0)


SPECIMENS = {
    "finite: equal gives": (lambda real, fake: math.inf * len(real) * len(fake), "low", {}),
    "finite: gives a Tensor": (lambda real, fake: (real.mean() - fake.mean()).abs(), "low", {}),
    "bounds: equal gives": (
        lambda real, fake: frechet_distance(real, fake) - 1, "low", {"min_value": 0}
    ),
    "purity: the metric changes": (centers_in_place, "low", {}),
    "purity: a second call": (
        lambda real, fake: energy_distance(real, fake) + random.random(), "low", {}
    ),
    "permutation: another order": (by_place, "low", {}),
    "digits: 64 instead of 32": (coarse, "low", {}),
    "chunks: another size": (in_chunks, "low", {}),
    "symmetry: exchanging": (lopsided, "low", {"symmetric": True}),
    "order: equal": (unlike_itself, "low", {}),
    "order: near": (frechet_distance, "high", {}),
    "order: collapse": (precision, "high", {}),
    "order: shift": (variety, "high", {}),
}  # fmt: skip


@pytest.mark.parametrize("law", SPECIMENS)
def test_the_laws_bite(law):
    metric, better, promised = SPECIMENS[law]
    with pytest.raises(AssertionError, match=law):
        check_metric(metric, better, **promised)
