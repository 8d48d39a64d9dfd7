"""``.npy``: one array; a large one of 8 bit is read row by row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from gannet.core.errors import DataError
from gannet.core.io.arrays import array_header, bytes_of, read_npy
from gannet.core.io.flat_file import FlatFile
from gannet.core.io.names import Numbered
from gannet.core.io.regular import open_regular
from gannet.data.containers.arrays.named import (
    Array,
    NamedArray,
    check_size,
    damaged,
    from_named,
    view_of,
)
from gannet.data.containers.arrays.npz import READ_ERRORS
from gannet.data.containers.cells import CellTable, Classes
from gannet.modalities.reading import ColumnView

SMALL = 2**20
"""Arrays of up to this many bytes are always read into memory."""


def from_npy(path: Path) -> CellTable:
    """One array; a large 8-bit one is read row by row, so it may be larger than memory.

    Raises:
        DataError: if the file is damaged.
    """
    try:
        with open_regular(path) as file:
            shape, dtype, fortran = array_header(file)
            start = file.tell()
    except READ_ERRORS as error:
        raise damaged(path, error) from None
    row = bytes_of(shape[1:], dtype)
    if path.stat().st_size < start + row * (shape[0] if shape else 0):
        raise damaged(path, EOFError("the file is cut off"))
    if fortran or dtype != np.uint8 or not shape[1:] or shape[0] * row <= SMALL:
        array = _whole(path)
        view, count = view_of(path, array, ""), array.shape[0] if array.shape else 0
    else:
        view, count = ColumnView("", "arrays", shape=shape[1:], dtype=dtype.name), shape[0]
        view = _row_by_row(view, FlatFile(path, row, start=start))
    in_memory = view.array is not None
    names = Numbered("row", count)
    return CellTable(
        path, "npy array of {}", names, (view,), _single, files=[path], in_memory=in_memory
    )


def from_npys(path: Path, names: Sequence[str], kinds: Collection[str] = ()) -> CellTable:
    """Several arrays of a folder, each in a file, as ``images.npy`` and ``labels.npy``.

    Raises:
        DataError: if a file is damaged, or none can be the samples.
    """
    arrays: dict[str, NamedArray] = {}
    for name in names:
        file, short = path / name, name.rpartition(".")[0]
        try:
            with open_regular(file) as opened:
                shape, dtype, _ = array_header(opened)
        except READ_ERRORS as error:
            raise damaged(file, error) from None
        arrays[short] = NamedArray(short, shape, dtype, partial(_whole, file))
    table = from_named(path, arrays, kinds, "npy array {name} of {}")
    return replace(table, files=[path / name for name in names], members=names)


def _row_by_row(view: ColumnView, file: FlatFile) -> ColumnView:
    def read_row(index: int) -> Array:
        row = np.empty(view.shape, np.uint8)
        file.read(index, row)
        return row

    return ColumnView("", "arrays", shape=view.shape, dtype=view.dtype, cell=read_row)


def _single(label: str | None) -> Classes:
    if label:
        raise DataError("a .npy file has no labels", remedy="Save both arrays in one .npz.")
    return Classes()


def _whole(path: Path) -> Array:
    check_size(path, "it", path.stat().st_size)
    try:
        return read_npy(path)
    except READ_ERRORS as error:
        raise damaged(path, error) from None
