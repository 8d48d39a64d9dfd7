"""Bins and positions of ordered values as the numbers of encoded cells, beside missing ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gannet.core.types import IntArray
from gannet.modalities.table.columns.base import Encoded, Missing, percent
from gannet.modalities.table.columns.quantile_bins import QuantileBins


def encoded(
    bins: QuantileBins,
    missing: Missing,
    missing_mask: NDArray[np.bool_],
    bin_indices: IntArray,
    positions: NDArray[np.float64],
    moved: NDArray[np.bool_],
) -> Encoded:
    """Join bins and positions of the non-missing cells with the symbol of the missing ones."""
    numbers = np.zeros((len(missing_mask), 1 + bins.placed), np.float32)
    numbers[:, 0] = 0 if missing.symbols else bins.commonest
    numbers[~missing_mask, 0] = bin_indices + missing.symbols
    if bins.placed:
        numbers[:, 1] = 0.5
        numbers[~missing_mask, 1] = positions
    unknown = missing_mask & (not missing.symbols)
    unknown[~missing_mask] = moved
    return Encoded(numbers, unknown)


def decoded(
    bins: QuantileBins, missing: Missing, numbers: NDArray[np.float32]
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Units ``(n,)`` and which cells are missing; the unit of a missing cell is arbitrary."""
    highest = len(bins.bins) + missing.symbols - 1
    symbols = np.rint(numbers[:, 0]).clip(0, highest).astype(np.int64)
    missing_mask = (symbols == 0) & bool(missing.symbols)
    positions = numbers[:, 1].astype(np.float64) if bins.placed else np.full(len(symbols), 0.5)
    return bins.units((symbols - missing.symbols).clip(0), positions), missing_mask


def lossy(name: str, fraction: float) -> str:
    """A warning about cells that are not restored to the last digit; empty for none."""
    return (
        f"{name}: {percent(fraction)} of the cells come back without their last digits"
        if fraction
        else ""
    )
