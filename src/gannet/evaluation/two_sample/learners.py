"""The classifiers of a two-sample test: each learns to tell reals from generated samples."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gannet.core.errors import MissingExtraError, need
from gannet.core.seeding import derive_seed
from gannet.networks.classifier import BATCH, BuildClassifier, RowNet, fit, small_net
from gannet.networks.features import Standardizer, in_chunks

CHECKS = 8
"""How often during training the held-back rows are asked which state to keep."""

MOST_CHECKED = 500
"""Most rows of a side that are held back for that."""

LEARNT = 0.005
"""Mean loss on the held-back rows below which there is nothing left to learn."""

ROUNDS = 20
"""Passes over the samples after which a network would only memorise them."""

RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
"""Shrinkage of the covariance that the linear model chooses from, in units of its mean variance."""

TREES = 150
"""Most rounds of boosting."""

Scorer = Callable[[Tensor], Tensor]
"""Rows ``(n, ...)`` to how much more real than generated each is, ``(n,)``."""


class Learner(Protocol):
    """A way to learn the difference between two sets of samples."""

    @property
    def name(self) -> str:
        """The classifier, for people: ``boosted trees``."""
        ...

    def learn(self, real: Tensor, fake: Tensor, seed: int) -> Scorer:
        """Learn from reals ``(n, ...)`` and as many generated samples."""
        ...


@dataclass(frozen=True, slots=True)
class Network:
    """A small network of its kind of data, stopped where held-back rows are told best.

    Attributes:
        build: The network.
        steps: Most batches of 64.
        seconds: Most wall time; when it strikes, the result depends on the machine's speed.
    """

    build: BuildClassifier = RowNet
    steps: int = 300
    seconds: float = math.inf
    name: str = "a network"

    def learn(self, real: Tensor, fake: Tensor, seed: int) -> Scorer:
        """Learn; equal arguments give equal scores unless ``seconds`` struck.

        Source: Lopez-Paz and Oquab 2017, arXiv:1610.06545, sec. 3.
        """
        samples, labels, checks, targets = _parts(real, fake)
        network = small_net(samples, 2, seed=derive_seed(seed, 2), build=self.build)
        steps = max(min(self.steps, ROUNDS * len(samples) // BATCH), 40)
        best, state = math.inf, copy.deepcopy(network.state_dict())

        def watch(step: int) -> bool:
            nonlocal best, state
            if step % max(steps // CHECKS, 1):
                return False
            network.eval()
            loss = float(cross_entropy(in_chunks(network, checks, 256), targets))
            network.train()
            if loss < best:
                best, state = loss, copy.deepcopy(network.state_dict())
            return best < LEARNT

        fit(
            network,
            samples,
            labels,
            steps=steps,
            seed=derive_seed(seed, 3),
            seconds=self.seconds,
            watch=watch,
        )
        network.load_state_dict(state)

        def score(rows: Tensor) -> Tensor:
            logits = in_chunks(network, rows, 256)
            return logits[:, 1] - logits[:, 0]

        return score


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Fisher's linear discriminant on rows of numbers, its covariance shrunk."""

    name: str = "a linear model"

    def learn(self, real: Tensor, fake: Tensor, seed: int) -> Scorer:  # noqa: ARG002
        """Learn; the shrinkage is that which tells held-back rows best.

        Source: Friedman 1989, Regularized Discriminant Analysis, J. Am. Stat. Assoc. 84, p. 165.
        """
        scale = Standardizer(torch.cat([real, fake]).flatten(1).double())
        rows = [scale(each.flatten(1).double()) for each in (real, fake)]
        held = [each[: _held_back(len(each))] for each in rows]
        known = [each[_held_back(len(each)) :] for each in rows]
        weights = [(_discriminant(known[0], known[1], ridge), ridge) for ridge in RIDGES]
        best = max(weights, key=lambda each: _won(held[0] @ each[0], held[1] @ each[0]))[1]
        weight = _discriminant(rows[0], rows[1], best)
        return lambda each: (scale(each.flatten(1).double()) @ weight).float()


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """Gradient-boosted trees on rows of numbers, NaN where a cell is missing."""

    name: str = "boosted trees"

    def learn(self, real: Tensor, fake: Tensor, seed: int) -> Scorer:
        """Learn; rounds end where held-back rows are told no better.

        Raises:
            MissingExtraError: if scikit-learn is not installed.

        Source: Friedman 2001; Ke 2017 (histograms), by scikit-learn.
        """
        model: Any = need("sklearn.ensemble", "table").HistGradientBoostingClassifier(
            max_iter=TREES,
            learning_rate=0.1,
            early_stopping=len(real) >= 200,
            validation_fraction=0.15,
            random_state=seed % 2**32,
        )
        rows = torch.cat([real, fake]).flatten(1).double().numpy()
        labels = torch.cat([torch.ones(len(real)), torch.zeros(len(fake))]).numpy()
        model.fit(rows, labels)

        def score(each: Tensor) -> Tensor:
            return torch.from_numpy(model.decision_function(each.flatten(1).double().numpy()))

        return score


def installed(learners: Sequence[Learner]) -> tuple[list[Learner], tuple[str, ...]]:
    """Those whose packages are there, and the extras that the others need."""
    there: list[Learner] = []
    missing: list[str] = []
    for each in learners:
        if isinstance(each, BoostedTrees):
            try:
                need("sklearn.ensemble", "table")
            except MissingExtraError:
                missing.append("table")
                continue
        there.append(each)
    return there, tuple(missing)


def _held_back(rows: int) -> int:
    return max(min(rows // 6, MOST_CHECKED), 1)


def _parts(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Samples and labels to learn from, and those held back."""
    held = _held_back(len(real))
    samples = torch.cat([real[held:], fake[held:]])
    labels = torch.cat([torch.ones(len(real) - held), torch.zeros(len(fake) - held)]).long()
    checks = torch.cat([real[:held], fake[:held]])
    targets = torch.cat([torch.ones(held), torch.zeros(held)]).long()
    return samples, labels, checks, targets


def _discriminant(real: Tensor, fake: Tensor, ridge: float) -> Tensor:
    """Weights ``(F,)`` of the direction that separates rows ``(n, F)`` best."""
    means = real.mean(0), fake.mean(0)
    difference = means[0] - means[1]
    centered = torch.cat([real - means[0], fake - means[1]])
    count, width = centered.shape
    freedom = max(count - 2, 1)
    shrinkage = ridge * max(float(centered.square().sum()) / freedom / width, 1e-12)
    if count < width:  # the same by the rows' products, which are fewer (Woodbury)
        products = centered @ centered.T
        products.diagonal().add_(freedom * shrinkage)
        inside = centered.T @ torch.linalg.solve(products, centered @ difference)
        return (difference - inside) / shrinkage
    covariance = centered.T @ centered / freedom
    covariance.diagonal().add_(shrinkage)
    return torch.linalg.solve(covariance, difference)


def _won(above: Tensor, below: Tensor) -> float:
    gaps = above[:, None] - below
    return float((gaps > 0).double().mean() + (gaps == 0).double().mean() / 2)
