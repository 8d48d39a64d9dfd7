"""HDF5: arrays with names in one file, by the extra ``hdf5``."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gannet.core.errors import DataError, need
from gannet.data.containers.arrays.named import Array, NamedArray, check_size, from_named
from gannet.data.containers.cells import CellTable

SUFFIXES = (".h5", ".hdf5", ".hdf")


def from_hdf5(path: Path, kinds: Collection[str] = ()) -> CellTable:
    """The arrays of a file, those in groups too; see ``from_named``.

    Raises:
        DataError: if the file is damaged, or has no array that can be the samples.
        MissingExtraError: if h5py is not installed.
    """
    h5py: Any = need("h5py", "hdf5")
    arrays: dict[str, NamedArray] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            plain = name.replace("/", "_")
            dtype = np.dtype(item.dtype)
            read = partial(_array, path, name)
            arrays[plain] = NamedArray(plain, tuple(item.shape or ()), dtype, read)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, error) from None
    return from_named(path, arrays, kinds, "HDF5 array {name} of {}")


def _array(path: Path, name: str) -> Array:
    h5py: Any = need("h5py", "hdf5")
    try:
        with h5py.File(path, "r") as file:
            item: Any = file[name]
            size = int(item.size) * np.dtype(item.dtype).itemsize
            check_size(path, f"array {name}", size)
            return np.asarray(item[()])
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: BaseException) -> DataError:
    detail = str(error).partition("\n")[0]
    return DataError(f"damaged, or not HDF5 ({detail})", where=str(path), remedy="Fetch it again.")
