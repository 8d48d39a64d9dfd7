"""Networks of plain layers that are told whatever is in any slot."""

import torch
from torch import nn

from gannet.core.types import Condition

HIDDEN = 32
ROLES = ("vector", "grid", "tokens")


def told(condition):
    return torch.cat([condition.slot(role).flatten(1) for role in ROLES], 1)


def width(spec):
    return sum(torch.Size(spec.size_of(role)).numel() for role in ROLES)


class Generator(nn.Module):
    def __init__(self, spec, noise, squash):
        super().__init__()
        self.shape, self.squash = spec.shape, squash
        self.inner = nn.Linear(noise + width(spec), HIDDEN)
        self.outer = nn.Linear(HIDDEN, torch.Size(spec.shape).numel())

    def forward(self, noise, condition):
        hidden = self.inner(torch.cat([noise, told(condition)], 1)).relu()
        return self.squash(self.outer(hidden).view(-1, *self.shape))


class Discriminator(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.inner = nn.Linear(torch.Size(spec.shape).numel() + width(spec), HIDDEN)
        self.outer = nn.Linear(HIDDEN, 1)

    def forward(self, samples, condition):
        seen = torch.cat([samples.flatten(1), told(condition)], 1)
        return self.outer(self.inner(seen).relu()).squeeze(1)


def only(trained, count, **slots):
    """A condition that is blank but for some slots."""
    empty = trained.spec.blank(count)
    return Condition(**{role: empty.slot(role) for role in ROLES} | slots)
