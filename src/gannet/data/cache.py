"""Decoded pictures kept on disk between starts: one flat file, one index, both whole or absent."""

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

from gannet.core.errors import DataError
from gannet.core.source import Source
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.io.files import Picture

FORMAT = 1
"""Of the cache. A cache of another format is decoded anew."""

DISK_SHARE = 0.5
"""Most of the free disk that a cache may take."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LEFT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Index:
    """What was found out about each picture that could be decoded, in order.

    Attributes:
        kept: ``(n,)`` numbers of the source's items.
        contents: ``(n,)`` fingerprint of each file's content.
        looks: ``(n,)`` fingerprint of each decoded picture.
        skipped: Names and reasons of those that could not be decoded.
        stored: Whether the pictures lie in a file beside.
    """

    kept: NDArray[np.int64]
    contents: NDArray[np.uint64]
    looks: NDArray[np.uint64]
    skipped: tuple[tuple[str, str], ...]
    stored: bool


def key_of(source: Source, codec: ImageCodec) -> str:
    """Differs for other files, other sizes, and other decoders."""
    state = f"{FORMAT} {PIL.__version__} {source.stamp()} {codec.model_dump_json()}"
    return hashlib.blake2b(state.encode(), digest_size=8).hexdigest()


def holds(cache: Path, source: Source, codec: ImageCodec) -> bool:
    """Whether a cache is of these very data; any other would be replaced by writing to it."""
    return (cache / f"index-{key_of(source, codec)}.npz").exists()


def pictures_file(cache: Path, key: str) -> Path:
    """Where decoded pictures lie, one after the other."""
    return cache / f"pictures-{key}.u8"


def fits(cache: Path, total: int) -> bool:
    """Whether the disk has room for so many bytes."""
    there = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    return total <= DISK_SHARE * shutil.disk_usage(there).free


def load_index(cache: Path, key: str, row: int, *, room: bool) -> Index | None:
    """The index of a cache that is whole and of the same data, else nothing.

    Args:
        cache: Its folder.
        key: Of the data.
        row: Bytes of a picture.
        room: Whether a cache that holds no pictures could now hold them.
    """
    try:
        path = cache / f"index-{key}.npz"
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            names, reasons = held["names"].tolist(), held["reasons"].tolist()
            skipped = tuple(zip(map(str, names), map(str, reasons), strict=True))
            stored = bool(held["stored"])
            index = Index(held["kept"], held["contents"], held["looks"], skipped, stored)
        whole = not stored or pictures_file(cache, key).stat().st_size == len(index.kept) * row
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # decoding again cures it
    return index if whole and (stored or not room) else None


def save_index(cache: Path, key: str, index: Index) -> None:
    """Write the index, last of all: without it a cache does not count."""
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


class CacheWriter:
    """Writes pictures to a file of another name, which takes its place when it is whole."""

    def __init__(self, cache: Path | None, key: str, *, wanted: bool) -> None:
        self.cache, self.key = cache, key
        self.file: BinaryIO | None = None
        self.made: list[Path] = []
        self.final: Path | None = None
        if cache is None:
            return
        self.made = [each for each in (cache, *cache.absolute().parents) if not each.exists()]
        try:
            cache.mkdir(parents=True, exist_ok=True)
            _tidy(cache, key)
            if wanted:
                self.final = pictures_file(cache, key)
                self.fresh = self.final.with_suffix(f".new-{time.time_ns()}")
                self.file = self.fresh.open("wb")
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
            for folder in self.made:
                if folder.exists() and not any(folder.iterdir()):
                    folder.rmdir()

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
            if key not in file.name or (half and now - file.stat().st_mtime > _LEFT_SECONDS):
                file.unlink(missing_ok=True)
