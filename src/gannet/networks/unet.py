"""The generator from picture to picture, of any size: a U-Net that noise steers."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    conv2d,
    grid_sample,
    interpolate,
    leaky_relu,
    pad,
    pixel_shuffle,
    pixel_unshuffle,
)

from gannet.core.types import Condition
from gannet.networks.convolutional import he_init_

LEAK = 0.2

COPY_GAIN = 5.0
"""Shares and ways are learnt so many times as fast as colours."""


class FiLM(nn.Module):
    """Scales and shifts channels as noise has it; at first by nothing.

    Source: Perez et al. 2017, arXiv:1709.07871, eq. 1.
    """

    def __init__(self, channels: int, latent_dim: int) -> None:
        super().__init__()
        self.affine = nn.Linear(latent_dim, 2 * channels) if latent_dim else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """First weights: noise steers a little."""
        if self.affine is not None:
            nn.init.normal_(self.affine.weight, std=0.3 / math.sqrt(self.affine.in_features))
            nn.init.zeros_(self.affine.bias)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """``(B, channels, h, w)`` and ``(B, noise)`` to ``(B, channels, h, w)``."""
        if self.affine is None:
            return x
        scale, shift = self.affine(noise)[:, :, None, None].chunk(2, 1)
        return x * (1 + scale) + shift


class FiLMBlock(nn.Module):
    """Two convolutions whose middle noise steers; what they add to what comes in."""

    def __init__(self, channels: int, latent_dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.film = FiLM(channels, latent_dim)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def reset_parameters(self) -> None:
        """First weights: hardly more than what comes in, and noise that steers a little."""
        with torch.no_grad():
            self.conv2.weight.mul_(0.1)
        self.film.reset_parameters()

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """``(B, channels, h, w)`` and ``(B, noise)`` to ``(B, channels, h, w)``."""
        added: Tensor = self.conv2(leaky_relu(self.film(self.conv1(x), noise), LEAK))
        return added


def fitted(x: Tensor, unit: int) -> Tensor:
    """Pictures continued at their right and lower ends until sides are multiples of ``unit``."""
    high, wide = -x.shape[2] % unit, -x.shape[3] % unit
    return pad(x, (0, wide, 0, high), mode="replicate") if high or wide else x


def blur(x: Tensor) -> Tensor:
    """Pictures without the pattern of single pixels in which four neighbours differ by turns.

    Pixels that come from one place by rearrangement make it, and nothing but the discriminator
    would stop them. Source: Sugawara et al. 2018, arXiv:1806.02658, section 3.
    """
    channels = x.shape[1]
    # Not a list of numbers: a GPU would stand still until it has it.
    line = (1 + (torch.arange(3, device=x.device) == 1).to(x)) / 4  # 1, 2, 1
    kernel = (line[:, None] * line).expand(channels, 1, 3, 3)
    return conv2d(pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels)


def warp(x: Tensor, way: Tensor) -> Tensor:
    """Each pixel from another place of the picture, between pixels by their weights.

    Source: Zhou et al. 2016, arXiv:1605.03557, section 3.2.

    Args:
        x: ``(B, C, H, W)``.
        way: ``(B, 2, H, W)``: how many pixels to the right and down the place lies.
    """
    high, wide = x.shape[2:]
    rows = torch.arange(high, device=x.device).float()[:, None].expand(high, wide)
    columns = torch.arange(wide, device=x.device).float().expand(high, wide)
    across, down = columns + way[:, 0].float(), rows + way[:, 1].float()
    place = torch.stack([(2 * across + 1) / wide - 1, (2 * down + 1) / high - 1], -1)
    return grid_sample(x.float(), place, padding_mode="border", align_corners=False)


class UNetGenerator(nn.Module):
    """A U-Net that works at half size and below, whose every level noise steers.

    Source: Ronneberger et al. 2015, arXiv:1505.04597. Differs: the first level is a rearrangement
    of pixels (Shi et al. 2016, arXiv:1609.05158), since convolutions at full size take most of the
    time on a processor; residual blocks; no normalisation, so that pictures stand by themselves.

    Args:
        inside: Channels of the given picture.
        outside: Channels of the made one.
        width: Channels at half size.
        levels: Halvings in all, the first one included.
        latent_dim: Numbers of noise.
        classes: That are told in the condition's vector, and steer as noise does; 0 for none.
        residual: Whether what is made is the change of the given picture, which at first is none.
        flow_copy: Whether what is made is a share of the given picture, whose pixels may come from
            other places of it, and a change; at first it is the given picture.
        blur: Whether to keep out the pattern of single pixels, as is done wherever what is made
            is added to what is given; see ``smoothed``.
        blocks: Residual blocks at the coarsest level.
    """

    def __init__(  # the sizes of a network
        self,
        inside: int,
        outside: int,
        width: int,
        levels: int,
        latent_dim: int,
        *,
        classes: int = 0,
        residual: bool = False,
        flow_copy: bool = False,
        blur_output: bool = False,
        blocks: int = 3,
    ) -> None:
        super().__init__()
        wide = [width * min(2**level, 6) for level in range(levels)]
        self.unit, self.classes, self.residual = 2**levels, classes, residual
        latent_dim += classes
        self.first = nn.Conv2d(4 * inside, width, 3, padding=1)
        self.down = nn.ModuleList(
            nn.Conv2d(finer, coarser, 4, 2, 1) for finer, coarser in pairwise(wide)
        )
        self.middle = nn.ModuleList(FiLMBlock(wide[-1], latent_dim) for _ in range(blocks))
        self.up = nn.ModuleList(
            nn.Conv2d(coarser + finer, finer, 3, padding=1)
            for finer, coarser in reversed(list(pairwise(wide)))
        )
        self.blend = nn.ModuleList(FiLMBlock(finer, latent_dim) for finer in reversed(wide[:-1]))
        self.flow_copy, self.blur, self.outside = (
            flow_copy,
            blur_output or residual or flow_copy,
            outside,
        )
        # Of each four pixels: what is added to them, which share of the given ones is kept, and
        # where these come from.
        self.last = nn.Conv2d(width, 4 * outside + flow_copy * (1 + 2), 3, padding=1)
        he_init_(self)
        with torch.no_grad():
            for block in (*self.middle, *self.blend):
                assert isinstance(block, FiLMBlock)
                block.reset_parameters()
        # At first grey, or the given picture.
        nn.init.normal_(self.last.weight, std=1e-3)

    @property
    def receptive_radius(self) -> int:
        """Pixels in each direction that a pixel of the result can see, rounded up to ``unit``."""
        coarse = 2 * len(self.middle) + 2
        total = coarse * self.unit
        for level in range(1, len(self.down) + 1):
            total += 4 * 2**level
        total += self.flow_copy * self.unit
        return math.ceil((total + 4) / self.unit) * self.unit

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` and a condition's grid ``(B, inside, H, W)`` to ``(B, outside, H, W)``.

        At use the result lies in [-1, 1]. In training it is free: what was bent into the range
        would have no slope left at its ends, and white paper is at one.
        """
        given, steers = condition.grid, noise
        if self.classes:
            steers = torch.cat([noise, condition.vector], 1)
        made = self.raw(steers, given)
        if self.residual:
            made = made + given
        return made if self.training else made.clamp(-1, 1)

    def raw(self, steers: Tensor, given: Tensor) -> Tensor:
        """The network itself, ``(B, noise + classes)`` and ``(B, inside, H, W)``, not clamped."""
        high, wide = given.shape[2:]
        x = leaky_relu(self.first(pixel_unshuffle(fitted(given, self.unit), 2)), LEAK)
        seen = [x]
        for layer in self.down:
            x = leaky_relu(layer(x), LEAK)
            seen.append(x)
        for block in self.middle:
            x = x + block(x, steers)
        for layer, block, finer in zip(self.up, self.blend, reversed(seen[:-1]), strict=True):
            x = interpolate(x, scale_factor=2.0, mode="nearest")
            x = leaky_relu(layer(torch.cat([x, finer], 1)), LEAK)
            x = x + block(x, steers)
        x = self.last(x)
        made = pixel_shuffle(x[:, : 4 * self.outside], 2)
        if self.blur:
            made = blur(made)
        if self.flow_copy:
            # No finer than at half size: pixels that differ by turns would be a pattern of dots.
            rest = x[:, 4 * self.outside :].float()
            rest = interpolate(rest, scale_factor=2.0, mode="bilinear", align_corners=False)
            way = self.unit * (COPY_GAIN * rest[:, 1:] / self.unit).tanh()
            share = 2 * (COPY_GAIN * rest[:, :1]).sigmoid()  # one at first
            made = made + share * warp(fitted(given, self.unit), way)
        return made[:, :, :high, :wide]
