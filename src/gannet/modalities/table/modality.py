"""Tables of any columns as a kind of data."""

from __future__ import annotations

from gannet.modalities.modality import Modality, MonitorDefaults, TwoSampleDefaults
from gannet.modalities.table.apply import apply_file, apply_value
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.load import encode, load
from gannet.modalities.table.sampling.cells import TOGETHER
from gannet.modalities.table.sampling.rows import TableSampleOptions, sample_rows
from gannet.modalities.table.writers import WRITERS

modality = Modality(
    apply_file=apply_file,
    apply_value=apply_value,
    name="table",
    noun=("row", "rows"),
    axes=("field",),
    values="tokens",
    codec=TableCodec,
    default_recipe="table",
    # A small table is known by heart after some twenty rounds (measured on 500 rows), and an
    # evaluation takes as long as ten steps (measured on Adult).
    monitor=MonitorDefaults(evaluations=12, rounds=10),
    # Rows cost little and their faults are fine. Random Fourier features over this many one-hot
    # axes would hide co-occurrence (measured), so the test sees the raw view.
    two_sample=TwoSampleDefaults(samples=4_000, steps=300, raw=True),
    sample_options=TableSampleOptions,
    samples_at_once=TOGETHER,
    sample=sample_rows,
    writers=WRITERS,
    load=load,
    encode=encode,
    tags=("tabular",),
)
