"""What an evaluation measures: numbers that mean the same for every loss. All pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor

from gannet.core.seeding import derive_seed
from gannet.metrics.auc import auc_value
from gannet.metrics.distribution import energy_distance, squared_distances
from gannet.metrics.linear_algebra import solve

USUAL_COPY_RATE = 0.01
"""Fraction of held-out samples that count as copies of a training sample, by definition."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """The measurements of one evaluation. Rates and probabilities are in [0, 1].

    Attributes:
        step: Step of the evaluation.
        auc_train: Discriminator AUC on training data, P(D(real) > D(fake)); 0.5 is chance.
        auc_held_out: Discriminator AUC on held-out data.
        auc_error: Standard error of either AUC.
        d_real: Mean probability of being real that the discriminator gives held-out reals.
        d_fake: The same for fakes.
        diversity: Mean pairwise distance of fakes over that of reals; 1 is as diverse.
        nn_diversity: Median nearest-neighbor distance of fakes over that of reals.
        memorization_rate: Fraction of fakes nearer to a training sample than all but 1 % of
            held-out reals are.
        linear_probe_auc: AUC of a linear classifier of fakes and held-out reals, refitted at every
            evaluation, on samples that it was not fitted on.
        energy_distance: Energy distance from the EMA generator's fakes to held-out reals.
        energy_distance_se: Standard error of the energy distance.
        reference: Energy distance from training data to held-out reals (real against real).
        gaussian_baseline: Energy distance from a simple baseline to held-out reals: samples of one
            Gaussian, fitted to the training data. Where distances need an embedding, as of tokens,
            samples whose numbers were shuffled among training samples, since no Gaussian is a
            sample there.
        grad_norm_ratio: Norm of the generator's last gradient over the discriminator's.
        grad_cosine: Mean cosine between the generator's gradients from batches of the run's size;
            near zero, a step is mostly noise.
        logit_scale: Mean absolute logit, centered between reals and fakes.
        finite: Whether all weights and logits are finite numbers.
        loss_train: Loss of the EMA generator on training samples, as
            ``Evaluation.validation_loss`` computes it; NaN where a recipe has none.
        loss_validation: The same on held-out samples.
        strongest_probe_auc: The highest AUC of linear probes like the first one, on several kinds
            of features: those of the distances, their squares, and the discriminator's own.
    """

    step: int
    auc_train: float
    auc_held_out: float
    auc_error: float
    d_real: float
    d_fake: float
    diversity: float
    nn_diversity: float
    memorization_rate: float
    linear_probe_auc: float
    energy_distance: float
    energy_distance_se: float
    reference: float
    gaussian_baseline: float
    grad_norm_ratio: float
    grad_cosine: float
    logit_scale: float
    finite: bool
    loss_train: float = math.nan
    loss_validation: float = math.nan
    strongest_probe_auc: float = math.nan

    @property
    def samples(self) -> int:
        """Samples per set, recovered from the standard error of an AUC; 0 if unknown."""
        has_error = math.isfinite(self.auc_error) and self.auc_error > 0
        return round(1 / (6 * self.auc_error**2)) if has_error else 0

    def record(self) -> dict[str, Any]:
        """As a JSON object; numbers to six digits."""
        return {
            name: round(value, 6) if isinstance(value, float) and math.isfinite(value) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def diverged(cls, step: int, *, reference: float, gaussian_baseline: float) -> Self:
        """Measurements of networks whose weights or logits are not finite."""
        values: dict[str, Any] = {each.name: math.nan for each in fields(cls)}
        values |= {
            "step": step,
            "reference": reference,
            "gaussian_baseline": gaussian_baseline,
            "finite": False,
        }
        return cls(**values)


def auc(real: Tensor, fake: Tensor) -> float:
    """P(real > fake) for a random pair; ties count half. Any scale and offset give the same.

    >>> auc(torch.tensor([2.0, 3.0]), torch.tensor([1.0, 3.0]))
    0.625
    """
    return auc_value(real.double().numpy(), fake.double().numpy())


def linear_probe_auc(real: Tensor, fake: Tensor) -> float:
    """AUC of a linear classifier between two sets of features; 0.5 is chance.

    Fitted on the even rows (Fisher's discriminant with ridge), tested on the odd ones.

    Args:
        real: ``(N, F)`` features.
        fake: ``(M, F)`` features.
    """
    fit_real, fit_fake = real[::2].double(), fake[::2].double()
    centered = torch.cat([fit_real - fit_real.mean(0), fit_fake - fit_fake.mean(0)])
    covariance = centered.T @ centered / len(centered)
    ridge = 0.1 * covariance.diagonal().mean().clamp_min(1e-12)
    covariance.diagonal().add_(ridge)
    line = solve(covariance, fit_real.mean(0) - fit_fake.mean(0))
    on_real, on_fake = torch.mv(real[1::2].double(), line), torch.mv(fake[1::2].double(), line)
    return auc(on_real.float(), on_fake.float())


def squares(features: Tensor, width: int) -> Tensor:
    """The features ``(N, F)`` and the squares and products of the first ``width`` of them."""
    some = features[:, :width]
    left, right = torch.triu_indices(some.shape[1], some.shape[1])
    return torch.cat([features, some[:, left] * some[:, right]], 1)


def energy_distance_with_se(real: Tensor, fake: Tensor, blocks: int = 10) -> tuple[float, float]:
    """Energy distance between features, with its standard error over ``blocks`` of rows."""
    size = min(len(real), len(fake)) // blocks
    whole = energy_distance(real, fake)
    if size < 2:
        return whole, math.nan
    parts = [
        energy_distance(real[at : at + size], fake[at : at + size])
        for at in range(0, size * blocks, size)
    ]
    return whole, float(torch.tensor(parts).std() / math.sqrt(blocks))


def pairwise_distances(left: Tensor, right: Tensor) -> Tensor:
    """Distances ``(N, M)`` between rows ``(N, F)`` and rows ``(M, F)``."""
    return squared_distances(left, right).clamp_min(0).sqrt()


def mean_distance(rows: Tensor) -> float:
    """Mean pairwise distance of rows."""
    count = len(rows)
    return float(pairwise_distances(rows, rows).sum() / max(count * (count - 1), 1))


def median_nn_distance(rows: Tensor) -> float:
    """Median nearest-neighbor distance of rows."""
    # Exact differences: the fast matrix product does not give 0 for equal rows.
    between = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    between.fill_diagonal_(math.inf)
    return float(between.amin(1).median())


def gaussian(samples: Tensor, count: int, *, seed: int) -> Tensor:
    """``count`` samples of the one Gaussian that fits ``samples`` ``(n, *shape)``.

    Random combinations of the centered samples have their covariance, without computing it.
    """
    rng = torch.Generator().manual_seed(derive_seed(seed, 3))
    flat = samples.flatten(1)
    centered = flat - flat.mean(0)
    weights = torch.randn(count, len(flat), generator=rng) / math.sqrt(max(len(flat) - 1, 1))
    generated = flat.mean(0) + weights @ centered
    return generated.clamp(flat.amin(), flat.amax()).view(count, *samples.shape[1:])
