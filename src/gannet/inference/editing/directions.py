"""Directions in the noise along which something about a picture changes; all are of length one.

Without labels: principal components of what the generator does with noise, and a closed form from
its first weights. With labels, values, or two handfuls of samples: the line that parts them best.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gannet.inference.editing.latent_generator import LatentGenerator, seen

SAMPLES = 2_000
"""Samples that principal components are found from."""


def ganspace(
    generator: LatentGenerator, count: int, *, seed: int = 0, samples: int = SAMPLES
) -> Tensor:
    """Directions ``(n, Z)`` that change most what the second layer sees, the largest first.

    Principal components of the activations behind the first bend; each is brought back to the noise
    by least squares.

    Source: Härkönen et al. 2020, arXiv:2004.02546, sections 3.1 and 3.2 (their way for BigGAN).
    """
    noise, vector = generator.sample_latents(samples, seed)
    with seen(generator.network, 1) as found:
        generator.generate(noise, vector)
    if not found:
        return sefa(generator, count)
    active = torch.cat(found)[:samples].double()
    active = active - class_means(active, vector)
    places = _leading(active, count)
    places = places / places.std(0).clamp_min(1e-9)
    # Noise is white, so the slope of the least squares is the mean product.
    return unit(torch.mm(places.T, noise.double()).float())


def _leading(rows: Tensor, count: int) -> Tensor:
    """Places ``(N, n)`` of centred rows along their principal components."""
    return rows @ torch.linalg.svd(rows, full_matrices=False)[2][:count].T


def class_means(rows: Tensor, vector: Tensor) -> Tensor:
    """For each row ``(N, F)``, the mean of those with the same vector: what a class explains."""
    if not vector.shape[1]:
        return rows.mean(0).expand_as(rows)
    alike = (vector[:, None] == vector.unique(dim=0)).all(2).to(rows.dtype)
    return alike @ (alike.T @ rows / alike.sum(0)[:, None])


def sefa(generator: LatentGenerator, count: int) -> Tensor:
    """Directions ``(n, Z)`` that move the output of the first layer most, the largest first.

    The eigenvectors of the product of its weights with themselves. The weights are read off by
    asking for what each number of noise does alone, so that anything linear may lie before them.

    Source: Shen and Zhou 2021, arXiv:2007.06600, eq. 5.
    """
    steps = torch.cat([torch.zeros(1, generator.width), torch.eye(generator.width)])
    with seen(generator.network, -1) as found:
        generator.generate(steps, torch.zeros(len(steps), generator.spec.vector))
    answers = torch.cat(found)[: len(steps)].double()
    weights = answers[1:] - answers[0]
    _, axes = torch.linalg.eigh(weights @ weights.T)
    return axes.flip(1).T[:count].float()


def separating_direction(noise: Tensor, liked: Tensor, weights: float = 1.0) -> Tensor:
    """The direction ``(Z,)`` from what is not liked to what is.

    Fisher's discriminant; the covariance is drawn towards that of white noise, more so of few
    samples, because a handful of samples says more about means than about spreads.

    Args:
        noise: ``(N, Z)``.
        liked: ``(N,)`` truth values, of which both must occur.
        weights: How many samples the assumption of white noise counts for, per number of noise.
    """
    good, bad = noise[liked].double(), noise[~liked].double()
    left = torch.cat([good - good.mean(0), bad - bad.mean(0)])
    prior = weights * noise.shape[1]
    white = torch.eye(noise.shape[1], dtype=torch.float64)
    covariance = (left.T @ left + prior * white) / (len(left) + prior)
    return unit(_solved(covariance, good.mean(0) - bad.mean(0))[None])[0]


def regression_direction(noise: Tensor, values: Tensor, vector: Tensor) -> Tensor:
    """The direction ``(Z,)`` along which a value rises fastest, by ridge regression.

    Source of linear boundaries in the noise: Shen et al. 2020, arXiv:1907.10786, section 2.

    Args:
        noise: ``(N, Z)``.
        values: ``(N,)``; rows that are not numbers are left out.
        vector: ``(N, V)`` what each was told; only differences within equal vectors count.
    """
    known = values.isfinite()
    noise, values, vector = noise[known].double(), values[known].double(), vector[known]
    if len(noise) < 2:
        return torch.zeros(noise.shape[1])
    left = (values[:, None] - class_means(values[:, None], vector))[:, 0]
    noise = noise - noise.mean(0)
    ridge = 0.1 * len(noise) * torch.eye(noise.shape[1], dtype=torch.float64)
    return unit(_solved(noise.T @ noise + ridge, noise.T @ left)[None])[0]


def without(direction: Tensor, others: Sequence[Tensor]) -> Tensor:
    """A direction ``(Z,)`` less what it shares with others, so that those stay as they are."""
    if not others:
        return direction
    return unit(_aside(direction.double(), torch.stack(list(others)).double())[None])[0]


def _aside(direction: Tensor, axes: Tensor) -> Tensor:
    """What of a direction ``(Z,)`` lies in none of some axes ``(n, Z)``, in 32 bit."""
    return (direction - torch.linalg.pinv(axes) @ (axes @ direction)).float()


def _solved(matrix: Tensor, right: Tensor) -> Tensor:
    """The solution of linear equations, in 32 bit."""
    return torch.linalg.solve(matrix, right).float()


def unit(rows: Tensor) -> Tensor:
    """Rows ``(n, Z)`` of length one; a row of zeros stays."""
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
