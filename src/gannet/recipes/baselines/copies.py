"""Return memorized training samples: a baseline for memorization.

Fitted at once. Its samples are as good as samples get and worth nothing, since none is new: every
test for memorization must say so, and other scores show what they miss.
"""

from __future__ import annotations

from torch import nn

from gannet.core.recipe import Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Networks, Spec
from gannet.networks.nonparametric import MemorizedSamples, NullDiscriminator
from gannet.recipes.common.baselines import BaselineConfig, embed, suggest_config
from gannet.recipes.common.kinds import any_kind


def build(config: BaselineConfig, spec: Spec) -> Networks:
    """Memorized samples, and a constant discriminator."""
    return Networks(MemorizedSamples(spec, config.stored_samples), NullDiscriminator())


def fit(config: BaselineConfig, spec: Spec, train: Batch) -> nn.Module:
    """The training samples themselves."""
    return MemorizedSamples(spec, config.stored_samples).fitted(train)


recipe = Recipe(
    config=BaselineConfig,
    inputs=Inputs(
        slots={
            "sample": Slot(any_kind),
            "vector": Slot(("label",), optional=True),
        }
    ),
    training=Training(build=build, fit=fit, suggest=suggest_config),
    evaluation=Evaluation(embed=embed, is_baseline=True),
)
