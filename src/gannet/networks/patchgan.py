"""PatchGAN, the discriminator of image-to-image recipes: a logit for each patch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

from gannet.core.types import Condition
from gannet.networks.convolutional import he_init_
from gannet.networks.perceptual import ProjectedDiscriminators

LEAK = 0.2


def identity(layer: nn.Module) -> nn.Module:
    """No normalisation."""
    return layer


class PatchGAN(nn.Module):
    """A logit for each patch of an image, conditioned on its input image.

    Source: Isola et al. 2016, arXiv:1611.07004, section 3.2.2. Differs: spectral normalisation
    (Miyato et al. 2018, arXiv:1802.05957) in place of batch normalisation.

    Args:
        channels: Of the image.
        condition_channels: Channels of the input image that is concatenated with it; 0 for none.
        width: Channels at half size.
        levels: Number of downsamplings.
        classes: Number of classes with logits of their own, selected by the condition's vector; 0
            for none. Source: Choi et al. 2019, arXiv:1912.01865, section 2.1.
        bounded: Whether to use spectral normalisation; else use a gradient penalty.
        projected: Projected discriminators that are trained with it. Its own logits, which the
            monitor uses, stay those of pixels.
    """

    def __init__(
        self,
        channels: int,
        condition_channels: int,
        width: int,
        levels: int = 3,
        *,
        classes: int = 0,
        bounded: bool = True,
        projected: ProjectedDiscriminators | None = None,
    ) -> None:
        super().__init__()
        self.condition_channels, self.classes = condition_channels, classes
        wide = [
            channels + condition_channels,
            *(width * min(2**level, 4) for level in range(levels)),
        ]
        norm: Callable[[nn.Module], nn.Module] = spectral_norm if bounded else identity
        self.down = nn.ModuleList(
            norm(nn.Conv2d(finer, coarser, 4, 2, 1)) for finer, coarser in pairwise(wide)
        )
        self.logit = norm(nn.Conv2d(wide[-1], max(classes, 1), 3, padding=1))
        if not bounded:
            he_init_(self)
        self.projected = projected

    def forward(self, samples: Tensor, condition: Condition) -> Tensor:
        """``(B, C, H, W)`` and a condition to logits ``(B, h, w)``."""
        return self.features(samples, condition)[-1].squeeze(1)

    def features(self, samples: Tensor, condition: Condition) -> Sequence[Tensor]:
        """Features of each layer, and the logits ``(B, 1, h, w)`` last."""
        x, features = (
            concat_condition(samples, condition) if self.condition_channels else samples,
            list[Tensor](),
        )
        for layer in self.down:
            x = leaky_relu(layer(x), LEAK)
            features.append(x)
        logits = self.logit(x)
        if self.classes:
            classes = condition.vector
            # Unlabelled samples get a uniform class distribution.
            weights = (classes + (classes.sum(1, keepdim=True) == 0) / self.classes).to(logits)
            logits = (logits * weights[:, :, None, None]).sum(1, keepdim=True)
        return [*features, logits]


def concat_condition(samples: Tensor, condition: Condition) -> Tensor:
    """Images with the condition's grid as further channels, resized to the same size."""
    given = condition.grid
    if not given.shape[1]:
        return samples
    if given.shape[2:] != samples.shape[2:]:
        given = interpolate(given, list(samples.shape[2:]), mode="bilinear", align_corners=False)
    return torch.cat([samples, given], 1)


def min_side(levels: int = 3) -> int:
    """Minimum side of images, so that one patch remains after all downsamplings."""
    return 2**levels
