"""The imputer: an initial imputation, and forests fitted to its residuals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gannet.core.errors import misfit
from gannet.core.types import BoolArray, Float32Array, FloatArray
from gannet.modalities.table.codec import TableCodec
from gannet.recipes.common.imputation.extra_trees import Forest
from gannet.recipes.common.imputation.initial import InitialImputation, network_axes, numeric_of


@dataclass(frozen=True, slots=True)
class ImputedCells:
    """Estimates of some cells of one column.

    Attributes:
        best: ``(n,)`` the conditional mean, scaled.
        donors: ``(n, T)`` equally likely values in ascending order.
    """

    best: FloatArray
    donors: FloatArray


@dataclass(frozen=True, slots=True)
class Imputer:
    """A fitted initial imputation and forests for columns of numbers.

    Attributes:
        model: The network.
        initial: The initial imputation.
        forests: Column -> forest, for columns of numbers that have one.
        zero_inflated: ``(C,)`` columns with one very common value, whose forests predict values;
            elsewhere forests predict residuals of the initial imputation.
        forest_weight: ``(C,)`` weight of the forest, 0..1.
        scale: ``(C,)`` factor of the donors' deviations from their mean.
    """

    model: nn.Module
    initial: InitialImputation
    forests: Mapping[int, Forest]
    zero_inflated: BoolArray
    forest_weight: FloatArray
    scale: FloatArray

    @property
    def uniforms(self) -> int:
        """Random numbers needed to sample one row."""
        return len(self.initial.gaussian.mean) + len(self.initial.codec.columns)

    def initial_fill(self, values: FloatArray, rows: Tensor, observed: Tensor) -> FloatArray:
        """The initial imputation on all axes, ``(N, D)``.

        Args:
            values: ``(N, C)``, NaN where missing.
            rows: ``(N, F)`` the same, encoded.
            observed: ``(N, F)`` one where a field is known.
        """
        uses_network = self.initial.uses_network
        network = network_axes(self.model, self.initial, rows, observed) if uses_network else None
        return self.initial.expected(values, network)

    def impute_column(self, column: int, inputs: Float32Array) -> ImputedCells:
        """Impute a column of numbers that is missing in all these rows.

        Args:
            column: Index of the column.
            inputs: ``(n, C)`` rows after the initial imputation, one number per column.
        """
        first = inputs[:, column].astype(np.float64)
        if column not in self.forests:
            return ImputedCells(first, first[:, None])
        forest = self.forests[column]
        leaves = forest.leaves(inputs)
        base = 0.0 if self.zero_inflated[column] else first
        mean = forest.mean[leaves].astype(np.float64).mean(1) + base
        donors = np.sort(forest.donor[leaves].astype(np.float64), 1)
        best = first + self.forest_weight[column] * (mean - first)
        if self.zero_inflated[column]:
            return ImputedCells(best, donors)
        deviations = donors - donors.mean(1, keepdims=True)
        return ImputedCells(best, best[:, None] + self.scale[column] * deviations)

    def sample(self, column: int, cells: ImputedCells, probabilities: FloatArray) -> FloatArray:
        """A sample for each cell, ``(n,)``: the donors' quantile at ``probabilities`` in [0, 1]."""
        count = cells.donors.shape[1]
        if count == 1:
            return cells.donors[:, 0]
        if self.zero_inflated[column]:  # interpolated values need not occur
            at = (probabilities * count).astype(np.int64).clip(0, count - 1)
            return np.take_along_axis(cells.donors, at[:, None], 1)[:, 0]
        return interpolated_quantiles(cells.donors, probabilities)

    def tensors(self) -> dict[str, Tensor]:
        """The state without the network, for the artifact."""
        state = {
            f"forest.{at}.{name}": part
            for at, forest in self.forests.items()
            for name, part in forest.tensors().items()
        }
        own = {"spiky": self.zero_inflated, "share": self.forest_weight, "scale": self.scale}
        state |= {name: torch.from_numpy(each) for name, each in own.items()}
        return state | self.initial.tensors()

    @classmethod
    def of(cls, model: nn.Module, codec: TableCodec, state: Mapping[str, Tensor]) -> Imputer:
        """From what ``tensors`` returned, and the network.

        Raises:
            ArtifactError: if they do not fit the codec.
        """
        try:
            imputer = cls._of(model, codec, state)
        except (KeyError, ValueError, TypeError, IndexError, RuntimeError):
            raise misfit("the weights of the imputation") from None
        if not imputer.fits(codec):
            raise misfit("the weights of the imputation")
        return imputer

    def fits(self, codec: TableCodec) -> bool:
        """Whether all parts have the sizes that the columns of a codec ask for."""
        start, columns = self.initial, (len(codec.columns),)
        axes = max((span.stop for span in start.spans), default=0)
        each = (start.center, start.std, start.weight)
        own = (self.zero_inflated, self.forest_weight, self.scale)
        return (
            all(array.shape == columns for array in (*each, *own))
            and start.gaussian.mean.shape == (axes,)
            and start.gaussian.covariance.shape == (axes, axes)
            and self.forests.keys() <= set(range(len(codec.columns)))
        )

    @classmethod
    def _of(cls, model: nn.Module, codec: TableCodec, state: Mapping[str, Tensor]) -> Imputer:
        parts: dict[int, dict[str, Tensor]] = {}
        for name, tensor in state.items():
            kind, _, rest = name.partition(".")
            if kind == "forest":
                number, _, part = rest.partition(".")
                parts.setdefault(int(number), {})[part] = tensor
        return cls(
            model,
            InitialImputation.of(codec, state),
            {at: Forest.of(each) for at, each in parts.items()},
            state["spiky"].numpy(),
            state["share"].numpy(),
            state["scale"].numpy(),
        )


def interpolated_quantiles(donors: FloatArray, probabilities: FloatArray) -> FloatArray:
    """Quantiles ``(n,)`` of sorted donors ``(n, T)``, interpolated linearly.

    The k-th of T donors is the quantile k / (T + 1).
    """
    count = donors.shape[1]
    position = (probabilities * (count + 1) - 1).clip(0, count - 1)
    below = np.minimum(position.astype(np.int64), count - 2)
    low = np.take_along_axis(donors, below[:, None], 1)[:, 0]
    high = np.take_along_axis(donors, below[:, None] + 1, 1)[:, 0]
    return low + (position - below) * (high - low)


def zero_inflated_columns(
    codec: TableCodec, values: FloatArray, fraction: float, few_values: int
) -> BoolArray:
    """``(C,)`` columns of numbers in which one value has more than a fraction of observed cells.

    Columns with few distinct values do not count: rounding gives one of their values anyway.
    """
    zero_inflated = np.zeros(values.shape[1], np.bool_)
    for at in np.flatnonzero(numeric_of(codec)).tolist():
        observed = values[~np.isnan(values[:, at]), at]
        if len(observed):
            counts = np.unique(observed, return_counts=True)[1]
            zero_inflated[at] = len(counts) > few_values and counts.max() > fraction * len(observed)
    return zero_inflated
