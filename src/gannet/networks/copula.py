"""The correlations of a Gaussian copula, estimated from columns that may have many ties.

A column of categories or whole numbers is modelled as a discretised normal variable. The discrete
values correlate less than these latent normal variables; Mehler's series relates the two, and is
solved for the latent correlations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

TERMS = 24
"""Number of terms of the series."""
HALVINGS = 30
"""Bisection steps."""
STEEPEST = 0.995
"""Maximum absolute correlation."""
MIN_EIGENVALUE = 1e-6
"""Minimum eigenvalue of a correlation matrix."""


def mixing(ranks: Sequence[Tensor]) -> Tensor:
    """A root of the copula's correlation matrix, ``(C, C)``: it correlates independent normals.

    Args:
        ranks: For each column ``(N,)`` the dense rank of each row's value, from 0.

    Source: Olsson 1979, Psychometrika 44, p. 443 (polychoric correlation). Differs: moments are
    matched, not likelihoods, by Mehler's series of the correlation of two functions.
    """
    scored = [_scores(each) for each in ranks]
    scores = torch.stack([score for score, _ in scored], 1)
    series = torch.stack([terms for _, terms in scored], 1)
    observed = scores.T @ scores / len(scores)
    return _root(_solved(observed, series[:, :, None] * series[:, None, :]))


def _scores(ranks: Tensor) -> tuple[Tensor, Tensor]:
    """The expected normal score ``(N,)`` of each row, and its Hermite coefficients ``(TERMS,)``."""
    frequencies = torch.bincount(ranks).double() / len(ranks)
    edges = _edges(frequencies)
    density = _density(edges)
    scores = (density[:-1] - density[1:]) / frequencies
    # Hermite polynomials times the density, by recursion, scaled to unit variance.
    here = edges.nan_to_num(posinf=0.0, neginf=0.0)
    series = torch.zeros(TERMS, dtype=torch.float64)
    before, now = torch.zeros_like(density), density
    for term in range(1, TERMS + 1):
        series[term - 1] = (scores * (now[:-1] - now[1:])).sum() / math.sqrt(term)
        after: Tensor = (here * now - math.sqrt(term - 1) * before) / math.sqrt(term)
        before, now = now, after
    return scores[ranks], series


def _edges(frequencies: Tensor) -> Tensor:
    """Normal quantiles ``(K + 1,)`` that bound values of frequencies ``(K,)``."""
    ends = frequencies.cumsum(0)[:-1].clamp(0, 1)
    return torch.special.ndtri(torch.cat([ends.new_zeros(1), ends, ends.new_ones(1)]))


def _density(at: Tensor) -> Tensor:
    """Density of the standard normal distribution."""
    return (-at.square() / 2).exp() / math.sqrt(2 * math.pi)


def _solved(observed: Tensor, series: Tensor) -> Tensor:
    """Latent correlations ``(C, C)`` whose series sums to the observed ones, by bisection."""
    low, high = torch.full_like(observed, -STEEPEST), torch.full_like(observed, STEEPEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        power, total = torch.ones_like(middle), torch.zeros_like(middle)
        for term in series:
            power = power * middle
            total = total + power * term
        less = total < observed
        low, high = torch.where(less, middle, low), torch.where(less, high, middle)
    return ((low + high) / 2).fill_diagonal_(1.0)


def _root(correlations: Tensor) -> Tensor:
    """A root of the correlation matrix, projected to positive eigenvalues and a unit diagonal."""
    sizes, axes = torch.linalg.eigh((correlations + correlations.T) / 2)
    root = axes * sizes.clamp_min(MIN_EIGENVALUE).sqrt()
    return root / root.norm(dim=1, keepdim=True)
