"""Thresholds of the diagnoses."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from gannet.core.config import C
from gannet.core.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits of healthy. Set on recorded runs, good and bad: see ``docs/monitoring.md``.

    Attributes:
        warm_up: Fraction of the run before which most symptoms are not checked.
        min_progress_converged: Fraction of the run before which it is not called converged.
        evaluations: Evaluations in a row that must agree on anything but ``diverged``.
        min_diversity, min_nn_diversity: Below either, the generator shows mode collapse.
        max_auc_gap: AUC on training minus AUC on held-out data, above which the discriminator
            overfits.
        max_memorization_rate: Fraction of fakes that are nearly copies of training samples, above
            which the discriminator overfits as well.
        max_loss_increase: Relative increase of the validation loss over its minimum, above which
            the generator overfits.
        max_ratio_to_best: A distance above this fraction of the best so far is no improvement.
        max_linear_probe_auc, noisy_linear_probe_auc: AUC of the linear probe above which samples
            are clearly poor.
        unsure_probability: Mean probability for reals below which the discriminator is unsure.
        logit_collapse, logit_collapse_auc: Logits below the first while the linear probe's AUC is
            above the second mean that the gradient penalty is too high.
        discriminator_saturated, discriminator_saturated_auc: Logits above the first while the AUC
            is above the second mean that the discriminator saturates.
        min_auc: AUC below which the discriminator prefers fakes.
        min_grad_cosine, far_from_data: Gradient cosine below the first while the distance is above
            the second, as a fraction of the baseline, means that batches are too small.
        max_logit_scale: Mean absolute logit above which training has diverged.
        conditional: Whether each sample is made from an input. Then the simple baseline is not
            compared with, the validation loss alone decides nothing, and progress is counted from
            the first evaluation on.
        small_batch: Whether batches are so small that noisy gradients are their fault.
        min_evaluations_converged, min_steps_converged: Below either, a run is not called converged,
            however much of what was planned is done.
        max_probe_error_converged: Standard error of the probe's AUC above which no difference
            proves nothing.
        min_diversity_converged: Diversity, and nearest-neighbor diversity, below which or above
            whose inverse samples are not spread like reals.
    """

    warm_up: float = 0.08
    min_progress_converged: float = 0.9
    evaluations: int = 3
    min_diversity: float = 0.4
    min_nn_diversity: float = 0.3
    max_auc_gap: float = 0.12
    max_memorization_rate: float = 0.1
    max_loss_increase: float = 0.01
    max_ratio_to_best: float = 0.95
    max_linear_probe_auc: float = 0.97
    noisy_linear_probe_auc: float = 0.985
    unsure_probability: float = 0.55
    logit_collapse: float = 0.02
    logit_collapse_auc: float = 0.9
    discriminator_saturated: float = 3.0
    discriminator_saturated_auc: float = 0.8
    min_auc: float = 0.3
    min_grad_cosine: float = 0.3
    far_from_data: float = 0.1
    max_logit_scale: float = 1e3
    conditional: bool = False
    small_batch: bool = False
    min_evaluations_converged: int = 5
    min_steps_converged: int = 500
    max_probe_error_converged: float = 0.03
    min_diversity_converged: float = 0.75

    @property
    def sample_noun(self) -> str:
        """Name of samples in messages."""
        return "answers" if self.conditional else "fakes"


DEFAULT_THRESHOLDS = Thresholds()

SMALL_BATCH = 8
"""Batch size below which gradients are noisy whatever else is wrong."""


NOT_ADVERSARIAL: dict[str, float] = {
    "max_auc_gap": math.inf,
    "logit_collapse": 0.0,
    "discriminator_saturated": math.inf,
    "min_auc": 0.0,
    "min_grad_cosine": -1.0,
    "max_linear_probe_auc": math.inf,
    "max_logit_scale": math.inf,
    "min_progress_converged": 1.0,
}
"""Limits where the generator is not trained against the discriminator. An AUC of 0.5 does not end
such a run early, since the generator improves until the learning rate has fallen."""


CONDITIONAL: dict[str, Any] = {
    "conditional": True,
    "max_memorization_rate": math.inf,
    "min_grad_cosine": -1.0,
    "min_progress_converged": 1.0,
}
"""Limits of conditional recipes. A blur lies near all training samples without being a copy;
batches with different inputs need not agree on gradients; and outputs lie near reals long before
they are as good as they get, so that the run does not end early."""


def thresholds_for(recipe: Recipe[C], config: C, *, near_copies: bool = True) -> Thresholds:
    """Thresholds for the recipe, its adversarial loss and the data.

    Logits are only limited for losses whose logits are log-odds. Near copies only mean memorization
    where ``near_copies`` is true: rows of few values or of integers lie close to each other anyway.
    A generator that is not trained against the discriminator cannot be misled by it.
    """
    thresholds = (
        DEFAULT_THRESHOLDS
        if near_copies
        else replace(DEFAULT_THRESHOLDS, max_memorization_rate=math.inf)
    )
    thresholds = replace(thresholds, small_batch=config.batch < SMALL_BATCH)
    thresholds = replace(thresholds, **CONDITIONAL) if recipe.inputs.conditional else thresholds
    if recipe.evaluation.is_baseline:
        # Baselines may collapse by design (`mean` always does), so diversity is not checked.
        return replace(thresholds, **NOT_ADVERSARIAL, min_diversity=0.0, min_nn_diversity=0.0)
    if not recipe.training.adversarial(config):
        return replace(thresholds, **NOT_ADVERSARIAL)
    if not recipe.training.calibrated_logits(config):
        return replace(
            thresholds,
            logit_collapse=0.0,
            discriminator_saturated=math.inf,
            max_logit_scale=math.inf,
        )
    return thresholds
