"""Columns of dates, datetimes and times of day, in the column's own format."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.frame import Cells
from gannet.core.types import IntArray
from gannet.modalities.table.columns import date_formats
from gannet.modalities.table.columns.base import (
    Encoded,
    FieldKind,
    MisfitError,
    Missing,
    find_missing,
    with_missing,
)
from gannet.modalities.table.columns.number import decoded, encoded, lossy
from gannet.modalities.table.columns.quantile_bins import QuantileBins


class DatetimeColumn(BaseModel):
    """Dates or times in whole units of the format's resolution.

    Attributes:
        type: ``time`` for a time of day without a date.
        name: Of the column.
        storage: ``text`` or numpy's name of the type.
        missing: How often a cell is missing, and its marker.
        quantile_bins: Of the units.
        format: Of text, as strptime has it; see `gannet.modalities.table.columns.date_formats`.
        offset: Difference to UTC that is written after each.
        varied: Whether the data had other offsets, which are converted to this one.
        lossy: Fraction of the non-missing cells that 32 bits do not resolve to the unit.
        each: Units of the storage or format per unit of the bins, so that dates written to the
            second still count in days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["date", "time"]
    name: str
    storage: str
    missing: Missing
    quantile_bins: QuantileBins
    format: str = ""
    offset: str = ""
    varied: bool = False
    lossy: float = 0.0
    each: int = 1

    @classmethod
    def fit(
        cls,
        name: str,
        storage: str,
        cells: Cells,
        counts: NDArray[np.int64],
        missing: Missing,
        form: str = "",
    ) -> Self:
        """Fit it to distinct non-missing cells and their counts.

        Args:
            name: Of the column.
            storage: Of the column.
            cells: Distinct non-missing cells.
            counts: Of each.
            missing: How often cells are missing.
            form: The format, if it is known already.

        Raises:
            MisfitError: naming cells that are not dates, or out of range.
        """
        form = form or ("" if cells.dtype.kind == "M" else find_format(name, cells))
        draft = cls(
            type="date" if not form or "%Y" in form or "%y" in form else "time",
            name=name,
            storage=storage,
            missing=missing,
            quantile_bins=QuantileBins(bins=((0, 1),), frequencies=(1.0,)),
            format=form,
        )
        if not form:
            own = cells.astype(storage).astype(np.int64)
        else:
            parsed = date_formats.read(_texts(cells), form)
            own = parsed.units[parsed.valid]
            varied = "%z" in form and len({text[-6:] for text in _texts(cells)}) > 1
            draft = draft.model_copy(update={"offset": parsed.offset, "varied": varied})
        draft = draft.model_copy(update={"each": max(int(np.gcd.reduce(own)), 1)})
        units = draft.units_of(cells)[0]
        distinct, at = np.unique(units, return_inverse=True)
        unit_counts = np.bincount(at, weights=counts).astype(np.int64)
        bins = QuantileBins.fit(distinct, unit_counts)
        lossy_fraction = float(
            unit_counts[bins.round_trip(distinct) != distinct].sum() / unit_counts.sum()
        )
        return draft.model_copy(update={"quantile_bins": bins, "lossy": lossy_fraction})

    @property
    def sizes(self) -> tuple[tuple[FieldKind, int], ...]:
        """A symbol (the bin), and a position in it if bins hold more than one value."""
        symbol: tuple[FieldKind, int] = (
            "symbol",
            len(self.quantile_bins.bins) + self.missing.symbols,
        )
        return (symbol, ("place", 0)) if self.quantile_bins.placed else (symbol,)

    @property
    def scores(self) -> NDArray[np.float64]:
        """``(symbols,)`` normal score of each symbol; 0 for missing."""
        return np.concatenate([np.zeros(self.missing.symbols), self.quantile_bins.scores])

    @property
    def representatives(self) -> NDArray[np.float64]:
        """``(symbols,)`` a typical value of each, in the format's units; the median for missing."""
        values = self.quantile_bins.middles.astype(np.float64) * self.each
        return np.concatenate(
            [np.full(self.missing.symbols, values[self.quantile_bins.commonest]), values]
        )

    def units_of(self, cells: Cells) -> tuple[IntArray, NDArray[np.bool_]]:
        """Non-missing cells to whole units, and which of them lie between two units.

        Raises:
            MisfitError: as ``own_of`` does.
        """
        own = self.own_of(cells)
        return own // self.each, own % self.each > 0

    def own_of(self, cells: Cells) -> IntArray:
        """Non-missing cells to units of the storage or the format, at the column's UTC offset.

        Raises:
            MisfitError: naming cells that are not dates, or out of range.
        """
        if not self.format:
            if cells.dtype.kind != "M":
                raise MisfitError("expected dates", self.name, cells.tolist(), _remedy(self.name))
            return cells.astype(self.storage).astype(np.int64)
        parsed = date_formats.read(_texts(cells), self.format)
        if not parsed.shaped.all():
            wrong = cells[~parsed.shaped].tolist()
            problem = f"expected a {self.type} as {self.format}"
            raise MisfitError(problem, self.name, wrong, _remedy(self.name))
        if not parsed.valid.all():
            wrong = cells[~parsed.valid].tolist()
            problem = f"out of range: no such {'day' if self.type == 'date' else 'time'}"
            raise MisfitError(problem, self.name, wrong, _remedy(self.name))
        shift = 0
        if parsed.offset != self.offset:  # the most frequent offset of these cells may differ
            fine, coarse = date_formats.step(self.format)
            shift = date_formats.seconds_between(parsed.offset, self.offset) * fine // coarse
        return parsed.units + shift

    def encode(self, cells: Cells) -> Encoded:
        """Distinct cells to bins and positions; a value outside every bin goes to the nearest.

        Raises:
            MisfitError: naming cells that are not dates, or out of range.
        """
        missing_mask = find_missing(cells, wide=True)
        units, between = self.units_of(cells[~missing_mask])
        bin_indices, positions, moved = self.quantile_bins.locate(units)
        return encoded(
            self.quantile_bins, self.missing, missing_mask, bin_indices, positions, moved | between
        )

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """Bins and positions to dates or times in the column's format."""
        units, missing_mask = decoded(self.quantile_bins, self.missing, numbers)
        mark = self.missing.mark if self.format else None
        return with_missing(self.cells_of(units), missing_mask, mark, self.storage)

    def cells_of(self, units: IntArray) -> Cells:
        """Units to cells in the column's format."""
        own = units * self.each
        if not self.format:
            return own.astype(self.storage)
        distinct, at = np.unique(own, return_inverse=True)
        texts = np.empty(len(distinct), object)
        texts[:] = date_formats.write(distinct, self.format, self.offset)
        return texts[at]

    def describe(self) -> str:
        """Such as ``date 2019-01-03 to 2024-06-30, as %Y-%m-%d``."""
        ends = np.array([self.quantile_bins.low, self.quantile_bins.high]) * self.each
        if self.format:
            low, high = date_formats.write(ends, self.format, self.offset)
            return f"{self.type} {low} to {high}, as {self.format}{self.missing.describe()}"
        low, high = (str(end) for end in ends.astype(self.storage))
        return f"{self.type} {low} to {high}{self.missing.describe()}"

    def note(self) -> str:
        """A warning if offsets are unified or digits are lost."""
        if self.varied:
            return f"{self.name}: all written with the offset {self.offset}"
        return lossy(self.name, self.lossy)


def find_format(name: str, cells: Cells) -> str:
    """The format of a column that is known to hold dates or times.

    Raises:
        MisfitError: if there is none.
    """
    if form := date_formats.find_format(_texts(cells)):
        return form
    remedy = (
        f"Write them as 2024-01-31, or take the column as a category: --column {name}=category."
    )
    raise MisfitError("no format of dates or times known here", name, cells[:5].tolist(), remedy)


def _texts(cells: Cells) -> list[str]:
    return [str(word).strip() for word in cells.tolist()]


def _remedy(name: str) -> str:
    return f"Fix the cells, leave them empty, or take them as categories: --column {name}=category."
