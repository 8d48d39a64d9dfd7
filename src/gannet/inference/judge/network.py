"""Training of the judge's network: a class for each kind of real, and one for each kind of fake."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gannet.core.seeding import derive_seed
from gannet.modalities.corruption import one_replaced
from gannet.networks.classifier import BATCH, BuildClassifier, SmallNet, small_net

OWN = 3 / 16
"""Own fakes as a fraction of a batch, half of which are reals; all other groups share the rest."""

ROUNDS = 20
"""Passes over the reals after which a network would only memorize them."""

LEAST_STEPS = 60
"""Training steps however few samples there are."""

OWN_FAKES = "own fakes"
"""Name of the group of the generator's own fakes."""

ONE_REPLACED = "one replaced cell"
"""Name of the group of reals with one number of another real."""

MAX_COLUMNS = 64
"""Logits of that group, at most: one for each column, or for some neighboring ones."""

Refill = Callable[[Tensor, torch.Generator], Tensor]
"""Reals ``(n, *shape)`` and a random generator to as many fakes of a group."""


@dataclass(frozen=True)
class Groups:
    """What the judge learns to tell from reals.

    Attributes:
        own: ``(n, *shape)`` fakes of the generator.
        stored: Further fakes by name.
        generated: How fakes of further groups are made from reals, by name.
        columns: Numbers of a sample each of which is replaced alone; 0 for none. The network also
            learns which of them it was, which shows it what depends on what.
    """

    own: Tensor
    stored: Mapping[str, Tensor]
    generated: Mapping[str, Refill]
    columns: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Of all groups, the own fakes first, which are called ``own fakes``."""
        last = (ONE_REPLACED,) if self.columns else ()
        return (OWN_FAKES, *self.stored, *self.generated, *last)

    @property
    def sizes(self) -> dict[str, int]:
        """Logits of groups that have more than one."""
        return {ONE_REPLACED: min(self.columns, MAX_COLUMNS)} if self.columns else {}

    @property
    def logits(self) -> int:
        """Logits of all groups."""
        return sum(self.sizes.get(name, 1) for name in self.names)


def trained_network(
    real: Tensor,
    labels: Tensor,
    classes: int,
    groups: Groups,
    *,
    build: BuildClassifier,
    steps: int,
    seed: int,
    batch: int = BATCH,
    learning_rate: float = 3e-3,
) -> SmallNet:
    """A network with ``max(classes, 1)`` logits of reals, then those of each group of fakes.

    Half of each batch are reals. Reals without a class count for all classes.

    Args:
        real: ``(N, *shape)`` training reals.
        labels: ``(N,)`` classes, -1 where unknown.
        classes: Number of classes; 0 for none.
        groups: Kinds of fakes.
        build: Builds the network.
        steps: Maximum batches.
        seed: Equal arguments give equal weights on one machine.
        batch: Samples in a batch, and as many more where columns are replaced.
        learning_rate: The highest.

    Source: Salimans et al. 2016, arXiv:1606.03498, sec. 5 (classes of reals beside one of fakes).
        Differs: several classes of fakes, and the discriminator of training is another network.
    """
    kinds = max(classes, 1)
    network = small_net(real, kinds + groups.logits, seed=derive_seed(seed, 1), build=build)
    steps = max(min(steps, ROUNDS * len(real) // (batch // 2)), LEAST_STEPS)
    rng = torch.Generator().manual_seed(derive_seed(seed, 2))
    rate, weights = learning_rate, network.parameters()
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps, pct_start=0.2
    )
    labels = labels if classes else torch.zeros_like(labels)
    batches = _Batches(real, labels, kinds, groups, rng, batch)
    network.train()
    for _ in range(steps):
        samples, targets = batches()
        logits = network(network.augment(samples, rng)) + batches.offset
        optimizer.zero_grad(set_to_none=True)
        _loss(logits, targets, kinds).backward()
        optimizer.step()
        schedule.step()
    return network.eval().requires_grad_(False)


class _Batches:
    """Random batches: half reals, some own fakes, and some of the other groups by turns.

    Attributes:
        offset: ``(K,)`` is added to logits while learning, so that in the end all groups weigh the
            same, however often they are in batches (Menon et al. 2021, arXiv:2007.07314, eq. 11).
    """

    def __init__(
        self,
        real: Tensor,
        labels: Tensor,
        kinds: int,
        groups: Groups,
        rng: torch.Generator,
        batch: int,
    ) -> None:
        self.real, self.labels, self.groups, self.rng = real, labels, groups, rng
        self.numbers = {name: kinds + at for at, name in enumerate(groups.names)}
        self.others = [*groups.stored, *groups.generated]
        self.size, self.reals, self.own = batch, batch // 2, round(OWN * batch)
        rest, others = batch - self.reals - self.own, max(len(self.others), 1)
        self.per_group = max(round(rest / others), 2)
        self.turns = max(rest // self.per_group, 1)
        often = self.per_group * min(self.turns / others, 1.0)
        columns = groups.sizes.get(ONE_REPLACED, 0)
        frequency = torch.full((kinds + groups.logits,), often)
        frequency[: kinds + 1] = self.own
        if columns:
            # Together they weigh more than another group, and less than so many groups.
            frequency[-columns:] = batch / columns * math.sqrt(columns)
        self.offset = (frequency / self.own).log()

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Samples ``(B, *shape)`` and the number of the logit of each, -1 for any real."""
        rows = self._some(len(self.real), self.reals)
        parts, targets = [self.real[rows]], [self.labels[rows]]
        own = self.groups.own[self._some(len(self.groups.own), self.own)]
        self._add(parts, targets, OWN_FAKES, own)
        order: list[int] = torch.randperm(len(self.others), generator=self.rng).tolist()
        for at in order[: self.turns]:
            name = self.others[at]
            stored = self.groups.stored.get(name)
            if stored is not None:
                fakes = stored[self._some(len(stored), self.per_group)]
            else:
                # Of as many as reals: what is mixed among few samples is hardly mixed at all.
                origin = self.real[self._some(len(self.real), self.reals)]
                fakes = self.groups.generated[name](origin, self.rng)[: self.per_group]
            self._add(parts, targets, name, fakes)
        if self.groups.columns:
            origin = self.real[self._some(len(self.real), self.size)]
            fakes, at = one_replaced(origin, self.rng)
            logits = at * self.groups.sizes[ONE_REPLACED] // self.groups.columns
            parts.append(fakes)
            targets.append(self.numbers[ONE_REPLACED] + logits)
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
