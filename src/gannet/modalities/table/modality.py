"""Tables of any columns as a kind of data."""

from __future__ import annotations

from gannet.modalities.modality import Modality, MonitorDefaults, TwoSampleDefaults
from gannet.modalities.reading import Reading
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.inspection import inspect
from gannet.modalities.table.source import (
    ColumnOptions,
    adopt,
    choose_codec,
    claim,
    layout_of,
    store,
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
    ),
    default_recipe="table",
    # A small table is known by heart after some twenty rounds (measured on 500 rows), and an
    # evaluation takes as long as ten steps (measured on Adult).
    monitor=MonitorDefaults(evaluations=12, rounds=10),
    # Rows cost little and their faults are fine. Random Fourier features over this many one-hot
    # axes would hide co-occurrence (measured), so the test sees the raw view.
    two_sample=TwoSampleDefaults(samples=4_000, steps=300, raw=True),
    tags=("tabular",),
)
