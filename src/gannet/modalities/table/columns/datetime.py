"""Columns of dates, datetimes, times of day and durations, in the column's own format."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.frame import Cells
from gannet.core.types import IntArray
from gannet.modalities.table.columns.base import (
    Encoded,
    FieldKind,
    MisfitError,
    Missing,
    with_missing,
)
from gannet.modalities.table.columns.binned import decoded, encoded, lossy
from gannet.modalities.table.columns.formats import moments
from gannet.modalities.table.columns.quantile_bins import QuantileBins


class DatetimeColumn(BaseModel):
    """Dates, times or durations in whole units of the format's resolution.

    Where the data have several offsets to UTC, a field of its own says which.

    Attributes:
        type: ``time`` for a time of day without a date, ``duration`` for a span of time.
        name: Of the column.
        storage: ``text`` or numpy's name of the type.
        missing: How often a cell is missing, and its marker.
        quantile_bins: Of the units.
        format: Of text, as strptime has it, or of durations; see
            `gannet.modalities.table.columns.formats`.
        offset: Difference to UTC that is written after each; of several, the most frequent.
        offsets: All differences to UTC in the data, if there are several.
        lossy: Fraction of the non-missing cells that 32 bits do not resolve to the unit.
        each: Units of the storage or format per unit of the bins, so that dates written to the
            second still count in days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["date", "time", "duration"]
    name: str
    storage: str
    missing: Missing
    quantile_bins: QuantileBins
    format: str = ""
    offset: str = ""
    offsets: tuple[str, ...] = ()
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
        form = form or ("" if cells.dtype.kind in "mM" else find_format(name, cells))
        draft = cls(
            type=_type_of(storage, form),
            name=name,
            storage=storage,
            missing=missing,
            quantile_bins=QuantileBins(bins=((0, 1),), frequencies=(1.0,)),
            format=form,
        )
        if not form:
            own = cells.astype(storage).astype(np.int64)
        else:
            parsed = moments.read(_texts(cells), form)
            own = parsed.units[parsed.valid]
            draft = draft.model_copy(
                update={"offset": parsed.offset, "offsets": _offsets(cells, counts, form)}
            )
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
        """A symbol (the bin), a position in it if bins hold several values, and the UTC offset."""
        symbol: tuple[FieldKind, int] = (
            "symbol",
            len(self.quantile_bins.bins) + self.missing.symbols,
        )
        placed: tuple[tuple[FieldKind, int], ...] = (("place", 0),)
        offset: tuple[tuple[FieldKind, int], ...] = (("symbol", len(self.offsets)),)
        return (
            symbol,
            *(placed if self.quantile_bins.placed else ()),
            *(offset if self.offsets else ()),
        )

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
            if cells.dtype.kind != ("m" if self.type == "duration" else "M"):
                problem = f"expected {self.type}s"
                raise MisfitError(problem, self.name, cells.tolist(), _remedy(self.name))
            return cells.astype(self.storage).astype(np.int64)
        parsed = moments.read(_texts(cells), self.format)
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
            fine, coarse = moments.step(self.format)
            shift = moments.seconds_between(parsed.offset, self.offset) * fine // coarse
        return parsed.units + shift

    def readable(self, cells: Cells) -> NDArray[np.bool_]:
        """``(n,)`` which non-missing cells are of this type and format."""
        if not self.format:
            kind = "m" if self.type == "duration" else "M"
            return np.full(len(cells), cells.dtype.kind == kind)
        parsed = moments.read(_texts(cells), self.format)
        return parsed.shaped & parsed.valid

    def encode(self, cells: Cells) -> Encoded:
        """Distinct cells to bins and positions; a value outside every bin goes to the nearest.

        Raises:
            MisfitError: naming cells that are not dates, or out of range.
        """
        missing_mask = self.missing.find(cells, wide=True)
        units, between = self.units_of(cells[~missing_mask])
        bin_indices, positions, moved = self.quantile_bins.locate(units)
        moved |= between
        found = encoded(
            self.quantile_bins, self.missing, missing_mask, bin_indices, positions, moved
        )
        if not self.offsets:
            return found
        codes = np.zeros((len(cells), 1), np.float32)
        written = [text[-len(self.offset) :] for text in _texts(cells[~missing_mask])]
        known = {offset: code for code, offset in enumerate(self.offsets)}
        codes[~missing_mask, 0] = [known.get(offset, known[self.offset]) for offset in written]
        return Encoded(np.concatenate([found.numbers, codes], 1), found.unknown)

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """Bins and positions to dates or times in the column's format."""
        units, missing_mask = decoded(self.quantile_bins, self.missing, numbers)
        mark = self.missing.mark if self.format else None
        cells = self.cells_of(units)
        if self.offsets:
            codes = np.rint(numbers[:, -1]).clip(0, len(self.offsets) - 1).astype(np.int64)
            for code, offset in enumerate(self.offsets):
                rows = codes == code
                cells[rows] = self._at_offset(units[rows], offset)
        return with_missing(cells, missing_mask, mark, self.storage)

    def _at_offset(self, units: IntArray, offset: str) -> list[str]:
        """Units as text with an offset to UTC other than the most frequent."""
        fine, coarse = moments.step(self.format)
        shift = moments.seconds_between(self.offset, offset) * fine // coarse
        return moments.write(units * self.each + shift, self.format, offset)

    def cells_of(self, units: IntArray) -> Cells:
        """Units to cells in the column's format, with the most frequent offset to UTC."""
        own = units * self.each
        if not self.format:
            return own.astype(self.storage)
        distinct, at = np.unique(own, return_inverse=True)
        texts = np.empty(len(distinct), object)
        texts[:] = moments.write(distinct, self.format, self.offset)
        return texts[at]

    def describe(self) -> str:
        """Such as ``date 2019-01-03 to 2024-06-30, as %Y-%m-%d``."""
        ends = np.array([self.quantile_bins.low, self.quantile_bins.high]) * self.each
        if self.format:
            low, high = moments.write(ends, self.format, self.offset)
            return f"{self.type} {low} to {high}, as {self.format}{self.missing.describe()}"
        low, high = (str(end) for end in ends.astype(self.storage))
        return f"{self.type} {low} to {high}{self.missing.describe()}"

    def note(self) -> str:
        """A warning if digits are lost."""
        return lossy(self.name, self.lossy)


def _type_of(storage: str, form: str) -> Literal["date", "time", "duration"]:
    if storage.startswith("timedelta64") or (form and moments.is_duration(form)):
        return "duration"
    return "date" if not form or "%Y" in form or "%y" in form else "time"


def _offsets(cells: Cells, counts: NDArray[np.int64], form: str) -> tuple[str, ...]:
    """The differences to UTC that are written, most frequent first; empty if all are one."""
    if "%z" not in form:
        return ()
    written = Counter[str]()
    for text, count in zip(_texts(cells), counts.tolist(), strict=True):
        match = re.search(r"[+-]\d\d:?\d\d$", text)
        written[match[0] if match else ""] += count
    several = len(written) > 1 and len({len(offset) for offset in written}) == 1
    return tuple(offset for offset, _ in written.most_common()) if several else ()


def find_format(name: str, cells: Cells) -> str:
    """The format of a column that is known to hold dates or times.

    Raises:
        MisfitError: if there is none.
    """
    if form := moments.find_format(_texts(cells)):
        return form
    remedy = (
        f"Write them as 2024-01-31, or take the column as a category: --column {name}=category."
    )
    raise MisfitError("no format of dates or times known here", name, cells[:5].tolist(), remedy)


def _texts(cells: Cells) -> list[str]:
    return [str(word).strip() for word in cells.tolist()]


def _remedy(name: str) -> str:
    return f"Fix the cells, leave them empty, or take them as categories: --column {name}=category."
