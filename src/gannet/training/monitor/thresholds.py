"""Where healthy ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from gannet.core.config import C
from gannet.core.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Limits:
    """Where healthy ends. Set on recorded runs, good and bad: see ``docs/verdicts.md``.

    Attributes:
        warm_up: Share of the run in which a generator may still be finding its feet.
        annealed: Share of the run before which it is not called done.
        looks: Looks in a row that must agree before anything but ``diverged`` is said.
        spread, crowding: Below either, samples are too alike.
        overfit_gap: Between the two AUCs, above it the training data are known by heart.
        copied: Share of fakes that are nearly copies of training samples, beyond which the training
            data are known by heart as well.
        worse: Share of its least error on held-out data by which a generator may become worse.
        progress: A distance above this share of the best before is no progress.
        plain, plainer: AUC of the linear critic above which samples are plainly poor.
        flat: Probability of reals below which the discriminator is unsure.
        resting, seen: Logits smaller than the one, while the critic's AUC is above the other, mean
            that the discriminator is held too flat.
        won, won_auc: Logits larger than the one, while the AUC is above the other, mean that
            nothing keeps the discriminator from being certain.
        swing: AUC below which the discriminator is on the wrong side.
        agreement, far: Agreement below the one, while the distance is above that share of the
            baseline, means that batches are too small.
        logits: Mean size of logits that is no longer a number to work with.
        answers: Whether each sample answers an input. Then no plain Gaussian is a yardstick, what
            answers get wrong is not all that they are for, and progress is counted from the first
            look on, as much is there from the first step.
    """

    warm_up: float = 0.08
    annealed: float = 0.75
    looks: int = 3
    spread: float = 0.4
    crowding: float = 0.3
    overfit_gap: float = 0.12
    copied: float = 0.1
    worse: float = 0.01
    progress: float = 0.95
    plain: float = 0.97
    plainer: float = 0.985
    flat: float = 0.55
    resting: float = 0.02
    seen: float = 0.9
    won: float = 3.0
    won_auc: float = 0.8
    swing: float = 0.3
    agreement: float = 0.3
    far: float = 0.1
    logits: float = 1e3
    answers: bool = False

    @property
    def made(self) -> str:
        """What samples are called."""
        return "answers" if self.answers else "fakes"


USUAL = Limits()


UNHEARD: dict[str, float] = {
    "overfit_gap": math.inf,
    "resting": 0.0,
    "won": math.inf,
    "swing": 0.0,
    "agreement": -1.0,
    "plain": math.inf,
    "logits": math.inf,
    "annealed": 1.0,
}
"""Limits where the discriminator only measures. Nor does its draw end the run early: the odds that
the generator learns go on improving until the learning rate has fallen."""


ANSWERING: dict[str, Any] = {
    "answers": True,
    "copied": math.inf,
    "agreement": -1.0,
    "annealed": 1.0,
}
"""Limits where samples are answers. A blur lies near to all training samples, and is no copy. Each
batch asks for other answers, so that gradients need not agree. And answers lie near reals long
before they are as good as they get, which ends no run."""


def limits_for(recipe: Recipe[C], config: C, *, near_copies: bool = True) -> Limits:
    """Limits that suit the recipe, its objective and the data.

    Only some objectives have logits that are log-odds. And not of all data does a near copy say
    that something was learnt by heart (``near_copies``): rows of few or whole numbers lie close to
    each other anyway.
    A generator that does not learn from its discriminator cannot be starved or misled by it.
    """
    found = USUAL if near_copies else replace(USUAL, copied=math.inf)
    found = replace(found, **ANSWERING) if recipe.inputs.conditional else found
    if recipe.evaluation.is_baseline:
        # What is there to be beaten goes its own way: to be alike is its nature, or its blame.
        return replace(found, **UNHEARD, spread=0.0, crowding=0.0)
    if not recipe.training.adversarial(config):
        return replace(found, **UNHEARD)
    if not recipe.training.calibrated_logits(config):
        return replace(found, resting=0.0, won=math.inf, logits=math.inf)
    return found
