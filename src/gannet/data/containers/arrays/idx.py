"""idx, the format of MNIST and its kin: a file of images, and one of labels beside it.

Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits, file formats.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from gannet.core.errors import DataError, no_permission
from gannet.core.io.regular import open_regular
from gannet.data.containers.arrays.named import Array, NamedArray, check_size, from_named
from gannet.data.containers.cells import CellTable, SetAside
from gannet.data.containers.layouts.parts import is_held_out, is_training

_NAME = re.compile(r".*[-._]idx(\d)([-._]ubyte)?(\.gz)?$|.*\.idx(\.gz)?$", re.IGNORECASE)

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""Third byte of a file -> type of its numbers."""


def is_idx(name: str) -> bool:
    """Whether a file is called as those of this format are.

    >>> is_idx("train-images-idx3-ubyte.gz"), is_idx("a.png")
    (True, False)
    """
    return _NAME.fullmatch(PurePosixPath(name).name) is not None


def from_idx(path: Path, names: Sequence[str], kinds: Collection[str] = ()) -> CellTable:
    """Samples and labels of one or more such files, those for training.

    Args:
        path: The folder, or the file.
        names: Of the files, relative to the folder.
        kinds: Possible kinds of data.

    Raises:
        DataError: if a file is damaged, or it is not clear which holds the samples.
    """
    folder = path if path.is_dir() else path.parent
    training = [name for name in names if is_training(name)]
    used = training or [name for name in names if not is_held_out(name)] or list(names)
    arrays: dict[str, NamedArray] = {}
    for name in used:
        shape, dtype, start = _header(folder / name)
        role = "data" if shape[1:] else "labels"
        if role in arrays:
            raise DataError(
                f"more than one file of {role}: {', '.join(used)}",
                where=str(path),
                remedy="Give the path of the one with the samples.",
            )
        read = partial(_array, folder / name, shape, dtype, start)
        arrays[role] = NamedArray(role, shape, dtype, read)
    if "data" not in arrays:
        arrays["data"] = arrays.pop("labels")
    table = from_named(path, arrays, kinds, "idx array {name} of {}")
    others = [name for name in names if name not in used]
    return replace(
        table,
        files=[folder / name for name in used],
        members=used,
        aside=(SetAside(others, "only files of the training part are used"),),
    )


def beside(path: Path) -> list[str]:
    """The names of a file of samples and of its labels in the same folder, if they are there."""
    name = path.name
    labels = name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    there = labels != name and (path.parent / labels).is_file()
    return [name, labels] if there else [name]


def _content(path: Path, count: int) -> bytes:
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path) as file:
                return file.read(count)
        with open_regular(path) as file:
            return file.read(count)
    except PermissionError:
        raise no_permission(path, DataError) from None
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, str(error)) from None


def _header(path: Path) -> tuple[tuple[int, ...], np.dtype[np.generic], int]:
    """Shape, type and offset of the numbers."""
    start = _content(path, 4 + 4 * 8)
    axes = start[3] if len(start) > 3 else 0
    if start[:2] != b"\0\0" or len(start) < 4 + 4 * axes or start[2] not in _TYPES or not axes:
        raise _damaged(path, "it does not begin as idx does")
    shape = struct.unpack(f">{axes}I", start[4 : 4 + 4 * axes])
    return shape, np.dtype(_TYPES[start[2]]), 4 + 4 * axes


def _array(path: Path, shape: tuple[int, ...], dtype: np.dtype[np.generic], start: int) -> Array:
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    check_size(path, "its array", size)
    content = _content(path, start + size)
    if len(content) < start + size:
        raise _damaged(path, "it is cut off")
    flat = np.frombuffer(content, dtype, offset=start)
    return flat.reshape(shape).astype(dtype.newbyteorder("="))


def _damaged(path: Path, detail: str) -> DataError:
    return DataError(f"damaged, or not idx ({detail})", where=str(path), remedy="Fetch it again.")
