"""Where healthy ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from gannet.core.config import C
from gannet.core.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where healthy ends. Set on recorded runs, good and bad: see ``docs/monitoring.md``.

    Attributes:
        warm_up: Share of the run in which a generator may still be finding its feet.
        min_progress_converged: Share of the run before which it is not called done.
        evaluations: Looks in a row that must agree before anything but ``diverged`` is said.
        min_diversity, min_nn_diversity: Below either, samples are too alike.
        max_auc_gap: Between the two AUCs, above it the training data are known by heart.
        max_memorization_rate: Share of fakes that are nearly copies of training samples, beyond
            which the training data are known by heart as well.
        max_loss_increase: Share of its least error on held-out data by which a generator may become
            worse.
        min_improvement: A distance above this share of the best before is no progress.
        max_linear_probe_auc, noisy_linear_probe_auc: AUC of the linear critic above which samples
            are plainly poor.
        unsure_probability: Probability of reals below which the discriminator is unsure.
        logit_collapse, logit_collapse_auc: Logits smaller than the one, while the critic's AUC is
            above the other, mean that the discriminator is held too flat.
        discriminator_saturated, discriminator_saturated_auc: Logits larger than the one, while the
            AUC is above the other, mean that nothing keeps the discriminator from being certain.
        min_auc: AUC below which the discriminator is on the wrong side.
        min_grad_cosine, far_from_data: Agreement below the one, while the distance is above that
            share of the baseline, means that batches are too small.
        max_logit_scale: Mean size of logits that is no longer a number to work with.
        conditional: Whether each sample answers an input. Then no plain Gaussian is a yardstick,
            what answers get wrong is not all that they are for, and progress is counted from the
            first look on, as much is there from the first step.
    """

    warm_up: float = 0.08
    min_progress_converged: float = 0.75
    evaluations: int = 3
    min_diversity: float = 0.4
    min_nn_diversity: float = 0.3
    max_auc_gap: float = 0.12
    max_memorization_rate: float = 0.1
    max_loss_increase: float = 0.01
    min_improvement: float = 0.95
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

    @property
    def sample_noun(self) -> str:
        """What samples are called."""
        return "answers" if self.conditional else "fakes"


USUAL = Thresholds()


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
"""Limits where the discriminator only measures. Nor does its draw end the run early: the odds that
the generator learns go on improving until the learning rate has fallen."""


CONDITIONAL: dict[str, Any] = {
    "conditional": True,
    "max_memorization_rate": math.inf,
    "min_grad_cosine": -1.0,
    "min_progress_converged": 1.0,
}
"""Limits where samples are answers. A blur lies near to all training samples, and is no copy. Each
batch asks for other answers, so that gradients need not agree. And answers lie near reals long
before they are as good as they get, which ends no run."""


def thresholds_for(recipe: Recipe[C], config: C, *, near_copies: bool = True) -> Thresholds:
    """Limits that suit the recipe, its objective and the data.

    Only some objectives have logits that are log-odds. And not of all data does a near copy say
    that something was learnt by heart (``near_copies``): rows of few or whole numbers lie close to
    each other anyway.
    A generator that does not learn from its discriminator cannot be starved or misled by it.
    """
    found = USUAL if near_copies else replace(USUAL, max_memorization_rate=math.inf)
    found = replace(found, **CONDITIONAL) if recipe.inputs.conditional else found
    if recipe.evaluation.is_baseline:
        # What is there to be beaten goes its own way: to be alike is its nature, or its blame.
        return replace(found, **NOT_ADVERSARIAL, min_diversity=0.0, min_nn_diversity=0.0)
    if not recipe.training.adversarial(config):
        return replace(found, **NOT_ADVERSARIAL)
    if not recipe.training.calibrated_logits(config):
        return replace(
            found, logit_collapse=0.0, discriminator_saturated=math.inf, max_logit_scale=math.inf
        )
    return found
