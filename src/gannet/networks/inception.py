"""The Inception network of the original Frechet Inception distance (FID), for a local weights file.

gannet downloads nothing, and no package contains these weights. Names of the weights are those of
``pt_inception-2015-12-05-6726825d.pth``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, relu

from gannet.core.errors import ConfigError, no_permission
from gannet.core.io.files import UNREADABLE
from gannet.networks.features import color, fingerprint, in_chunks

ORIGINAL = "6726825d"
"""First digits of the SHA-256 of the original file; only with it is the score called FID."""

KernelSize = int | tuple[int, int]


class Conv(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(
        self, before: int, after: int, size: KernelSize, stride: int = 1, pad: KernelSize = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, size, stride, pad, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, before, H, W)`` to ``(B, after, H', W')``."""
        return relu(self.bn(self.conv(x)))


def _mean(x: Tensor) -> Tensor:
    # The original does not count padding; torchvision's network does.
    return avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class BlockA(nn.Module):
    """35x35: 1x1, 5x5, double 3x3 and mean."""

    def __init__(self, before: int, pool: int) -> None:
        super().__init__()
        self.branch1x1 = Conv(before, 64, 1)
        self.branch5x5_1 = Conv(before, 48, 1)
        self.branch5x5_2 = Conv(48, 64, 5, pad=2)
        self.branch3x3dbl_1 = Conv(before, 64, 1)
        self.branch3x3dbl_2 = Conv(64, 96, 3, pad=1)
        self.branch3x3dbl_3 = Conv(96, 96, 3, pad=1)
        self.branch_pool = Conv(before, pool, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, before, 35, 35)`` to ``(B, 224 + pool, 35, 35)``."""
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(_mean(x))], 1)


class BlockB(nn.Module):
    """35x35 to 17x17."""

    def __init__(self, before: int) -> None:
        super().__init__()
        self.branch3x3 = Conv(before, 384, 3, 2)
        self.branch3x3dbl_1 = Conv(before, 64, 1)
        self.branch3x3dbl_2 = Conv(64, 96, 3, pad=1)
        self.branch3x3dbl_3 = Conv(96, 96, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, before, 35, 35)`` to ``(B, 480 + before, 17, 17)``."""
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), three, max_pool2d(x, 3, 2)], 1)


class BlockC(nn.Module):
    """17x17: 1x1, 7x7, double 7x7 in strips, and mean."""

    def __init__(self, inner: int) -> None:
        super().__init__()
        wide, tall = ((1, 7), (0, 3)), ((7, 1), (3, 0))
        self.branch1x1 = Conv(768, 192, 1)
        self.branch7x7_1 = Conv(768, inner, 1)
        self.branch7x7_2 = Conv(inner, inner, wide[0], pad=wide[1])
        self.branch7x7_3 = Conv(inner, 192, tall[0], pad=tall[1])
        self.branch7x7dbl_1 = Conv(768, inner, 1)
        self.branch7x7dbl_2 = Conv(inner, inner, tall[0], pad=tall[1])
        self.branch7x7dbl_3 = Conv(inner, inner, wide[0], pad=wide[1])
        self.branch7x7dbl_4 = Conv(inner, inner, tall[0], pad=tall[1])
        self.branch7x7dbl_5 = Conv(inner, 192, wide[0], pad=wide[1])
        self.branch_pool = Conv(768, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 768, 17, 17)`` to the same shape."""
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), seven, double, self.branch_pool(_mean(x))], 1)


class BlockD(nn.Module):
    """17x17 to 8x8."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1 = Conv(768, 192, 1)
        self.branch3x3_2 = Conv(192, 320, 3, 2)
        self.branch7x7x3_1 = Conv(768, 192, 1)
        self.branch7x7x3_2 = Conv(192, 192, (1, 7), pad=(0, 3))
        self.branch7x7x3_3 = Conv(192, 192, (7, 1), pad=(3, 0))
        self.branch7x7x3_4 = Conv(192, 192, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 768, 17, 17)`` to ``(B, 1280, 8, 8)``."""
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat([three, self.branch7x7x3_4(seven), max_pool2d(x, 3, 2)], 1)


class BlockE(nn.Module):
    """8x8: 1x1, split 3x3, double split 3x3, and a pool."""

    def __init__(self, before: int, *, largest: bool) -> None:
        super().__init__()
        self.largest = largest
        self.branch1x1 = Conv(before, 320, 1)
        self.branch3x3_1 = Conv(before, 384, 1)
        self.branch3x3_2a = Conv(384, 384, (1, 3), pad=(0, 1))
        self.branch3x3_2b = Conv(384, 384, (3, 1), pad=(1, 0))
        self.branch3x3dbl_1 = Conv(before, 448, 1)
        self.branch3x3dbl_2 = Conv(448, 384, 3, pad=1)
        self.branch3x3dbl_3a = Conv(384, 384, (1, 3), pad=(0, 1))
        self.branch3x3dbl_3b = Conv(384, 384, (3, 1), pad=(1, 0))
        self.branch_pool = Conv(before, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, before, 8, 8)`` to ``(B, 2048, 8, 8)``."""
        three = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        # The last block of the original uses max pooling, a mistake that became the standard.
        pooled = max_pool2d(x, 3, 1, 1) if self.largest else _mean(x)
        parts = [self.branch1x1(x), self.branch3x3_2a(three), self.branch3x3_2b(three)]
        parts += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([*parts, self.branch_pool(pooled)], 1)


class Inception(nn.Module):
    """Inception v3 as it was in TensorFlow on 2015-12-05, up to its 2048 pooled features.

    Source: Szegedy 2015, arXiv:1512.00567; the variations are those of Heusel 2017's graph.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Conv(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3, pad=1)
        self.Conv2d_3b_1x1 = Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = (
            BlockA(192, 32),
            BlockA(256, 64),
            BlockA(288, 64),
        )
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b, self.Mixed_6c = BlockC(128), BlockC(160)
        self.Mixed_6d, self.Mixed_6e = BlockC(160), BlockC(192)
        self.Mixed_7a = BlockD()
        self.Mixed_7b, self.Mixed_7c = BlockE(1280, largest=False), BlockE(2048, largest=True)
        self.fc = nn.Linear(2048, 1008)

    def forward(self, images: Tensor) -> Tensor:
        """``(B, 3, H, W)`` in [-1, 1] to ``(B, 2048)``."""
        x = interpolate(images, (299, 299), mode="bilinear", align_corners=False)
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(max_pool2d(x, 3, 2)))
        x = max_pool2d(x, 3, 2)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x = block(x)
        return x.mean((2, 3))


class InceptionFeatures:
    """Inception's 2048 pooled features, from weights on disk; for images.

    ``name`` is ``inception`` for the original weights and ``inception-like`` for any others.
    """

    width = 2048

    def __init__(self, path: Path) -> None:
        """Read weights without running code from the file.

        Raises:
            ConfigError: if the file holds no weights of this network.
        """
        remedy = "Give pt_inception-2015-12-05-6726825d.pth, as pytorch-fid uses it."
        try:
            with torch.device("meta"):
                self._network = Inception()
            state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
            self._network.load_state_dict(state, assign=True)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except PermissionError:
            raise no_permission(path, ConfigError) from None
        except (OSError, *UNREADABLE) as error:
            message = str(error).strip() or type(error).__name__
            raise ConfigError(
                f"no Inception weights: {message.splitlines()[0]}", where=str(path), remedy=remedy
            ) from None
        self._network.eval().requires_grad_(False)
        self.name = "inception" if digest.startswith(ORIGINAL) else "inception-like"
        self.hash = fingerprint(self._network.state_dict().values())

    def __call__(self, samples: Tensor) -> Tensor:
        """Images ``(B, 1 or 3, H, W)`` in [-1, 1] to ``(B, 2048)``."""
        return in_chunks(lambda part: self._network(color(part.float())), samples, 16)
