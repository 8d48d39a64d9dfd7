"""Hand out training samples again: a baseline that knows its data by heart.

Fitted at once. Its samples are as good as samples get and worth nothing, since none is new: every
test for memorised data must say so, and scores that do not look for copies show what they miss.
"""

from __future__ import annotations

from torch import nn

from gannet.core.recipe import Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Networks, Spec
from gannet.networks.nonparametric import MemorizedSamples, NullDiscriminator
from gannet.recipes.common.baselines import BaselineConfig, embed, suggest_config


def build(config: BaselineConfig, spec: Spec) -> Networks:
    """Samples to hand out, and nobody to judge them."""
    return Networks(MemorizedSamples(spec, config.stored_samples), NullDiscriminator())


def fit(config: BaselineConfig, spec: Spec, train: Batch) -> nn.Module:
    """The training samples themselves."""
    return MemorizedSamples(spec, config.stored_samples).fitted(train)


recipe = Recipe(
    config=BaselineConfig,
    inputs=Inputs(
        slots={
            "sample": Slot(("image", "vector", "table")),
            "vector": Slot(("label",), optional=True),
        }
    ),
    training=Training(build=build, fit=fit, suggest=suggest_config),
    evaluation=Evaluation(embed=embed, is_baseline=True),
)
