"""Make rows with the right marginals and independent columns: a baseline for tables.

Each cell is drawn from a random training row, for each column independently; fitted at once. It
shows what a score gives for right marginals alone.
"""

from __future__ import annotations

from torch import nn

from gannet.core.recipe import Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Networks, Spec
from gannet.networks.nonparametric import EmpiricalMarginals, NullDiscriminator
from gannet.recipes.common.baselines import BaselineConfig, embed, suggest_config
from gannet.recipes.common.kinds import tables


def build(config: BaselineConfig, spec: Spec) -> Networks:
    """Independent marginals, and a constant discriminator."""
    return Networks(
        EmpiricalMarginals(spec, config.stored_samples, related=False), NullDiscriminator()
    )


def fit(config: BaselineConfig, spec: Spec, train: Batch) -> nn.Module:
    """Marginals of the training rows."""
    return EmpiricalMarginals(spec, config.stored_samples, related=False).fitted(train.real)


recipe = Recipe(
    config=BaselineConfig,
    inputs=Inputs(slots={"sample": Slot(tables)}),
    training=Training(build=build, fit=fit, suggest=suggest_config),
    evaluation=Evaluation(embed=embed, is_baseline=True),
)
