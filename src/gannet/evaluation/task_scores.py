"""Scores that only a task knows, such as a classifier's accuracy; see ``Evaluation.scores``."""

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
    """What a task's scores are of; an ``Artifact`` is one."""

    @property
    def trained(self) -> Trained[Any]:
        """The network with all that its use takes."""
        ...

    def held_out_conditions(self, real: Batch, *, seed: int) -> Condition:
        """What it is told of some held-out samples."""
        ...

    def transform(self, given: Batch, *, seed: int) -> Tensor:
        """What it makes of that."""
        ...


def with_task_scores(
    report: Report, recipe: Recipe[Any], used: Used, dataset: Data, *, count: int
) -> Report:
    """The same report with the scores that the recipe adds, if it adds any, at its end.

    Args:
        report: On other scores.
        recipe: That may add scores.
        used: What is scored.
        dataset: Of which held-out samples are taken.
        count: Most samples that are looked at.
    """
    scores = recipe.evaluation.scores
    if scores is None:
        return report
    held_out = dataset.held_out.take(random_subset(len(dataset.held_out), count, report.seed))
    told = used.held_out_conditions(held_out, seed=report.seed)
    outputs = used.transform(replace(held_out, condition=told), seed=report.seed)
    seen = Evaluated(used.trained, held_out, told, outputs, report.seed)
    return report.model_copy(update={"scores": (*report.scores, *scores(seen))})
