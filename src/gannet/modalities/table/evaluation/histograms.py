"""Histograms of a table's columns, reals beside fakes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gannet.core.scores import Histogram
from gannet.metrics.histograms import category_histogram, number_histogram, worst_first
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.category import CategoryColumn
from gannet.modalities.table.columns.datetime import DatetimeColumn
from gannet.modalities.table.columns.formats import moments
from gannet.modalities.table.columns.infer_type import AnyColumn
from gannet.modalities.table.evaluation.encoding import EncodedTable


def table_profiles(
    codec: TableCodec, real: EncodedTable, fake: EncodedTable
) -> tuple[Histogram, ...]:
    """The histograms of all modelled columns, the most different first."""
    named = {column.name: column for column in codec.columns}
    histograms: list[Histogram] = []
    for name, size in zip(real.names, real.sizes, strict=True):
        column, one, other = named[name], real.column(name), fake.column(name)
        if size and isinstance(column, CategoryColumn):
            histograms.append(category_histogram(name, one, other, column.values))
        else:
            histograms.append(number_histogram(name, one, other, _word_of(column)))
    return worst_first(histograms)


def _word_of(column: AnyColumn) -> Callable[[float], str]:
    if not isinstance(column, DatetimeColumn):
        return "{:.6g}".format

    def word(units: float) -> str:
        own = np.array([round(units) * column.each])
        if column.format:
            return str(moments.write(own, column.format, column.offset)[0])
        return str(own.astype(column.storage)[0])

    return word
