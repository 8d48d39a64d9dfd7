"""Numeric columns, written back with their decimals and form."""

from __future__ import annotations

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
    percent,
    with_missing,
)
from gannet.modalities.table.columns.binned import decoded, encoded, lossy
from gannet.modalities.table.columns.formats.digits import (
    WHOLE,
    fixed_decimals,
    significant_digits,
    trimmed,
)
from gannet.modalities.table.columns.formats.numbers import Form, Numbers, numbers
from gannet.modalities.table.columns.quantile_bins import EXACT, QuantileBins

NumberScale = Literal["fixed", "bits", "listed"]
FEW = 20
"""Number of values up to which the description does not name the most frequent."""
LONG = 20
"""Decimals beyond which numbers are written with an exponent."""


class NumberColumn(BaseModel):
    """Numbers, encoded as a quantile bin and, if bins hold several values, a position in it.

    Attributes:
        type: ``integer`` if no number has decimals.
        name: Of the column.
        storage: ``text`` or numpy's name of the type.
        missing: How often a cell is missing, and its marker.
        quantile_bins: Of the units.
        scale: What a unit is: ``fixed`` decimals; ``bits`` of a float, which are finer near zero,
            for numbers that span many magnitudes; an index into ``listed``.
        decimals: Most digits after the point.
        min_decimals: Fewest digits after the point; if below ``decimals``, trailing zeros are
            trimmed.
        each: Step of all numbers in units of the last decimal, such as 500.
        form: What stands around the digits.
        listed: The numbers of the scale ``listed``.
        significant: Most significant digits, where that is stricter than ``decimals``; else 0.
        spelt: How each value is written, where the rule of decimals does not give it.
        lossy: Fraction of the non-missing cells whose last digits 32 bits do not resolve.
        infinite: How minus infinity and infinity are written; empty where they do not occur. They
            are the units next to the lowest and the highest finite one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: Literal["integer", "decimal"]
    name: str
    storage: str
    missing: Missing
    quantile_bins: QuantileBins
    scale: NumberScale = "fixed"
    decimals: int = 0
    min_decimals: int = 0
    each: int = 1
    form: Form = Form()
    listed: tuple[float, ...] = ()
    significant: int = 0
    spelt: tuple[str, ...] = ()
    lossy: float = 0.0
    infinite: tuple[str, str] = ("", "")

    @classmethod
    def fit(
        cls, name: str, storage: str, cells: Cells, counts: NDArray[np.int64], missing: Missing
    ) -> Self:
        """Fit it to distinct non-missing cells and their counts.

        Raises:
            MisfitError: naming cells that are not numbers.
        """
        parsed = numbers(cells)
        _check(name, cells, parsed)
        finite = np.isfinite(parsed.values)
        column = cls._finite(
            name, storage, cells[finite], counts[finite], missing, parsed.among(finite)
        )
        return column if finite.all() else column.with_infinity(cells, counts, parsed.values)

    @classmethod
    def _finite(
        cls,
        name: str,
        storage: str,
        cells: Cells,
        counts: NDArray[np.int64],
        missing: Missing,
        parsed: Numbers,
    ) -> Self:
        digits, min_decimals = fixed_decimals(
            cells, parsed, whole=storage.startswith(("int", "uint"))
        )
        values, at = np.unique(parsed.values, return_inverse=True)
        value_counts = np.bincount(at, weights=counts).astype(np.int64)
        scale, decimal = _scale(values, digits)
        draft = cls(
            type="integer" if (values == np.rint(values)).all() and digits <= 0 else "decimal",
            name=name,
            storage=storage,
            missing=missing,
            quantile_bins=QuantileBins(bins=((0, 1),), frequencies=(1.0,)),
            scale=scale,
            decimals=decimal,
            min_decimals=max(min_decimals, 0),
            form=parsed.form,
            listed=tuple(values.tolist()) if scale == "listed" else (),
            significant=significant_digits(cells) if scale != "listed" and decimal > 6 else 0,
        )
        if scale == "fixed":
            step = max(int(np.gcd.reduce(draft.units_of(values))), 1)
            draft = draft.model_copy(update={"each": step})
        units, which = np.unique(draft.units_of(values), return_inverse=True)
        bins = QuantileBins.fit(units, np.bincount(which, weights=value_counts).astype(np.int64))
        column = draft.model_copy(update={"quantile_bins": bins})
        if bins.placed:
            kind = storage if storage.startswith("float") else "float64"
            restored = column.values(bins.round_trip(units))[which]
            if column.form.exponent:
                digits = column.form.mantissa[1]
                restored = np.array([float(f"{value:.{digits}e}") for value in restored.tolist()])
            changed = restored.astype(kind) != values.astype(kind)
            column = column.model_copy(
                update={"lossy": float(value_counts[changed].sum() / value_counts.sum())}
            )
        if storage == "text" and not bins.placed:
            spelt = _spelling(cells, counts, which[at])
            if spelt != tuple(column.written(units)):
                return column.model_copy(update={"spelt": spelt})
        return column

    def with_infinity(
        self, cells: Cells, counts: NDArray[np.int64], values: NDArray[np.float64]
    ) -> Self:
        """The column with infinity in bins of its own, beyond the finite ones."""
        bins, total = self.quantile_bins, counts.sum()
        fraction = float(counts[np.isfinite(values)].sum() / total)
        knots, spelt = list(bins.bins), list(self.spelt)
        frequencies, infinite = [fraction * each for each in bins.frequencies], ["", ""]
        for at, (infinity, unit) in enumerate([(-np.inf, bins.low - 1), (np.inf, bins.high + 1)]):
            among = values == infinity
            if not among.any():
                continue
            word = str(cells[among][counts[among].argmax()])
            infinite[at] = word if self.storage == "text" else f"{infinity}"
            index = len(knots) if at else 0
            knots.insert(index, (unit, unit + 1))
            frequencies.insert(index, float(counts[among].sum() / total))
            if spelt:
                spelt.insert(index, infinite[at])
        update = {
            "quantile_bins": QuantileBins(bins=tuple(knots), frequencies=tuple(frequencies)),
            "infinite": (infinite[0], infinite[1]),
            "spelt": tuple(spelt),
        }
        return self.model_copy(update=update)

    @property
    def finite_ends(self) -> tuple[int, int]:
        """The lowest and the highest unit of a finite number."""
        bins, (low, high) = self.quantile_bins, self.infinite
        return bins.low + bool(low), bins.high - bool(high)

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
        """``(symbols,)`` a typical value of each symbol; the median for missing."""
        values = self.values(self.quantile_bins.middles)
        return np.concatenate(
            [np.full(self.missing.symbols, values[self.quantile_bins.commonest]), values]
        )

    def readable(self, cells: Cells) -> NDArray[np.bool_]:
        """``(n,)`` which non-missing cells are numbers in the column's form."""
        return numbers(cells, form=self.form).read

    def number_of(self, cells: Cells) -> float:
        """The number in cells ``(1,)``."""
        return float(numbers(cells, form=self.form).values[0])

    def units_of(self, values: NDArray[np.float64]) -> IntArray:
        """Numbers to whole units."""
        if not any(self.infinite):
            return self._finite_units(values)
        low, high = self.finite_ends
        units = self._finite_units(np.where(np.isinf(values), 0.0, values)).clip(low, high)
        units = np.where(values == np.inf, self.quantile_bins.high, units)
        return np.where(values == -np.inf, self.quantile_bins.low, units)

    def _finite_units(self, values: NDArray[np.float64]) -> IntArray:
        if self.scale == "listed":
            listed = np.array(self.listed)
            above = np.searchsorted(listed, values).clip(0, len(listed) - 1)
            below = (above - 1).clip(0)
            nearer = np.abs(values - listed[below]) < np.abs(listed[above] - values)
            return np.where(nearer, below, above).astype(np.int64)
        if self.scale == "bits":
            return _to_bits(values)
        limit = WHOLE * 2
        return (
            np.rint(values * 10.0**self.decimals / self.each).clip(-limit, limit).astype(np.int64)
        )

    def values(self, units: IntArray) -> NDArray[np.float64]:
        """Whole units to finite numbers; the division gives the float nearest to the decimals."""
        if any(self.infinite):
            units = units.clip(*self.finite_ends)
        if self.scale == "listed":
            return np.array(self.listed)[units]
        if self.scale == "bits":
            return _from_bits(units)
        values = units * self.each / 10.0**self.decimals
        if self.significant:
            form = f"%.{self.significant}g"
            return np.array([float(form % value) for value in values.tolist()])
        return values

    def encode(self, cells: Cells) -> Encoded:
        """Distinct cells to bins and positions; a value outside every bin goes to the nearest.

        Raises:
            MisfitError: naming cells that are not finite numbers.
        """
        missing_mask = self.missing.find(cells, wide=True)
        parsed = numbers(cells[~missing_mask], form=self.form)
        _check(self.name, cells[~missing_mask], parsed)
        bin_indices, positions, moved = self.quantile_bins.locate(
            units := self.units_of(parsed.values)
        )
        if self.scale != "bits":  # its last bits are dropped by design
            value, infinite = self.values(units), np.isinf(parsed.values)
            off = np.abs(value - np.where(infinite, value, parsed.values))
            moved = moved | (off > 1e-9 * np.abs(value)) | (infinite & (self.infinite == ("", "")))
        return encoded(
            self.quantile_bins, self.missing, missing_mask, bin_indices, positions, moved
        )

    def decode(self, numbers: NDArray[np.float32], start: int, seed: int) -> Cells:  # noqa: ARG002
        """Bins and positions to numbers as the column writes them."""
        units, missing_mask = decoded(self.quantile_bins, self.missing, numbers)
        mark = self.missing.mark if self.storage == "text" else None
        return with_missing(self.cells_of(units), missing_mask, mark, self.storage)

    def cells_of(self, units: IntArray) -> Cells:
        """Units to cells as the column writes them."""
        if self.storage != "text":
            values = self.values(units)
            if self.storage.startswith(("int", "uint")):
                return values.astype(np.int64)
            low, high = self.finite_ends
            values[units > high], values[units < low] = np.inf, -np.inf
            return values
        distinct, at = np.unique(units, return_inverse=True)
        texts = np.empty(len(distinct), object)
        texts[:] = self.spelling(distinct)
        return texts[at]

    @property
    def is_numeric_text(self) -> bool:
        """Whether cells are text that Python reads as numbers, with nothing around the digits."""
        return self.storage == "text" and self.form.is_plain

    def numeric(self, numbers: NDArray[np.float32]) -> Cells:
        """Bins and positions to numbers, never to text; integers if no cell is missing."""
        units, missing_mask = decoded(self.quantile_bins, self.missing, numbers)
        values = self.values(units)
        if missing_mask.any() or self.type == "decimal":
            return with_missing(values, missing_mask, None, "float64")
        return values.astype(np.int64)

    def spelling(self, units: IntArray) -> list[str]:
        """How units are written."""
        if not self.spelt:
            return self.written(units)
        return [self.spelt[bin_index] for bin_index in self.quantile_bins.locate(units)[0]]

    def written(self, units: IntArray) -> list[str]:
        """How units are written by the rule of decimals."""
        values = self.values(units).tolist()
        if self.scale == "fixed" and self.decimals == 0 and not self.form.exponent:
            texts = list(map(str, (units * self.each).tolist()))
        elif self.scale == "fixed" and self.decimals <= LONG and not self.form.exponent:
            texts = [f"{value:.{self.decimals}f}" for value in values]
            if self.min_decimals < self.decimals:
                texts = [trimmed(text, self.min_decimals) for text in texts]
        else:
            texts = [repr(value) for value in values]
            if not self.min_decimals:
                texts = [text.removesuffix(".0") for text in texts]
        texts = list(map(self.form.written, texts))
        low, high = self.finite_ends
        for at in np.flatnonzero((units < low) | (units > high)) if any(self.infinite) else ():
            texts[at] = self.infinite[int(units[at] > high)]
        return texts

    def describe(self) -> str:
        """Such as ``integer, 91.6 % are 0, 0 to 99999``."""
        bins = self.quantile_bins
        low, high = self.spelling(np.array([bins.low, bins.high]))
        parts = [f"{self.type} {low} to {high}"]
        spike = int(np.argmax(bins.frequencies))
        many = len(bins.bins) > FEW and bins.frequencies[spike] >= 0.5
        if many and bins.bins[spike][-1] - bins.bins[spike][0] == 1:
            value = self.written(np.array([bins.bins[spike][0]]))[0]
            parts = [
                self.type,
                f"{percent(bins.frequencies[spike])} are {value}",
                f"{low} to {high}",
            ]
        if not bins.placed:
            count = len(bins.bins)
            parts.append(f"{count} value{'s' if count > 1 else ''}")
        return ", ".join(parts) + self.missing.describe()

    def note(self) -> str:
        """A warning if digits are lost."""
        return lossy(self.name, self.lossy)


def _check(name: str, cells: Cells, parsed: Numbers) -> None:
    remedy = f"Fix the cells, leave them empty, or take it as a category: --column {name}=category."
    if not parsed.read.all():
        raise MisfitError("expected numbers", name, cells[~parsed.read].tolist(), remedy)


def _scale(values: NDArray[np.float64], digits: int) -> tuple[NumberScale, int]:
    size = np.abs(values).max()
    if 0 <= digits <= LONG and size * 10.0**digits < WHOLE:
        return "fixed", digits
    if len(values) <= EXACT:
        return "listed", 0
    small = np.quantile(np.abs(values[values != 0]), 0.01)
    digits = 15 - int(np.ceil(np.log10(size)))
    spans = small < size * 1e-9
    return ("fixed", digits) if 0 <= digits <= 300 and not spans else ("bits", 0)


def _to_bits(values: NDArray[np.float64]) -> IntArray:
    """An order-preserving whole number of 52 bits; relative differences stay below 1e-12."""
    bits = (np.abs(values).view(np.int64)) >> 12
    return np.where(values < 0, -bits, bits)


def _from_bits(units: IntArray) -> NDArray[np.float64]:
    values = (np.abs(units) << 12).view(np.float64)
    return np.where(units < 0, -values, values)


def _spelling(cells: Cells, counts: NDArray[np.int64], bin_indices: IntArray) -> tuple[str, ...]:
    """The most frequent spelling of each bin."""
    best: dict[int, tuple[int, str]] = {}
    for word, count, number in zip(
        cells.tolist(), counts.tolist(), bin_indices.tolist(), strict=True
    ):
        if number not in best or count > best[number][0]:
            best[number] = (count, str(word))
    return tuple(best[number][1] for number in sorted(best))
