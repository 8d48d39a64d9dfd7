"""Make rows whose columns have the right margins and pairwise relations: a baseline for tables.

A Gaussian copula (Sklar 1959; Patki et al. 2016, The Synthetic Data Vault), fitted at once: each
column has the margin of training, and a normal number behind it that correlates with the others'.
Words count as ordered by how often they occur. What takes more than pairs to say is not kept.
"""

from __future__ import annotations

from torch import nn

from gannet.core.recipe import Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Networks, Spec
from gannet.networks.nonparametric import EmpiricalMarginals, NullDiscriminator
from gannet.recipes.common.baselines import BaselineConfig, embed, suggest_config


def build(config: BaselineConfig, spec: Spec) -> Networks:
    """Columns that are drawn together, and nobody to judge them."""
    return Networks(
        EmpiricalMarginals(spec, config.stored_samples, related=True), NullDiscriminator()
    )


def fit(config: BaselineConfig, spec: Spec, train: Batch) -> nn.Module:
    """Margins and correlations of the training rows."""
    return EmpiricalMarginals(spec, config.stored_samples, related=True).fitted(train.real)


recipe = Recipe(
    config=BaselineConfig,
    inputs=Inputs(slots={"sample": Slot(("table",))}),
    training=Training(build=build, fit=fit, suggest=suggest_config),
    evaluation=Evaluation(embed=embed, is_baseline=True),
)
