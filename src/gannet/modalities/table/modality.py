"""The table modality: tables with columns of any type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.types import Spec
from gannet.modalities.corruption import TOKENS
from gannet.modalities.findings import Examination
from gannet.modalities.hooks import (
    EvaluationHooks,
    Exhibit,
    Presentation,
    RowView,
    flat_rows,
    no_grid,
)
from gannet.modalities.inference import InferenceHooks
from gannet.modalities.modality import Modality, MonitorDefaults, TwoSampleDefaults
from gannet.modalities.reading import Reading
from gannet.modalities.table.apply import (
    apply_file,
    apply_value,
    output_value,
    read_input,
    write_output,
)
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.columns.category import CategoryColumn
from gannet.modalities.table.evaluation.encoding import encode_table
from gannet.modalities.table.evaluation.whole import evaluate
from gannet.modalities.table.inspection import inspect
from gannet.modalities.table.io.load import encode, read_file
from gannet.modalities.table.io.writers import WRITERS
from gannet.modalities.table.judging import JUDGING
from gannet.modalities.table.sampling.cells import TOGETHER
from gannet.modalities.table.sampling.rows import TableSampleOptions, sample_rows
from gannet.modalities.table.source import (
    ColumnOptions,
    adopt,
    choose_codec,
    claim,
    known,
    layout_of,
    store,
)
from gannet.networks.tabular.cooccurrence import cooccurrence
from gannet.networks.tabular.layout import Layout


def statistics(parts: Iterable[Tensor], spec: Spec) -> Mapping[str, Tensor]:
    """Co-occurrence of values in training rows, so that impossible conditions can be refused."""
    return {"pairs": cooccurrence(parts, Layout(spec.table.cardinalities))}


def contents(codec: Codec[Any]) -> str:
    """What rows hold."""
    assert isinstance(codec, TableCodec)
    return f"rows of {len(codec.columns)} columns"


def notes(codec: Codec[Any]) -> Sequence[str]:
    """The columns and the codec's warnings, as Markdown lines of the model card."""
    assert isinstance(codec, TableCodec)
    lines = ["## Columns", "", *(f"- {description}" for description in codec.describe())]
    return [*lines, "", *(f"- {note}" for note in codec.notes)] if codec.notes else lines


def described(raw: Any) -> tuple[str, ...]:
    """The cells of a row as text; empty where one is missing."""
    return tuple("" if cell is None else str(cell) for cell in raw)


def exhibit(raw: Any) -> Exhibit:
    """A row as a line of text."""
    return Exhibit("text", ", ".join(described(raw)).encode())


def cells(codec: Codec[Any] | None) -> Mapping[str, RowView]:
    """Numbers as they are, categories as codes, NaN where a cell is missing."""
    if codec is None:
        return flat_rows(None)
    assert isinstance(codec, TableCodec)

    def see(rows: Tensor) -> Tensor:
        return torch.from_numpy(encode_table(codec.decode_frame(rows), codec).values)

    return {"cells": see}


def examples(count: int, rng: np.random.Generator) -> Sequence[Any]:
    """Rows of words, numbers, dates and missing cells, some of which hang together."""
    rows: list[tuple[str, ...]] = []
    for _ in range(count):
        region = str(rng.choice(["north", "south", "east"], p=[0.5, 0.3, 0.2]))
        smokes = "yes" if region == "north" and rng.random() < 2 / 3 else "no"
        age = "" if rng.random() < 0.1 else str(rng.integers(18, 80))
        born = str(np.datetime64("1950-01-01") + rng.integers(0, 20_000))
        rows.append((region, smokes, age, born, f"{rng.normal(70, 12):.2f}"))
    return rows


def numbers(codec: Codec[Any] | None, rows: Tensor) -> Tensor:
    """Rows as numbers and codes, NaN where a cell is missing."""
    [view] = cells(codec).values()
    return view(rows).float()


def number_names(codec: Codec[Any]) -> tuple[str, ...]:
    """Names of the columns in ``numbers``; empty for categories, whose codes have no range."""
    assert isinstance(codec, TableCodec)
    return tuple(
        "" if isinstance(column, CategoryColumn) else column.name
        for column in codec.columns
        if column.sizes
    )


modality = Modality(
    name="table",
    noun=("row", "rows"),
    axes=("field",),
    values="tokens",
    codec=TableCodec,
    collection="a table",
    options=ColumnOptions,
    claim=claim,
    reading=Reading(
        adopt=adopt,
        own_labels=False,
        store=store,
        table=layout_of,
        codec=choose_codec,
        inspect=inspect,
        known=known,
    ),
    examination=Examination(
        numbers=numbers,
        keys=lambda rows: rows.flatten(1).float(),
        repeats=True,
        columns=True,
        names=number_names,
    ),
    default_recipe="table",
    examples=examples,
    # A small table is memorized after about twenty epochs (measured on 500 rows), and an
    # evaluation takes as long as ten steps (measured on Adult).
    monitor=MonitorDefaults(evaluations=12, max_epochs_between_evaluations=10),
    # Rows are cheap and their errors subtle, so the two-sample test takes many.
    two_sample=TwoSampleDefaults(samples=4_000, steps=300),
    statistics=statistics,
    writers=WRITERS,
    inference=InferenceHooks(
        options=TableSampleOptions,
        at_once=TOGETHER,
        sample=sample_rows,
        read_file=read_file,
        encode=encode,
        apply_file=apply_file,
        apply_value=apply_value,
        read_input=read_input,
        write_output=write_output,
        output_value=output_value,
    ),
    evaluation=EvaluationHooks(whole=evaluate, rows=cells, corruptions=TOKENS),
    presentation=Presentation(
        exhibit=exhibit,
        describe=described,
        grid=no_grid,
        contents=contents,
        notes=notes,
        tags=("tabular",),
        hub_name="tabular",
    ),
    judging=JUDGING,
)
