"""All findings about data: of a source that is inspected, or of a dataset before training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import DataError
from gannet.core.io.files import fingerprint
from gannet.core.io.prefetch import in_order
from gannet.core.seeding import random_subset
from gannet.core.source import Source
from gannet.core.types import IntArray
from gannet.data.dataset import MEMORY_BYTES, Dataset, Rows
from gannet.data.doctor.checks import Examined, all_checks
from gannet.data.doctor.held_out import absent
from gannet.data.doctor.label_probe import label_findings
from gannet.data.doctor.near import near_groups
from gannet.modalities.findings import Finding
from gannet.modalities.modality import Modality, evenly
from gannet.modalities.registry import find_modality

MOST = 5_000
"""Most samples that are examined."""

MOST_NUMBERS = 60_000_000
"""Most numbers in them together."""

CHUNK = 500
"""Samples that are read at once."""

ORDER = {"severe": 0, "warning": 1, "note": 2}


def diagnose_source(source: Source, codec: Codec[Any]) -> tuple[Finding, ...]:
    """Findings about a source that is not decoded yet, the worst first."""
    modality = find_modality(source.kind)
    indices, samples, prints = _read(source, modality, codec)
    if len(indices) < 2:
        return ()

    def read(at: IntArray) -> Tensor:
        return samples[torch.from_numpy(np.asarray(at, np.int64))]

    examined = Examined(
        samples=samples,
        labels=source.labels[indices],
        groups=near_groups(read, prints, modality, codec),
        prints=prints,
        names=[str(source.names[index]) for index in indices],
        classes=source.classes,
        modality=modality,
        codec=codec,
    )
    return _ordered(_all(examined))


def diagnose_dataset(dataset: Dataset) -> tuple[Finding, ...]:
    """Findings about the data of a training run and their split, the worst first."""
    codec, source = dataset.codecs["sample"], dataset.source
    modality = find_modality(codec.kind)
    train, held_out = dataset.train, dataset.held_out
    every = np.sort(np.concatenate([train.indices, held_out.indices]))
    most = _most(codec)
    chosen = every[random_subset(len(every), most, 0)] if len(every) > most else every
    rows = Rows(train.store, every, np.zeros(0, np.int64), None)
    items = dataset.items
    examined = Examined(
        samples=_taken(rows, chosen),
        labels=source.labels[items[chosen]],
        groups=dataset.groups[chosen],
        prints=dataset.fingerprints[chosen],
        names=[str(source.names[index]) for index in items[chosen].tolist()],
        classes=dataset.classes,
        modality=modality,
        codec=codec,
    )
    held = np.isin(chosen, held_out.indices)
    return _ordered([*_all(examined), *_split(examined, held)])


def _split(examined: Examined, held: NDArray[np.bool_]) -> Iterator[Finding]:
    """Whether anything is on one side only; copies count once on each side."""
    _, once = np.unique(np.stack([examined.groups, held]), axis=1, return_index=True)
    thumbnails = examined.modality.thumbnail(examined.samples)
    here, there = once[~held[once]], once[held[once]]
    return absent(
        thumbnails[torch.from_numpy(here)],
        thumbnails[torch.from_numpy(there)],
        examined.labels[here],
        examined.labels[there],
        examined.classes,
    )


def _all(examined: Examined) -> Iterator[Finding]:
    yield from all_checks(examined)
    if examined.classes:
        yield from label_findings(examined)


def _most(codec: Codec[Any]) -> int:
    return int(min(MOST, max(MOST_NUMBERS // max(int(np.prod(codec.shape)), 1), 200)))


def _taken(rows: Rows, indices: IntArray) -> Tensor:
    parts = [indices[at : at + CHUNK] for at in range(0, len(indices), CHUNK)]
    return torch.cat([rows.store.read(part).float() for part in parts])


def _read(
    source: Source, modality: Modality, codec: Codec[Any]
) -> tuple[list[int], Tensor, NDArray[np.uint64]]:
    """Indices, samples and fingerprints of some readable items."""
    indices = evenly(source.count, _most(codec))
    if modality.reading.store is not None:
        whole = modality.reading.store(source, codec, None, MEMORY_BYTES)
        at = np.array(indices, np.int64)
        return indices, whole.store.read(at).float(), whole.fingerprints[at]

    def one(index: int) -> NDArray[Any] | None:
        try:
            raw = modality.load(source.raw(index), source.names[index], codec)
            return modality.packed(codec, raw, source.names[index])
        except DataError:
            return None  # inspection names it

    packed = dict(zip(indices, in_order(one, indices), strict=True))
    readable = {index: each for index, each in packed.items() if each is not None}
    prints = [fingerprint(each.tobytes()) for each in readable.values()]
    if not readable:
        return [], torch.zeros(0), np.zeros(0, np.uint64)
    samples = modality.unpack(codec, np.concatenate(list(readable.values()))).float()
    return list(readable), samples, np.array(prints, np.uint64)


def _ordered(findings: Iterator[Finding] | Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda each: ORDER[each.severity]))
