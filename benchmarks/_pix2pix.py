"""pix2pix, written from its paper: the rival of the benchmarks on pairs.

Source: Isola et al. 2016, arXiv:1611.07004, sections 3 and 6.1 (appendix): a U-Net of C64-C128-
C256-C512-... with batch normalisation and dropout in place of noise, a discriminator that judges
patches of 70 pixels beside the input, cross-entropy plus a hundred times the absolute error, Adam
with 2e-4 and beta1 0.5, one pair per step, weights from a normal of 0.02.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as entropy

from gannet.core.types import Batch
from gannet.data.dataset import Rows

RATE, BETA, PIXEL, DROPPED = 2e-4, 0.5, 100.0, 3
WIDEST = 512


class Net(nn.Module):
    """The U-Net for sides of ``2 ** levels`` pixels times a whole number."""

    def __init__(self, inside: int, outside: int, levels: int, width: int = 64) -> None:
        super().__init__()
        wide = [min(width * 2**level, WIDEST) for level in range(levels)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, channels in enumerate(wide):
            came = inside if level == 0 else wide[level - 1]
            layers: list[nn.Module] = [] if level == 0 else [nn.LeakyReLU(0.2)]
            layers.append(nn.Conv2d(came, channels, 4, 2, 1))
            if 0 < level < levels - 1:
                layers.append(nn.BatchNorm2d(channels))
            self.down.append(nn.Sequential(*layers))
        for level in reversed(range(levels)):
            came = wide[level] * (1 if level == levels - 1 else 2)
            goes = outside if level == 0 else wide[level - 1]
            layers = [nn.ReLU(), nn.ConvTranspose2d(came, goes, 4, 2, 1)]
            if level:
                layers.append(nn.BatchNorm2d(goes))
                if level >= levels - DROPPED:
                    layers.append(nn.Dropout(0.5))
            self.up.append(nn.Sequential(*layers))

    def forward(self, given: Tensor) -> Tensor:
        """``(B, inside, H, W)`` to ``(B, outside, H, W)`` in [-1, 1]."""
        seen: list[Tensor] = []
        x = given
        for layer in self.down:
            x = layer(x)
            seen.append(x)
        for level, layer in enumerate(self.up):
            x = layer(x if level == 0 else torch.cat([x, seen[-1 - level]], 1))
        return x.tanh()


def patch_judge(channels: int, width: int = 64) -> nn.Sequential:
    """C64-C128-C256-C512: logits of patches of 70 pixels."""
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for level, stride in ((1, 2), (2, 2), (3, 1)):
        came, goes = width * 2 ** (level - 1), width * 2**level
        layers += [nn.Conv2d(came, goes, 4, stride, 1), nn.BatchNorm2d(goes), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))


@dataclass(frozen=True)
class Trained:
    """The network and for how many steps it learnt."""

    net: Net
    steps: int


def _start(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)


def trained(rows: Rows, seconds: float, *, seed: int, keep: Path) -> Trained:
    """Learn from pairs until the processor has worked for so long; or read what is kept."""
    first = rows.take([0])
    inside, outside = first.condition.grid.shape[1], first.real.shape[1]
    side = min(first.real.shape[2:])
    torch.manual_seed(seed)
    net = Net(inside, outside, max(side.bit_length() - 1, 2))
    if keep.exists():
        state = torch.load(keep, weights_only=True)
        net.load_state_dict(state["net"])
        return Trained(net, int(state["steps"]))
    discriminator = patch_judge(inside + outside)
    _start(net)
    _start(discriminator)
    sides = [
        torch.optim.Adam(each.parameters(), RATE, (BETA, 0.999)) for each in (net, discriminator)
    ]
    began, steps = time.process_time(), 0
    for batch in rows.batches(1, seed=seed):
        if time.process_time() - began > seconds:
            break
        given, real = batch.condition.grid, batch.real
        made = net(given)
        told, untold = (
            discriminator(torch.cat([given, each], 1)) for each in (real, made.detach())
        )
        lost = entropy(told, torch.ones_like(told)) + entropy(untold, torch.zeros_like(untold))
        sides[1].zero_grad()
        (lost / 2).backward()
        sides[1].step()
        word = discriminator(torch.cat([given, made], 1))
        lost = entropy(word, torch.ones_like(word)) + PIXEL * (made - real).abs().mean()
        sides[0].zero_grad()
        lost.backward()
        sides[0].step()
        steps += 1
    torch.save({"net": net.state_dict(), "steps": steps}, keep)
    return Trained(net, steps)


@torch.no_grad()
def answered(found: Trained, pairs: Batch) -> Tensor:
    """Answers with the batch statistics of each picture alone and dropout on, as in the paper."""
    found.net.train()
    return torch.cat([found.net(pairs[at : at + 1].condition.grid) for at in range(len(pairs))])
