"""What is measured at a look: numbers that mean the same for every objective. All pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor

from gannet.core.seeding import derive_seed
from gannet.metrics.distribution import energy_distance, squared_distances

USUAL_COPY_RATE = 0.01
"""Share of held-out samples that are no farther from a training sample than a copy is."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """One look at a duel. All shares and probabilities are in [0, 1].

    Attributes:
        step: When the look was taken.
        auc_train: P(D(real) > D(fake)) on training data; .5 is the draw that a duel aims at.
        auc_held_out: The same on data that training never saw.
        auc_error: Standard error of either.
        d_real: Mean probability that the discriminator gives held-out reals.
        d_fake: The same of fakes.
        diversity: Mean distance between fakes over that between reals; 1 is as varied.
        nn_diversity: Median distance from a fake to its nearest fake over the same of reals.
        memorization_rate: Share of fakes nearer to a training sample than all but 1 % of held-out
            reals are.
        linear_probe_auc: How well a plain linear critic, fresh at every look, tells fakes from
            held-out reals (its AUC on samples that it was not fitted on).
        energy_distance: Energy distance from the averaged generator's fakes to held-out reals.
        energy_distance_se: Standard error of it.
        reference: Energy distance from training data to held-out reals.
        gaussian_baseline: Energy distance from samples of one Gaussian, fitted to the training
            data, to held-out reals: what no duel is needed for.
        grad_norm_ratio: Length of the generator's last gradient over the discriminator's.
        grad_cosine: Mean cosine between the generator's gradients from batches of the run's size;
            near zero, a step is mostly chance.
        logit_scale: Mean absolute logit, from the middle between reals and fakes.
        finite: Whether all weights and logits are finite numbers.
        loss_train: How wrong the averaged generator is about training samples; see
            ``Evaluation.validation_loss``, NaN where a recipe has none.
        loss_validation: The same of samples that training never saw.
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

    @property
    def samples(self) -> int:
        """Samples on each side, which the standard error of an AUC follows from; 0 if unknown."""
        known = math.isfinite(self.auc_error) and self.auc_error > 0
        return round(1 / (6 * self.auc_error**2)) if known else 0

    def record(self) -> dict[str, Any]:
        """As a JSON object; numbers to six digits."""
        return {
            name: round(value, 6) if isinstance(value, float) and math.isfinite(value) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def diverged(cls, step: int, *, reference: float, gaussian_baseline: float) -> Self:
        """Of a duel whose numbers are no longer finite."""
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
    ordered = fake.sort().values
    below = torch.searchsorted(ordered, real, right=False).double()
    upto = torch.searchsorted(ordered, real, right=True).double()
    return float((below + upto).mean() / 2 / len(fake))


def linear_probe_auc(real: Tensor, fake: Tensor) -> float:
    """How well the best straight line through the features tells two samples apart, as an AUC.

    Fitted on the even rows (Fisher's discriminant with ridge), judged on the odd ones, so chance
    gives .5.

    Args:
        real: ``(N, F)`` features.
        fake: ``(M, F)`` features.
    """
    fit_real, fit_fake = real[::2].double(), fake[::2].double()
    centerd = torch.cat([fit_real - fit_real.mean(0), fit_fake - fit_fake.mean(0)])
    covariance = centerd.T @ centerd / len(centerd)
    ridge = 0.1 * covariance.diagonal().mean().clamp_min(1e-12)
    covariance.diagonal().add_(ridge)
    line = _solved(covariance, fit_real.mean(0) - fit_fake.mean(0))
    on_real, on_fake = torch.mv(real[1::2].double(), line), torch.mv(fake[1::2].double(), line)
    return auc(on_real.float(), on_fake.float())


def _solved(matrix: Tensor, right: Tensor) -> Tensor:
    return torch.linalg.solve(matrix, right)


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
    """Of a row to another."""
    count = len(rows)
    return float(pairwise_distances(rows, rows).sum() / max(count * (count - 1), 1))


def median_nn_distance(rows: Tensor) -> float:
    """Median distance of a row to its nearest other."""
    # Exact differences: equal rows must be at zero, which the quick way blurs.
    between = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    between.fill_diagonal_(math.inf)
    return float(between.amin(1).median())


def gaussian(samples: Tensor, count: int, *, seed: int) -> Tensor:
    """``count`` samples of the one Gaussian that fits ``samples`` ``(n, *shape)``.

    Weighted sums of the centred samples have their covariance, without computing it.
    """
    source = torch.Generator().manual_seed(derive_seed(seed, 3))
    flat = samples.flatten(1)
    centerd = flat - flat.mean(0)
    weights = torch.randn(count, len(flat), generator=source) / math.sqrt(max(len(flat) - 1, 1))
    made = flat.mean(0) + weights @ centerd
    return made.clamp(flat.amin(), flat.amax()).view(count, *samples.shape[1:])
