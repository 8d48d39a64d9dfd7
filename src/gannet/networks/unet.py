"""The generator of image-to-image recipes: a U-Net for any size, conditioned on noise by FiLM."""

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
"""Gain of the copy-mask and flow outputs: they learn about five times as fast as colours."""


class FiLM(nn.Module):
    """Feature-wise linear modulation: noise scales and shifts channels.

    Source: Perez et al. 2017, arXiv:1709.07871, eq. 1.
    """

    def __init__(self, channels: int, latent_dim: int) -> None:
        super().__init__()
        self.affine = nn.Linear(latent_dim, 2 * channels) if latent_dim else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise with a weak modulation."""
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
    """The branch of a FiLM residual block: two convolutions with FiLM between them."""

    def __init__(self, channels: int, latent_dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.film = FiLM(channels, latent_dim)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def reset_parameters(self) -> None:
        """Initialise with a small branch and a weak modulation."""
        with torch.no_grad():
            self.conv2.weight.mul_(0.1)
        self.film.reset_parameters()

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """``(B, channels, h, w)`` and ``(B, noise)`` to ``(B, channels, h, w)``."""
        added: Tensor = self.conv2(leaky_relu(self.film(self.conv1(x), noise), LEAK))
        return added


def fitted(x: Tensor, unit: int) -> Tensor:
    """Pad images at the right and bottom until sides are multiples of ``unit``."""
    high, wide = -x.shape[2] % unit, -x.shape[3] % unit
    return pad(x, (0, wide, 0, high), mode="replicate") if high or wide else x


def blur(x: Tensor) -> Tensor:
    """Blur against the checkerboard artifacts of pixel shuffle.

    Source: Sugawara et al. 2018, arXiv:1806.02658, section 3.
    """
    channels = x.shape[1]
    # Not a list of numbers: a GPU would stand still until it has it.
    line = (1 + (torch.arange(3, device=x.device) == 1).to(x)) / 4  # 1, 2, 1
    kernel = (line[:, None] * line).expand(channels, 1, 3, 3)
    return conv2d(pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels)


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """Warp by a flow field (appearance flow), with bilinear interpolation.

    Source: Zhou et al. 2016, arXiv:1605.03557, section 3.2.

    Args:
        x: ``(B, C, H, W)``.
        flow: ``(B, 2, H, W)``: offset of the source pixel to the right and down, in pixels.
    """
    high, wide = x.shape[2:]
    rows = torch.arange(high, device=x.device).float()[:, None].expand(high, wide)
    columns = torch.arange(wide, device=x.device).float().expand(high, wide)
    across, down = columns + flow[:, 0].float(), rows + flow[:, 1].float()
    grid = torch.stack([(2 * across + 1) / wide - 1, (2 * down + 1) / high - 1], -1)
    return grid_sample(x.float(), grid, padding_mode="border", align_corners=False)


class UNetGenerator(nn.Module):
    """A U-Net at half resolution and below, modulated by noise (FiLM) at every level.

    Source: Ronneberger et al. 2015, arXiv:1505.04597. Differs: the first level is a pixel unshuffle
    (Shi et al. 2016, arXiv:1609.05158), since convolutions at full size take most of the time on a
    CPU; residual blocks; no normalisation, so that images do not depend on each other.

    Args:
        inside: Channels of the input image.
        outside: Channels of the output image.
        width: Channels at half size.
        levels: Number of downsamplings, including the first.
        latent_dim: Latent dimension.
        classes: Number of classes in the condition's vector, used like noise; 0 for none.
        residual: Whether the output is a change of the input; initially none.
        flow_copy: Whether the output is a weighted copy of the input, whose pixels a flow field
            may move, and a change; initially it is the input.
        blur_output: Whether to blur checkerboard artifacts; always on with ``residual`` or
            ``flow_copy``; see ``blur``.
        blocks: Residual blocks at the coarsest level.
    """

    def __init__(
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
        # For each 2x2 pixels: the change, the weight of the copied input, and the flow.
        self.last = nn.Conv2d(width, 4 * outside + flow_copy * (1 + 2), 3, padding=1)
        he_init_(self)
        with torch.no_grad():
            for block in (*self.middle, *self.blend):
                assert isinstance(block, FiLMBlock)
                block.reset_parameters()
        # Initially grey, or the input.
        nn.init.normal_(self.last.weight, std=1e-3)

    @property
    def receptive_radius(self) -> int:
        """Radius of the receptive field in pixels, rounded up to a multiple of ``unit``."""
        coarse = 2 * len(self.middle) + 2
        total = coarse * self.unit
        for level in range(1, len(self.down) + 1):
            total += 4 * 2**level
        total += self.flow_copy * self.unit
        return math.ceil((total + 4) / self.unit) * self.unit

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """``(B, noise)`` and a condition's grid ``(B, inside, H, W)`` to ``(B, outside, H, W)``.

        Outputs are clamped to [-1, 1] at inference only: in training, a squashing function would
        have no gradient at the ends of the range, where white is.
        """
        given, modulation = condition.grid, noise
        if self.classes:
            modulation = torch.cat([noise, condition.vector], 1)
        output = self.raw(modulation, given)
        if self.residual:
            output = output + given
        return output if self.training else output.clamp(-1, 1)

    def raw(self, modulation: Tensor, given: Tensor) -> Tensor:
        """Unclamped outputs for ``(B, noise + classes)`` and ``(B, inside, H, W)``."""
        high, wide = given.shape[2:]
        x = leaky_relu(self.first(pixel_unshuffle(fitted(given, self.unit), 2)), LEAK)
        features = [x]
        for layer in self.down:
            x = leaky_relu(layer(x), LEAK)
            features.append(x)
        for block in self.middle:
            x = x + block(x, modulation)
        for layer, block, finer in zip(self.up, self.blend, reversed(features[:-1]), strict=True):
            x = interpolate(x, scale_factor=2.0, mode="nearest")
            x = leaky_relu(layer(torch.cat([x, finer], 1)), LEAK)
            x = x + block(x, modulation)
        x = self.last(x)
        output = pixel_shuffle(x[:, : 4 * self.outside], 2)
        if self.blur:
            output = blur(output)
        if self.flow_copy:
            # At half size, upsampled bilinearly: at full size it could form a checkerboard.
            copy_logits = x[:, 4 * self.outside :].float()
            copy_logits = interpolate(
                copy_logits, scale_factor=2.0, mode="bilinear", align_corners=False
            )
            flow = self.unit * (COPY_GAIN * copy_logits[:, 1:] / self.unit).tanh()
            copy_weight = 2 * (COPY_GAIN * copy_logits[:, :1]).sigmoid()  # initially one
            output = output + copy_weight * warp(fitted(given, self.unit), flow)
        return output[:, :, :high, :wide]
