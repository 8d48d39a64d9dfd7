"""Multilayer perceptrons (MLP) for vectors of any width, and for flattened images.

Two pairs with the same interface: a plain MLP, as in the first GAN paper, and residual blocks, the
default for vectors. A generator maps noise ``(B, noise)`` and a condition to samples
``(B, *spec.shape)``; a discriminator maps samples and a condition to logits ``(B,)``. There is no
batch normalisation, so a sample never depends on others in its batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gannet.core.types import Condition, Spec
from gannet.networks.convolutional import ProjectionHead

LEAK = 0.2  # negative slope of the leaky ReLU


def he_init_spread_bias_(layer: nn.Linear) -> nn.Linear:
    """He initialisation with biases spread over [-1, 1].

    With zero biases, every kink of the activations would pass through the origin, so that samples
    of few columns would be distinguished by direction alone.

    Source: He et al. 2015, arXiv:1502.01852, eq. 15, for a leaky ReLU.
    Differs: the biases are spread over [-1, 1], where standardised columns lie.
    """
    nn.init.kaiming_normal_(layer.weight, LEAK)
    nn.init.uniform_(layer.bias, -1, 1)
    return layer


def mlp_layers(inside: int, width: int, depth: int) -> nn.Sequential:
    """``(B, inside)`` to ``(B, width)`` through ``depth`` linear layers, each with a leaky ReLU."""
    layers: list[nn.Module] = []
    for size in [inside, *[width] * (depth - 1)]:
        layers += [nn.Linear(size, width), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers)


class OutputLayer(nn.Module):
    """The last layer of a generator: features to samples in the shape and range of the data.

    Args:
        width: Features per sample.
        shape: Shape of a sample, without the batch axis.
        bounded: Whether values end in [-1, 1], as for images; vectors are unbounded.
    """

    def __init__(self, width: int, shape: tuple[int, ...], *, bounded: bool = False) -> None:
        super().__init__()
        self.shape, self.bounded = shape, bounded
        self.output = nn.Linear(width, math.prod(shape))

    def forward(self, features: Tensor) -> Tensor:
        """``(B, width)`` to ``(B, *shape)``."""
        samples: Tensor = self.output(features)
        samples = samples.unflatten(1, self.shape)
        return samples.tanh() if self.bounded else samples


class MLPGenerator(nn.Module):
    """MLP generator of vectors or flattened images.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 5.
    Differs: leaky ReLU instead of ReLU, so that no unit dies; vectors have no final sigmoid; with
    ``sign_features`` the first layer also sees the signs of the noise. A continuous network maps
    connected noise to connected samples, so it must place some between two clusters of the data;
    signs are discontinuous and can select a cluster.

    Args:
        spec: Sizes of samples and condition.
        noise: Latent dimension.
        width: Units of each hidden layer.
        depth: Hidden layers.
        bounded: Whether samples end in [-1, 1].
        sign_features: Whether the signs of the noise are inputs too.
    """

    def __init__(
        self,
        spec: Spec,
        noise: int,
        width: int,
        depth: int = 3,
        *,
        bounded: bool = False,
        sign_features: bool = False,
    ) -> None:
        super().__init__()
        self.sign_features = sign_features
        self.layers = mlp_layers(noise * (1 + sign_features) + spec.vector, width, depth)
        self.output = OutputLayer(width, spec.shape, bounded=bounded)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` and a condition to samples ``(B, *spec.shape)``."""
        inputs = [noise, noise.sign()] if self.sign_features else [noise]
        samples: Tensor = self.output(self.layers(torch.cat([*inputs, condition.vector], 1)))
        return samples


class MLPDiscriminator(nn.Module):
    """MLP discriminator of vectors or flattened images, to one logit.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 5.
    Differs: leaky ReLU instead of maxout, and no dropout, which would disturb a gradient penalty.
    """

    def __init__(self, spec: Spec, width: int, depth: int = 3) -> None:
        super().__init__()
        self.layers = mlp_layers(math.prod(spec.shape), width, depth)
        self.head = ProjectionHead(width, spec.vector)

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *spec.shape)`` to ``(B, width)``."""
        features: Tensor = self.layers(samples.flatten(1))
        return features

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """``(B, *spec.shape)`` and a condition to logits ``(B,)``; high means real."""
        logits: Tensor = self.head(self.features(samples), condition)
        return logits


class ResidualBlock(nn.Module):
    """Residual block: two linear layers and a skip connection; keeps the width.

    Args:
        width: Features per sample.
        blocks: Number of consecutive blocks. The more there are, the smaller the branch's initial
            weights, so that depth does not change the variance of activations.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.first = he_init_spread_bias_(nn.Linear(width, width))
        self.second = nn.Linear(width, width, bias=False)
        nn.init.normal_(self.second.weight, std=1 / math.sqrt(width * blocks))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width)`` to the same shape."""
        return x + self.second(leaky_relu(self.first(x), LEAK))


def residual_layers(inside: int, width: int, blocks: int) -> nn.Sequential:
    """``(B, inside)`` to ``(B, width)``: a linear layer, then residual blocks."""
    stem = nn.Linear(inside, width)
    nn.init.normal_(stem.weight, std=1 / math.sqrt(max(inside, 1)))
    nn.init.uniform_(stem.bias, -1, 1)
    return nn.Sequential(stem, *(ResidualBlock(width, blocks) for _ in range(blocks)))


class ResidualRowGenerator(nn.Module):
    """Residual MLP generator of vectors, without normalisation.

    Source of the blocks: He et al. 2016, arXiv:1603.05027 (identity skip connections); of their
    small initial weights: Zhang et al. 2019, arXiv:1901.09321.
    """

    def __init__(
        self, spec: Spec, noise: int, width: int, blocks: int = 2, *, bounded: bool = False
    ) -> None:
        super().__init__()
        self.layers = residual_layers(noise + spec.vector, width, blocks)
        self.output = OutputLayer(width, spec.shape, bounded=bounded)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` and a condition to samples ``(B, *spec.shape)``."""
        x = self.layers(torch.cat([noise, condition.vector], 1))
        samples: Tensor = self.output(leaky_relu(x, LEAK))
        return samples


class ResidualRowDiscriminator(nn.Module):
    """Residual MLP discriminator of vectors, to one logit, without normalisation."""

    def __init__(self, spec: Spec, width: int, blocks: int = 2) -> None:
        super().__init__()
        self.layers = residual_layers(math.prod(spec.shape), width, blocks)
        self.head = ProjectionHead(width, spec.vector)

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *spec.shape)`` to ``(B, width)``."""
        return leaky_relu(self.layers(samples.flatten(1)), LEAK)

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """``(B, *spec.shape)`` and a condition to logits ``(B,)``; high means real."""
        logits: Tensor = self.head(self.features(samples), condition)
        return logits
