"""Cells of a column <-> numbers to compute with: values, datetimes in units, category codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.frame import Cells, factorized, listed
from gannet.core.types import FloatArray
from gannet.modalities.table.columns.category import BUCKET, DIRECT, CategoryColumn
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.formats.numbers import numbers
from gannet.modalities.table.columns.infer_type import AnyColumn, missing_in
from gannet.modalities.table.columns.number import NumberColumn


def missing_mask(column: AnyColumn, cells: Cells) -> NDArray[np.bool_]:
    """``(n,)`` which cells are missing, by the markers that the column's type recognizes."""
    distinct, at = factorized(cells)
    return missing_in(column, distinct)[at]


def values_of(column: AnyColumn, cells: Cells) -> FloatArray:
    """Cells as numbers ``(n,)``, NaN where missing.

    Numbers stay as they are, datetimes become whole units, categories become codes in descending
    frequency; the last code stands for values never seen in training.
    """
    distinct, at = factorized(cells)
    if isinstance(column, CategoryColumn):
        return _codes(column, distinct)[at]
    return _numbers(column, distinct)[at]


def _numbers(column: AnyColumn, cells: Cells) -> FloatArray:
    """Numbers of distinct cells; infinity is the nearest finite one, other odd cells are NaN."""
    observed = ~missing_in(column, cells)
    values = np.full(len(cells), np.nan)
    if isinstance(column, NumberColumn):
        values[observed] = numbers(cells[observed], form=column.form).values
        if np.isinf(values).any():
            values = values.clip(*column.values(np.array(column.finite_ends)))
    if isinstance(column, DatetimeColumn):
        observed[observed] = column.readable(cells[observed])
        values[observed] = column.units_of(cells[observed])[0]
    return values


def _codes(column: CategoryColumn, cells: Cells) -> FloatArray:
    encoded = column.encode(cells)
    symbols = encoded.numbers[:, 0].astype(np.float64) - column.missing.symbols
    if column.buckets:
        inside = (symbols - DIRECT) * BUCKET + encoded.numbers[:, 1] - 1
        symbols = np.where(symbols < DIRECT, symbols, DIRECT + inside)
    missing = column.missing.find(cells)
    symbols = np.where(encoded.unknown & ~missing, len(column.values), symbols)
    return np.where(missing, np.nan, symbols)


def cells_from(column: AnyColumn, values: FloatArray, like: Cells) -> Cells:
    """Numbers ``(n,)`` as cells of a column, rounded to its units and clipped to its range.

    Args:
        column: Of the codec.
        values: As `values_of` gives them; a code beyond the last category becomes the last.
        like: Other cells of the column; the new ones get their type, such as text.
    """
    text = _is_text(like, column)
    match column:
        case NumberColumn():
            bins = column.quantile_bins
            units = column.units_of(values).clip(bins.low, bins.high)
            cells = column.cells_of(units) if text else column.values(units)
            whole = not text and column.type == "integer" and like.dtype.kind == "O"
            return cells.astype(np.int64) if whole else cells
        case DatetimeColumn():
            units = (
                np.rint(values)
                .astype(np.int64)
                .clip(column.quantile_bins.low, column.quantile_bins.high)
            )
            if column.format:
                return column.cells_of(units)
            return (units * column.each).astype(column.storage)
        case CategoryColumn():
            categories: Cells = column.cells
            if text:
                categories = np.array(column.values, object)
            return categories[np.rint(values).astype(np.int64).clip(0, len(categories) - 1)]
        case _:
            raise AssertionError("this column is not modelled")


def on_grid(column: AnyColumn, values: FloatArray) -> FloatArray:
    """Numbers ``(n,)`` as `cells_from` would store them: rounded to units, clipped to range."""
    if isinstance(column, NumberColumn):
        units = column.units_of(values).clip(column.quantile_bins.low, column.quantile_bins.high)
        return column.values(units)
    if isinstance(column, DatetimeColumn):
        return np.rint(values).clip(column.quantile_bins.low, column.quantile_bins.high)
    return values


def _is_text(like: Cells, column: AnyColumn) -> bool:
    """Whether new cells should be text: as these cells are, or else as in training."""
    if like.dtype.kind != "O":
        return False
    observed: list[Any] = [cell for cell in listed(like) if cell is not None]
    return any(isinstance(cell, str) for cell in observed) if observed else column.storage == "text"
