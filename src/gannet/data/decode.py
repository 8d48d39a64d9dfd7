"""Decode every sample once: into memory, into a cache file, or only to check it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.codec import Codec
from gannet.core.errors import DataError
from gannet.core.io.files import fingerprint
from gannet.core.io.prefetch import in_order
from gannet.core.io.stages import stage
from gannet.core.source import Source
from gannet.data.cache import (
    CacheWriter,
    Index,
    fits,
    key_of,
    load_index,
    load_samples,
    samples_file,
    save_index,
)
from gannet.data.doctor.near import near_groups
from gannet.data.store import InFile, InMemory, Streamed, row_bytes
from gannet.modalities.modality import Modality
from gannet.modalities.reading import SampleStore, StoredSamples
from gannet.modalities.registry import find_modality

MAX_LISTED = 10
"""Maximum number of broken samples that an error lists."""

MAX_CHUNK = 128
"""Maximum number of cells that one thread decodes at once."""

TELL_SECONDS = 2.0
"""Seconds between two lines about how far decoding is."""

_CHUNK_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Decoded:
    """Samples that can be trained on.

    Attributes:
        indices: ``(n,)`` index in the source of each item that could be decoded.
        contents: ``(n,)`` fingerprint of each cell's content.
        fingerprints: ``(n,)`` fingerprint of each decoded sample; equal for equal samples.
        skipped: Names of the items that could not be decoded, with reasons.
        store: The store of the samples.
        identities: ``(n,)`` fingerprints by which a sample is known elsewhere; see
            ``StoredSamples``.
        groups: ``(n,)`` equal for equal and nearly equal samples; empty where not asked for.
    """

    indices: NDArray[np.int64]
    contents: NDArray[np.uint64]
    fingerprints: NDArray[np.uint64]
    skipped: tuple[tuple[str, str], ...]
    store: SampleStore
    identities: NDArray[np.uint64]
    groups: NDArray[np.int64]


Check = Callable[[NDArray[np.uint64]], None]
"""Called with the samples' fingerprints before a cache is finished; may raise to refuse them."""


def may_be_broken(count: int) -> int:
    """How many of ``count`` samples may be broken: 3 or 1 %, but always fewer than half.

    >>> [may_be_broken(count) for count in (2, 5, 100, 1000)]
    [0, 2, 3, 10]
    """
    return min(max(3, count // 100), (count - 1) // 2)


def decode(
    source: Source,
    codec: Codec[Any],
    cache: Path | None,
    memory_bytes: int,
    check: Check = lambda _: None,
    *,
    grouped: bool = True,
) -> Decoded:
    """Decode every sample once, or use the cache if it was done before.

    Args:
        source: Of samples of the codec's kind.
        codec: Gives their shape.
        cache: Folder for the decoded samples; ``None`` for no cache.
        memory_bytes: Up to this size they are kept in memory.
        check: Called with the fingerprints of the decoded samples.
        grouped: Whether near-duplicates are looked for.

    Raises:
        DataError: if more samples are broken than ``may_be_broken`` allows, or the codec is of
            another kind.
    """
    modality = find_modality(source.kind)
    if codec.kind != source.kind:
        raise DataError(
            f"holds {modality.data}, which the codec {codec.kind!r} cannot read",
            where=str(source.path),
        )
    if modality.reading.store is not None:
        whole = modality.reading.store(source, codec, cache, memory_bytes)
        check(whole.fingerprints)
        return _whole(modality, codec, whole, grouped=grouped)
    form = modality.pack(codec, [])
    row = row_bytes(form)
    total = row * source.count
    in_memory = total <= memory_bytes
    folder = None if source.in_memory else cache
    key = key_of(source, codec)
    room = folder is not None and fits(folder, total)
    index, cached = _cached(folder, key, form, room=room, in_memory=in_memory)
    if index is None:
        rows = source.count if in_memory else 0
        packed = np.empty((rows, *form.shape[1:]), form.dtype)
        run = _Pass(modality, source, codec, packed, row)
        with CacheWriter(folder, key, store_samples=room) as writer:
            index = run.into(writer, check)
            usable = packed[: len(index.indices)] if in_memory else None
            store = _store(modality, source, codec, index, usable, writer.final)
            groups = _groups(modality, codec, store, index.fingerprints, grouped=grouped)
            index = replace(index, groups=groups)
            if folder:
                save_index(folder, key, index)
    else:
        file = samples_file(folder, key) if folder and index.stored else None
        store = _store(modality, source, codec, index, cached, file)
    return _indexed(index, store)


def _cached(
    folder: Path | None, key: str, form: NDArray[Any], *, room: bool, in_memory: bool
) -> tuple[Index | None, NDArray[Any] | None]:
    """The index of a cache and, where they go to memory, its samples; ``None`` if damaged."""
    index = load_index(folder, key, row_bytes(form), room=room) if folder else None
    if index is None or folder is None or not (index.stored and in_memory):
        return index, None
    cached = load_samples(folder, key, index, form)
    return (None, None) if cached is None else (index, cached)


def _indexed(index: Index, store: SampleStore) -> Decoded:
    """Samples that were decoded item by item; each is known elsewhere by its own fingerprint."""
    prints = index.fingerprints
    return Decoded(
        index.indices, index.contents, prints, index.skipped, store, prints, index.groups
    )


def _whole(
    modality: Modality, codec: Codec[Any], whole: StoredSamples, *, grouped: bool
) -> Decoded:
    """Samples of a kind that does not read them item by item."""
    groups = _groups(modality, codec, whole.store, whole.fingerprints, grouped=grouped)
    every = np.arange(len(whole.fingerprints))
    identities = whole.fingerprints if whole.identities is None else whole.identities
    return Decoded(every, whole.contents, whole.fingerprints, (), whole.store, identities, groups)


def _groups(
    modality: Modality,
    codec: Codec[Any],
    store: SampleStore,
    fingerprints: NDArray[np.uint64],
    *,
    grouped: bool,
) -> NDArray[np.int64]:
    if not grouped:
        return np.zeros(0, np.int64)
    return near_groups(store.read, fingerprints, modality, codec)


def _store(
    modality: Modality,
    source: Source,
    codec: Codec[Any],
    index: Index,
    packed: NDArray[Any] | None,
    file: Path | None,
) -> SampleStore:
    if packed is not None:
        return InMemory(modality, codec, packed)
    if index.stored and file is not None:
        return InFile(modality, codec, file, index.fingerprints)
    return Streamed(modality, codec, source, index.indices)


@dataclass(frozen=True, slots=True)
class _DecodedPart:
    """Some consecutive cells, decoded.

    Attributes:
        indices: Indices of those that are not broken.
        contents: Fingerprint of the content of each.
        packed: The packed samples ``(n, ...)``.
        fingerprints: Fingerprint of each packed sample.
        skipped: Names of the broken ones, with reasons.
    """

    indices: list[int]
    contents: list[int]
    packed: NDArray[Any]
    fingerprints: list[int]
    skipped: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass over all cells.

    Attributes:
        modality: The kind of data.
        source: The source of the cells.
        codec: Gives their shape.
        packed: Filled with the decoded samples, unless it has no rows.
        row: Bytes of one packed sample.
    """

    modality: Modality
    source: Source
    codec: Codec[Any]
    packed: NDArray[Any]
    row: int

    def into(self, writer: CacheWriter, check: Check) -> Index:
        """Decode all cells and write the samples.

        Raises:
            DataError: if too many are broken, or ``check`` refuses them.
        """
        indices: list[int] = []
        fingerprints: list[tuple[int, int]] = []
        skipped: list[tuple[str, str]] = []
        count = self.source.count
        size = max(1, min(MAX_CHUNK, _CHUNK_BYTES // max(self.row, 1)))
        starts = range(0, count, size)
        parts = in_order(
            lambda start: self._part(range(start, min(start + size, count))), starts, chunk=1
        )
        last_line = time.monotonic()
        for start, part in zip(starts, parts, strict=True):
            if time.monotonic() - last_line > TELL_SECONDS:
                last_line = time.monotonic()
                stage(f"decoding: {100 * start // count} %")
            skipped += part.skipped
            if len(skipped) > may_be_broken(count):
                raise _too_many_broken(self.source, skipped, min(start + size, count))
            if len(self.packed):
                self.packed[len(indices) : len(indices) + len(part.indices)] = part.packed
            writer.write(part.packed)
            indices += part.indices
            fingerprints += zip(part.contents, part.fingerprints, strict=True)
        both = np.array(fingerprints, np.uint64).reshape(-1, 2)
        check(both[:, 1])
        return Index(
            indices=np.array(indices, np.int64),
            contents=both[:, 0],
            fingerprints=both[:, 1],
            skipped=tuple(skipped),
            stored=writer.finish(),
            groups=np.zeros(0, np.int64),
        )

    def _part(self, indices: range) -> _DecodedPart:
        decoded: list[int] = []
        contents: list[int] = []
        raws: list[Any] = []
        skipped: list[tuple[str, str]] = []
        for index in indices:
            try:
                content, raw = self._one(index)
            except DataError as error:
                skipped.append((self.source.names[index], error.problem))
                continue
            decoded.append(index)
            contents.append(content)
            raws.append(raw)
        try:
            packed = self.modality.pack(self.codec, raws)
        except Exception:  # noqa: BLE001  # codecs of other packages may raise anything
            each, faults = self._one_by_one(decoded, raws)
            skipped += [(self.source.names[index], why) for index, why in faults.items()]
            contents = [
                content
                for index, content in zip(decoded, contents, strict=True)
                if index not in faults
            ]
            decoded = [index for index in decoded if index not in faults]
            packed = np.concatenate([self.modality.pack(self.codec, []), *each])
        fingerprints = [fingerprint(each.tobytes()) for each in packed]
        return _DecodedPart(decoded, contents, packed, fingerprints, skipped)

    def _one_by_one(
        self, indices: list[int], raws: list[Any]
    ) -> tuple[list[NDArray[Any]], dict[int, str]]:
        """Packed samples, and reasons why the others cannot be encoded, by index."""
        packed: list[NDArray[Any]] = []
        faults: dict[int, str] = {}
        for index, raw in zip(indices, raws, strict=True):
            try:
                packed.append(self.modality.packed(self.codec, raw, self.source.names[index]))
            except DataError as error:
                faults[index] = error.problem
        return packed, faults

    def _one(self, index: int) -> tuple[int, Any]:
        """The fingerprint of a cell and its raw sample; the file is read once if possible."""
        name, cell = self.source.names[index], self.source.raw(index)
        reading = self.modality.reading
        content = reading.content(cell, name)
        whole = content if reading.load is not None and isinstance(cell, Path) else cell
        return fingerprint(content), self.modality.load(whole, name, self.codec)


def _too_many_broken(source: Source, skipped: list[tuple[str, str]], read_count: int) -> DataError:
    listing = "\n  ".join(f"{name}: {reason}" for name, reason in skipped[:MAX_LISTED])
    more = f"\n  ... and {len(skipped) - MAX_LISTED} more" if len(skipped) > MAX_LISTED else ""
    many = find_modality(source.kind).noun[1]
    return DataError(
        f"{len(skipped)} of the first {read_count} {many} cannot be used, which is too many of "
        f"{source.count}:\n  {listing}{more}",
        where=str(source.path),
        remedy="Remove or replace them. Only a few are skipped: 3, or 1 %.",
    )
