"""Convolutional networks for images of any size: strided (DCGAN), upsampling or residual.

All pairs have the same interface. A generator maps noise ``(B, noise)`` and a condition to samples
``(B, *spec.shape)`` in [-1, 1]; a discriminator maps samples and a condition to logits ``(B,)``.
Depth follows from the size of the images, so nothing is padded or cropped to a power of two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.functional import fold, interpolate, linear, unfold

from gannet.core.types import Condition, Spec

SMALLEST = 4  # minimum cells along the shorter side of the coarsest feature map
WIDEST = 8  # maximum width of a layer, as a multiple of the finest one
LEAK = 0.2  # negative slope of the leaky ReLU


def pyramid(space: Sequence[int]) -> list[tuple[int, int]]:
    """Sizes from coarse to fine, each about twice the one before.

    >>> pyramid([28, 28])
    [(7, 7), (14, 14), (28, 28)]
    >>> pyramid([30, 45])
    [(7, 11), (15, 22), (30, 45)]

    Raises:
        ValueError: if an axis is shorter than four cells.
    """
    if min(space) < SMALLEST:
        raise ValueError(f"images need at least {SMALLEST} cells along each axis: {list(space)}")
    doublings = (min(space) // SMALLEST).bit_length() - 1
    height, width = space
    return [(height >> left, width >> left) for left in range(doublings, -1, -1)]


def widths(width: int, levels: int) -> list[int]:
    """Channels from coarse to fine: doubled at each coarser size, up to ``WIDEST``.

    >>> widths(32, 3)
    [128, 64, 32]
    """
    return [width * min(2**level, WIDEST) for level in range(levels - 1, -1, -1)]


def he_init_(network: nn.Module) -> None:
    """He initialisation, which keeps the variance of activations from layer to layer.

    Source: He et al. 2015, arXiv:1502.01852, eq. 15, for a leaky ReLU.
    """
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, LEAK)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.ConvTranspose2d):
            # At stride two, only one in four kernel cells contributes to an output cell.
            inside, _, *kernel = part.weight.shape
            fan_in = inside * math.prod(kernel) / math.prod(part.stride)
            nn.init.normal_(part.weight, std=math.sqrt(2 / (1 + LEAK**2) / fan_in))
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def normalized(channels: int) -> nn.Sequential:
    """Batch normalisation and a ReLU, after a convolution without bias.

    At inference, running statistics make samples independent of each other. The EMA must average
    them like weights: those of the training network do not fit the averaged one.
    """
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())


class DownConv(nn.Conv2d):
    """The first convolution of a discriminator, 4x4 with stride two.

    For one channel it is computed as a matrix product, which on a CPU is 5 to 10 % faster than
    ``nn.Conv2d`` with a gradient penalty (64 images of 28x28); for three channels it would be 20
    to 40 % slower.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(inside, outside, 4, 2, 1)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name is nn.Conv2d's
        """``(B, inside, H, W)`` to ``(B, outside, H // 2, W // 2)``."""
        if self.in_channels > 1:
            features: Tensor = super().forward(input)
            return features
        # Channels-last output, as the next convolution reads it: mixed memory formats would make
        # the backward pass very slow.
        patches = unfold(input, 4, padding=1, stride=2).transpose(1, 2).flatten(0, 1)
        rows = linear(patches, self.weight.flatten(1), self.bias)
        high, wide = input.shape[2] // 2, input.shape[3] // 2
        return rows.view(len(input), high, wide, -1).permute(0, 3, 1, 2)


class UpConv(nn.ConvTranspose2d):
    """The last transposed convolution of a generator, 4x4 with stride two, to an exact size.

    For one channel it is computed as a matrix product like ``DownConv``: it takes half the time.
    """

    def __init__(self, inside: int, outside: int, size: tuple[int, int]) -> None:
        super().__init__(inside, outside, 4, 2, 1)
        self.size = size

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002
        """``(B, inside, H, W)`` to ``(B, outside, *size)``, where ``size // 2`` is ``H, W``."""
        size = list(self.size) if output_size is None else output_size
        if self.out_channels > 1:
            wide: Tensor = super().forward(input, size)
            return wide
        patches = self.weight.flatten(1).t() @ input.flatten(2)
        painted = fold(patches, tuple(size), 4, padding=1, stride=2)
        return painted if self.bias is None else painted + self.bias[:, None, None]


class Flatten(nn.Module):
    """Images to vectors in channels-last order, their order in memory."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, H * W * C)``."""
        return x.permute(0, 2, 3, 1).flatten(1)


class ProjectionHead(nn.Module):
    """Projection head: features to one logit, plus their inner product with the class embedding.

    An unlabelled sample has a condition of zeros, which adds nothing to the logit.

    Source: Miyato and Koyama 2018, arXiv:1802.05637, eq. 4.
    """

    def __init__(self, features: int, vector: int) -> None:
        super().__init__()
        self.logit = nn.Linear(features, 1)
        self.embedding = nn.Linear(vector, features, bias=False) if vector else None
        self.scale = 1 / math.sqrt(features)

    def forward(self, features: Tensor, condition: Condition) -> Tensor:
        """``(B, F)`` and a condition to logits ``(B,)``."""
        logits: Tensor = self.logit(features).squeeze(1)
        if self.embedding is None:
            return logits
        return logits + (features * self.embedding(condition.vector)).sum(1) * self.scale

    def logits_per_class(self, features: Tensor) -> Tensor:
        """``(B, F)`` to logits under each class, ``(B, K)``, in one product; K is at least 1."""
        logits: Tensor = self.logit(features)
        if self.embedding is None:
            return logits
        return logits + features @ self.embedding.weight * self.scale


@runtime_checkable
class ProjectionDiscriminator(Protocol):
    """A projection discriminator: features ignore the class; only the head uses it."""

    head: ProjectionHead

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *spec.shape)`` to ``(B, F)``."""
        ...


class StridedGenerator(nn.Module):
    """DCGAN generator: transposed convolutions, each doubling the size.

    Source: Radford et al. 2015, arXiv:1511.06434, figure 1.
    Differs: starts at four to seven cells and ends at the exact size, so that images of odd or
    unequal sides need no padding.
    """

    def __init__(self, spec: Spec, noise: int, width: int) -> None:
        super().__init__()
        channels, *space = spec.shape
        sizes = pyramid(space)
        wide = widths(width, max(len(sizes) - 1, 1))
        self.start = (wide[0], *sizes[0])
        self.input = nn.Linear(noise + spec.vector, math.prod(self.start), bias=False)
        layers: list[nn.Module] = [normalized(wide[0])]
        outs = [*wide[1:], channels]
        for inside, outside, small, large in zip(wide, outs, sizes, sizes[1:], strict=False):
            odd = (large[0] - 2 * small[0], large[1] - 2 * small[1])
            if large is sizes[-1]:
                layers.append(UpConv(inside, outside, large))
            else:
                grow = nn.ConvTranspose2d(inside, outside, 4, 2, 1, output_padding=odd, bias=False)
                layers += [grow, normalized(outside)]
        if len(sizes) == 1:
            layers.append(nn.Conv2d(wide[0], channels, 3, padding=1))
        self.layers = nn.Sequential(*layers)
        he_init_(self)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` and a condition to samples ``(B, *spec.shape)`` in [-1, 1]."""
        x = self.input(torch.cat([noise, condition.vector], 1)).unflatten(1, self.start)
        images: Tensor = self.layers(x)
        return images.tanh()


class UpsamplingGenerator(nn.Module):
    """Generator that enlarges and then convolves, size by size.

    Each cell is covered as often as its neighbours, so no checkerboard can arise as it does from
    transposed convolutions.

    Source: Odena et al. 2016, Deconvolution and Checkerboard Artifacts,
    doi:10.23915/distill.00003.
    """

    def __init__(self, spec: Spec, noise: int, width: int) -> None:
        super().__init__()
        channels, *space = spec.shape
        self.sizes = pyramid(space)
        wide = widths(width, max(len(self.sizes) - 1, 1))
        self.start = (wide[0], *self.sizes[0])
        self.input = nn.Linear(noise + spec.vector, math.prod(self.start), bias=False)
        self.normalized = nn.ModuleList(normalized(each) for each in wide)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inside, outside, 3, padding=1)
            for inside, outside in pairwise([*wide, channels])
        )
        he_init_(self)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` and a condition to samples ``(B, *spec.shape)`` in [-1, 1]."""
        x = self.input(torch.cat([noise, condition.vector], 1)).unflatten(1, self.start)
        larger = self.sizes[1:] or self.sizes
        for size, rectify, convolve in zip(larger, self.normalized, self.convolutions, strict=True):
            x = convolve(interpolate(rectify(x), size))
        return x.tanh()


class StridedDiscriminator(nn.Module):
    """DCGAN discriminator: strided convolutions, each halving the size, to one logit.

    Source: Radford et al. 2015, arXiv:1511.06434.
    Differs: no normalisation, because batch normalisation ties the rows of a batch together and
    so gives a gradient penalty per sample no meaning; a hidden layer before the logit.
    """

    def __init__(self, spec: Spec, width: int) -> None:
        super().__init__()
        channels, *space = spec.shape
        sizes = pyramid(space)[::-1]
        wide = [channels, *widths(width, max(len(sizes) - 1, 1))[::-1]]
        layers: list[nn.Module] = []
        for inside, outside in pairwise(wide):
            if len(sizes) == 1:
                layers.append(nn.Conv2d(inside, outside, 3, padding=1))
            elif inside == channels:
                layers.append(DownConv(inside, outside))
            else:
                layers.append(nn.Conv2d(inside, outside, 4, 2, 1))
            layers.append(nn.LeakyReLU(LEAK))
        hidden = WIDEST * width
        layers += [Flatten(), nn.Linear(wide[-1] * math.prod(sizes[-1]), hidden)]
        self.layers = nn.Sequential(*layers, nn.LeakyReLU(LEAK))
        self.head = ProjectionHead(hidden, spec.vector)
        he_init_(self)

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *spec.shape)`` to ``(B, 8 * width)``."""
        features: Tensor = self.layers(samples)
        return features

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """``(B, *spec.shape)`` and a condition to logits ``(B,)``; high means real."""
        logits: Tensor = self.head(self.features(samples), condition)
        return logits


class ResidualUpBlock(nn.Module):
    """Residual block that enlarges: two 3x3 convolutions and a skip connection.

    The first convolution lies before the enlargement, where it costs a quarter.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.before, self.after = normalized(inside), normalized(outside)
        self.first = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
        self.second = nn.Conv2d(outside, outside, 3, padding=1)
        self.carry = nn.Conv2d(inside, outside, 1)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """``(B, inside, h, w)`` to ``(B, outside, *size)``."""
        residual: Tensor = self.second(self.after(interpolate(self.first(self.before(x)), size)))
        return residual + interpolate(self.carry(x), size)


class ResidualGenerator(nn.Module):
    """Residual generator with batch normalisation: one block per doubling of the size.

    Source: Miyato et al. 2018, arXiv:1802.05957, figure 9 (the generator of their residual
    networks). Differs: convolves before it enlarges; starts at four to seven cells and ends at
    the exact size.
    """

    def __init__(self, spec: Spec, noise: int, width: int) -> None:
        super().__init__()
        channels, *space = spec.shape
        self.sizes = pyramid(space)
        wide = widths(width, max(len(self.sizes) - 1, 1))
        self.start = (wide[0], *self.sizes[0])
        self.input = nn.Linear(noise + spec.vector, math.prod(self.start))
        # Half as many channels at the full size, where a block costs most.
        outs = [*wide[1:], max(wide[-1] // 2, 1)] if len(self.sizes) > 1 else []
        self.blocks = nn.ModuleList(
            ResidualUpBlock(inside, outside) for inside, outside in zip(wide, outs, strict=False)
        )
        last = outs[-1] if outs else wide[-1]
        self.output = nn.Sequential(normalized(last), nn.Conv2d(last, channels, 3, padding=1))
        he_init_(self)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` and a condition to samples ``(B, *spec.shape)`` in [-1, 1]."""
        x = self.input(torch.cat([noise, condition.vector], 1)).unflatten(1, self.start)
        for size, block in zip(self.sizes[1:], self.blocks, strict=True):
            x = block(x, size)
        images: Tensor = self.output(x)
        return images.tanh()
