"""Encoded rows of a table, packed for training in memory or in a memory-mapped file.

Packing is lossless: a symbol takes one, two or four bytes, a position keeps its 32 bits.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.errors import DataError
from gannet.core.types import Float32Array

PackedArray = NDArray[Any]

TOUCHED_BYTES = 64 * 2**20
"""Bytes of a mapped file that are read before its pages are released to the system."""

PAGE = 4_096


class Packing:
    """How a row of numbers ``(F,)`` becomes a record of bytes, and back.

    Args:
        symbols: Number of symbols of each field; 0 for a position.

    Attributes:
        dtype: Of a record: its fields grouped by type.
        groups: Type name -> indices of its fields.
    """

    def __init__(self, symbols: Sequence[int]) -> None:
        kinds = [_kind(count) for count in symbols]
        self.count = len(kinds)
        self.groups = {
            kind: np.array([at for at, each in enumerate(kinds) if each == kind], np.int64)
            for kind in dict.fromkeys(kinds)
        }
        layout = [(kind, kind, (len(at),)) for kind, at in self.groups.items()]
        self.dtype = np.dtype(layout)

    def pack(self, rows: Float32Array) -> PackedArray:
        """Rows ``(n, F)`` to records ``(n,)``."""
        records = np.empty(len(rows), self.dtype)
        for kind, at in self.groups.items():
            records[kind] = rows[:, at]
        return records

    def unpack(self, records: PackedArray) -> Float32Array:
        """Records ``(n,)`` to rows ``(n, F)``, exactly as they were packed."""
        rows = np.empty((len(records), self.count), np.float32)
        for kind, at in self.groups.items():
            rows[:, at] = records[kind]
        return rows


def _kind(symbols: int) -> str:
    """The smallest numpy type that represents every value of a field.

    >>> _kind(0), _kind(256), _kind(257), _kind(70_000)
    ('f4', 'u1', 'u2', 'u4')
    """
    if not symbols:
        return "f4"
    return "u1" if symbols <= 2**8 else "u2" if symbols <= 2**16 else "u4"


class Packed:
    """Encoded rows, by index."""

    slow: ClassVar[bool] = False
    location: ClassVar[str] = "packed"

    def __init__(
        self, packing: Packing, records: PackedArray, mapped: _Mapped | None = None
    ) -> None:
        self.packing, self.records, self.mapped = packing, records, mapped

    def read(self, indices: NDArray[np.int64]) -> Tensor:
        """Samples ``(n, F)``."""
        rows = self.packing.unpack(self.records[indices])
        if self.mapped is not None:
            self.mapped.touched(len(indices))
        return torch.from_numpy(rows)


class _Mapped:
    """A memory-mapped temporary file whose pages are released after they were read.

    The system caches the pages while it has room, but they no longer count as this process's.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.touched_bytes = 0
        self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        file.close()  # the map holds it open by itself

    def touched(self, rows: int) -> None:
        """Count rows that were read, one page each at most, and release pages when due."""
        self.touched_bytes += rows * PAGE
        if self.touched_bytes > TOUCHED_BYTES and hasattr(self.map, "madvise"):
            self.map.madvise(mmap.MADV_DONTNEED)
            self.touched_bytes = 0


class Packer:
    """Packs encoded rows chunk by chunk into a store.

    Args:
        symbols: Number of symbols of each field; 0 for a position.
        count: Total number of rows.
        folder: For a file, created if missing; ``None`` stores the rows in memory. The file has no
            name and is deleted with the process.

    Raises:
        DataError: if the folder cannot be written to.
    """

    def __init__(self, symbols: Sequence[int], count: int, folder: Path | None) -> None:
        self.packing, self.count, self.folder = Packing(symbols), count, folder
        self.file: IO[bytes] | None = None
        self.done = 0
        self.prints = np.empty(count, np.uint64)
        self.records = np.empty(0 if folder else count, self.packing.dtype)
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 # held while mapped
            except OSError as error:
                raise self._refused(error) from None

    def __del__(self) -> None:
        if self.file is not None:
            self.file.close()

    def _refused(self, error: OSError) -> DataError:
        return DataError(
            f"cannot write the rows there ({error.strerror})",
            where=str(self.folder),
            remedy="Choose another folder with --out.",
        )

    def add(self, rows: Float32Array) -> None:
        """Pack some more rows ``(n, F)``.

        Raises:
            DataError: if there are more rows than were counted, or the disk is full.
        """
        part = slice(self.done, self.done + len(rows))
        if part.stop > self.count:
            raise _changed()
        self.prints[part] = row_prints(rows)
        records = self.packing.pack(rows)
        if self.file is None:
            self.records[part] = records
        else:
            try:
                self.file.write(records.data.cast("B") if len(records) else b"")
            except OSError as error:
                raise self._refused(error) from None
        self.done = part.stop

    def finish(self) -> Packed:
        """All rows, by index.

        Raises:
            DataError: if there were fewer rows than were counted.
        """
        if self.done != self.count:
            raise _changed()
        if self.file is None:
            return Packed(self.packing, self.records)
        self.file.flush()  # _Mapped closes it
        mapped = _Mapped(self.file)
        return Packed(self.packing, np.frombuffer(mapped.map, self.packing.dtype), mapped)


def _changed() -> DataError:
    return DataError("the table changed while it was read", remedy="Give the same command again.")


def row_prints(rows: Float32Array) -> NDArray[np.uint64]:
    """A fingerprint of each row ``(n, F)``, equal for equal rows.

    64 bits: among ten million different rows, two alike are to be expected once in 370,000 tables.
    Source of the mixing: the finaliser of SplitMix64 (Steele 2014), once per number.
    """
    bits = np.ascontiguousarray(rows, np.float32).view(np.uint32)
    prints = np.full(len(rows), rows.shape[1], np.uint64)
    for at in range(rows.shape[1]):
        prints = _stirred(prints ^ bits[:, at])
    return prints


def distinct_prints(prints: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Fingerprints ``(n,)`` made unique by mixing in how many equal ones came before.

    >>> prints = distinct_prints(np.array([7, 3, 7], np.uint64))
    >>> len(set(prints.tolist())), bool(prints[1] == distinct_prints(np.array([3], np.uint64))[0])
    (3, True)
    """
    order = np.argsort(prints, kind="stable")
    sorted_prints = prints[order]
    new = np.ones(len(sorted_prints), np.bool_)
    new[1:] = sorted_prints[1:] != sorted_prints[:-1]
    positions = np.arange(len(sorted_prints))
    first = np.maximum.accumulate(np.where(new, positions, 0))
    turns = np.empty(len(sorted_prints), np.uint64)
    turns[order] = positions - first
    return _stirred(prints ^ _stirred(turns))


def _stirred(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
