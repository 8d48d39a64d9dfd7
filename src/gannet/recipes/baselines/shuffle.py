"""Make rows whose columns are right one by one and know nothing of each other: a baseline.

Each cell is that of some training row, drawn for each column by itself, and fitted at once. It
shows what a score gives for right margins alone.
"""

from __future__ import annotations

from torch import nn

from gannet.core.recipe import Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Players, Spec
from gannet.networks.nonparametric import Margins, Undecided
from gannet.recipes.common.baselines import BaselineConfig, suggest, view


def build(config: BaselineConfig, spec: Spec) -> Players:
    """Columns that are drawn one by one, and nobody to judge them."""
    return Players(Margins(spec, config.kept, related=False), Undecided())


def fit(config: BaselineConfig, spec: Spec, train: Batch) -> nn.Module:
    """Margins of the training rows."""
    return Margins(spec, config.kept, related=False).fitted(train.real)


recipe = Recipe(
    config=BaselineConfig,
    inputs=Inputs(slots={"sample": Slot(("table",))}),
    training=Training(build=build, fit=fit, suggest=suggest),
    evaluation=Evaluation(embed=view, is_baseline=True),
)
