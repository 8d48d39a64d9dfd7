"""Reading of NumPy's files, which may be damaged or lie about their size."""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.io.regular import open_regular

UNREADABLE_ARRAY = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    SyntaxError,
    RuntimeError,  # an encrypted archive
    ArithmeticError,
    MemoryError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy raises on a file that is damaged or of another kind."""


def array_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Shape and dtype of an array, and whether it is in Fortran order.

    Args:
        file: At its first byte; afterwards at the first of the numbers.

    Raises:
        ValueError: if they are no shape; else one of ``UNREADABLE_ARRAY``.
    """
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read(file)
    if any(side < 0 for side in shape):
        raise ValueError(f"shape {shape}")
    return tuple(shape), dtype, fortran


def bytes_of(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Bytes that the numbers of an array take."""
    return math.prod(shape) * dtype.itemsize


def read_npy(path: Path) -> NDArray[Any]:
    """The array of a ``.npy`` file, none of whose numbers are missing.

    Raises:
        EOFError: if it is cut off; else one of ``UNREADABLE_ARRAY``.
    """
    with open_regular(path) as file:
        shape, dtype, _ = array_header(file)
        if file.tell() + bytes_of(shape, dtype) > path.stat().st_size:
            raise EOFError("the file is cut off")
        file.seek(0)
        return np.asarray(np.load(file, allow_pickle=False))
