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

OWN = BATCH // 4
"""Own fakes in a batch; all other groups share the rest."""

ROUNDS = 30
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
        made: How fakes of further groups are made from reals, by name.
    """

    own: Tensor
    stored: Mapping[str, Tensor]
    made: Mapping[str, Refill]

    @property
    def names(self) -> tuple[str, ...]:
        """Of all groups, the own fakes first, which are called ``own fakes``."""
        return (OWN_FAKES, *self.stored, *self.made)


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

    Half of each batch are reals, a quarter own fakes. Reals without a class count for all classes.

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
    network = small_net(
        real, kinds + len(groups.names), seed=derive_seed(seed, 1), build=build
    )
    steps = max(min(steps, ROUNDS * len(real) // REAL), LEAST_STEPS)
    rng = torch.Generator().manual_seed(derive_seed(seed, 2))
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02, fused=True)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.2)
    pools = {name: pool for name, pool in groups.stored.items() if len(pool)}
    numbers = {name: kinds + at for at, name in enumerate(groups.names)}
    rest = BATCH - REAL - OWN
    network.train()
    for _ in range(steps):
        rows = torch.randint(len(real), (REAL,), generator=rng)
        parts, targets = [real[rows]], [labels[rows] if classes else torch.zeros_like(rows)]
        own = torch.randint(len(groups.own), (OWN,), generator=rng)
        parts.append(groups.own[own])
        targets.append(torch.full((OWN,), kinds))
        others = [*pools, *groups.made]
        turn = torch.randperm(len(others), generator=rng).tolist()
        share = max(rest // max(len(others), 1), 2)
        for at in turn[: max(rest // share, 1)]:
            name = others[at]
            if name in pools:
                some = pools[name][torch.randint(len(pools[name]), (share,), generator=rng)]
            else:
                origin = real[torch.randint(len(real), (max(share, REAL),), generator=rng)]
                some = groups.made[name](origin, rng)[:share]
            parts.append(some)
            targets.append(torch.full((share,), numbers[name]))
        batch, target = torch.cat([each.float() for each in parts]), torch.cat(targets)
        optimizer.zero_grad(set_to_none=True)
        _loss(network(network.augment(batch, rng)), target, kinds).backward()
        optimizer.step()
        rate.step()
    return network.eval().requires_grad_(False)


def _loss(logits: Tensor, targets: Tensor, kinds: int) -> Tensor:
    """Cross-entropy; a target of -1 means any class of reals."""
    known = targets >= 0
    loss = cross_entropy(logits, targets.clamp(min=0), reduction="none")
    anyone = logits.logsumexp(1) - logits[:, :kinds].logsumexp(1)
    return torch.where(known, loss, anyone).mean()
