"""Codec of mixed tables: rows of numbers, text and dates <-> ``(B, F)`` symbols and positions."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator
from torch import Tensor

from gannet.core.errors import ConfigError, DataError
from gannet.core.frame import Cells, Frame, Row
from gannet.core.io.given_types import GivenType
from gannet.core.types import CellRange, TableLayout
from gannet.modalities.table.columns.conditions import cell_ranges, values
from gannet.modalities.table.columns.fitting import fit_columns
from gannet.modalities.table.columns.infer_type import AnyColumn
from gannet.modalities.table.columns.infer_type import missing as missing_fraction
from gannet.modalities.table.columns.number import NumberColumn
from gannet.modalities.table.encoding import (
    CHUNK,
    MAX_LISTED,
    Field,
    check_columns,
    column_encoded,
    column_location,
    first_ordinal,
    is_numeric_text,
    require_columns,
    without_markers,
)
from gannet.modalities.table.io.files import read_row, write_row
from gannet.modalities.table.rules.derivation import find_derived
from gannet.modalities.table.rules.derived import Derived, as_numeric


class TableCodec(BaseModel):
    """Tables with columns of any type, encoded as one or two numbers per column (not one-hot).

    A round trip restores every cell except: identifiers, which are generated anew; free text, which
    comes back empty; markers of missing cells, which become the column's most frequent one; and
    digits that `notes` reports as lost.

    Attributes:
        columns: In order. Their types are listed in `columns.infer_type.CHOICES`.
        rows: Number of rows that the codec was fitted to.
        fit_notes: On cells that are taken as missing, and on identifiers that repeat.
        derived: Rules that all rows keep, and columns that follow from others by them; fields of
            differences come after those of the columns.
        types: Column -> its type in the library that held it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    kind: ClassVar[str] = "table"
    tolerance: ClassVar[float] = 0.0

    columns: tuple[AnyColumn, ...]
    rows: int
    fit_notes: tuple[str, ...] = ()
    derived: Derived = Derived()
    types: Mapping[str, GivenType] = {}

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.columns or len(set(self.names)) != len(self.columns):
            raise ValueError("columns need names, each of its own")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """What each number of an encoded row is; a difference belongs to its larger column."""
        own = tuple(
            Field(number, kind, symbols)
            for number, column in enumerate(self.columns)
            for kind, symbols in column.sizes
        )
        return own + tuple(
            Field(self.names.index(each.upper), kind, symbols)
            for each in self.derived.differences
            for kind, symbols in each.column.sizes
        )

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of symbols of each field, 0 for a position."""
        return tuple(field.cardinality for field in self.fields)

    @property
    def missing_field(self) -> tuple[int, ...]:
        """For each field, the field whose symbol 0 means that its cell is missing; -1 for none."""
        return tuple(
            span.start if missing_fraction(column) else -1
            for column, span in zip(self._all_columns, self._all_spans, strict=True)
            for _ in column.sizes
        )

    @property
    def ordinal_from(self) -> tuple[int, ...]:
        """For each field, the first of its ordered symbols; -1 if they have no order."""
        return tuple(
            first_ordinal(column, kind, at)
            for column in self._all_columns
            for at, (kind, _) in enumerate(column.sizes)
        )

    @property
    def layout(self) -> TableLayout:
        """The layout of an encoded row, as networks take it."""
        owners = tuple(at for at, each in enumerate(self._all_columns) for _ in each.sizes)
        return TableLayout(self.cardinalities, self.missing_field, self.ordinal_from, owners)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one encoded row, ``(F,)``."""
        return (len(self.fields),)

    @property
    def spans(self) -> tuple[slice, ...]:
        """The fields of each column; empty for one that is not encoded."""
        return self._all_spans[: len(self.columns)]

    @property
    def _all_columns(self) -> tuple[AnyColumn, ...]:
        """Those of the table and of differences, in the order of the fields."""
        return (*self.columns, *(each.column for each in self.derived.differences))

    @property
    def _all_spans(self) -> tuple[slice, ...]:
        ends = np.cumsum([0, *(len(column.sizes) for column in self._all_columns)]).tolist()
        return tuple(slice(start, end) for start, end in pairwise(ends))

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings: odd cells, repeated identifiers, columns left out, digits lost, rare values."""
        return (*self.fit_notes, *(note for column in self.columns if (note := column.note())))

    def describe(self) -> tuple[str, ...]:
        """One line per column: ``age: integer 17 to 90, 73 values``."""
        return tuple(f"{column.name}: {column.describe()}" for column in self.columns)

    @classmethod
    def fit(
        cls,
        raws: Iterable[Row],
        *,
        names: Sequence[str] = (),
        overrides: Mapping[str, str] | None = None,
    ) -> Self:
        """Fit to rows: infer the types of their columns, which are numbered if they have no names.

        Raises:
            DataError: as `fit_frames` does.
        """
        rows = list(raws)
        wide = tuple(names) or tuple(f"column_{i + 1}" for i in range(len(rows[0]) if rows else 0))
        return cls.fit_frames([Frame.from_rows(wide, rows)], overrides=overrides)

    @classmethod
    def fit_frame(cls, frame: Frame, *, overrides: Mapping[str, str] | None = None) -> Self:
        """Fit to a table: infer the types of its columns.

        Raises:
            DataError: as `fit_frames` does.
        """
        return cls.fit_frames([frame], overrides=overrides)

    @classmethod
    def fit_frames(
        cls,
        chunks: Iterable[Frame],
        *,
        overrides: Mapping[str, str] | None = None,
        missing: Sequence[str] = (),
    ) -> Self:
        """Fit to a table that may be larger than memory: infer the types of its columns.

        Counts of up to 262,144 different cells per column are exact; beyond that the quantiles are
        those of a uniform sample, while bounds and decimals stay exact.

        Args:
            chunks: Of the same columns. Iterated again, where possible, only to name the rows of
                invalid cells.
            overrides: Column -> type, where inference is not good enough.
            missing: The text that marks a missing cell; by default the usual words.

        Raises:
            DataError: as `columns.fitting.fit_columns` does.
        """
        fitted = fit_columns(chunks, overrides, missing)
        types = dict(fitted.types)
        return cls(columns=fitted.columns, rows=fitted.rows, fit_notes=fitted.notes, types=types)

    def with_rules(self, chunks: Iterable[Frame]) -> Self:
        """The codec with the rules that all rows keep, learnt as differences where that helps."""
        return self.model_copy(update={"derived": find_derived(chunks, self.columns)})

    def encode(self, raws: Sequence[Row]) -> Tensor:
        """Rows to ``(n, F)``; see `encode_frame`."""
        return self.encode_frame(Frame.from_rows(self.names, raws))

    def decode(self, samples: Tensor) -> list[Row]:
        """``(n, F)`` to rows; see `decode_frame`."""
        return self.decode_frame(samples).rows()

    def encode_frame(self, frame: Frame, *, strict: bool = False) -> Tensor:
        """A table to ``(n, F)``. Columns are found by their names, in any order.

        Values not seen in training are replaced: an unknown category becomes missing if cells were
        missing in training, else the most frequent category; a number becomes the nearest that the
        column can represent. `unknown` counts such cells.

        Args:
            frame: With at least this codec's columns.
            strict: Refuse unknown cells.

        Raises:
            DataError: listing missing columns, cells that are not of their column's type and, if
                strict, unknown cells.
        """
        return torch.from_numpy(self._encoded(frame, strict=strict)[0])

    def unknown(self, frame: Frame) -> dict[str, int]:
        """Column -> number of cells not seen in training; columns with none are left out."""
        counts = self._encoded(frame, strict=False)[1]
        return {name: count for name, count in counts.items() if count}

    def _encoded(self, frame: Frame, *, strict: bool) -> tuple[NDArray[np.float32], dict[str, int]]:
        require_columns(self.names, frame)
        numbers = np.empty((len(frame), len(self.fields)), np.float32)
        counts = dict.fromkeys(self.names, 0)
        for start in range(0, len(frame), CHUNK):
            part = frame[start : start + CHUNK]
            ends = self.derived.encode(part, self.columns)
            numbers[start : start + CHUNK, len(self.fields) - ends.shape[1] :] = ends
            for column, span in zip(self.columns, self.spans, strict=True):
                cells = part.column(column.name)
                encoded, at = column_encoded(column.encode, cells, part, column.name)
                numbers[start : start + CHUNK, span] = encoded.numbers[at]
                strange = encoded.unknown[at]
                counts[column.name] += int(strange.sum())
                if strict and strange.any():
                    rows = np.flatnonzero(strange)[:MAX_LISTED]
                    examples = ", ".join(
                        f"{cells[row]!r} in row {part.first + row}" for row in rows
                    )
                    raise DataError(
                        f"never seen in training: {examples}",
                        where=column_location(part.where, column.name),
                        remedy="Fix the cells, or leave them empty.",
                    )
        return numbers, counts

    def decode_frame(
        self,
        samples: Tensor,
        *,
        start: int = 0,
        seed: int = 0,
        numeric: bool = False,
        nulls: bool = False,
        fixed: Collection[str] = (),
    ) -> Frame:
        """``(n, F)`` to a table with the columns, order, types and formats of the data.

        Args:
            samples: Any finite numbers: symbols are rounded and clipped to their range.
            start: Number of the first row, so that tables decoded in parts share no identifier.
            seed: Of identifiers.
            numeric: Decode text cells that are plain numbers to numbers.
            nulls: Decode missing cells to ``None`` instead of their marker.
            fixed: Columns whose cells were given, so that they do not follow from others.
        """
        cells = self._decoded(samples, self.names, start, seed, fixed, numeric=numeric)
        if nulls:
            cells = {
                column.name: without_markers(column, cells[column.name]) for column in self.columns
            }
        return Frame(self.names, tuple(cells[name] for name in self.names), types=self.types)

    def decode_columns(
        self, samples: Tensor, names: Sequence[str], fixed: Collection[str] = ()
    ) -> Frame:
        """Like `decode_frame` for some columns; identifiers are those of the first rows."""
        for name in names:
            self._number(name)
        needed = self.derived.needed(names)
        cells = self._decoded(samples, needed, 0, 0, fixed, numeric=False)
        return Frame(tuple(names), tuple(cells[name] for name in names))

    def _decoded(
        self,
        samples: Tensor,
        names: Sequence[str],
        start: int,
        seed: int,
        fixed: Collection[str],
        *,
        numeric: bool,
    ) -> dict[str, Cells]:
        numbers = samples.detach().cpu().float().numpy().reshape(len(samples), len(self.fields))
        own = {name: numbers[:, self.spans[self._number(name)]] for name in names}
        columns = {name: self.columns[self._number(name)] for name in names}
        cells = {name: columns[name].decode(own[name], start, seed) for name in names}
        ends = numbers[:, len(self.fields) - len(self.derived.sizes) :]
        changed = self.derived.apply(cells, ends, self.columns, fixed)
        for name, column in columns.items():
            if numeric and name not in self.types and is_numeric_text(column):
                assert isinstance(column, NumberColumn)
                derived = name in changed
                cells[name] = (
                    as_numeric(column, cells[name]) if derived else column.numeric(own[name])
                )
        return cells

    def cell_conditions(self, given: Mapping[str, Any]) -> list[list[CellRange]]:
        """Conditions on columns as ranges of encoded cells; see `columns.conditions.cell_ranges`.

        Raises:
            ConfigError: if a column is unknown or accepts no condition, or a value was never seen.
        """
        conditions: list[list[CellRange]] = []
        for name, cell_condition in given.items():
            at = self._number(name)
            ranges = cell_ranges(self.columns[at], self.spans[at].start, cell_condition)
            if ranges:
                conditions.append(ranges)
        return conditions

    def values(self, name: str) -> list[Any]:
        """All values of a column, where there are few enough to list.

        Raises:
            ConfigError: if the column is unknown, or has no list of values.
        """
        return values(self.columns[self._number(name)])

    def _number(self, name: str) -> int:
        if name not in self.names:
            near = difflib.get_close_matches(name, self.names, 1)
            remedy = f"Did you mean {near[0]!r}?" if near else ""
            columns = ", ".join(self.names[:20])
            raise ConfigError(f"no column {name!r}", remedy=remedy or f"Columns: {columns}.")
        return self.names.index(name)

    def squash(self, output: Tensor) -> Tensor:
        """Round symbols (straight-through gradient) and pass positions through a sigmoid."""
        upper = output.new_tensor([field.cardinality - 1.0 for field in self.fields])
        placed = torch.tensor([field.kind == "place" for field in self.fields], dtype=torch.bool)
        clamped = output.clamp(min=0).minimum(upper.clamp(min=0))
        symbols = clamped.round().detach() + (clamped - clamped.detach())
        return torch.where(placed.to(output.device), output.sigmoid(), symbols)

    def check_columns(self, frame: Frame) -> None:
        """Compare a table with this codec's columns.

        Raises:
            DataError: listing each column that is missing, superfluous or of another type.
        """
        check_columns(self.columns, frame)

    def read(self, path: Path) -> Row:
        """Load the one row of a .csv or .jsonl file.

        Raises:
            DataError: if the file does not hold one row with these columns.
        """
        return read_row(path, {column.name: column.storage for column in self.columns})

    def write(self, raw: Row, path: Path) -> None:
        """Save one row as .csv or .jsonl, with the names of the columns.

        Raises:
            DataError: if the suffix is neither.
        """
        write_row(raw, self.names, path)
