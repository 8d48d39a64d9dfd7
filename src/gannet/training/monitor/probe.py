"""Looks at a duel: takes samples of it, and hands them to the measures."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import get_total_norm

from gannet.core.seeding import seed_at
from gannet.core.types import Batch, Condition
from gannet.metrics.distribution import energy_distance
from gannet.metrics.kmeans import first_of_each
from gannet.modalities.modality import as_seen
from gannet.modalities.registry import modality_of
from gannet.networks.features import FeatureMap
from gannet.training.monitor.measurements import (
    COPIED_USUALLY,
    Measures,
    apart,
    auc,
    distance_with_error,
    gaussian,
    linear_critic,
    mean_distance,
    nearest,
)
from gannet.training.trainer import Duel

DRAWS = 3
"""Batches whose gradients are compared."""


def as_it_is(samples: Tensor) -> Tensor:
    """The samples themselves."""
    return samples


class Doctor:
    """Looks at a duel from time to time. Holds the samples that all looks share.

    Args:
        train: Rows of training data, ``(n, *shape)`` with their conditions.
        held_out: Rows that training never sees.
        features: What the distance to held-out data is measured in.
        seed: Of the fakes; each look draws its own.
        view: Samples as numbers in which distance means likeness, ``(n, *shape)`` to ``(n, ...)``;
            features are of what it gives.
        given: Kind of data of what samples are made from, where their condition has a grid.
    """

    def __init__(
        self,
        train: Batch,
        held_out: Batch,
        features: FeatureMap,
        *,
        seed: int,
        view: FeatureMap = as_it_is,
        given: str = "",
    ) -> None:
        self.train, self.held_out, self.features, self.seed = train, held_out, features, seed
        self.view = view
        self.count = len(held_out)
        seen, kept = view(train.real), view(held_out.real)
        self.modality = modality_of(train.kind)
        self.thumbnail = as_seen(self.modality, train.real, seen).thumbnail
        self.known = self.thumbnail(seen)
        to_training = apart(self.thumbnail(kept), self.known).amin(1)
        self.copy_distance = float(to_training.quantile(COPIED_USUALLY))
        some = self.known[: self.count]
        self.real_spread = mean_distance(some)
        self.distinct = torch.arange(self.count)
        asked = held_out.condition.grid
        if asked.numel():
            self.distinct = first_of_each(asked.flatten(1))
        self.real_nearest = nearest(some[: len(self.distinct)])
        if asked.numel():
            # Pictures that are given may lie closer together than reals do: so may answers.
            told = modality_of(given).thumbnail(asked[self.distinct])
            usual = nearest(told) / max(mean_distance(told), 1e-12) * self.real_spread
            self.real_nearest = min(self.real_nearest, usual)
        self.real_features = features(kept)
        known, blurred = features(seen[: self.count]), gaussian(seen, self.count, seed=seed)
        self.floor = energy_distance(self.real_features, known)
        self.baseline = energy_distance(self.real_features, features(blurred))

    @torch.no_grad()
    def look(self, duel: Duel[Any]) -> Measures:
        """Measure the duel as it stands; changes nothing in it."""
        judge = duel.players.discriminator
        told = self.held_out.condition
        fake = self._fakes(duel, duel.sampler(averaged=False), told)
        kept = self._fakes(duel, duel.sampler(averaged=True), told)
        known = self.train[: self.count]
        with evaluating(judge):
            on_train = _logits(judge, known.real, known.condition)
            on_real = _logits(judge, self.held_out.real, told)
            on_fake = _logits(judge, fake, told)
        logits = torch.cat([on_train, on_real, on_fake])
        finite = bool(logits.isfinite().all() and fake.isfinite().all() and _finite(duel))
        if not finite:
            return Measures.lost(duel.step, floor=self.floor, baseline=self.baseline)
        seen, kept = self.thumbnail(self.view(fake)), self.view(kept)
        return self._measures(duel, on_train, on_real, on_fake, seen, kept)

    def _fakes(self, duel: Duel[Any], product: nn.Module, told: Condition) -> Tensor:
        width = duel.config.noise
        generator = torch.Generator().manual_seed(seed_at(self.seed, duel.step, 2))
        noise = torch.randn(len(told), width, generator=generator)
        noise, told = noise.to(duel.device), told.to(duel.device)
        with evaluating(product):
            made = duel.recipe.sampling(product, noise, told, duel.config)
        return made.float().cpu()

    def _agreement(self, duel: Duel[Any]) -> float:
        """How far batches agree on where the generator should go."""
        size, now, weights = duel.config.batch, duel.now(), duel.generator.weights
        gradients: list[Tensor] = []
        # Running statistics must stay as they are.
        with (
            evaluating(duel.players),
            _learning_alone(duel),
            torch.random.fork_rng(),
            torch.enable_grad(),
        ):
            for turn in range(DRAWS):
                torch.manual_seed(seed_at(self.seed, duel.step, 4, turn))
                batch = self.train[torch.randint(len(self.train), (size,))].to(duel.device)
                noise = torch.randn(len(batch), now.noise).to(duel.device)
                problem = duel.recipe.training.corrupt(batch, duel.rng, now)
                terms = duel.generator.terms(duel.players, problem, noise, now)
                total = torch.stack([*terms.values()]).sum()
                found = torch.autograd.grad(total, weights, materialize_grads=True)
                gradients.append(torch.cat([each.flatten() for each in found]))
        unit = normalize(torch.stack(gradients), dim=1)
        alike = unit @ unit.T
        return float((alike.sum() - alike.trace()) / (DRAWS * (DRAWS - 1)))

    def _error(self, duel: Duel[Any], samples: Batch) -> float:
        """How wrong the averaged generator is about some samples; NaN where nobody can say."""
        wrong = duel.recipe.evaluation.validation_loss
        if wrong is None:
            return math.nan
        # The same problems at every look: what changes is the generator.
        chance = torch.Generator(duel.device).manual_seed(seed_at(self.seed, 5))
        some = torch.arange(self.modality.monitor.validation_samples) % len(samples)
        problem = duel.recipe.training.corrupt(samples[some].to(duel.device), chance, duel.config)
        with evaluating(duel.average):
            return float(wrong(duel.average, problem, duel.config))

    def _measures(
        self,
        duel: Duel[Any],
        on_train: Tensor,
        on_real: Tensor,
        on_fake: Tensor,
        fakes: Tensor,
        kept: Tensor,
    ) -> Measures:
        # A probability needs an offset, which relativistic losses leave free: take the middle.
        middle = (on_real.mean() + on_fake.mean()) / 2
        made = self.features(kept)
        distance, error = distance_with_error(self.real_features, made)
        to_training = apart(fakes, self.known).amin(1)
        return Measures(
            step=duel.step,
            auc_train=auc(on_train, on_fake),
            auc_held_out=auc(on_real, on_fake),
            auc_error=math.sqrt(1 / (6 * self.count)),
            d_real=float((on_real - middle).sigmoid().mean()),
            d_fake=float((on_fake - middle).sigmoid().mean()),
            spread=mean_distance(fakes) / max(self.real_spread, 1e-12),
            # Where most reals have an equal beside them, fakes that have one are as crowded.
            crowding=nearest(fakes[self.distinct]) / self.real_nearest
            if self.real_nearest
            else 1.0,
            copied=float((to_training < self.copy_distance).float().mean()),
            critic=linear_critic(self.real_features, made),
            distance=distance,
            distance_error=error,
            floor=self.floor,
            baseline=self.baseline,
            gradient_ratio=_length(duel.generator.weights)
            / max(_length(duel.discriminator.weights), 1e-12),
            agreement=self._agreement(duel),
            logit_scale=float(torch.cat([on_real, on_fake]).sub(middle).abs().mean()),
            finite=True,
            error_train=self._error(duel, self.train),
            error_held_out=self._error(duel, self.held_out),
        )


@contextmanager
def evaluating(network: nn.Module) -> Generator[None]:
    """Have a network as it is used, and each of its parts afterwards in the mode that it had.

    A recipe may keep a part in evaluation for good (a frozen encoder, say), so that switching the
    whole network back would change it.
    """
    was = [(each, each.training) for each in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for each, training in was:
            each.training = training


@contextmanager
def _learning_alone(duel: Duel[Any]) -> Generator[None]:
    """Let gradients reach the generator, whoever learnt last, and put things back after."""
    was = [(each, each.requires_grad) for each in duel.players.parameters()]
    duel.let_learn(duel.generator)
    try:
        yield
    finally:
        for each, learning in was:
            each.requires_grad_(learning)


def _logits(judge: nn.Module, samples: Tensor, condition: Condition) -> Tensor:
    device = str(next(judge.parameters()).device)
    verdicts = judge(samples.to(device), condition.to(device))
    return verdicts.float().reshape(len(samples), -1).mean(1).cpu()


def _finite(duel: Duel[Any]) -> bool:
    return all(bool(weight.isfinite().all()) for weight in duel.players.parameters())


def _length(weights: Sequence[Tensor]) -> float:
    return float(get_total_norm(each.grad for each in weights if each.grad is not None))
