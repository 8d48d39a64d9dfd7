"""What rows of numbers tell: a small learner on one side of features, tested on rows left out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from torch import Tensor

from gannet.metrics.auc import Auc, auc
from gannet.metrics.confidence import wilson

RIDGE = 0.01
"""Ridge of the probe, in units of the kernel's mean diagonal."""

LEVEL = 0.05
"""Share of blind features that may seem to see."""


def linear_probe_auc(real: Tensor, other: Tensor, *, tries: int = 1) -> Auc:
    """How well features tell reals from the same samples made worse; chance is .5.

    Kernel ridge regression, linear and Gaussian: what distances and moments of these features can
    see. Each real and its own worse copy are left out together, exactly, so that nothing is tested
    on what was learnt from.

    Args:
        real: ``(n, F)`` features of reals.
        other: ``(n, F)`` features of their worse copies, in the same order.
        tries: How many such questions are asked; the interval is widened for all of them.

    Source: Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, sec. 5.4.2 (left
        out in closed form, here in pairs).
    """
    count = len(real)
    inverse: Tensor = _inverse(torch.cat([real, other]))
    signs = torch.cat([torch.ones(count), -torch.ones(count)]).double()
    weights = inverse @ signs
    one = torch.arange(count)
    two = one + count
    blocks = torch.stack(
        [
            torch.stack([inverse[one, one], inverse[one, two]], 1),
            torch.stack([inverse[two, one], inverse[two, two]], 1),
        ],
        1,
    )
    errors: Tensor = torch.linalg.solve(
        blocks, torch.stack([weights[one], weights[two]], 1)[..., None]
    )
    foretold = torch.stack([signs[one], signs[two]], 1) - errors[..., 0]
    foretold = foretold.round(decimals=9)  # of equal sides only rounding would be left to rank
    quantile = NormalDist().inv_cdf(1 - LEVEL / 2 / tries)
    sides = [np.asarray(each, np.float64) for each in foretold.unbind(1)]
    return auc(sides[0], sides[1], quantile=quantile)


def foretold_classes(rows: Tensor, labels: Tensor) -> Tensor:
    """Class ``(n,)`` of each row ``(n, F)``, by a probe that learnt from all other rows."""
    inverse: Tensor = _inverse(rows)
    classes = torch.arange(int(labels.max()) + 1)
    targets = (labels[:, None] == classes).double()
    targets = targets - targets.mean(0)
    errors = (inverse @ targets) / inverse.diagonal()[:, None]
    return (targets - errors).argmax(1)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's kappa of classes: 0 is chance, 1 is all right; with the lower end of its interval."""

    value: float
    low: float


NO_AGREEMENT = Agreement(0.0, 0.0)
"""Of classes that nothing was told of."""


def agreement(foretold: Tensor, labels: Tensor) -> Agreement:
    """How far foretold classes ``(n,)`` agree with the labels ``(n,)`` beyond chance.

    Whoever always says the most frequent class gets 0, however frequent it is.

    Source: Cohen 1960, Educational and Psychological Measurement 20, p. 37.
    """
    count = len(labels)
    if not count:
        return NO_AGREEMENT
    hits = int((foretold == labels).sum())
    every = int(torch.cat([foretold, labels]).max()) + 1
    counts = [each.bincount(minlength=every).double() / count for each in (foretold, labels)]
    chance_level = float(counts[0] @ counts[1])
    if chance_level >= 1:
        return NO_AGREEMENT
    low = wilson(hits, count)[0]
    return Agreement(
        (hits / count - chance_level) / (1 - chance_level),
        (low - chance_level) / (1 - chance_level),
    )


def participation(rows: Tensor) -> float:
    """Directions ``(n, F)`` spread in: one over the sum of squared shares of variance; 0 for none.

    Source: participation ratio of the eigenvalues, as in Gao et al. 2017, bioRxiv:214262.
    """
    centered = rows.double() - rows.double().mean(0)
    largest = float(centered.abs().max()) if centered.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return 0.0
    centered = centered / largest
    wide = centered.shape[1] > len(centered)
    products = centered @ centered.T if wide else centered.T @ centered
    return float(products.diagonal().sum().square() / products.square().sum())


def kernel_of(rows: Tensor) -> tuple[Tensor, float]:
    """Kernel ``(n, n)`` between rows ``(n, F)``, half linear and half Gaussian, and the ridge."""
    centered = rows.double() - rows.double().mean(0)
    linear = centered @ centered.T
    linear = linear / linear.diagonal().mean().clamp(min=1e-300)
    gaps = torch.cdist(centered, centered).square()
    positive = gaps[gaps > 0]
    usual = float(positive.median()) if len(positive) else 1.0
    kernel = (linear + (-gaps / usual).exp()) / 2 + 0.1
    return kernel, RIDGE * float(kernel.diagonal().mean())


def _inverse(rows: Tensor) -> Tensor:
    """Inverse of kernel and ridge between rows ``(n, F)``."""
    kernel, ridge = kernel_of(rows)
    inverse: Tensor = torch.linalg.inv(kernel + ridge * torch.eye(len(kernel), dtype=kernel.dtype))
    return inverse
