"""Tables as training data: claimed as a whole, encoded and packed chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from gannet.core.errors import DataError
from gannet.core.frame import Frame
from gannet.core.source import Source
from gannet.core.types import TableLayout
from gannet.modalities.reading import MIN_SAMPLES, Budget, Claim, ColumnView, StoredSamples
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.packed_rows import Packer, Packing, distinct_prints

DUPLICATE_FRACTION = 0.1
"""Fraction of rows equal to an earlier one, beyond which these are coincidences, not copies."""

MAX_LISTED = 8
"""Most columns that an error lists."""


class ColumnOptions(BaseModel):
    """Command-line options of tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: dict[str, str] = Field(
        {},
        description="types of columns, such as age=integer, if inference is not good enough",
    )
    missing: tuple[str, ...] = Field(
        (),
        description="text that marks a missing cell, in place of the usual NA, ?, null and so on; "
        "'' for empty cells",
    )

    @field_validator("missing", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        """Accept a single mark."""
        return (value,) if isinstance(value, str) else value


def claim(column: ColumnView) -> Claim | None:
    """Claim all columns of a table of values together."""
    if column.form != "rows":
        return None
    return Claim(0.6, f"{column.shape[0]} columns of values")


def adopt(source: Source, column: ColumnView) -> Source:
    """The source, read in chunks of rows."""
    return replace(source, raw=_no_items, columns=column.columns, frames=column.frames)


def _no_items(index: int) -> NoReturn:
    raise AssertionError(f"item {index} of a table was asked for, which is read in frames")


def choose_codec(source: Source, options: ColumnOptions, _budget: Budget) -> tuple[TableCodec, str]:
    """The codec fitted to all rows, with the column types from the options."""
    return fitted(source, options).with_rules(source.frames), ""


def fitted(source: Source, options: ColumnOptions) -> TableCodec:
    """The codec fitted to all rows of a source."""
    return TableCodec.fit_frames(source.frames, overrides=options.column, missing=options.missing)


def known(source: Source, codec: TableCodec) -> Source:
    """The columns that a codec has, in a table that may have more."""
    names = tuple(name for name in source.columns if name in codec.names)
    return replace(source, columns=names, frames=Chosen(source.frames, names))


class Chosen(Iterable[Frame]):
    """Some columns of frames; can be iterated repeatedly."""

    def __init__(self, frames: Iterable[Frame], names: tuple[str, ...]) -> None:
        self.frames, self.names = frames, names

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.frames:
            cells = tuple(frame.column(name) for name in self.names)
            yield replace(frame, names=self.names, columns=cells)


def layout_of(codec: TableCodec) -> TableLayout:
    """What each number of an encoded row is."""
    return codec.layout


def store(
    source: Source, codec: TableCodec, folder: Path | None, memory_bytes: int
) -> StoredSamples:
    """Encode and pack a table's rows chunk by chunk.

    Raises:
        DataError: if no column can be modelled, or there are too few rows.
    """
    if not codec.fields:
        raise DataError(
            "no column that can be learnt: " + "; ".join(codec.describe()[:MAX_LISTED]),
            where=str(source.path),
            remedy="Add columns, or say what they are with --column NAME=TYPE.",
        )
    size = Packing(codec.cardinalities).dtype.itemsize
    large = size * source.count > memory_bytes
    packer = Packer(codec.cardinalities, source.count, folder if large else None)
    for number, frame in enumerate(source.frames):
        if not number:
            codec.check_columns(frame)
        packer.add(codec.encode_frame(frame).numpy())
    packed, fingerprints = packer.finish(), packer.prints
    if len(np.unique(fingerprints)) < (1 - DUPLICATE_FRACTION) * len(fingerprints):
        # With so few possible rows, equal rows are coincidences rather than copies.
        fingerprints = distinct_prints(fingerprints)
    if len(fingerprints) < MIN_SAMPLES:
        raise DataError(
            f"only {len(fingerprints)} rows, expected at least {MIN_SAMPLES}",
            where=str(source.path),
            remedy="Add more; a few hundred are a good start.",
        )
    return StoredSamples(packed, fingerprints, fingerprints, packer.prints)
