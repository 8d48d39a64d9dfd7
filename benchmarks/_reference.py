"""The plain reference: the DCGAN of Radford et al. 2015 as a PyTorch user writes it.

32 bit, batch norm in both networks, binary cross-entropy, Adam 2e-4 / .5, weights from a normal of
.02 (arXiv:1511.06434, section 3 and 4). Pictures are 32 x 32 or 64 x 64, by one layer more; 28 x 28
ones are padded by black.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

NOISE = 100


class Generator(nn.Module):
    """Noise ``(B, 100)`` and a class ``(B, K)`` to pictures ``(B, C, S, S)``, S 32 or 64."""

    def __init__(self, width: int, channels: int = 1, classes: int = 0, side: int = 32) -> None:
        super().__init__()
        widths = _widths(width, side)[::-1]
        self.project = nn.ConvTranspose2d(NOISE + classes, widths[0], 4, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)]
        for before, after in pairwise(widths):
            layers += [
                nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(_first_weights)

    def forward(self, noise: Tensor) -> Tensor:
        """Make pictures."""
        made: Tensor = self.layers(self.project(noise[:, :, None, None]))
        return made


class Discriminator(nn.Module):
    """Pictures ``(B, C, S, S)`` to logits ``(B,)``."""

    def __init__(self, width: int, channels: int = 1, side: int = 32) -> None:
        super().__init__()
        widths = _widths(width, side)
        layers: list[nn.Module] = [
            nn.Conv2d(channels, widths[0], 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for before, after in pairwise(widths):
            layers += [
                nn.Conv2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, bias=False))
        self.apply(_first_weights)

    def forward(self, pictures: Tensor) -> Tensor:
        """Judge pictures."""
        logits: Tensor = self.layers(pictures).flatten()
        return logits


def _widths(width: int, side: int) -> list[int]:
    """Channels of the layers, from the one at half the side to the one at 4 x 4 pixels."""
    return [width * 2**level for level in range(int(math.log2(side)) - 2)]


def _first_weights(part: nn.Module) -> None:
    if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(part.weight, 0.0, 0.02)
    elif isinstance(part, nn.BatchNorm2d):
        nn.init.normal_(part.weight, 1.0, 0.02)
        nn.init.zeros_(part.bias)


def padded(pictures: Tensor, side: int = 32) -> Tensor:
    """Pictures ``(N, C, H, W)`` in [-1, 1] with a black frame up to ``side``."""
    high, wide = side - pictures.shape[2], side - pictures.shape[3]
    return pad(pictures, (wide // 2, wide - wide // 2, high // 2, high - high // 2), value=-1.0)


def train(
    generator: nn.Module, discriminator: nn.Module, pictures: Tensor, batch: int
) -> Iterator[None]:
    """Train for ever, one step at a time."""
    loss = nn.BCEWithLogitsLoss()
    for_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    ones, zeros = torch.ones(batch), torch.zeros(batch)
    while True:
        order = torch.randperm(len(pictures))
        # A last part smaller than a batch is left out.
        for at in range(0, len(order) - batch + 1, batch):
            rows = order[at : at + batch]
            fake = generator(torch.randn(batch, NOISE))
            for_d.zero_grad()
            loss(discriminator(pictures[rows]), ones).backward()
            loss(discriminator(fake.detach()), zeros).backward()
            for_d.step()
            for_g.zero_grad()
            loss(discriminator(fake), ones).backward()
            for_g.step()
            yield


@torch.no_grad()
def samples(
    generator: nn.Module, count: int, side: int, *, seed: int, training: bool, part: int = 250
) -> Tensor:
    """Samples without the frame; batch norm as in training, or with running statistics.

    Args:
        generator: Left as it was.
        count: How many.
        side: Of the pictures without their frame.
        seed: Of the noise.
        training: Whether batch norm takes the statistics of each part.
        part: Samples made at once.
    """
    kept = {name: value.clone() for name, value in generator.state_dict().items()}
    generator.train(training)
    noise = torch.randn(count, NOISE, generator=torch.Generator().manual_seed(seed))
    made = torch.cat([generator(some) for some in noise.split(part)])
    generator.load_state_dict(kept)
    generator.train()
    frame = (made.shape[2] - side) // 2
    return made[:, :, frame : frame + side, frame : frame + side].contiguous()
