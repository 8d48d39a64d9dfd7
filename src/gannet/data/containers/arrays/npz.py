"""``.npz``: arrays with names in one file."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gannet.core.io.arrays import UNREADABLE_ARRAY, array_header, bytes_of
from gannet.core.io.regular import open_regular
from gannet.data.containers.arrays.named import Array, NamedArray, check_size, damaged, from_named
from gannet.data.containers.cells import CellTable

READ_ERRORS = UNREADABLE_ARRAY
"""What NumPy raises for damaged files."""


def from_npz(path: Path, kinds: Collection[str] = ()) -> CellTable:
    """The arrays of a file; see ``from_named``.

    Raises:
        DataError: if the file is damaged, or has no array that can be the samples.
    """
    return from_named(path, _members(path), kinds, "npz array {name} of {}")


def _members(path: Path) -> dict[str, NamedArray]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            headers = {info.filename: _header(archive, info.filename) for info in infos}
            sizes = {info.filename: info.file_size for info in infos}
    except READ_ERRORS as error:
        raise damaged(path, error) from None
    return {
        name.removesuffix(".npy"): NamedArray(
            name.removesuffix(".npy"), shape, dtype, partial(_member, path, name, sizes[name])
        )
        for name, (shape, dtype) in headers.items()
    }


def _header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype; no shape if they cannot be read."""
    try:
        with archive.open(name) as file:
            shape, dtype, _ = array_header(file)
    except READ_ERRORS:
        return (), np.dtype(np.void)
    return shape, dtype


def _member(path: Path, name: str, size: int) -> Array:
    check_size(path, f"array {name}", size)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as file:
            shape, dtype, _ = array_header(file)
        if bytes_of(shape, dtype) > size:
            raise EOFError(f"array {name} is cut off")
        with open_regular(path) as file, np.load(file, allow_pickle=False) as arrays:
            return np.asarray(arrays[name.removesuffix(".npy")])
    except READ_ERRORS as error:
        raise damaged(path, error) from None
