"""Every picture decoded once: kept in memory, in one cache file, or only checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.io.files import fingerprint
from gannet.core.io.prefetch import in_order
from gannet.core.source import Source
from gannet.data.cache import (
    CacheWriter,
    Index,
    fits,
    key_of,
    load_index,
    pictures_file,
    save_index,
)
from gannet.data.store import InFile, InMemory, Store, Streamed
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.io.files import Picture, content

SHOWN = 10
"""Broken pictures that an error lists."""

_CHUNK_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pictures that can be trained on.

    Attributes:
        kept: ``(n,)`` numbers of the source's items that could be decoded.
        contents: ``(n,)`` fingerprint of each file's content.
        looks: ``(n,)`` fingerprint of each decoded picture; equal for equal pictures.
        skipped: Names and reasons of those that could not.
        store: Where they are.
    """

    kept: NDArray[np.int64]
    contents: NDArray[np.uint64]
    looks: NDArray[np.uint64]
    skipped: tuple[tuple[str, str], ...]
    store: Store


def may_be_broken(count: int) -> int:
    """How many of ``count`` pictures may be broken: 3 or 1 %, but never half of them.

    >>> [may_be_broken(count) for count in (2, 5, 100, 1000)]
    [0, 2, 3, 10]
    """
    return min(max(3, count // 100), (count - 1) // 2)


def decode(
    source: Source,
    codec: ImageCodec,
    cache: Path | None,
    memory_bytes: int,
    check: Callable[[NDArray[np.uint64]], None] = lambda _: None,
) -> Decoded:
    """Decode every picture once, or find that it was done before.

    Args:
        source: Of pictures.
        codec: Says their size and channels.
        cache: Folder for the decoded pictures; ``None`` keeps no file.
        memory_bytes: Up to this size they are held in memory.
        check: Told how they look before a cache is put in its place; may raise to refuse them.

    Raises:
        DataError: if more pictures are broken than ``may_be_broken`` allows.
    """
    row = codec.height * codec.width * codec.channels
    total = row * source.count
    held = total <= memory_bytes
    place = None if source.held else cache
    key = key_of(source, codec)
    room = place is not None and fits(place, total)
    index = load_index(place, key, row, room=room) if place else None
    if index is None:
        pictures = np.empty((source.count, row), np.uint8) if held else np.empty((0, row), np.uint8)
        with CacheWriter(place, key, wanted=room) as writer:
            index = _pass(source, codec, pictures, writer, check)
            if place:
                save_index(place, key, index)
        store = _store(source, codec, index, pictures[: len(index.kept)], writer.final, held)
    else:
        file = pictures_file(place, key) if place and index.stored else None
        pictures = np.fromfile(file, np.uint8).reshape(-1, row) if held and file else None
        store = _store(source, codec, index, pictures, file, held)
    return Decoded(index.kept, index.contents, index.looks, index.skipped, store)


def _store(
    source: Source,
    codec: ImageCodec,
    index: Index,
    pictures: NDArray[np.uint8] | None,
    file: Path | None,
    held: bool,
) -> Store:
    if held and pictures is not None:
        shape = (len(index.kept), codec.height, codec.width, codec.channels)
        return InMemory(codec, pictures.reshape(shape))
    if index.stored and file is not None:
        return InFile(codec, file)
    return Streamed(codec, source, index.kept)


def _pass(
    source: Source,
    codec: ImageCodec,
    pictures: NDArray[np.uint8],
    writer: CacheWriter,
    check: Callable[[NDArray[np.uint64]], None],
) -> Index:
    kept: list[int] = []
    prints: list[tuple[int, int]] = []
    skipped: list[tuple[str, str]] = []
    found_in_order = in_order(
        lambda index: _one(source, codec, index),
        range(source.count),
        chunk=_CHUNK_BYTES // (codec.height * codec.width * codec.channels),
    )
    for number, found in enumerate(found_in_order):
        if isinstance(found, str):
            skipped.append((source.names[number], found))
            if len(skipped) > may_be_broken(source.count):
                raise _too_many_broken(source, skipped, number + 1)
            continue
        held, look, picture = found
        if len(pictures):
            pictures[len(kept)] = picture.reshape(-1)
        writer.write(picture)
        kept.append(number)
        prints.append((held, look))
    both = np.array(prints, np.uint64).reshape(-1, 2)
    check(both[:, 1])
    return Index(
        kept=np.array(kept, np.int64),
        contents=both[:, 0],
        looks=both[:, 1],
        skipped=tuple(skipped),
        stored=writer.finish(),
    )


_Found = tuple[int, int, Picture] | str


def _one(source: Source, codec: ImageCodec, index: int) -> _Found:
    name = source.names[index]
    try:
        item = source.picture(index)
        held = content(item, name)
        picture = codec.picture(item if isinstance(item, np.ndarray) else held, name=name)
    except DataError as error:
        return error.problem
    return fingerprint(held), fingerprint(picture.tobytes()), picture


def _too_many_broken(source: Source, skipped: list[tuple[str, str]], seen: int) -> DataError:
    shown = "\n  ".join(f"{name}: {reason}" for name, reason in skipped[:SHOWN])
    more = f"\n  ... and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
    return DataError(
        f"{len(skipped)} of the first {seen} pictures cannot be used, which is too many of "
        f"{source.count}:\n  {shown}{more}",
        where=str(source.path),
        remedy="Remove or replace them. A few are skipped: 3, or 1 %.",
    )
