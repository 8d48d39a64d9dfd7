"""Training of the judge's network: a class for each kind of real, and one for each kind of fake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gannet.core.seeding import derive_seed
from gannet.networks.classifier import BATCH, BuildClassifier, SmallNet, small_net

REAL = BATCH // 2
"""Reals in a batch."""

OWN = 12
"""Own fakes in a batch; all other groups share the rest."""

ROUNDS = 20
"""Passes over the reals after which a network would only memorize them."""

LEAST_STEPS = 60
"""Training steps however few samples there are."""

OWN_FAKES = "own fakes"
"""Name of the group of the generator's own fakes."""

Refill = Callable[[Tensor, torch.Generator], Tensor]
"""Reals ``(n, *shape)`` and a random generator to as many fakes of a group."""


@dataclass(frozen=True)
class Groups:
    """What the judge learns to tell from reals.

    Attributes:
        own: ``(n, *shape)`` fakes of the generator.
        stored: Further fakes by name.
        generated: How fakes of further groups are made from reals, by name.
    """

    own: Tensor
    stored: Mapping[str, Tensor]
    generated: Mapping[str, Refill]

    @property
    def names(self) -> tuple[str, ...]:
        """Of all groups, the own fakes first, which are called ``own fakes``."""
        return (OWN_FAKES, *self.stored, *self.generated)


def trained_network(
    real: Tensor,
    labels: Tensor,
    classes: int,
    groups: Groups,
    *,
    build: BuildClassifier,
    steps: int,
    seed: int,
) -> SmallNet:
    """A network with ``max(classes, 1)`` logits of reals, then one for each group of fakes.

    Half of each batch are reals. Reals without a class count for all classes.

    Args:
        real: ``(N, *shape)`` training reals.
        labels: ``(N,)`` classes, -1 where unknown.
        classes: Number of classes; 0 for none.
        groups: Kinds of fakes.
        build: Builds the network.
        steps: Maximum batches of 64.
        seed: Equal arguments give equal weights on one machine.

    Source: Salimans et al. 2016, arXiv:1606.03498, sec. 5 (classes of reals beside one of fakes).
        Differs: several classes of fakes, and the discriminator of training is another network.
    """
    kinds = max(classes, 1)
    network = small_net(real, kinds + len(groups.names), seed=derive_seed(seed, 1), build=build)
    steps = max(min(steps, ROUNDS * len(real) // REAL), LEAST_STEPS)
    rng = torch.Generator().manual_seed(derive_seed(seed, 2))
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02, fused=True)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.2)
    batches = _Batches(real, labels if classes else torch.zeros_like(labels), kinds, groups, rng)
    network.train()
    for _ in range(steps):
        samples, targets = batches()
        logits = network(network.augment(samples, rng)) + batches.offset
        optimizer.zero_grad(set_to_none=True)
        _loss(logits, targets, kinds).backward()
        optimizer.step()
        rate.step()
    return network.eval().requires_grad_(False)


class _Batches:
    """Random batches: half reals, some own fakes, and some of the other groups by turns.

    Attributes:
        offset: ``(K,)`` is added to logits while learning, so that in the end all groups weigh the
            same, however often they are in batches (Menon et al. 2021, arXiv:2007.07314, eq. 11).
    """

    def __init__(
        self, real: Tensor, labels: Tensor, kinds: int, groups: Groups, rng: torch.Generator
    ) -> None:
        self.real, self.labels, self.groups, self.rng = real, labels, groups, rng
        self.numbers = {name: kinds + at for at, name in enumerate(groups.names)}
        self.others = [*groups.stored, *groups.generated]
        self.per_group = max(round((BATCH - REAL - OWN) / max(len(self.others), 1)), 2)
        self.turns = max((BATCH - REAL - OWN) // self.per_group, 1)
        often = self.per_group * min(self.turns / max(len(self.others), 1), 1.0)
        frequency = torch.full((kinds + len(groups.names),), often)
        frequency[: kinds + 1] = OWN
        self.offset = (frequency / OWN).log()

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Samples ``(B, *shape)`` and the number of the logit of each, -1 for any real."""
        rows = self._some(len(self.real), REAL)
        parts, targets = [self.real[rows]], [self.labels[rows]]
        self._add(parts, targets, OWN_FAKES, self.groups.own[self._some(len(self.groups.own), OWN)])
        order: list[int] = torch.randperm(len(self.others), generator=self.rng).tolist()
        for at in order[: self.turns]:
            name = self.others[at]
            stored = self.groups.stored.get(name)
            if stored is not None:
                fakes = stored[self._some(len(stored), self.per_group)]
            else:
                # Of as many as a batch: what is mixed among few samples is hardly mixed at all.
                origin = self.real[self._some(len(self.real), REAL)]
                fakes = self.groups.generated[name](origin, self.rng)[: self.per_group]
            self._add(parts, targets, name, fakes)
        return torch.cat([each.float() for each in parts]), torch.cat(targets)

    def _some(self, rows: int, count: int) -> Tensor:
        return torch.randint(rows, (count,), generator=self.rng)

    def _add(self, parts: list[Tensor], targets: list[Tensor], name: str, fakes: Tensor) -> None:
        parts.append(fakes)
        targets.append(torch.full((len(fakes),), self.numbers[name]))


def _loss(logits: Tensor, targets: Tensor, kinds: int) -> Tensor:
    """Cross-entropy; a target of -1 means any class of reals."""
    known = targets >= 0
    loss = cross_entropy(logits, targets.clamp(min=0), reduction="none")
    anyone = logits.logsumexp(1) - logits[:, :kinds].logsumexp(1)
    return torch.where(known, loss, anyone).mean()
