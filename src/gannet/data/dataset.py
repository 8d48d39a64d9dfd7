"""A dataset ready for training: codecs, classes, training and held-out rows, endless batches.

``find`` finds out what is at a path, ``load`` decodes it.
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
from gannet.data.find import find, of_memory
from gannet.data.split import split
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.reading import MIN_SAMPLES, SampleStore
from gannet.modalities.registry import find_modality

__all__ = [
    "MEMORY_BYTES",
    "Dataset",
    "Rows",
    "Source",
    "cache_of",
    "find",
    "load",
    "of_memory",
    "shuffled",
]

MEMORY_BYTES = 256 * 2**20
"""Decoded samples up to this total size are kept in memory."""

LABEL = "vector"
"""The role of the class labels."""

DIGEST_CHUNK = 2**20
"""Array elements that are hashed at once."""

MAX_LISTED = 8
"""Maximum number of names that an error lists."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Samples with their labels.

    Attributes:
        store: The store of these and possibly other samples.
        indices: ``(n,)`` index of each row in the store.
        labels: ``(n,)`` class numbers, -1 where unknown.
        label_codec: Codec of the labels; ``None`` if there are no classes.
        table: Layout of the fields of table rows; empty for other kinds of data.
        roles: Role -> store of what belongs to each sample, with the same indices.
        kind: Name of the kind of data.
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
        """Some rows as float32; ``vector`` is the one-hot class, zeros where unknown."""
        chosen = np.asarray(indices, np.int64).reshape(-1)
        real = self.store.read(self.indices[chosen])
        roles = {role: store.read(self.indices[chosen]) for role, store in self.roles.items()}
        if self.label_codec is not None:
            roles[LABEL] = self.label_codec.rows(self.labels[chosen])
        condition = replace(Condition.none(real), **roles)
        return Batch(real, condition, self.table, self.kind)

    def batches(self, size: int, *, seed: int, start: int = 0) -> Iterator[Batch]:
        """Endless batches; each epoch visits every row once.

        Args:
            size: Rows in a batch; may exceed the number of rows.
            seed: Same seed, same order.
            start: How many batches to skip, at no cost.
        """
        order = shuffled(len(self), size, seed=seed, start=start)
        if not self.store.slow:
            yield from map(self.take, order)
            return
        with ThreadPoolExecutor(1, "gannet-ahead") as ahead:
            next_batch = ahead.submit(self.take, next(order))
            for numbers in order:
                batch = next_batch.result()
                next_batch = ahead.submit(self.take, numbers)
                yield batch


@dataclass(frozen=True, slots=True)
class Dataset:
    """The data of a training run.

    Attributes:
        source: Where the data come from.
        codecs: By role: ``sample``, and ``vector`` if there are classes.
        classes: Names of the classes.
        train: Rows to train on.
        held_out: Rows that training never sees, nor duplicates of them, unless these are so many
            that they are a mode of the data.
        skipped: Names of the items that could not be read, with reasons.
        digest: Changes when a sample, a label, the split or the codec changes.
        identities: ``(n,)`` fingerprint of each sample of the store, by which it is known in
            other data.
        items: ``(n,)`` index in the source of each sample in the store.
        fingerprints: ``(n,)`` equal for equal samples.
        groups: ``(n,)`` equal for equal and nearly equal samples.
    """

    source: Source
    codecs: Mapping[str, Codec[Any]]
    classes: tuple[str, ...]
    train: Rows
    held_out: Rows
    skipped: tuple[tuple[str, str], ...]
    digest: str
    identities: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    items: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    fingerprints: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    groups: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


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
        codecs: Role -> codec, of the samples and of the source's other roles.
        cache: Folder of the cache of decoded samples; ``None`` for none.
        held_out: Fraction held out of training; at least 64 and at most 5,000 samples where the
            data allow.
        seed: Of the split.
        memory_bytes: Up to this size decoded samples are kept in memory; beyond it they are read
            from the cache row by row, or decoded as needed if the disk has no room for a cache.

    Raises:
        DataError: if too many items are broken, or fewer than ten differ.
        ConfigError: if the fraction is out of range.
    """
    if not 0 < held_out < 1:
        raise ConfigError(f"held_out: expected more than 0 and less than 1, got {held_out}")
    codec = codecs[SAMPLE]
    _check_vector(source, codecs)
    check = partial(_check_variety, source)  # when a cache is written, and when one is read
    decoded = decode(source, codec, cache, memory_bytes, check)
    check(decoded.fingerprints)
    others = {
        role: _decode_role(source, decoded, role, codecs[role], cache, memory_bytes)
        for role in source.roles
        if role in codecs
    }
    # Without classes all labels share one element, since there may be very many rows.
    labels = source.labels[decoded.indices] if source.classes else _unknown(len(decoded.indices))
    sides = _sides(source, decoded, labels, held_out, seed)
    label_codec = LabelCodec(classes=source.classes) if source.classes else None
    stores = {role: each.store for role, each in others.items()}
    everything = _everything(decoded, codec, labels, label_codec, stores)
    digested = (decoded.contents, labels, sides[1], *(each.contents for each in others.values()))
    return Dataset(
        source=source,
        codecs={**codecs, **({} if label_codec is None else {LABEL: label_codec})},
        classes=source.classes,
        train=_subset(everything, sides[0]),
        held_out=_subset(everything, sides[1]),
        skipped=decoded.skipped,
        digest=_digest(f"{codec.model_dump(mode='json')} {source.classes}", digested),
        identities=decoded.identities,
        items=decoded.indices,
        fingerprints=decoded.fingerprints,
        groups=decoded.groups,
    )


def _everything(
    decoded: Decoded,
    codec: Codec[Any],
    labels: NDArray[np.int64],
    label_codec: LabelCodec | None,
    roles: Mapping[str, SampleStore],
) -> Rows:
    """All rows, training and held-out ones."""
    table = find_modality(codec.kind).reading.table(codec)
    every = np.arange(len(decoded.indices))
    return Rows(decoded.store, every, labels, label_codec, table, roles, codec.kind)


def _sides(
    source: Source,
    decoded: Decoded,
    labels: NDArray[np.int64],
    held_out: float,
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of training and held-out samples.

    Groups that the source declares, such as the crops of one image, are never on both sides.
    """
    declared = len(source.groups) > 0
    together = source.groups[decoded.indices] if declared else decoded.groups
    return split(
        decoded.contents,
        together.astype(np.uint64),
        labels,
        fraction=held_out,
        seed=seed,
        stratify=not declared,
    )


def _subset(rows: Rows, indices: NDArray[np.int64]) -> Rows:
    labels = rows.labels[indices] if rows.label_codec is not None else _unknown(len(indices))
    return replace(rows, indices=indices, labels=labels)


def _digest(description: str, parts: Sequence[NDArray[Any]]) -> str:
    digest = hashlib.blake2b(description.encode(), digest_size=16)
    for part in parts:
        for start in range(0, len(part), DIGEST_CHUNK):
            digest.update(part[start : start + DIGEST_CHUNK].tobytes())
    return digest.hexdigest()


def _unknown(count: int) -> NDArray[np.int64]:
    """Labels ``(count,)`` of samples without classes: a read-only view that takes no memory."""
    return np.broadcast_to(np.int64(-1), (count,))


def cache_of(source: Source, codec: Codec[Any], cache: Path) -> Path | None:
    """``cache`` if it is of exactly these data, so that reading through it does not change it."""
    return cache if holds(cache, source, codec) else None


def shuffled(rows: int, size: int, *, seed: int, start: int = 0) -> Iterator[NDArray[np.int64]]:
    """Endless row indices, ``(size,)`` at a time; each epoch visits every row once.

    Args:
        rows: Number of rows, at least 1.
        size: Indices at a time; they may cross from one epoch into the next.
        seed: Same seed, same order, on every machine.
        start: How many parts to skip, at no cost.

    >>> sorted(next(shuffled(4, 4, seed=0)).tolist())
    [0, 1, 2, 3]
    """
    first_round, skip = divmod(start * size, rows)
    remaining = np.zeros(0, np.int64)
    for round_ in count(first_round):
        remaining = np.concatenate(
            [remaining, np.random.default_rng((seed, round_)).permutation(rows)[skip:]]
        )
        skip = 0
        whole = len(remaining) // size * size
        yield from remaining[:whole].reshape(-1, size)
        remaining = remaining[whole:]


def _decode_role(
    source: Source,
    decoded: Decoded,
    role: str,
    codec: Codec[Any],
    cache: Path | None,
    memory_bytes: int,
) -> Decoded:
    """Decode what belongs to the samples in another role, with the same indices.

    Raises:
        DataError: naming the pairs of which one half cannot be read.
    """
    folder = None if cache is None else cache / role
    also = decode(source.roles[role], codec, folder, memory_bytes, grouped=False)
    incomplete = sorted({*decoded.indices.tolist()} ^ {*also.indices.tolist()})
    if incomplete:
        broken = [f"{name} ({why})" for name, why in (*decoded.skipped, *also.skipped)]
        one, many = find_modality(source.kind).noun
        raise DataError(
            f"{len(incomplete)} pairs with a {one} that cannot be read: "
            f"{', '.join(broken[:MAX_LISTED])}",
            where=str(source.path),
            remedy=f"Remove or replace both {many} of these pairs.",
        )
    return also


def _check_vector(source: Source, codecs: Mapping[str, Codec[Any]]) -> None:
    """Refuse what is no vector in the slot of vectors; the other two take any shape.

    Raises:
        DataError: naming the kind, and its shape.
    """
    if LABEL in source.roles and LABEL in codecs and len(shape := codecs[LABEL].shape) > 1:
        raise DataError(
            f"{find_modality(source.roles[LABEL].kind).noun[1]} of shape {tuple(shape)} fill the "
            f"slot {LABEL}, which holds one row of numbers for each sample",
            where=str(source.path),
            remedy="Use a recipe that takes them in the slot grid or tokens.",
        )


def _check_variety(source: Source, fingerprints: NDArray[np.uint64]) -> None:
    many = find_modality(source.kind).noun[1]
    different = len(np.unique(fingerprints))
    if len(fingerprints) > 1 and different < 2:
        raise DataError(
            f"all {len(fingerprints)} {many} are equal, so there is nothing to learn",
            where=str(source.path),
            remedy=f"Add other {many}.",
        )
    if different < MIN_SAMPLES:
        raise DataError(
            f"only {different} different {many} can be used, expected at least {MIN_SAMPLES}",
            where=str(source.path),
            remedy="Add more; a few hundred are a good start.",
        )
