"""Networks for rows of numbers of any width, and for images treated as rows.

Two pairs with one contract: plain layers, as in the first paper, and residual blocks, the default
for rows. A generator turns noise ``(B, noise)`` and a condition into samples ``(B, *spec.shape)``;
a discriminator turns samples and a condition into logits ``(B,)``. Nothing is normalised over the
batch, so a sample never depends on its neighbours.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from gannet.core.types import Condition, Spec
from gannet.networks.convolutional import ProjectionHead

LEAK = 0.2  # slope of a leaky ReLU below zero


def he_init_spread_bias_(layer: nn.Linear) -> nn.Linear:
    """Draw a layer that keeps the size of a signal and bends it at many places.

    With biases of zero every bend would pass through the origin, and a narrow row (two columns)
    would be told apart by direction alone.

    Source: He et al. 2015, arXiv:1502.01852, eq. 15, for a leaky ReLU.
    Differs: the biases are spread over [-1, 1], where standardised columns lie.
    """
    nn.init.kaiming_normal_(layer.weight, LEAK)
    nn.init.uniform_(layer.bias, -1, 1)
    return layer


def plain_layers(inside: int, width: int, depth: int) -> nn.Sequential:
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
        bounded: Whether values end in [-1, 1], as images do; rows of numbers have no bounds.
    """

    def __init__(self, width: int, shape: tuple[int, ...], *, bounded: bool = False) -> None:
        super().__init__()
        self.shape, self.bounded = shape, bounded
        self.output = nn.Linear(width, math.prod(shape))

    def forward(self, features: Tensor) -> Tensor:
        """``(B, width)`` to ``(B, *shape)``."""
        made: Tensor = self.output(features)
        made = made.unflatten(1, self.shape)
        return made.tanh() if self.bounded else made


class PlainGenerator(nn.Module):
    """Noise to rows, or to flattened images, through plain layers.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 5.
    Differs: leaky ReLU instead of ReLU, so that no unit dies; rows are not squashed by a sigmoid;
    with ``sign_features`` the first layer also sees the signs of the noise. A network of plain
    layers maps connected noise to connected samples and so must put some between two clusters of
    the data; signs jump, which lets it choose a cluster first and a place in it after.

    Args:
        spec: Sizes of samples and condition.
        noise: Numbers of noise per sample.
        width: Units of each hidden layer.
        depth: Hidden layers.
        bounded: Whether samples end in [-1, 1].
        sign_features: Whether the signs of the noise are given too.
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
        self.layers = plain_layers(noise * (1 + sign_features) + spec.vector, width, depth)
        self.output = OutputLayer(width, spec.shape, bounded=bounded)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` and a condition to samples ``(B, *spec.shape)``."""
        told = [noise, noise.sign()] if self.sign_features else [noise]
        made: Tensor = self.output(self.layers(torch.cat([*told, condition.vector], 1)))
        return made


class PlainDiscriminator(nn.Module):
    """Rows, or flattened images, to one logit through plain layers.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 5.
    Differs: leaky ReLU instead of maxout, and no dropout, which would disturb a slope penalty.
    """

    def __init__(self, spec: Spec, width: int, depth: int = 3) -> None:
        super().__init__()
        self.layers = plain_layers(math.prod(spec.shape), width, depth)
        self.head = ProjectionHead(width, spec.vector)

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *spec.shape)`` to ``(B, width)``."""
        seen: Tensor = self.layers(samples.flatten(1))
        return seen

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """``(B, *spec.shape)`` and a condition to logits ``(B,)``; high means real."""
        logits: Tensor = self.head(self.features(samples), condition)
        return logits


class ResidualBlock(nn.Module):
    """Two layers around which the row is carried; keeps the width.

    Args:
        width: Features per sample.
        blocks: How many blocks follow each other. The branch starts the smaller the more there
            are, so that depth does not change the size of the signal.
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
    """``(B, inside)`` to ``(B, width)``: one layer to the width, then residual blocks."""
    evaluation = nn.Linear(inside, width)
    nn.init.normal_(evaluation.weight, std=1 / math.sqrt(max(inside, 1)))
    nn.init.uniform_(evaluation.bias, -1, 1)
    return nn.Sequential(evaluation, *(ResidualBlock(width, blocks) for _ in range(blocks)))


class ResidualRowGenerator(nn.Module):
    """Noise to rows through residual blocks, without normalisation.

    Source of the blocks: He et al. 2016, arXiv:1603.05027 (the carried signal meets no
    activation); of their small start: Zhang et al. 2019, arXiv:1901.09321.
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
        made: Tensor = self.output(leaky_relu(x, LEAK))
        return made


class ResidualRowDiscriminator(nn.Module):
    """Rows to one logit through residual blocks, without normalisation."""

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
