"""Make rows with the right marginals and pairwise correlations: a baseline for tables.

A Gaussian copula (Sklar 1959; Patki et al. 2016, The Synthetic Data Vault), fitted at once: each
column has its marginal distribution of training and a normal variable that correlates with those of
the others. Categories are ordered by frequency. Relations of more than two columns are not learnt.
"""

from __future__ import annotations

from torch import nn

from gannet.core.recipe import Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Networks, Spec
from gannet.networks.nonparametric import EmpiricalMarginals, NullDiscriminator
from gannet.recipes.common.baselines import BaselineConfig, embed, suggest_config
from gannet.recipes.common.kinds import tables


def build(config: BaselineConfig, spec: Spec) -> Networks:
    """Correlated marginals, and a constant discriminator."""
    return Networks(
        EmpiricalMarginals(spec, config.stored_samples, related=True), NullDiscriminator()
    )


def fit(config: BaselineConfig, spec: Spec, train: Batch) -> nn.Module:
    """Marginals and correlations of the training rows."""
    return EmpiricalMarginals(spec, config.stored_samples, related=True).fitted(train.real)


recipe = Recipe(
    config=BaselineConfig,
    inputs=Inputs(slots={"sample": Slot(tables)}),
    training=Training(build=build, fit=fit, suggest=suggest_config),
    evaluation=Evaluation(embed=embed, is_baseline=True),
)
