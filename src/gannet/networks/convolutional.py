"""Networks for images of any size and aspect: strided convolutions, or residual blocks.

Both pairs keep one contract. A generator turns noise ``(B, noise)`` and a condition into samples
``(B, *spec.shape)`` in [-1, 1]; a discriminator turns samples and a condition into logits ``(B,)``.
Depth follows from the size of the images, so nothing is padded or cropped to a power of two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, fold, interpolate, leaky_relu, linear, unfold

from gannet.core.types import Condition, Spec

SMALLEST = 4  # cells along the shortest axis where a sample starts to grow
WIDEST = 8  # a layer has at most this many times the width of the finest one
LEAK = 0.2  # slope of a leaky ReLU below zero


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
    """Draw first weights that keep the size of a signal from layer to layer.

    Source: He et al. 2015, arXiv:1502.01852, eq. 15, for a leaky ReLU.
    """
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, LEAK)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.ConvTranspose2d):
            # Each cell of the output is met by one in four of the kernel's cells (stride two).
            inside, _, *kernel = part.weight.shape
            reach = inside * math.prod(kernel) / math.prod(part.stride)
            nn.init.normal_(part.weight, std=math.sqrt(2 / (1 + LEAK**2) / reach))
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def normalized(channels: int) -> nn.Sequential:
    """Batch normalisation and a ReLU, after a convolution without bias.

    The running statistics make the rows of a sample independent of each other at use. They must
    be averaged like the weights: those of the training network do not fit the averaged one.
    """
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())


class DownConv(nn.Conv2d):
    """The first convolution of a discriminator, 4x4 with stride two; of grey, one matrix product.

    A grey image has too few channels for a processor's convolution kernels: with the slope
    penalty, the product is 5 to 10 % faster than ``nn.Conv2d`` (64 images of 28x28); of three
    channels it is 20 to 40 % slower, so there it is not used.
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__(inside, outside, 4, 2, 1)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name is nn.Conv2d's
        """``(B, inside, H, W)`` to ``(B, outside, H // 2, W // 2)``."""
        if self.in_channels > 1:
            seen: Tensor = super().forward(input)
            return seen
        # Rows of channels, so that the result lies as the next convolution reads it: with
        # channels in front, the steps backward would meet two orders in memory, and crawl.
        patches = unfold(input, 4, padding=1, stride=2).transpose(1, 2).flatten(0, 1)
        rows = linear(patches, self.weight.flatten(1), self.bias)
        high, wide = input.shape[2] // 2, input.shape[3] // 2
        return rows.view(len(input), high, wide, -1).permute(0, 3, 1, 2)


class UpConv(nn.ConvTranspose2d):
    """The last transposed convolution of a generator, 4x4 with stride two, to an exact size.

    For grey one matrix product like ``DownConv``, and for the same reason: it takes half the time.
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
    """Images to rows, channels last, which is how they lie in memory already."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, H * W * C)``."""
        return x.permute(0, 2, 3, 1).flatten(1)


class ProjectionHead(nn.Module):
    """From features to one logit; compares them with the condition vector by projection.

    A row without a label is a row of zeros and adds nothing to the logit.

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
        """``(B, F)`` to the logits under each class by turns, ``(B, K)``; K is at least 1.

        One product, where asking class by class would take as many passes as there are classes.
        """
        logits: Tensor = self.logit(features)
        if self.embedding is None:
            return logits
        return logits + features @ self.embedding.weight * self.scale


@runtime_checkable
class ProjectionDiscriminator(Protocol):
    """A discriminator that looks at a sample without its class, which only its verdict asks for."""

    head: ProjectionHead

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *spec.shape)`` to ``(B, F)``."""
        ...


class StridedGenerator(nn.Module):
    """Grows noise into an image by transposed convolutions, each doubling the size.

    Source: Radford et al. 2015, arXiv:1511.06434, figure 1.
    Differs: starts at four to seven cells and lands on the exact size, because an odd or oblong
    image would otherwise have to be padded.
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
        made: Tensor = self.layers(x)
        return made.tanh()


class StridedDiscriminator(nn.Module):
    """Shrinks an image to one logit by convolutions, each halving the size.

    Source: Radford et al. 2015, arXiv:1511.06434.
    Differs: no normalisation, because batch normalisation ties the rows of a batch together and
    so gives a slope penalty per sample no meaning; a hidden layer before the logit.
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
        seen: Tensor = self.layers(samples)
        return seen

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """``(B, *spec.shape)`` and a condition to logits ``(B,)``; high means real."""
        logits: Tensor = self.head(self.features(samples), condition)
        return logits


class Residual(nn.Module):
    """Two 3x3 convolutions around which the input is carried; keeps the size."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.carry = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()
        self.first = nn.Conv2d(inside, outside, 3, padding=1)
        self.second = nn.Conv2d(outside, outside, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, inside, H, W)`` to ``(B, outside, H, W)``."""
        hidden: Tensor = self.second(leaky_relu(self.first(leaky_relu(x, LEAK)), LEAK))
        carried: Tensor = self.carry(x)
        return carried + hidden


def fixup_init_(network: nn.Module) -> None:
    """Draw first weights, then still the blocks, so that depth costs no stability.

    Source: Zhang et al. 2019, arXiv:1901.09321, section 3 (the last layer of a branch starts at
    zero, so no normalisation is needed).
    """
    he_init_(network)
    for part in network.modules():
        if isinstance(part, Residual):
            nn.init.zeros_(part.second.weight)


class ResidualGenerator(nn.Module):
    """Grows noise into an image, one residual block per size and no normalisation."""

    def __init__(self, spec: Spec, noise: int, width: int) -> None:
        super().__init__()
        channels, *space = spec.shape
        self.sizes = pyramid(space)
        wide = widths(width, len(self.sizes))
        self.start = (wide[0], *self.sizes[0])
        self.input = nn.Linear(noise + spec.vector, math.prod(self.start))
        insides = [wide[0], *wide]
        self.blocks = nn.ModuleList(
            Residual(inside, outside) for inside, outside in zip(insides, wide, strict=False)
        )
        self.output = nn.Conv2d(wide[-1], channels, 3, padding=1)
        fixup_init_(self)

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` and a condition to samples ``(B, *spec.shape)`` in [-1, 1]."""
        x = self.input(torch.cat([noise, condition.vector], 1)).unflatten(1, self.start)
        for size, block in zip(self.sizes, self.blocks, strict=True):
            x = block(interpolate(x, size))
        made: Tensor = self.output(leaky_relu(x, LEAK))
        return made.tanh()


class ResidualDiscriminator(nn.Module):
    """Shrinks an image to one logit, one residual block per size and no normalisation."""

    def __init__(self, spec: Spec, width: int) -> None:
        super().__init__()
        channels, *space = spec.shape
        self.sizes = pyramid(space)[::-1]
        wide = widths(width, len(self.sizes))[::-1]
        self.stem = nn.Conv2d(channels, wide[0], 3, padding=1)
        insides = [wide[0], *wide]
        self.blocks = nn.ModuleList(
            Residual(inside, outside) for inside, outside in zip(insides, wide, strict=False)
        )
        self.hidden = nn.Linear(wide[-1] * math.prod(self.sizes[-1]), wide[-1])
        self.head = ProjectionHead(wide[-1], spec.vector)
        fixup_init_(self)

    def features(self, samples: Tensor) -> Tensor:
        """``(B, *spec.shape)`` to ``(B, F)``."""
        x = self.stem(samples)
        for size, block in zip(self.sizes, self.blocks, strict=True):
            x = block(adaptive_avg_pool2d(x, size))
        return leaky_relu(self.hidden(leaky_relu(x, LEAK).flatten(1)), LEAK)

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """``(B, *spec.shape)`` and a condition to logits ``(B,)``; high means real."""
        logits: Tensor = self.head(self.features(samples), condition)
        return logits
