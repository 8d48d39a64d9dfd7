"""Return the mean sample every time: a baseline without diversity.

Fitted at once: the mean of all training samples, or of those of the given class; for tables the
median number and the most frequent category of each column.
"""

from __future__ import annotations

from torch import nn

from gannet.core.config import Config
from gannet.core.recipe import Evaluation, Inputs, Recipe, Slot, Training
from gannet.core.types import Batch, Networks, Spec
from gannet.networks.nonparametric import ClassMeans, NullDiscriminator
from gannet.recipes.common.baselines import embed
from gannet.recipes.common.kinds import with_a_mean


def build(_config: Config, spec: Spec) -> Networks:
    """One sample per class and one for all, and a constant discriminator."""
    return Networks(ClassMeans(spec), NullDiscriminator())


def fit(_config: Config, spec: Spec, train: Batch) -> nn.Module:
    """The means of the training samples."""
    return ClassMeans(spec).fitted(train)


recipe = Recipe(
    config=Config,
    inputs=Inputs(
        slots={
            "sample": Slot(with_a_mean),
            "vector": Slot(("label",), optional=True),
        }
    ),
    training=Training(build=build, fit=fit),
    evaluation=Evaluation(embed=embed, is_baseline=True),
)
