"""Networks for sharper pictures: they work at the small size and give the large one at the end.

Both are convolutional throughout, so images may have any size at use.
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
    """The other way round, on the 256 steps of an image file."""
    size = [sharp.shape[2] // scale, sharp.shape[3] // scale]
    low = interpolate(sharp, size, mode="bicubic", antialias=True, align_corners=False)
    return as_stored(low)


def as_stored(pictures: Tensor) -> Tensor:
    """Images in [-1, 1] on the 256 steps of an image file."""
    return ((pictures + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1


class PSNRNetwork(nn.Module):
    """What pixels alone teach: a small image to the mean of the sharp ones that it may be of.

    Source: Shi et al. 2016, arXiv:1609.05158 (convolutions at the small size, pixel shuffle at the
    end); Kim et al. 2016, arXiv:1511.04587 (the difference to the bicubic image is learnt).
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
        """``(B, C, h, w)`` to the sharp image and to features ``(B, width, h, w)``."""
        first = x = self.first(low)
        for layer, bend in zip(self.body, self.bends, strict=True):
            x = bend(layer(x))
        x = x + first
        return enlarged(low, self.scale) + pixel_shuffle(self.last(x), self.scale), x


class GANResidual(nn.Module):
    """What cannot be known and is made up, as noise has it: added to the faithful image."""

    def __init__(self, channels: int, width: int, depth: int, scale: int, noise: int) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(channels + width, width, 3, padding=1)
        self.body = nn.ModuleList([FiLMBlock(width, noise) for _ in range(depth)])
        self.last = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        nn.init.normal_(self.last.weight, std=1e-3)

    def forward(self, low: Tensor, features: Tensor, noise: Tensor) -> Tensor:
        """What is added, ``(B, C, h * scale, w * scale)``."""
        x = leaky_relu(self.first(torch.cat([low, features], 1)), LEAK)
        for layer in self.body:
            x = x + layer(x, noise)
        return pixel_shuffle(self.last(x), self.scale)


class Upscaler(nn.Module):
    """A faithful network and one that adds detail, so that one model gives all between the two.

    The faithful one is not trained by what the other is taught.
    """

    def __init__(
        self, channels: int, width: int, depth: tuple[int, int], scale: int, noise: int
    ) -> None:
        super().__init__()
        self.psnr_network = PSNRNetwork(channels, width, depth[0], scale)
        self.gan_residual = GANResidual(channels, width, depth[1], scale, noise)

    @property
    def receptive_radius(self) -> int:
        """Pixels of the small image in each direction that a pixel of the result can see."""
        own = len(self.psnr_network.body) + 2
        return own + 2 * len(self.gan_residual.body) + 2 + 2

    def forward(self, noise: Tensor, condition: Condition, interpolation: float = 1.0) -> Tensor:
        """``(B, noise)`` and a condition's grid ``(B, C, h, w)`` to sharp images in [-1, 1].

        Args:
            noise: Another one gives other details.
            condition: Its grid is the small image.
            interpolation: Share of the details: 0 is faithful, 1 vivid.
        """
        low = condition.grid
        sharp, features = self.psnr_network(low)
        if interpolation:
            sharp = sharp + interpolation * self.gan_residual(low, features.detach(), noise)
        return sharp
