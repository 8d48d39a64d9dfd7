"""A data set ready to train on: codecs, classes, rows to train on, rows held out, endless batches.

``find`` says what lies at a path, ``load`` decodes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import ConfigError, DataError
from gannet.core.io.files import fingerprint
from gannet.core.seeding import some_of
from gannet.core.source import WORDS, Source
from gannet.core.types import NO_TABLE, Batch, Condition, TableLayout
from gannet.data.cache import holds
from gannet.data.decode import Decoded, decode
from gannet.data.find import find, is_table, of_frame
from gannet.data.split import FEWEST, split
from gannet.data.store import Held, Store
from gannet.metrics.kmeans import assigned, centres
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.label.codec import LabelCodec
from gannet.modalities.registry import modality_of
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.table.packed_rows import Packer, Packing, apart
from gannet.modalities.vector.codec import VectorCodec

__all__ = [
    "MEMORY_BYTES",
    "Dataset",
    "Rows",
    "Source",
    "cache_of",
    "find",
    "is_table",
    "load",
    "of_frame",
    "shuffled",
    "sorted_by_likeness",
]

MEMORY_BYTES = 256 * 2**20
"""Decoded pictures, or packed rows of a table, up to this size are held in memory."""

DIGESTED = 2**20
"""Numbers that go into a digest at once."""

CHANCE = 0.1
"""Share of a table's rows that equal an earlier one beyond which that is chance, not copying."""

SHOWN = 8
"""Columns that an error lists."""

SORTED_BY, PART = 10_000, 500
"""Most samples whose heaps decide the kinds, and how many are read at once."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Samples with their labels.

    Attributes:
        store: That holds the samples, these and others.
        places: ``(n,)`` where in the store each row is.
        labels: ``(n,)`` class numbers, -1 where not known.
        told: Codec of the labels; ``None`` if there are no classes.
        table: What the fields of table rows are; empty for all else.
        beside: That holds what belongs to each sample, in the same places.
        kind: Name of the kind of data that the samples are of.
    """

    store: Store
    places: NDArray[np.int64]
    labels: NDArray[np.int64]
    told: LabelCodec | None
    table: TableLayout = NO_TABLE
    beside: Store | None = None
    kind: str = ""

    def __len__(self) -> int:
        return len(self.places)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Batch:
        """Some rows, 32 bit; the condition's ``vector`` is one-hot, zero where not known."""
        chosen = np.asarray(indices, np.int64).reshape(-1)
        real = self.store.read(self.places[chosen])
        none = Condition.none(real)
        if self.beside is not None:
            none = replace(none, grid=self.beside.read(self.places[chosen]))
        told = none
        if self.told is not None:
            told = replace(none, vector=self.told.rows(self.labels[chosen]))
        return Batch(real, told, self.table, self.kind)

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
    *,
    codec: Codec[Any],
    beside: ImageCodec | None = None,
    cache: Path | None = None,
    held_out: float = 0.1,
    seed: int = 0,
    memory_bytes: int = MEMORY_BYTES,
) -> Dataset:
    """Decode a source and split it.

    Args:
        source: As found.
        codec: ``ImageCodec`` for pictures, ``VectorCodec`` for rows of numbers, ``TableCodec`` for
            tables.
        beside: Of what belongs to each sample, if the source has that.
        cache: Folder that keeps decoded pictures for the next start; ``None`` for none.
        held_out: Share kept away from training; in numbers at least 64 and at most 5,000 where
            the data allow.
        seed: Of the split alone.
        memory_bytes: Up to this size decoded pictures are held in memory, beyond it they are read
            from the cache row by row, or decoded as needed if the disk has no room for a cache.
            Packed rows of a table beyond it lie in a file there that goes with the process.

    Raises:
        DataError: if too many items are broken, or fewer than ten differ.
        ConfigError: if the share is out of range.
    """
    if not 0 < held_out < 1:
        raise ConfigError(f"held_out: expected more than 0 and less than 1, got {held_out}")
    found = _decoded(source, codec, cache, memory_bytes)
    _check_variety(source, found.looks)
    also = None
    if source.beside is not None and beside is not None:
        found, also = _paired(source, found, beside, cache, memory_bytes)
    # Of data without classes one number stands for all: there may be very many.
    labels = source.labels[found.kept] if source.classes else _unknown(len(found.kept))
    looks = found.looks
    if len(source.groups):
        looks = source.groups[found.kept].astype(np.uint64)
    train, held = split(found.contents, looks, labels, share=held_out, seed=seed)

    def labels_of(places: NDArray[np.int64]) -> NDArray[np.int64]:
        return labels[places] if source.classes else _unknown(len(places))

    told = LabelCodec(classes=source.classes) if source.classes else None
    table = codec.layout if isinstance(codec, TableCodec) else NO_TABLE
    codecs: dict[str, Codec[Any]] = {"sample": codec}
    if told is not None:
        codecs["vector"] = told
    if beside is not None:
        codecs["grid"] = beside
    in_order = also.store if also else None
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{codec.model_dump(mode='json')} {source.classes}".encode())
    for part in (found.contents, labels, held, *([also.contents] if also else [])):
        for start in range(0, len(part), DIGESTED):
            digest.update(part[start : start + DIGESTED].tobytes())
    return Dataset(
        source=source,
        codecs=codecs,
        classes=source.classes,
        train=Rows(found.store, train, labels_of(train), told, table, in_order, codec.kind),
        held_out=Rows(found.store, held, labels_of(held), told, table, in_order, codec.kind),
        skipped=found.skipped,
        digest=digest.hexdigest(),
    )


def _unknown(count: int) -> NDArray[np.int64]:
    """Labels ``(count,)`` of samples without classes, to be read only; they take no memory."""
    return np.broadcast_to(np.int64(-1), (count,))


def sorted_by_likeness(data: Dataset, count: int, *, seed: int) -> Dataset:
    """The same data, told which of ``count`` kinds each sample is of; classes there are none.

    A generator that is told a kind cannot forget it, and learns it from samples that are alike.

    Source: Liu et al. 2020, arXiv:2006.10728 (self-conditioned GANs). Differs: kinds are found in
    the pictures, once, not in the discriminator's features again and again.
    """
    told = LabelCodec(classes=tuple(f"kind {number + 1}" for number in range(count)), made=True)
    some = some_of(len(data.train), SORTED_BY, seed)
    middles = centres(_outlines(data.train, some), count, seed=seed)

    def sorted_(rows: Rows) -> Rows:
        every = range(len(rows))
        parts = [every[at : at + PART] for at in range(0, len(rows), PART)]
        labels = torch.cat([assigned(_outlines(rows, part), middles) for part in parts])
        return replace(rows, labels=labels.numpy(), told=told)

    return replace(
        data,
        codecs={**data.codecs, "vector": told},
        train=sorted_(data.train),
        held_out=sorted_(data.held_out),
    )


def _outlines(rows: Rows, places: Sequence[int]) -> Tensor:
    parts = [places[at : at + PART] for at in range(0, len(places), PART)]
    thumbnail = modality_of(rows.kind).thumbnail
    return torch.cat([thumbnail(rows.take(part).real) for part in parts])


def cache_of(source: Source, codec: Codec[Any], cache: Path) -> Path | None:
    """A cache made for other purposes, if reading these data through it leaves it as it is."""
    return cache if isinstance(codec, ImageCodec) and holds(cache, source, codec) else None


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


def _decoded(source: Source, codec: Codec[Any], cache: Path | None, memory_bytes: int) -> Decoded:
    if source.kind == "image" and isinstance(codec, ImageCodec):
        # Checked before the cache is put in its place: refused data leave none behind.
        return decode(source, codec, cache, memory_bytes, partial(_check_variety, source))
    if source.kind == "vector" and isinstance(codec, VectorCodec):
        rows = source.rows()
        if codec.shape != rows.shape[1:]:
            raise DataError(
                f"rows of {rows.shape[1]} numbers, expected {codec.shape[0]}",
                where=str(source.path),
                remedy="Use data with the columns that the model was trained on.",
            )
        prints = np.array([fingerprint(row.tobytes()) for row in rows], np.uint64)
        store = Held(codec.encode(rows))  # pyright: ignore[reportArgumentType]
        return Decoded(np.arange(len(rows)), prints, prints, (), store)
    if source.kind == "table" and isinstance(codec, TableCodec):
        return _encoded(source, codec, cache, memory_bytes)
    raise DataError(
        f"holds {WORDS[source.kind]}, which the codec {codec.kind!r} cannot read",
        where=str(source.path),
    )


def _paired(
    source: Source, found: Decoded, codec: ImageCodec, cache: Path | None, memory_bytes: int
) -> tuple[Decoded, Decoded]:
    """Samples and what belongs to them, in the same places.

    Raises:
        DataError: if one of a pair cannot be read; which is said.
    """
    assert source.beside is not None
    place = None if cache is None else cache / "beside"
    also = decode(source.beside, codec, place, memory_bytes)
    lost = sorted({*found.kept.tolist()} ^ {*also.kept.tolist()})
    if lost:
        broken = [f"{name} ({why})" for name, why in (*found.skipped, *also.skipped)]
        raise DataError(
            f"{len(lost)} pairs of which one picture cannot be read: {', '.join(broken[:SHOWN])}",
            where=str(source.path),
            remedy="Remove or replace both pictures of these pairs.",
        )
    return found, also


def _encoded(source: Source, codec: TableCodec, cache: Path | None, memory_bytes: int) -> Decoded:
    """A table's rows as the codec has them, read and packed some at a time."""
    if not codec.fields:
        raise DataError(
            "no column that can be learnt: " + "; ".join(codec.describe()[:SHOWN]),
            where=str(source.path),
            remedy="Add columns, or say what they are with --column NAME=TYPE.",
        )
    size = Packing(codec.symbols).dtype.itemsize
    folder = cache if size * source.count > memory_bytes else None
    packer = Packer(codec.symbols, source.count, folder)
    for number, frame in enumerate(source.frames):
        if not number:
            codec.check_columns(frame)
        packer.add(codec.encode_frame(frame).numpy())
    store, looks = packer.finish(), packer.prints
    if len(np.unique(looks)) < (1 - CHANCE) * len(looks):
        # So many equal rows are no copies of each other: few different ones are possible.
        looks = apart(looks)
    return Decoded(np.arange(len(looks)), looks, looks, (), store)


def _check_variety(source: Source, looks: NDArray[np.uint64]) -> None:
    word = "pictures" if source.kind == "image" else "rows"
    if source.kind == "table" and len(looks) < FEWEST:
        raise DataError(
            f"only {len(looks)} rows, expected at least {FEWEST}",
            where=str(source.path),
            remedy="Add more; a few hundred are a good start.",
        )
    different = len(np.unique(looks))
    if len(looks) > 1 and different < 2:
        raise DataError(
            f"all {len(looks)} {word} are equal, so there is nothing to learn",
            where=str(source.path),
            remedy="Add different ones.",
        )
    if different < FEWEST:
        raise DataError(
            f"only {different} different {word} can be used, expected at least {FEWEST}",
            where=str(source.path),
            remedy="Add more; a few hundred are a good start.",
        )
