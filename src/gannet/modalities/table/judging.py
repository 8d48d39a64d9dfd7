"""What the judge of a table's run learns from, and which rows it calls strangers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.frame import as_frame
from gannet.core.types import Spec
from gannet.modalities.inference import ReadTable
from gannet.modalities.judging import Baseline, JudgingHooks, other_tokens
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.as_numbers import values_of
from gannet.modalities.table.columns.category import CategoryColumn
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.infer_type import AnyColumn
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.encoding import column_encoded
from gannet.networks.classifier import BATCH
from gannet.networks.nonparametric import EmpiricalMarginals
from gannet.networks.tabular.cell_net import CellNet

SLACK = 0.25
"""How far beyond the range of training a number is usual, in units of that range."""

USUAL_NEW_VALUES = 0.005
"""Probability of a value that is not in the training data, above which such values are usual."""

STORED = 5_000
"""Cells of each column that the copula keeps."""


def copula(samples: Tensor, _classes: Tensor, spec: Spec, seed: int) -> Tensor:
    """Rows of a Gaussian copula: right marginals, right correlations of pairs."""
    model = EmpiricalMarginals(spec, min(len(samples), STORED), related=True).fitted(samples)
    rng = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(samples), len(model.columns), generator=rng)
    rows: Tensor = model(noise, spec.blank(len(samples)))
    return rows


BASELINES: Mapping[str, Baseline] = {"copula": copula}


def unseen(codec: Codec[Any], rows: Any) -> Sequence[str]:
    """Why each row is a stranger: a value that its column never had, or a number far outside.

    Columns in which new values are usual, because many occur once, are left out.

    Source: Good 1953, Biometrika 40, p. 237 (the chance of a new value is the share of those that
        occurred once).
    """
    assert isinstance(codec, TableCodec)
    frame = as_frame(rows)
    reasons = [""] * len(frame)
    for column in codec.columns:
        if not column.sizes:
            continue
        cells = frame.column(column.name)
        encoded, at = column_encoded(column.encode, cells, frame, column.name)
        values = values_of(column, cells)
        new = encoded.unknown[at]
        if isinstance(column, CategoryColumn):
            once = sum(count == 1 for count in column.counts) / max(codec.rows, 1)
            outside, new = np.zeros(len(cells), np.bool_), new & (once <= USUAL_NEW_VALUES)
        else:
            low, high = _range(column)
            margin = SLACK * (high - low)
            outside = (values < low - margin) | (values > high + margin)
            new &= np.isnan(values)
        for row in np.flatnonzero(new | outside):
            why = "far outside of training" if outside[row] else "never seen in training"
            reasons[row] = reasons[row] or f"{column.name} is {cells[row]}, {why}"
    return reasons


def _range(column: AnyColumn) -> tuple[float, float]:
    """The lowest and highest value of a column of numbers or datetimes in training."""
    if isinstance(column, NumberColumn):
        bins = column.quantile_bins
        low, high = column.values(np.array([bins.low, bins.high]))
        return float(low), float(high)
    if isinstance(column, DatetimeColumn):
        return float(column.quantile_bins.low), float(column.quantile_bins.high)
    return -math.inf, math.inf


def raws(_codec: Codec[Any], path: Path, read_table: ReadTable) -> Any:
    """The rows of a file."""
    return read_table(path)


JUDGING = JudgingHooks(
    network=CellNet,
    steps=1_500,
    batch=2 * BATCH,
    columns=True,
    learning_rate=1e-2,  # most of its weights are embeddings, which few samples of a batch change
    baselines=BASELINES,
    others=other_tokens,
    facts=None,
    unseen=unseen,
    raws=raws,
)
"""Hooks of the judge for tables."""
