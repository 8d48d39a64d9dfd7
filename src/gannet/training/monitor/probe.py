"""The monitor: samples the networks in training and measures them."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import get_total_norm

from gannet.core.seeding import derive_seed
from gannet.core.types import Batch, Condition
from gannet.metrics.distribution import energy_distance
from gannet.metrics.modes.kmeans import first_of_each
from gannet.modalities.modality import modality_of_embedded
from gannet.modalities.registry import modality_of
from gannet.networks.convolutional import ProjectionDiscriminator
from gannet.networks.features import FeatureMap
from gannet.training.monitor.measurements import (
    USUAL_COPY_RATE,
    Measurements,
    auc,
    energy_distance_with_se,
    gaussian,
    linear_probe_auc,
    mean_distance,
    median_nn_distance,
    pairwise_distances,
    squares,
)
from gannet.training.trainer import Trainer

DRAWS = 3
"""Batches whose gradients are compared."""

SQUARED = 24
"""Features whose squares and products a linear probe sees, too."""


def as_it_is(samples: Tensor) -> Tensor:
    """The samples themselves."""
    return samples


class Monitor:
    """Measures a trainer from time to time. Holds the samples that all evaluations share.

    Args:
        train: Training samples, ``(n, *shape)`` with their conditions.
        held_out: Samples that training never sees.
        features: Feature map of embedded samples, which linear probes see.
        seed: Of the fakes; each evaluation draws its own.
        embed: Maps samples to a space where distance means similarity, ``(n, *shape)`` to
            ``(n, ...)``.
        given: Kind of data of the inputs, where there are any.
        distance: Feature map of embedded samples, in which distances to held-out data are measured;
            by default ``features``.
        baseline: Samples of a simple baseline, as many as are held out, embedded; by default of one
            Gaussian.
        role: Role of the inputs in the conditions.
    """

    def __init__(
        self,
        train: Batch,
        held_out: Batch,
        features: FeatureMap,
        *,
        seed: int,
        embed: FeatureMap = as_it_is,
        given: str = "",
        distance: FeatureMap | None = None,
        baseline: Tensor | None = None,
        role: str = "grid",
    ) -> None:
        self.train, self.held_out, self.features, self.seed = train, held_out, features, seed
        self.embed = embed
        self.count = len(held_out)
        self.latest = held_out.real[:0]  # what the EMA generator made at the last evaluation
        train_embedded, held_out_embedded = embed(train.real), embed(held_out.real)
        self.modality = modality_of(train.kind)
        self.thumbnail = modality_of_embedded(self.modality, train.real, train_embedded).thumbnail
        self.train_thumbnails = self.thumbnail(train_embedded)
        to_training = pairwise_distances(
            self.thumbnail(held_out_embedded), self.train_thumbnails
        ).amin(1)
        self.copy_distance = float(to_training.quantile(USUAL_COPY_RATE))
        some = self.train_thumbnails[: self.count]
        self.real_diversity = mean_distance(some)
        self.distinct = torch.arange(self.count)
        inputs = held_out.condition.slot(role)
        if inputs.numel():
            self.distinct = first_of_each(inputs.flatten(1))
        self.real_nn_distance = median_nn_distance(some[: len(self.distinct)])
        if inputs.numel():
            # Inputs may lie closer together than reals, and so may the outputs for them.
            input_thumbnails = modality_of(given).thumbnail(inputs[self.distinct])
            usual = (
                median_nn_distance(input_thumbnails)
                / max(mean_distance(input_thumbnails), 1e-12)
                * self.real_diversity
            )
            self.real_nn_distance = min(self.real_nn_distance, usual)
        self.real_features = features(held_out_embedded)
        if baseline is None:
            baseline = gaussian(train_embedded, self.count, seed=seed)
        self.distance = distance or features
        self.real_embedded = self.distance(held_out_embedded)
        train_distance_rows = self.distance(train_embedded[: self.count])
        self.reference = energy_distance(self.real_embedded, train_distance_rows)
        self.gaussian_baseline = energy_distance(self.real_embedded, self.distance(baseline))

    @torch.no_grad()
    def measure(self, trainer: Trainer[Any]) -> Measurements:
        """Measure the networks without changing the trainer."""
        discriminator = trainer.networks.discriminator
        condition = self.held_out.condition
        fake = self._fakes(trainer, trainer.sampler(averaged=False), condition)
        self.latest = ema_samples = self._fakes(trainer, trainer.sampler(averaged=True), condition)
        train = self.train[: self.count]
        with evaluating(discriminator):
            on_train = _logits(discriminator, train.real, train.condition)
            on_real = _logits(discriminator, self.held_out.real, condition)
            on_fake = _logits(discriminator, fake, condition)
        logits = torch.cat([on_train, on_real, on_fake])
        finite = bool(logits.isfinite().all() and fake.isfinite().all() and _finite(trainer))
        if not finite:
            return Measurements.diverged(
                trainer.step, reference=self.reference, gaussian_baseline=self.gaussian_baseline
            )
        own = self._own_probe(discriminator, ema_samples)
        thumbnails, embedded = self.thumbnail(self.embed(fake)), self.embed(ema_samples)
        return self._measurements(trainer, on_train, on_real, on_fake, thumbnails, embedded, own)

    def _own_probe(self, network: nn.Module, fakes: Tensor) -> float:
        """AUC of a linear probe on the discriminator's own features; NaN if it shows none.

        It was trained on other reals and on other fakes, so its features may well see what random
        ones do not, though its logits hide it.
        """
        if not isinstance(network, ProjectionDiscriminator):
            return math.nan
        device = next(network.parameters()).device
        with evaluating(network):
            real, fake = (
                network.features(each.to(device)).float().cpu().flatten(1)
                for each in (self.held_out.real, fakes)
            )
        return linear_probe_auc(real, fake)

    def _fakes(self, trainer: Trainer[Any], model: nn.Module, condition: Condition) -> Tensor:
        width = trainer.config.latent_dim
        generator = torch.Generator().manual_seed(derive_seed(self.seed, trainer.step, 2))
        noise = torch.randn(len(condition), width, generator=generator)
        noise, condition = noise.to(trainer.device), condition.to(trainer.device)
        with evaluating(model):
            samples = trainer.recipe.sampling(model, noise, condition, trainer.config)
        return samples.float().cpu()

    def _grad_cosine(self, trainer: Trainer[Any]) -> float:
        """Mean cosine between the generator's gradients from different batches."""
        size, now, weights = (
            trainer.config.batch,
            trainer.current_config(),
            trainer.generator.weights,
        )
        gradients: list[Tensor] = []
        # In evaluation mode, so that running statistics do not change.
        with (
            evaluating(trainer.networks),
            _learning_alone(trainer),
            torch.random.fork_rng(),
            torch.enable_grad(),
        ):
            for turn in range(DRAWS):
                torch.manual_seed(derive_seed(self.seed, trainer.step, 4, turn))
                batch = self.train[torch.randint(len(self.train), (size,))].to(trainer.device)
                noise = torch.randn(len(batch), now.latent_dim).to(trainer.device)
                problem = trainer.recipe.training.corrupt(batch, trainer.rng, now)
                losses = trainer.generator.losses(trainer.networks, problem, noise, now)
                total = torch.stack([*losses.values()]).sum()
                gradient = torch.autograd.grad(total, weights, materialize_grads=True)
                gradients.append(torch.cat([each.flatten() for each in gradient]))
        unit = normalize(torch.stack(gradients), dim=1)
        cosines = unit @ unit.T
        return float((cosines.sum() - cosines.trace()) / (DRAWS * (DRAWS - 1)))

    def _validation_loss(self, trainer: Trainer[Any], samples: Batch) -> float:
        """Validation loss of the EMA generator; NaN where the recipe has none."""
        validation_loss = trainer.recipe.evaluation.validation_loss
        if validation_loss is None:
            return math.nan
        # The same problems at every evaluation, so that only the generator changes.
        rng = torch.Generator(trainer.device).manual_seed(derive_seed(self.seed, 5))
        some = torch.arange(self.modality.monitor.validation_samples) % len(samples)
        problem = trainer.recipe.training.corrupt(
            samples[some].to(trainer.device), rng, trainer.config
        )
        with evaluating(trainer.ema):
            return float(validation_loss(trainer.ema, problem, trainer.config))

    def _measurements(
        self,
        trainer: Trainer[Any],
        on_train: Tensor,
        on_real: Tensor,
        on_fake: Tensor,
        fakes: Tensor,
        ema_embedded: Tensor,
        own_probe_auc: float,
    ) -> Measurements:
        # Relativistic losses leave the offset of logits free: center them between reals and fakes.
        middle = (on_real.mean() + on_fake.mean()) / 2
        fake_features = self.features(ema_embedded)
        distance, error = energy_distance_with_se(self.real_embedded, self.distance(ema_embedded))
        probe = linear_probe_auc(self.real_features, fake_features)
        squared = linear_probe_auc(
            squares(self.real_features, SQUARED), squares(fake_features, SQUARED)
        )
        to_training = pairwise_distances(fakes, self.train_thumbnails).amin(1)
        return Measurements(
            step=trainer.step,
            auc_train=auc(on_train, on_fake),
            auc_held_out=auc(on_real, on_fake),
            auc_error=math.sqrt(1 / (6 * self.count)),
            d_real=float((on_real - middle).sigmoid().mean()),
            d_fake=float((on_fake - middle).sigmoid().mean()),
            diversity=mean_distance(fakes) / max(self.real_diversity, 1e-12),
            # If most reals have duplicates, fakes may have them as well.
            nn_diversity=median_nn_distance(fakes[self.distinct]) / self.real_nn_distance
            if self.real_nn_distance
            else 1.0,
            memorization_rate=float((to_training < self.copy_distance).float().mean()),
            linear_probe_auc=probe,
            energy_distance=distance,
            energy_distance_se=error,
            reference=self.reference,
            gaussian_baseline=self.gaussian_baseline,
            grad_norm_ratio=_length(trainer.generator.weights)
            / max(_length(trainer.discriminator.weights), 1e-12),
            grad_cosine=self._grad_cosine(trainer),
            logit_scale=float(torch.cat([on_real, on_fake]).sub(middle).abs().mean()),
            finite=True,
            loss_train=self._validation_loss(trainer, self.train),
            loss_validation=self._validation_loss(trainer, self.held_out),
            strongest_probe_auc=max(
                each for each in (probe, squared, own_probe_auc) if math.isfinite(each)
            ),
        )


@contextmanager
def evaluating(network: nn.Module) -> Generator[None]:
    """Put a network into evaluation mode, and each module back into its own mode afterwards.

    A recipe may keep a module in evaluation mode permanently, such as a frozen encoder.
    """
    was = [(each, each.training) for each in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for each, training in was:
            each.training = training


@contextmanager
def _learning_alone(trainer: Trainer[Any]) -> Generator[None]:
    """Enable gradients of the generator alone, and restore all flags afterwards."""
    was = [(each, each.requires_grad) for each in trainer.networks.parameters()]
    trainer.train_only(trainer.generator)
    try:
        yield
    finally:
        for each, learning in was:
            each.requires_grad_(learning)


def _logits(discriminator: nn.Module, samples: Tensor, condition: Condition) -> Tensor:
    device = str(next(discriminator.parameters()).device)
    logits = discriminator(samples.to(device), condition.to(device))
    return logits.float().reshape(len(samples), -1).mean(1).cpu()


def _finite(trainer: Trainer[Any]) -> bool:
    return all(bool(weight.isfinite().all()) for weight in trainer.networks.parameters())


def _length(weights: Sequence[Tensor]) -> float:
    return float(get_total_norm(each.grad for each in weights if each.grad is not None))
