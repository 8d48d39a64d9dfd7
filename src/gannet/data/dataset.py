"""A data set ready to train on: codecs, classes, rows to train on, rows held out, endless batches.

``find`` says what lies at a path, ``load`` decodes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.codec import Codec
from gannet.core.errors import ConfigError, DataError
from gannet.core.source import SAMPLE, Source
from gannet.core.types import NO_TABLE, Batch, Condition, TableLayout
from gannet.data.cache import holds
from gannet.data.decode import Decoded, decode
from gannet.data.find import find, of_frame
from gannet.data.split import split
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.reading import FEWEST, SampleStore
from gannet.modalities.registry import find_modality

__all__ = [
    "MEMORY_BYTES",
    "Dataset",
    "Rows",
    "Source",
    "cache_of",
    "find",
    "load",
    "of_frame",
    "shuffled",
]

MEMORY_BYTES = 256 * 2**20
"""Decoded samples up to this size are held in memory."""

LABEL = "vector"
"""The role that classes have."""

DIGESTED = 2**20
"""Numbers that go into a digest at once."""

SHOWN = 8
"""Names that an error lists."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Samples with their labels.

    Attributes:
        store: That holds the samples, these and others.
        indices: ``(n,)`` where in the store each row is.
        labels: ``(n,)`` class numbers, -1 where not known.
        label_codec: Codec of the labels; ``None`` if there are no classes.
        table: What the fields of table rows are; empty for all else.
        roles: Role -> what holds what belongs to each sample, in the same places.
        kind: Name of the kind of data that the samples are of.
    """

    store: SampleStore
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    label_codec: LabelCodec | None
    table: TableLayout = NO_TABLE
    roles: Mapping[str, SampleStore] = field(default_factory=dict[str, SampleStore])
    kind: str = ""

    def __len__(self) -> int:
        return len(self.indices)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Batch:
        """Some rows, 32 bit; of classes ``vector`` is one-hot, zero where not known."""
        chosen = np.asarray(indices, np.int64).reshape(-1)
        real = self.store.read(self.indices[chosen])
        roles = {role: store.read(self.indices[chosen]) for role, store in self.roles.items()}
        if self.label_codec is not None:
            roles[LABEL] = self.label_codec.rows(self.labels[chosen])
        condition = replace(Condition.none(real), **roles)
        return Batch(real, condition, self.table, self.kind)

    def batches(self, size: int, *, seed: int, start: int = 0) -> Iterator[Batch]:
        """Batches for ever, each round visiting every row once.

        Args:
            size: Rows in a batch; may exceed the number of rows.
            seed: Same seed, same order.
            start: How many batches to skip. Costs no more than skipping none.
        """
        order = shuffled(len(self), size, seed=seed, start=start)
        if not self.store.slow:
            yield from map(self.take, order)
        with ThreadPoolExecutor(1, "gannet-ahead") as ahead:
            coming = ahead.submit(self.take, next(order))
            for numbers in order:
                batch = coming.result()
                coming = ahead.submit(self.take, numbers)
                yield batch


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything a duel is fed with.

    Attributes:
        source: Where it came from.
        codecs: ``real``, and ``vector`` if there are classes.
        classes: Their names.
        train: Rows to train on.
        held_out: Rows that training never sees, nor an equal of them.
        skipped: Names and reasons of items that could not be read.
        digest: Changes when a sample, a label, the split or the codec changes.
    """

    source: Source
    codecs: Mapping[str, Codec[Any]]
    classes: tuple[str, ...]
    train: Rows
    held_out: Rows
    skipped: tuple[tuple[str, str], ...]
    digest: str


def load(
    source: Source,
    codecs: Mapping[str, Codec[Any]],
    *,
    cache: Path | None = None,
    held_out: float = 0.1,
    seed: int = 0,
    memory_bytes: int = MEMORY_BYTES,
) -> Dataset:
    """Decode a source and split it.

    Args:
        source: As found.
        codecs: Role -> codec, of samples and of whatever else the source tells of them.
        cache: Folder that keeps decoded samples for the next start; ``None`` for none.
        held_out: Share kept away from training; in numbers at least 64 and at most 5,000 where
            the data allow.
        seed: Of the split alone.
        memory_bytes: Up to this size decoded samples are held in memory, beyond it they are read
            from the cache row by row, or decoded as needed if the disk has no room for a cache.

    Raises:
        DataError: if too many items are broken, or fewer than ten differ.
        ConfigError: if the share is out of range.
    """
    if not 0 < held_out < 1:
        raise ConfigError(f"held_out: expected more than 0 and less than 1, got {held_out}")
    codec = codecs[SAMPLE]
    check = partial(_check_variety, source)  # before the cache is put in its place, and after
    found = decode(source, codec, cache, memory_bytes, check)
    check(found.looks)
    others = {
        role: _beside(source, found, role, codecs[role], cache, memory_bytes)
        for role in source.roles
        if role in codecs
    }
    # Of data without classes one number stands for all: there may be very many.
    labels = source.labels[found.kept] if source.classes else _unknown(len(found.kept))
    groups = source.groups[found.kept].astype(np.uint64) if len(source.groups) else found.looks
    train, held = split(found.contents, groups, labels, share=held_out, seed=seed)
    told = LabelCodec(classes=source.classes) if source.classes else None
    everything = Rows(
        found.store,
        np.arange(len(found.kept)),
        labels,
        told,
        find_modality(codec.kind).reading.table(codec),
        {role: each.store for role, each in others.items()},
        codec.kind,
    )
    seen = (found.contents, labels, held, *(each.contents for each in others.values()))
    return Dataset(
        source=source,
        codecs={**codecs, **({} if told is None else {LABEL: told})},
        classes=source.classes,
        train=_some(everything, train),
        held_out=_some(everything, held),
        skipped=found.skipped,
        digest=_digest(f"{codec.model_dump(mode='json')} {source.classes}", seen),
    )


def _some(rows: Rows, places: NDArray[np.int64]) -> Rows:
    labels = rows.labels[places] if rows.label_codec is not None else _unknown(len(places))
    return replace(rows, indices=places, labels=labels)


def _digest(words: str, parts: Sequence[NDArray[Any]]) -> str:
    digest = hashlib.blake2b(words.encode(), digest_size=16)
    for part in parts:
        for start in range(0, len(part), DIGESTED):
            digest.update(part[start : start + DIGESTED].tobytes())
    return digest.hexdigest()


def _unknown(count: int) -> NDArray[np.int64]:
    """Labels ``(count,)`` of samples without classes, to be read only; they take no memory."""
    return np.broadcast_to(np.int64(-1), (count,))


def cache_of(source: Source, codec: Codec[Any], cache: Path) -> Path | None:
    """A cache made for other purposes, if reading these data through it leaves it as it is."""
    return cache if holds(cache, source, codec) else None


def shuffled(rows: int, size: int, *, seed: int, start: int = 0) -> Iterator[NDArray[np.int64]]:
    """Row numbers for ever, ``(size,)`` at a time: every round visits each row once.

    Args:
        rows: Number of rows, at least 1.
        size: Numbers at a time; a part may begin in one round and end in a later one.
        seed: Same seed, same order, on every machine.
        start: How many parts to skip. Costs no more than skipping none.

    >>> sorted(next(shuffled(4, 4, seed=0)).tolist())
    [0, 1, 2, 3]
    """
    first_round, skip = divmod(start * size, rows)
    rest = np.zeros(0, np.int64)
    for round_ in count(first_round):
        rest = np.concatenate(
            [rest, np.random.default_rng((seed, round_)).permutation(rows)[skip:]]
        )
        skip = 0
        whole = len(rest) // size * size
        yield from rest[:whole].reshape(-1, size)
        rest = rest[whole:]


def _beside(
    source: Source,
    found: Decoded,
    role: str,
    codec: Codec[Any],
    cache: Path | None,
    memory_bytes: int,
) -> Decoded:
    """What belongs to samples, in the same places.

    Raises:
        DataError: if one of a pair cannot be read; which is said.
    """
    place = None if cache is None else cache / role
    also = decode(source.roles[role], codec, place, memory_bytes)
    lost = sorted({*found.kept.tolist()} ^ {*also.kept.tolist()})
    if lost:
        broken = [f"{name} ({why})" for name, why in (*found.skipped, *also.skipped)]
        one, many = find_modality(source.kind).noun
        raise DataError(
            f"{len(lost)} pairs of which one {one} cannot be read: {', '.join(broken[:SHOWN])}",
            where=str(source.path),
            remedy=f"Remove or replace both {many} of these pairs.",
        )
    return also


def _check_variety(source: Source, evaluations: NDArray[np.uint64]) -> None:
    many = find_modality(source.kind).noun[1]
    different = len(np.unique(evaluations))
    if len(evaluations) > 1 and different < 2:
        raise DataError(
            f"all {len(evaluations)} {many} are equal, so there is nothing to learn",
            where=str(source.path),
            remedy="Add different ones.",
        )
    if different < FEWEST:
        raise DataError(
            f"only {different} different {many} can be used, expected at least {FEWEST}",
            where=str(source.path),
            remedy="Add more; a few hundred are a good start.",
        )
