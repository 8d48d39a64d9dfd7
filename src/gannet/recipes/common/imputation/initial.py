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

MOST_AXES = 200
"""Maximum axes of the normal distribution; beyond it, rare categories get none."""

FEWEST_WORDS = 2
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
        words: Maximum categories of a column that have an axis.
        center: ``(C,)`` mean of each column; 0 for categories.
        spread: ``(C,)`` standard deviation of each column; 1 for categories.
        gaussian: Over all axes: one per column of numbers, one per category.
        weight: ``(C,)`` weight of the network in each column; the rest is the Gaussian's.
    """

    codec: TableCodec
    words: int
    center: FloatArray
    spread: FloatArray
    gaussian: JointNormal
    weight: FloatArray

    @classmethod
    def fit(cls, codec: TableCodec, values: FloatArray, *, ridge: float) -> InitialImputation:
        """Fit the normal distribution; the network's weight is 0 at first."""
        numeric = numeric_of(codec)
        many = max((s for s in sizes_of(codec)), default=0)
        words = many
        while words > FEWEST_WORDS and _width(codec, words) > MOST_AXES:
            words = max(words // 2, FEWEST_WORDS)
        count = np.maximum((~np.isnan(values)).sum(0), 1)
        mean: FloatArray = np.nansum(values, 0) / count
        away: FloatArray = np.nan_to_num(values - mean)
        spread: FloatArray = np.sqrt((away**2).sum(0) / count)
        center = np.where(numeric, mean, 0.0)
        spread = np.where(numeric & (spread > 0), spread, 1.0)
        blank = JointNormal(np.zeros(0), np.zeros((0, 0)))
        start = cls(codec, words, center, spread, blank, np.zeros(len(codec.columns)))
        return replace(start, gaussian=JointNormal.fit(start.axes(values), ridge=ridge))

    @property
    def spans(self) -> list[slice]:
        """The axes of each column."""
        ends = np.cumsum([0, *_widths(self.codec, self.words)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def scaled(self, values: FloatArray) -> FloatArray:
        """Standardize numbers ``(N, C)``; category codes are unchanged."""
        return (values - self.center) / self.spread

    def axes(self, values: FloatArray) -> FloatArray:
        """Values ``(N, C)`` on the axes ``(N, D)``, NaN where missing."""
        made = np.full((len(values), _width(self.codec, self.words)), np.nan)
        scaled = self.scaled(values)
        for at, (span, size) in enumerate(zip(self.spans, sizes_of(self.codec), strict=True)):
            column = scaled[:, at]
            if size:
                known = ~np.isnan(column)
                made[known, span] = column[known, None] == np.arange(span.stop - span.start)
            elif span.stop > span.start:
                made[:, span.start] = column
        return made

    def expected(self, values: FloatArray, network: FloatArray | None) -> FloatArray:
        """Expectation on each axis ``(N, D)``; observed values are unchanged.

        Args:
            values: ``(N, C)``.
            network: Expectation of the network; ``None`` if its weight is 0.
        """
        axes = self.axes(values)
        made = self.gaussian.fill(axes)
        if network is None:
            return made
        return self.blended(made, ~np.isnan(axes), network)

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
            filled, alone, gain = self.gaussian.blind(axes[part])
            for column in columns:
                axis = self.spans[column].start
                rows = ~np.isnan(axes[part][:, axis])
                change = alone[rows, axis] - filled[rows, axis]
                made = filled[rows] + gain[rows][:, :, axis] * change[:, None]
                made[:, axis] = alone[rows, axis]
                parts[column].append(made)
        return {column: np.concatenate(made) for column, made in parts.items()}

    def blended(self, axes: FloatArray, known: BoolArray, network: FloatArray) -> FloatArray:
        """Blend the Gaussian's and the network's fill by the weight of each column."""
        share = np.repeat(self.weight, _widths(self.codec, self.words))
        return np.where(known, axes, axes + share * (network - axes))

    def plain(self, values: FloatArray, axes: FloatArray) -> FloatArray:
        """One scaled number or code per column ``(N, C)``; observed values are unchanged."""
        made = self.scaled(values)
        for at, (span, size) in enumerate(zip(self.spans, sizes_of(self.codec), strict=True)):
            if span.stop > span.start:
                found = axes[:, span].argmax(1) if size else axes[:, span.start]
                made[:, at] = np.where(np.isnan(made[:, at]), found, made[:, at])
        return np.nan_to_num(made)

    @property
    def asks_network(self) -> bool:
        """Whether the network has a weight in any column."""
        return bool((self.weight > 0).any())

    def tensors(self) -> dict[str, Tensor]:
        """The state, for the artifact."""
        held = {
            "words": np.array(self.words),
            "centre": self.center,
            "spread": self.spread,
            "mean": self.gaussian.mean,
            "covariance": self.gaussian.covariance,
            "weight": self.weight,
        }
        return {f"start.{name}": torch.from_numpy(np.asarray(each)) for name, each in held.items()}

    @classmethod
    def of(cls, codec: TableCodec, kept: Mapping[str, Tensor]) -> InitialImputation:
        """From what ``tensors`` returned."""
        held = {name: kept[f"start.{name}"].numpy() for name in _NAMES}
        gaussian = JointNormal(held["mean"], held["covariance"])
        return cls(
            codec,
            int(held["words"]),
            held["centre"],
            held["spread"],
            gaussian,
            held["weight"],
        )


_NAMES = ("words", "centre", "spread", "mean", "covariance", "weight")


def sizes_of(codec: TableCodec) -> list[int]:
    """Number of categories of each column; 0 for other columns."""
    return [len(c.values) if isinstance(c, CategoryColumn) else 0 for c in codec.columns]


def numeric_of(codec: TableCodec) -> BoolArray:
    """``(C,)`` which columns are modeled and hold numbers or datetimes."""
    return np.array([bool(c.sizes) and not isinstance(c, CategoryColumn) for c in codec.columns])


def _widths(codec: TableCodec, words: int) -> list[int]:
    """Axes of each column."""
    return [
        min(size, words) if size else int(bool(column.sizes))
        for size, column in zip(sizes_of(codec), codec.columns, strict=True)
    ]


def _width(codec: TableCodec, words: int) -> int:
    return sum(_widths(codec, words))


@torch.no_grad()
def network_axes(
    model: nn.Module, start: InitialImputation, rows: Tensor, known: Tensor
) -> NDArray[np.float64]:
    """Expectation of the network on each axis, ``(N, D)``.

    Args:
        model: The network.
        start: Defines the axes.
        rows: ``(N, F)`` encoded.
        known: ``(N, F)`` one where the network sees the field.
    """
    assert isinstance(model, FieldGenerator)
    codec, layout, where = start.codec, model.layout, device_of(model)
    made = np.zeros((len(rows), _width(codec, start.words)))
    for first in range(0, len(rows), PART):
        part = slice(first, first + PART)
        vector = condition_vector(rows[part], known[part]).to(where)
        shares = layout.probabilities(model.logits(Condition(vector, vector[:, :0], vector[:, :0])))
        for at, (column, fields) in enumerate(zip(codec.columns, codec.spans, strict=True)):
            axes = start.spans[at]
            if axes.stop == axes.start:
                continue
            own = shares[:, layout.parts[fields.start]].double().cpu().numpy()
            if isinstance(column, CategoryColumn):
                first_word = column.missing.symbols
                made[part, axes] = own[:, first_word : first_word + axes.stop - axes.start]
            else:
                assert isinstance(column, NumberColumn | DatetimeColumn)
                center, spread = start.center[at], start.spread[at]
                made[part, axes.start] = own @ ((column.representatives - center) / spread)
    return made


def chosen(errors: FloatArray, counts: FloatArray) -> NDArray[np.int64]:
    """The best choice for each column, shrunk to the best overall where it has few cells.

    Args:
        errors: ``(choices, C)`` summed squared errors, in the same unit for all columns.
        counts: ``(C,)`` masked cells.

    Returns:
        ``(C,)`` index of the choice.
    """
    pooled = errors.sum(1) / max(counts.sum(), 1)
    return (errors + PRIOR * pooled[:, None]).argmin(0)
