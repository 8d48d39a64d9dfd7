"""Plain GAIN, written from the equations of its paper; its settings are the paper's.

Source: Yoon et al. 2018, arXiv:1806.02920, section 4 and algorithm 1: a generator that fills, a
discriminator that says of each cell whether it was filled, and hints of where the truth is.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

HINT, ALPHA, BATCH, STEPS = 0.9, 100.0, 128, 10_000
NOISE = 0.01
Values = NDArray[np.float64]


def _network(width: int) -> nn.Sequential:
    layers = nn.Sequential(
        nn.Linear(2 * width, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.Sigmoid(),
    )
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return layers


def gain_filled(rows: Values, seed: int, samples: int) -> list[Values]:
    """Fills of rows ``(N, D)`` with NaN in their holes, each from noise of its own."""
    torch.manual_seed(seed)
    low = np.nanmin(rows, 0)
    span = np.maximum(np.nanmax(rows, 0) - low, 1e-9)
    known = torch.from_numpy(~np.isnan(rows)).float()
    scaled = torch.from_numpy(np.nan_to_num((rows - low) / span)).float()
    width = rows.shape[1]
    generator, discriminator = _network(width), _network(width)
    for_g, for_d = (torch.optim.Adam(each.parameters()) for each in (generator, discriminator))

    def made(some: Tensor, mask: Tensor) -> Tensor:
        noise = NOISE * torch.rand_like(some)
        answer: Tensor = generator(torch.cat([mask * some + (1 - mask) * noise, mask], 1))
        return answer

    for _ in range(STEPS):
        at = torch.randint(len(rows), (min(BATCH, len(rows)),))
        some, mask = scaled[at], known[at]
        told = (torch.rand_like(mask) < HINT).float()
        hint = told * mask + 0.5 * (1 - told)
        answer = made(some, mask)
        full = mask * some + (1 - mask) * answer
        chance = discriminator(torch.cat([full.detach(), hint], 1))
        for_d.zero_grad()
        binary_cross_entropy(chance.clamp(1e-6, 1 - 1e-6), mask).backward()
        for_d.step()
        chance = discriminator(torch.cat([full, hint], 1)).clamp(1e-6, 1 - 1e-6)
        fooled = -((1 - mask) * chance.log()).mean()
        rebuilt = (mask * (some - answer) ** 2).mean() / mask.mean()
        for_g.zero_grad()
        (fooled + ALPHA * rebuilt).backward()
        for_g.step()
    found: list[Values] = []
    with torch.no_grad():
        for _ in range(samples):
            answer = made(scaled, known).double().numpy() * span + low
            found.append(np.where(np.isnan(rows), answer, rows))
    return found
