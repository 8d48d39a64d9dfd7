"""Every picture decoded once: kept in memory, in one cache file, or only checked."""

from __future__ import annotations

import errno
import hashlib
import shutil
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import PIL
from numpy.typing import NDArray

from gannet.codecs.image import ImageCodec
from gannet.errors import DataError
from gannet.pictures import Picture, content
from gannet.sources.ahead import in_order
from gannet.sources.source import Source
from gannet.sources.store import InFile, InMemory, Store, Streamed

FORMAT = 1
"""Of the cache. A cache of another format is decoded anew."""

DISK_SHARE = 0.5
"""Most of the free disk that a cache may take."""

SHOWN = 10
"""Broken pictures that an error lists."""

_CHUNK_BYTES = 4 * 2**20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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


@dataclass(frozen=True, slots=True)
class _Index:
    kept: NDArray[np.int64]
    contents: NDArray[np.uint64]
    looks: NDArray[np.uint64]
    skipped: tuple[tuple[str, str], ...]
    stored: bool


def fingerprint(held: bytes) -> int:
    """64 bits that differ where contents differ."""
    return int.from_bytes(hashlib.blake2b(held, digest_size=8).digest(), "little")


def may_be_broken(count: int) -> int:
    """How many of ``count`` pictures may be broken: 3 or 1 %, but never half of them.

    >>> [may_be_broken(count) for count in (2, 5, 100, 1000)]
    [0, 2, 3, 10]
    """
    return min(max(3, count // 100), (count - 1) // 2)


def decode(source: Source, codec: ImageCodec, cache: Path | None, memory_bytes: int) -> Decoded:
    """Decode every picture once, or find that it was done before.

    Args:
        source: Of pictures.
        codec: Says their size and channels.
        cache: Folder for the decoded pictures; ``None`` keeps no file.
        memory_bytes: Up to this size they are held in memory.

    Raises:
        DataError: if more pictures are broken than ``may_be_broken`` allows.
    """
    row = codec.height * codec.width * codec.channels
    total = row * source.count
    held = total <= memory_bytes
    place = None if source.held else cache
    key = _key(source, codec)
    fits = place is not None and _fits(place, total)
    index = _load(place, key, row, fits) if place else None
    if index is None:
        pictures = np.empty((source.count, row), np.uint8) if held else np.empty((0, row), np.uint8)
        with _Writer(place, key, wanted=fits) as writer:
            index = _pass(source, codec, pictures, writer)
            if place:
                _save(place, key, index)
        store = _store(source, codec, index, pictures[: len(index.kept)], writer.final, held)
    else:
        file = _file(place, key) if place and index.stored else None
        pictures = np.fromfile(file, np.uint8).reshape(-1, row) if held and file else None
        store = _store(source, codec, index, pictures, file, held)
    return Decoded(index.kept, index.contents, index.looks, index.skipped, store)


def _store(
    source: Source,
    codec: ImageCodec,
    index: _Index,
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
    source: Source, codec: ImageCodec, pictures: NDArray[np.uint8], writer: _Writer
) -> _Index:
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
    return _Index(
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


def _key(source: Source, codec: ImageCodec) -> str:
    state = f"{FORMAT} {PIL.__version__} {source.stamp()} {codec.model_dump_json()}"
    return hashlib.blake2b(state.encode(), digest_size=8).hexdigest()


def _file(cache: Path, key: str) -> Path:
    return cache / f"pictures-{key}.u8"


def _fits(cache: Path, total: int) -> bool:
    there = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    return total <= DISK_SHARE * shutil.disk_usage(there).free


def _load(cache: Path, key: str, row: int, fits: bool) -> _Index | None:
    """The index of a cache that is whole and of the same data, else nothing."""
    try:
        with np.load(cache / f"index-{key}.npz", allow_pickle=False) as held:
            names, reasons = held["names"].tolist(), held["reasons"].tolist()
            skipped = tuple(zip(map(str, names), map(str, reasons), strict=True))
            stored = bool(held["stored"])
            index = _Index(held["kept"], held["contents"], held["looks"], skipped, stored)
        whole = not stored or _file(cache, key).stat().st_size == len(index.kept) * row
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # decoding again cures it
    return index if whole and (stored or not fits) else None


def _save(cache: Path, key: str, index: _Index) -> None:
    fresh = cache / f"index-{key}.new.npz"
    try:
        np.savez(
            fresh,
            kept=index.kept,
            contents=index.contents,
            looks=index.looks,
            names=np.array([name for name, _ in index.skipped], np.str_),
            reasons=np.array([reason for _, reason in index.skipped], np.str_),
            stored=np.array(index.stored),
        )
        fresh.replace(cache / f"index-{key}.npz")
    except OSError as error:
        fresh.unlink(missing_ok=True)
        if error.errno not in _FULL:  # without an index we only decode again next time
            raise


class _Writer:
    """Writes pictures to a file of another name, which takes its place when it is whole."""

    def __init__(self, cache: Path | None, key: str, *, wanted: bool) -> None:
        self.cache, self.key = cache, key
        self.file: BinaryIO | None = None
        self.final: Path | None = None
        if cache is None:
            return
        try:
            cache.mkdir(parents=True, exist_ok=True)
            _tidy(cache, key)
            if wanted:
                self.final = _file(cache, key)
                self.fresh = self.final.with_suffix(f".new-{time.time_ns()}")
                self.file = self.fresh.open("wb")
        except PermissionError:
            raise DataError(
                "no permission to write the cache there",
                where=str(cache),
                remedy="Choose another folder with --out.",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._give_up()

    def write(self, picture: Picture) -> None:
        """Add one picture, unless the disk has run full."""
        if self.file is None:
            return
        try:
            self.file.write(picture.data)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._give_up()

    def finish(self) -> bool:
        """Put the file in its place, and say whether there is one."""
        if self.file is None or self.final is None:
            return False
        file, self.file = self.file, None
        try:
            file.close()
            self.fresh.replace(self.final)
        except OSError as error:
            self.fresh.unlink(missing_ok=True)
            if error.errno not in _FULL:
                raise
            return False
        return True

    def _give_up(self) -> None:
        if self.file is None:
            return
        file, self.file = self.file, None
        try:
            file.close()
        except OSError as error:
            if error.errno not in _FULL:
                raise
        finally:
            self.fresh.unlink(missing_ok=True)


def _tidy(cache: Path, key: str) -> None:
    """Remove caches of other data or sizes, and what a killed run left half-written."""
    now = time.time()
    for pattern in ("pictures-*", "index-*.npz"):
        for file in cache.glob(pattern):
            half = ".new" in file.name
            if key not in file.name or (half and now - file.stat().st_mtime > 3600):
                file.unlink(missing_ok=True)
