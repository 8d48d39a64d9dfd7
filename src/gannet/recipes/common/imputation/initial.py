"""Initial imputation: blended conditional means of a joint normal distribution and the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gannet.core.device import device_of
from gannet.core.types import BoolArray, Condition, FloatArray
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.category import CategoryColumn
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.number import NumberColumn
from gannet.networks.tabular.layout import condition_vector
from gannet.networks.tabular.network import FieldGenerator
from gannet.recipes.common.imputation.gaussian import JointNormal

MAX_AXES = 200
"""Maximum axes of the normal distribution; beyond it, rare categories get none."""

MIN_CATEGORIES = 2
"""Minimum categories per column that have an axis."""

PART = 8_192
"""Rows that go through the network at once."""

STEPS = 11
"""Weights that are tried, evenly from 0 to 1."""

PRIOR = 300
"""Weight of the error pooled over all columns, in masked cells, when choosing for one column."""


@dataclass(frozen=True, slots=True)
class InitialImputation:
    """The expectation of each cell given the observed ones of its row.

    Attributes:
        codec: Of the table.
        max_categories: Maximum categories of a column that have an axis.
        center: ``(C,)`` mean of each column; 0 for categories.
        std: ``(C,)`` standard deviation of each column; 1 for categories.
        gaussian: Over all axes: one per column of numbers, one per category.
        weight: ``(C,)`` weight of the network in each column; the rest is the Gaussian's.
    """

    codec: TableCodec
    max_categories: int
    center: FloatArray
    std: FloatArray
    gaussian: JointNormal
    weight: FloatArray

    @classmethod
    def fit(cls, codec: TableCodec, values: FloatArray, *, ridge: float) -> InitialImputation:
        """Fit the normal distribution; the network's weight is 0 at first."""
        numeric = numeric_of(codec)
        many = max((s for s in sizes_of(codec)), default=0)
        max_categories = many
        while max_categories > MIN_CATEGORIES and _width(codec, max_categories) > MAX_AXES:
            max_categories = max(max_categories // 2, MIN_CATEGORIES)
        count = np.maximum((~np.isnan(values)).sum(0), 1)
        mean: FloatArray = np.nansum(values, 0) / count
        deviations: FloatArray = np.nan_to_num(values - mean)
        std: FloatArray = np.sqrt((deviations**2).sum(0) / count)
        center = np.where(numeric, mean, 0.0)
        std = np.where(numeric & (std > 0), std, 1.0)
        blank = JointNormal(np.zeros(0), np.zeros((0, 0)))
        start = cls(codec, max_categories, center, std, blank, np.zeros(len(codec.columns)))
        return replace(start, gaussian=JointNormal.fit(start.axes(values), ridge=ridge))

    @property
    def spans(self) -> list[slice]:
        """The axes of each column."""
        ends = np.cumsum([0, *_widths(self.codec, self.max_categories)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def scaled(self, values: FloatArray) -> FloatArray:
        """Standardize numbers ``(N, C)``; category codes are unchanged."""
        return (values - self.center) / self.std

    def axes(self, values: FloatArray) -> FloatArray:
        """Values ``(N, C)`` on the axes ``(N, D)``, NaN where missing."""
        coordinates = np.full((len(values), _width(self.codec, self.max_categories)), np.nan)
        scaled = self.scaled(values)
        for at, (span, size) in enumerate(zip(self.spans, sizes_of(self.codec), strict=True)):
            column = scaled[:, at]
            if size:
                observed = ~np.isnan(column)
                coordinates[observed, span] = column[observed, None] == np.arange(
                    span.stop - span.start
                )
            elif span.stop > span.start:
                coordinates[:, span.start] = column
        return coordinates

    def expected(self, values: FloatArray, network: FloatArray | None) -> FloatArray:
        """Expectation on each axis ``(N, D)``; observed values are unchanged.

        Args:
            values: ``(N, C)``.
            network: Expectation of the network; ``None`` if its weight is 0.
        """
        axes = self.axes(values)
        filled = self.gaussian.fill(axes)
        if network is None:
            return filled
        return self.blended(filled, ~np.isnan(axes), network)

    def without_each(self, values: FloatArray, columns: Sequence[int]) -> dict[int, FloatArray]:
        """The Gaussian's fill if one column of numbers were missing in all rows.

        Args:
            values: ``(N, C)``, NaN where missing.
            columns: Columns to leave out, one at a time.

        Returns:
            Column -> ``(n, D)``, for the rows in which it is observed.
        """
        axes = self.axes(values)
        parts: dict[int, list[FloatArray]] = {column: [] for column in columns}
        for part in self.gaussian.parts(len(axes)):
            filled, left_out, gain = self.gaussian.leave_one_out(axes[part])
            for column in columns:
                axis = self.spans[column].start
                rows = ~np.isnan(axes[part][:, axis])
                change = left_out[rows, axis] - filled[rows, axis]
                refilled = filled[rows] + gain[rows][:, :, axis] * change[:, None]
                refilled[:, axis] = left_out[rows, axis]
                parts[column].append(refilled)
        return {column: np.concatenate(refilled) for column, refilled in parts.items()}

    def blended(self, axes: FloatArray, observed: BoolArray, network: FloatArray) -> FloatArray:
        """Blend the Gaussian's and the network's fill by the weight of each column."""
        weight = np.repeat(self.weight, _widths(self.codec, self.max_categories))
        return np.where(observed, axes, axes + weight * (network - axes))

    def column_values(self, values: FloatArray, axes: FloatArray) -> FloatArray:
        """One scaled number or code per column ``(N, C)``; observed values are unchanged."""
        scaled = self.scaled(values)
        for at, (span, size) in enumerate(zip(self.spans, sizes_of(self.codec), strict=True)):
            if span.stop > span.start:
                estimate = axes[:, span].argmax(1) if size else axes[:, span.start]
                scaled[:, at] = np.where(np.isnan(scaled[:, at]), estimate, scaled[:, at])
        return np.nan_to_num(scaled)

    @property
    def uses_network(self) -> bool:
        """Whether the network has a weight in any column."""
        return bool((self.weight > 0).any())

    def tensors(self) -> dict[str, Tensor]:
        """The state, for the artifact."""
        state = {
            "words": np.array(self.max_categories),
            "centre": self.center,
            "spread": self.std,
            "mean": self.gaussian.mean,
            "covariance": self.gaussian.covariance,
            "weight": self.weight,
        }
        return {f"start.{name}": torch.from_numpy(np.asarray(each)) for name, each in state.items()}

    @classmethod
    def of(cls, codec: TableCodec, state: Mapping[str, Tensor]) -> InitialImputation:
        """From what ``tensors`` returned."""
        arrays = {name: state[f"start.{name}"].numpy() for name in _NAMES}
        gaussian = JointNormal(arrays["mean"], arrays["covariance"])
        return cls(
            codec,
            int(arrays["words"]),
            arrays["centre"],
            arrays["spread"],
            gaussian,
            arrays["weight"],
        )


_NAMES = ("words", "centre", "spread", "mean", "covariance", "weight")


def sizes_of(codec: TableCodec) -> list[int]:
    """Number of categories of each column; 0 for other columns."""
    return [len(c.values) if isinstance(c, CategoryColumn) else 0 for c in codec.columns]


def numeric_of(codec: TableCodec) -> BoolArray:
    """``(C,)`` which columns are modeled and hold numbers or datetimes."""
    return np.array([bool(c.sizes) and not isinstance(c, CategoryColumn) for c in codec.columns])


def _widths(codec: TableCodec, max_categories: int) -> list[int]:
    """Axes of each column."""
    return [
        min(size, max_categories) if size else int(bool(column.sizes))
        for size, column in zip(sizes_of(codec), codec.columns, strict=True)
    ]


def _width(codec: TableCodec, max_categories: int) -> int:
    return sum(_widths(codec, max_categories))


@torch.no_grad()
def network_axes(
    model: nn.Module, start: InitialImputation, rows: Tensor, observed: Tensor
) -> NDArray[np.float64]:
    """Expectation of the network on each axis, ``(N, D)``.

    Args:
        model: The network.
        start: Defines the axes.
        rows: ``(N, F)`` encoded.
        observed: ``(N, F)`` one where the network sees the field.
    """
    assert isinstance(model, FieldGenerator)
    codec, layout, where = start.codec, model.layout, device_of(model)
    expected = np.zeros((len(rows), _width(codec, start.max_categories)))
    for first in range(0, len(rows), PART):
        part = slice(first, first + PART)
        vector = condition_vector(rows[part], observed[part]).to(where)
        probabilities = layout.probabilities(
            model.logits(Condition(vector, vector[:, :0], vector[:, :0]))
        )
        for at, (column, fields) in enumerate(zip(codec.columns, codec.spans, strict=True)):
            axes = start.spans[at]
            if axes.stop == axes.start:
                continue
            own = probabilities[:, layout.parts[fields.start]].double().cpu().numpy()
            if isinstance(column, CategoryColumn):
                first_category = column.missing.symbols
                expected[part, axes] = own[
                    :, first_category : first_category + axes.stop - axes.start
                ]
            else:
                assert isinstance(column, NumberColumn | DatetimeColumn)
                center, std = start.center[at], start.std[at]
                expected[part, axes.start] = own @ ((column.representatives - center) / std)
    return expected


def best_per_column(errors: FloatArray, counts: FloatArray) -> NDArray[np.int64]:
    """The best choice for each column, shrunk to the best overall where it has few cells.

    Args:
        errors: ``(choices, C)`` summed squared errors, in the same unit for all columns.
        counts: ``(C,)`` masked cells.

    Returns:
        ``(C,)`` index of the choice.
    """
    pooled = errors.sum(1) / max(counts.sum(), 1)
    return (errors + PRIOR * pooled[:, None]).argmin(0)
