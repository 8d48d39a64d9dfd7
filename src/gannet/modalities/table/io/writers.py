"""Write sampled rows, in the dialect of the training data if the suffix is the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from gannet.core.frame import Dialect, Frame
from gannet.core.sampling import WriteRequest
from gannet.modalities.modality import Writer
from gannet.modalities.table.io.write import write_chunks
from gannet.modalities.table.sampling.rows import SampledRows, TableSampleOptions

TYPED = (".parquet", ".jsonl")
"""Suffixes of formats that have null values, so that missing text needs no marker."""


def write_rows(frames: Iterable[Frame], to: WriteRequest) -> Sequence[str]:
    """Write frames into one file; returns notes on rejection sampling and quoted formulas."""
    options, facts = to.options, to.facts
    assert isinstance(options, TableSampleOptions)
    same_format = facts.get("suffix") == to.path.suffix.lower() and "dialect" in facts
    if isinstance(frames, SampledRows):
        frames.nulls = to.path.suffix.lower() in TYPED
    parts = iter(frames)
    first = next(parts)  # an impossible condition must raise before a folder is created
    to.path.parent.mkdir(parents=True, exist_ok=True)
    written = write_chunks(
        chain([first], parts),
        to.path,
        dialect=Dialect(**facts["dialect"]) if same_format else None,
        escape_formulas=options.escape_formulas,
    )
    notes = frames.notes() if isinstance(frames, SampledRows) else []
    if written.formulas:
        listing = ", ".join(f"{name} {cells:,}" for name, cells in written.formulas.items())
        done = "were quoted" if written.escaped else "are there; --escape-formulas quotes them"
        notes.append(f"cells that a spreadsheet would run as a formula {done}: {listing}")
    return notes


WRITERS: Mapping[str, Writer] = dict.fromkeys((".csv", ".tsv", ".parquet", ".jsonl"), write_rows)
