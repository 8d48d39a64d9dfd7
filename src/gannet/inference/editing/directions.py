"""Directions in the latent space along which an attribute of images changes; unit vectors.

Without labels: GANSpace (PCA of activations) and SeFa (closed form from the first weights). With
values: ridge regression; with positive and negative examples: a linear separator (Fisher).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gannet.inference.editing.latent_generator import LatentGenerator, record_activations
from gannet.metrics.linear_algebra import solve

SAMPLES = 2_000
"""Number of samples for the PCA."""


def ganspace(
    generator: LatentGenerator, count: int, *, seed: int = 0, samples: int = SAMPLES
) -> Tensor:
    """GANSpace: directions ``(n, Z)`` of largest change of the second layer's input, in order.

    Principal components of the activations after the first nonlinearity, each mapped back to the
    noise by least squares.

    Source: Härkönen et al. 2020, arXiv:2004.02546, sections 3.1 and 3.2 (their method for BigGAN).
    """
    noise, vector = generator.sample_latents(samples, seed)
    with record_activations(generator.network, 1) as activations:
        generator.generate(noise, vector)
    if not activations:
        return sefa(generator, count)
    active = torch.cat(activations)[:samples].double()
    active = active - class_means(active, vector)
    coordinates = _leading(active, count)
    coordinates = coordinates / coordinates.std(0).clamp_min(1e-9)
    # Noise is white, so the least-squares coefficient is the mean product.
    return unit(torch.mm(coordinates.T, noise.double()).float())


def _leading(rows: Tensor, count: int) -> Tensor:
    """Coordinates ``(N, n)`` of centred rows along their principal components."""
    return rows @ torch.linalg.svd(rows, full_matrices=False)[2][:count].T


def class_means(rows: Tensor, vector: Tensor) -> Tensor:
    """For each row ``(N, F)``, the mean of the rows of its class, those with the same vector."""
    if not vector.shape[1]:
        return rows.mean(0).expand_as(rows)
    same_class = (vector[:, None] == vector.unique(dim=0)).all(2).to(rows.dtype)
    return same_class @ (same_class.T @ rows / same_class.sum(0)[:, None])


def sefa(generator: LatentGenerator, count: int) -> Tensor:
    """SeFa: directions ``(n, Z)`` of largest change of the first layer's output, in order.

    The eigenvectors of the weights times their transpose. The weights are measured by feeding each
    unit vector of noise, so linear operations may come before the layer.

    Source: Shen and Zhou 2021, arXiv:2007.06600, eq. 5.
    """
    steps = torch.cat([torch.zeros(1, generator.latent_dim), torch.eye(generator.latent_dim)])
    with record_activations(generator.network, -1) as activations:
        generator.generate(steps, torch.zeros(len(steps), generator.spec.vector))
    outputs = torch.cat(activations)[: len(steps)].double()
    weights = outputs[1:] - outputs[0]
    _, axes = torch.linalg.eigh(weights @ weights.T)
    return axes.flip(1).T[:count].float()


def separating_direction(noise: Tensor, positive: Tensor, weights: float = 1.0) -> Tensor:
    """The direction ``(Z,)`` from negative to positive examples.

    Fisher's linear discriminant; the covariance is shrunk towards the identity, more so for few
    samples, which estimate means better than covariances.

    Args:
        noise: ``(N, Z)``.
        positive: ``(N,)`` booleans, true for positive examples; both values must occur.
        weights: Prior weight of the identity, in samples per latent dimension.
    """
    good, bad = noise[positive].double(), noise[~positive].double()
    residuals = torch.cat([good - good.mean(0), bad - bad.mean(0)])
    prior = weights * noise.shape[1]
    white = torch.eye(noise.shape[1], dtype=torch.float64)
    covariance = (residuals.T @ residuals + prior * white) / (len(residuals) + prior)
    direction = solve(covariance, good.mean(0) - bad.mean(0))
    return unit(direction.float()[None])[0]


def regression_direction(noise: Tensor, values: Tensor, vector: Tensor) -> Tensor:
    """The direction ``(Z,)`` along which a value rises fastest, by ridge regression.

    Source of linear boundaries in the noise: Shen et al. 2020, arXiv:1907.10786, section 2.

    Args:
        noise: ``(N, Z)``.
        values: ``(N,)``; rows that are not finite are left out.
        vector: ``(N, V)`` condition of each; only differences within a class count.
    """
    finite = values.isfinite()
    noise, values, vector = noise[finite].double(), values[finite].double(), vector[finite]
    if len(noise) < 2:
        return torch.zeros(noise.shape[1])
    residuals = (values[:, None] - class_means(values[:, None], vector))[:, 0]
    noise = noise - noise.mean(0)
    ridge = 0.1 * len(noise) * torch.eye(noise.shape[1], dtype=torch.float64)
    coefficients = solve(noise.T @ noise + ridge, noise.T @ residuals)
    return unit(coefficients.float()[None])[0]


def without(direction: Tensor, others: Sequence[Tensor]) -> Tensor:
    """A direction ``(Z,)`` made orthogonal to others, so that their attributes stay fixed."""
    if not others:
        return direction
    return unit(_residual(direction.double(), torch.stack(list(others)).double())[None])[0]


def _residual(direction: Tensor, axes: Tensor) -> Tensor:
    """The part of a direction ``(Z,)`` orthogonal to axes ``(n, Z)``, float32."""
    return (direction - torch.linalg.pinv(axes) @ (axes @ direction)).float()


def unit(rows: Tensor) -> Tensor:
    """Rows ``(n, Z)`` scaled to length one; a row of zeros stays."""
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
