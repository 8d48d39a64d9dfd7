"""Spread within the modes of a table, and rows that lie off the data, among rows as numbers."""

from __future__ import annotations

import torch

from gannet.core.scores import Score
from gannet.metrics.modes.spread import mode_std_scores
from gannet.metrics.outliers import outlier_scores
from gannet.modalities.table.evaluation.samples import EvaluationRows


def scores_among_rows(sides: EvaluationRows) -> list[Score]:
    """Std within modes, neighbor distance, outliers of rows: ranks of numbers, one-hot words."""
    held_out, fake, real_reference, baseline = (
        torch.from_numpy(sides.row_distance.features(each))
        for each in (sides.held_out, sides.fake, sides.real_reference, sides.baseline_samples)
    )
    sets = held_out, fake, real_reference, baseline
    return mode_std_scores(*sets, "rows", seed=sides.seed) + outlier_scores(*sets, "rows")
