"""Super-resolution networks: convolutions at low resolution, then pixel shuffle.

Both are fully convolutional, so images may have any size at inference.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pixel_shuffle

from gannet.core.types import Condition
from gannet.networks.unet import LEAK, FiLMBlock


def enlarged(low: Tensor, scale: int) -> Tensor:
    """``(B, C, h, w)`` to ``(B, C, h * scale, w * scale)``, bicubic as Pillow does it."""
    size = [low.shape[2] * scale, low.shape[3] * scale]
    return interpolate(low, size, mode="bicubic", antialias=True, align_corners=False)


def shrunk(sharp: Tensor, scale: int) -> Tensor:
    """The inverse of ``enlarged``, quantised to 8 bits as in an image file."""
    size = [sharp.shape[2] // scale, sharp.shape[3] // scale]
    low = interpolate(sharp, size, mode="bicubic", antialias=True, align_corners=False)
    return as_stored(low)


def as_stored(images: Tensor) -> Tensor:
    """Images in [-1, 1], quantised to 8 bits as in an image file."""
    return ((images + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1


class PSNRNetwork(nn.Module):
    """PSNR-oriented network, for a pixel loss: low resolution to the mean of possible images.

    Source: Shi et al. 2016, arXiv:1609.05158 (low-resolution convolutions, pixel shuffle at the
    end); Kim et al. 2016, arXiv:1511.04587 (the residual to the bicubic image is learnt).
    """

    def __init__(self, channels: int, width: int, depth: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.ModuleList([nn.Conv2d(width, width, 3, padding=1) for _ in range(depth)])
        self.bends = nn.ModuleList([nn.PReLU(width, 0.1) for _ in range(depth)])
        self.last = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, low: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, C, h, w)`` to the high-resolution image and to features ``(B, width, h, w)``."""
        first = x = self.first(low)
        for layer, bend in zip(self.body, self.bends, strict=True):
            x = bend(layer(x))
        x = x + first
        return enlarged(low, self.scale) + pixel_shuffle(self.last(x), self.scale), x


class GANResidual(nn.Module):
    """Adversarial residual: generated detail, steered by noise, that is added to the PSNR image."""

    def __init__(self, channels: int, width: int, depth: int, scale: int, noise: int) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(channels + width, width, 3, padding=1)
        self.body = nn.ModuleList([FiLMBlock(width, noise) for _ in range(depth)])
        self.last = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        nn.init.normal_(self.last.weight, std=1e-3)

    def forward(self, low: Tensor, features: Tensor, noise: Tensor) -> Tensor:
        """The residual, ``(B, C, h * scale, w * scale)``."""
        x = leaky_relu(self.first(torch.cat([low, features], 1)), LEAK)
        for layer in self.body:
            x = x + layer(x, noise)
        return pixel_shuffle(self.last(x), self.scale)


class Upscaler(nn.Module):
    """A PSNR network and a GAN residual, interpolated with a continuous weight.

    Gradients of the residual do not reach the PSNR network.
    """

    def __init__(
        self, channels: int, width: int, depth: tuple[int, int], scale: int, noise: int
    ) -> None:
        super().__init__()
        self.psnr_network = PSNRNetwork(channels, width, depth[0], scale)
        self.gan_residual = GANResidual(channels, width, depth[1], scale, noise)

    @property
    def receptive_radius(self) -> int:
        """Radius of the receptive field, in low-resolution pixels."""
        own = len(self.psnr_network.body) + 2
        return own + 2 * len(self.gan_residual.body) + 2 + 2

    def forward(self, noise: Tensor, condition: Condition, interpolation: float = 1.0) -> Tensor:
        """``(B, noise)`` and a condition's grid ``(B, C, h, w)`` to larger images in [-1, 1].

        Args:
            noise: Determines the details.
            condition: Its grid is the low-resolution image.
            interpolation: Weight of the GAN residual in 0..1; 0 is the PSNR network alone.
        """
        low = condition.grid
        sharp, features = self.psnr_network(low)
        if interpolation:
            sharp = sharp + interpolation * self.gan_residual(low, features.detach(), noise)
        return sharp
