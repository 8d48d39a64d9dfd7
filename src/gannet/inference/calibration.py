"""Platt scaling: calibrates a discriminator's logits to probabilities on held-out data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from gannet.core.seeding import derive_seed, random_subset
from gannet.core.types import Batch
from gannet.data.dataset import Dataset
from gannet.inference.artifact import Artifact
from gannet.inference.card import Calibration
from gannet.inference.options import given_options
from gannet.metrics.linear_algebra import solve

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

CALIBRATION_SAMPLES = 2_000
"""Maximum number of held-out reals, and of fakes, that the calibration is fitted on."""

MIN_LABELED = 8
"""Minimum number of labeled reals and fakes for a calibration per class."""

MAX_BATCH_BYTES = 64 * 2**20
"""Memory limit, in bytes, of the samples that are held at once."""

MIN_BATCH = 64
"""Number of samples that may be held at once whatever their size."""


def within_memory(count: int, shape: tuple[int, ...]) -> int:
    """How many samples of a shape may be held at once: ``count``, or as many as fit in 64 MiB.

    >>> within_memory(2_000, (3, 32, 32)), within_memory(2_000, (3, 256, 256))
    (2000, 85)
    """
    room = MAX_BATCH_BYTES // (4 * math.prod(shape))
    return min(count, max(room, MIN_BATCH))


def calibrated(artifact: Artifact, dataset: Dataset) -> Artifact:
    """The artifact with calibrations (Platt scaling) that turn logits into probabilities.

    Source: Platt 1999, Probabilistic outputs for support vector machines, section 2.
    """
    (real, real_own), (fake, fake_own) = (
        _logits(artifact, each) for each in _reals_and_fakes(artifact, dataset)
    )
    update = {"calibration": calibration_of(real, fake)}
    count = min(len(real_own), len(fake_own))
    if count >= MIN_LABELED:
        update["class_calibration"] = calibration_of(real_own[:count], fake_own[:count])
    return replace(artifact, card=artifact.card.model_copy(update=update))


def _reals_and_fakes(
    artifact: Artifact, dataset: Dataset
) -> tuple[Iterator[Batch], Iterator[Batch]]:
    """Held-out reals and as many fakes, each with its class, in batches that fit in memory."""
    count, seed = min(len(dataset.held_out), CALIBRATION_SAMPLES), artifact.card.seed
    rows = random_subset(len(dataset.held_out), count, seed)
    part = within_memory(256, artifact.card.spec.shape)
    starts = range(0, count, part)
    fake_seed = derive_seed(seed, 1)

    def fake_batch(start: int) -> Batch:
        condition = artifact.held_out_conditions(held_out(start), seed=fake_seed, start=start)
        return Batch(artifact.fakes(condition, seed=fake_seed, start=start), condition)

    def held_out(start: int) -> Batch:
        return dataset.held_out.take(rows[start : start + part])

    def real(start: int) -> Batch:
        return artifact.recipe.with_evaluation_condition(held_out(start), artifact.card.spec)

    reals = (real(start) for start in starts)
    return reals, (fake_batch(start) for start in starts)


def _logits(artifact: Artifact, parts: Iterable[Batch]) -> tuple[Tensor, Tensor]:
    """Logits for the best-fitting class of each sample, and for its own condition where known.

    Own conditions are those that users can give: its class, or a text.
    """
    roles = ["vector"] * bool(artifact.classes)
    roles += [artifact.recipe.inputs.given] * bool(given_options(artifact.recipe, artifact.codecs))
    best: list[Tensor] = []
    own: list[Tensor] = []
    for batch in parts:
        best.append(artifact.logits(batch.real))
        if not roles:
            continue
        known = [batch.condition.slot(role).flatten(1).abs().sum(1) for role in roles]
        labeled = batch[torch.stack(known).sum(0).nonzero().squeeze(1)]
        own.append(artifact.logits(labeled.real, labeled.condition))
    return torch.cat(best), torch.cat([torch.zeros(0), *own])


def calibration_of(real: Tensor, fake: Tensor) -> Calibration:
    """Platt scaling of the logits ``(n,)`` of held-out reals and ``(m,)`` of fakes."""
    weight, bias = _platt(real, fake)
    quantiles = torch.tensor(QUANTILES)
    quantile_values: list[tuple[float, ...]] = []
    for logits in (real, fake):
        probabilities: list[float] = (logits * weight + bias).sigmoid().quantile(quantiles).tolist()
        quantile_values.append(tuple(round(probability, 4) for probability in probabilities))
    return Calibration(
        weight=weight, bias=bias, real=quantile_values[0], fake=quantile_values[1], count=len(real)
    )


def _platt(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """Weight and bias of a logistic regression on one logit, by Newton's method."""
    logits = torch.cat([real, fake]).double()
    center, std = logits.mean(), logits.std().clamp_min(1e-12)
    x = torch.stack([(logits - center) / std, torch.ones_like(logits)], 1)
    # Platt's smoothed targets keep the weight finite on separable data.
    target = torch.cat(
        [
            torch.full((len(real),), (len(real) + 1) / (len(real) + 2)),
            torch.full((len(fake),), 1 / (len(fake) + 2)),
        ]
    ).double()
    weights: Tensor = torch.zeros(2, dtype=torch.float64)
    for _ in range(50):
        probability: Tensor = (x @ weights).sigmoid()
        bend = (probability * (1 - probability)).clamp_min(1e-9)
        hessian = x.T @ (x * bend[:, None]) + 1e-9 * torch.eye(2, dtype=torch.float64)
        step = solve(hessian, x.T @ (target - probability))
        before = binary_cross_entropy_with_logits(x @ weights, target)
        while step.abs().max() > 1e-9:
            if binary_cross_entropy_with_logits(x @ (weights + step), target) <= before:
                break
            step *= 0.5
        weights += step
        if step.abs().max() < 1e-9:
            break
    weight = float(weights[0] / std)
    # A discriminator that ranks held-out fakes above reals has no information: weight 0.
    if weight < 0:
        return 0.0, 0.0
    return weight, float(weights[1] - weights[0] * center / std)
