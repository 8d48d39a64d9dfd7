"""The cache of decoded samples on disk: a flat file and an index, each complete or absent."""

from __future__ import annotations

import hashlib
import io
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from gannet.core.codec import Codec
from gannet.core.errors import DataError
from gannet.core.io.arrays import UNREADABLE_ARRAY
from gannet.core.io.checksum import sealed, unsealed
from gannet.core.io.files import FULL, DiskFullError, fingerprint, write_whole
from gannet.core.io.regular import read_bytes
from gannet.core.source import Source
from gannet.modalities.registry import find_modality

FORMAT = 5
"""Version of the cache format; the data of a cache of another version are decoded again."""

MAX_DISK_FRACTION = 0.5
"""Maximum fraction of the free disk space that a cache may take."""

INDEX_BYTES = 4 * 2**30
"""Largest index, in bytes."""

_LEFT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Index:
    """The index of the decoded samples, in order.

    Attributes:
        indices: ``(n,)`` index of each sample in the source.
        contents: ``(n,)`` fingerprint of each cell's content.
        fingerprints: ``(n,)`` fingerprint of each decoded sample.
        skipped: Names of the items that could not be decoded, with reasons.
        stored: Whether the cache has a file of the samples, too.
        groups: ``(n,)`` equal for equal and nearly equal samples; empty where not asked for.
    """

    indices: NDArray[np.int64]
    contents: NDArray[np.uint64]
    fingerprints: NDArray[np.uint64]
    skipped: tuple[tuple[str, str], ...]
    stored: bool
    groups: NDArray[np.int64]


def key_of(source: Source, codec: Codec[Any]) -> str:
    """The cache key, which changes with the files, the sample size and the decoder."""
    decoder = find_modality(codec.kind).reading.decoder
    state = f"{FORMAT} {decoder} {source.stamp()} {codec.model_dump(mode='json')}"
    return hashlib.blake2b(state.encode(), digest_size=8).hexdigest()


def holds(cache: Path, source: Source, codec: Codec[Any]) -> bool:
    """Whether a cache is of exactly these data; writing to it would replace any other."""
    return (cache / f"index-{key_of(source, codec)}.npz").exists()


def samples_file(cache: Path, key: str) -> Path:
    """The file of the decoded samples, one after the other."""
    return cache / f"samples-{key}.bin"


def fits(cache: Path, total: int) -> bool:
    """Whether the disk has room for ``total`` bytes."""
    there = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    return total <= MAX_DISK_FRACTION * shutil.disk_usage(there).free


def load_index(cache: Path, key: str, row: int, *, room: bool) -> Index | None:
    """The index of a cache that is complete and of the same data, else ``None``.

    Args:
        cache: Folder of the cache.
        key: Cache key of the data.
        row: Bytes of a sample.
        room: Whether there is room for samples, so that an index without samples is not enough.
    """
    try:
        content = unsealed(read_bytes(cache / f"index-{key}.npz", INDEX_BYTES))
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            names, reasons = archive["names"].tolist(), archive["reasons"].tolist()
            skipped = tuple(zip(map(str, names), map(str, reasons), strict=True))
            stored = bool(archive["stored"])
            index = Index(
                archive["indices"],
                archive["contents"],
                archive["fingerprints"],
                skipped,
                stored,
                archive["groups"],
            )
        whole = not stored or samples_file(cache, key).stat().st_size == len(index.indices) * row
    except UNREADABLE_ARRAY:
        return None  # damaged or missing: decode again
    return index if whole and (stored or not room) else None


def load_samples(cache: Path, key: str, index: Index, form: NDArray[Any]) -> NDArray[Any] | None:
    """All samples of a cache, ``(n, ...)``; ``None`` if one is not as it was decoded.

    Args:
        cache: Folder of the cache.
        key: Cache key of the data.
        index: Its index.
        form: An array of no samples.
    """
    try:
        flat = np.fromfile(samples_file(cache, key), form.dtype)
        packed = flat.reshape(len(index.indices), *form.shape[1:])
    except (OSError, ValueError):
        return None
    prints = [fingerprint(each.tobytes()) for each in packed]
    return packed if np.array_equal(np.array(prints, np.uint64), index.fingerprints) else None


def save_index(cache: Path, key: str, index: Index) -> None:
    """Write the index, after all else: a cache without an index counts as absent."""
    packed = io.BytesIO()
    np.savez(
        packed,
        indices=index.indices,
        contents=index.contents,
        fingerprints=index.fingerprints,
        names=np.array([name for name, _ in index.skipped], np.str_),
        reasons=np.array([reason for _, reason in index.skipped], np.str_),
        stored=np.array(index.stored),
        groups=index.groups,
    )
    with suppress(DiskFullError):  # which only means decoding again next time
        write_whole(cache / f"index-{key}.npz", sealed(packed.getvalue()), sync=False)


class CacheWriter:
    """Writes samples to a temporary file, which is renamed when it is complete."""

    def __init__(self, cache: Path | None, key: str, *, store_samples: bool) -> None:
        self.cache, self.key = cache, key
        self.file: BinaryIO | None = None
        self.created_folders: list[Path] = []
        self.final: Path | None = None
        if cache is None:
            return
        self.created_folders = [
            each for each in (cache, *cache.absolute().parents) if not each.exists()
        ]
        try:
            cache.mkdir(parents=True, exist_ok=True)
            _tidy(cache, key)
            if store_samples:
                self.final = samples_file(cache, key)
                self.temporary = self.final.with_suffix(f".new-{time.time_ns()}")
                self.file = self.temporary.open("wb")
        except OSError as error:
            raise DataError(
                f"cannot write the cache there ({error.strerror})",
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
        if kind is not None:  # leave no empty folders behind
            for folder in self.created_folders:
                if folder.exists() and not any(folder.iterdir()):
                    folder.rmdir()

    def write(self, packed: NDArray[Any]) -> None:
        """Append packed samples; if the disk is full, give the file up."""
        if self.file is None:
            return
        try:
            self.file.write(packed.tobytes())
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._give_up()

    def finish(self) -> bool:
        """Rename the temporary file to its final name; whether there is one."""
        if self.file is None or self.final is None:
            return False
        file, self.file = self.file, None
        try:
            file.close()
            self.temporary.replace(self.final)
        except OSError as error:
            self.temporary.unlink(missing_ok=True)
            if error.errno not in FULL:
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
            if error.errno not in FULL:
                raise
        finally:
            self.temporary.unlink(missing_ok=True)


def _tidy(cache: Path, key: str) -> None:
    """Remove caches of other data or sizes, and temporary files of killed runs."""
    now = time.time()
    for pattern in ("samples-*", "index-*.npz"):
        for file in cache.glob(pattern):
            half = ".new" in file.name
            if key not in file.name or (half and now - file.stat().st_mtime > _LEFT_SECONDS):
                file.unlink(missing_ok=True)
