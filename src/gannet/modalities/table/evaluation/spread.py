"""Spread within the modes of a table, among rows as numbers."""

from __future__ import annotations

import torch

from gannet.core.scores import Score
from gannet.metrics.modes.spread import mode_std_scores
from gannet.modalities.table.evaluation.samples import EvaluationRows


def mode_std_of_rows(sides: EvaluationRows) -> list[Score]:
    """Spread within modes and neighbour distance of rows: ranks of numbers, one-hot categories."""
    held_out, fake, real_reference, baseline = (
        torch.from_numpy(sides.row_distance.features(each))
        for each in (sides.held_out, sides.fake, sides.real_reference, sides.baseline_samples)
    )
    return mode_std_scores(held_out, fake, real_reference, baseline, "rows", seed=sides.seed)
