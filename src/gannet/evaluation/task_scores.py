"""Scores of one task, such as a classifier's accuracy; see ``Evaluation.scores``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from torch import Tensor

from gannet.core.recipe import Evaluated, Recipe
from gannet.core.scores import Report
from gannet.core.seeding import random_subset
from gannet.core.transform import Trained
from gannet.core.types import Batch, Condition
from gannet.modalities.hooks import Data


class Used(Protocol):
    """A trained model as task scores need it; an ``Artifact`` is one."""

    @property
    def trained(self) -> Trained[Any]:
        """The network with its settings and codecs."""
        ...

    def held_out_conditions(self, real: Batch, *, seed: int) -> Condition:
        """Conditions of some held-out samples."""
        ...

    def transform(self, given: Batch, *, seed: int) -> Tensor:
        """Outputs for these conditions."""
        ...


def with_task_scores(
    report: Report, recipe: Recipe[Any], used: Used, dataset: Data, *, count: int
) -> Report:
    """Append the scores of the recipe, if it has any, to a report.

    Args:
        report: With the other scores.
        recipe: The task.
        used: The model.
        dataset: Source of the held-out samples.
        count: Maximum number of samples.
    """
    scores = recipe.evaluation.scores
    if scores is None:
        return report
    held_out = dataset.held_out.take(random_subset(len(dataset.held_out), count, report.seed))
    condition = used.held_out_conditions(held_out, seed=report.seed)
    outputs = used.transform(replace(held_out, condition=condition), seed=report.seed)
    evaluated = Evaluated(used.trained, held_out, condition, outputs, report.seed)
    return report.model_copy(update={"scores": (*report.scores, *scores(evaluated))})
