"""Arrays: ``.npy`` and ``.npz``, one sample per index of the first axis."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.frame import Cells, objects
from gannet.core.io.flat_file import FlatFile
from gannet.core.io.names import Numbered
from gannet.core.source import Labels
from gannet.data.containers import rows
from gannet.data.containers.cells import CellTable, Classes
from gannet.data.labels import from_cells, from_numbers
from gannet.modalities.reading import ColumnView

Array = NDArray[Any]

BYTES = 4 * 2**30
"""Maximum bytes of an array that is read into memory at once."""

SMALL = 2**20
"""Arrays of up to this many bytes are always read into memory."""

_DATA = ("images", "x", "data", "samples")
_LABELS = ("labels", "label", "y", "targets")
_PERHAPS_LABELS = ("y", "targets")
"""Those of these names that often hold something else."""

_READ_ERRORS = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile)


def from_npz(path: Path, kinds: Collection[str] = ()) -> CellTable:
    """Arrays in one file: data under ``images``, ``x`` or ``data``, classes under ``labels``.

    Further arrays with as many rows can fill other roles; those of one number, text or date a row
    form a table, too. ``y`` and ``targets`` are further arrays unless they can name classes.

    Args:
        path: Of the file.
        kinds: Possible kinds of data, whose names the array of data may have, too.

    Raises:
        DataError: if the file is damaged, or has no array with such a name.
    """
    arrays = _members(path)
    data = _data_name(path, arrays, kinds)
    first = arrays[data]()
    count = first.shape[0] if first.shape else 0
    labels = [name for each in _LABELS for name in arrays if name.lower() == each]
    numbers = [name for name in labels if arrays[name].holds_numbers(count)]
    named = next((name for name in labels if name not in numbers), None)

    def classes(label: str | None) -> Classes:
        label_name = named if label is None else label
        if label_name and label_name not in arrays:
            others = ", ".join(name for name in arrays if name != data) or "none"
            raise DataError(
                f"no array {label_name!r} for labels",
                where=str(path),
                remedy=f"Other arrays: {others}.",
            )
        if not label_name:
            return Classes()
        where = f"{path}, array {label_name!r}"
        return Classes(_labels(arrays[label_name](), count, where), label_name)

    others = [name for name in arrays if name != data and (name not in labels or name in numbers)]
    further = (arrays[name].view(count) for name in others)
    columns = [name for name, each in arrays.items() if name != data and each.is_column(count)]
    together = rows.Assembled(columns, lambda name: _cells(arrays[name]()), str(path), 0)
    return CellTable(
        path=path,
        layout=f"npz array {data!r} of {{}}",
        names=Numbered("row", count),
        views=(
            view_of(path, first, data),
            *(each for each in further if each is not None),
            *rows.together(columns, together, further=True),
        ),
        classes=classes,
        problems=tuple(f"array {name!r} is not taken for classes" for name in numbers),
        files=[path],
        in_memory=True,
    )


def _data_name(path: Path, arrays: Mapping[str, _Member], kinds: Collection[str]) -> str:
    """The array of samples: by its name, or as the only one that it can be."""
    lower = {name.lower(): name for name in arrays}
    data = next((lower[name] for name in _DATA if name in lower), None)
    data_names = [name for name in arrays if name.lower() not in _LABELS]
    named = [name for name in data_names if name in kinds]
    for only in (data_names, named):
        data = data or (only[0] if len(only) == 1 else None)
    if data is None:
        raise DataError(
            f"no array named {', '.join(_DATA)} or as a kind of data; "
            f"it holds {', '.join(arrays) or 'nothing'}",
            where=str(path),
            remedy="Save samples with numpy.savez(path, data=..., labels=...).",
        )
    return data


def from_npy(path: Path) -> CellTable:
    """One array; a large 8-bit one is read row by row, so it may be larger than memory.

    Raises:
        DataError: if the file is damaged.
    """
    try:
        with path.open("rb") as file:
            shape, dtype, fortran = _header(file)
            start = file.tell()
    except _READ_ERRORS as error:
        raise _damaged(path, error) from None
    row = int(np.prod(shape[1:])) * dtype.itemsize
    if path.stat().st_size < start + row * (shape[0] if shape else 0):
        raise _damaged(path, EOFError("the file is cut off"))
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


def view_of(path: Path, array: Array, name: str) -> ColumnView:
    """An array in memory as a column.

    Raises:
        DataError: if it holds no numbers.
    """
    if array.dtype.kind not in "buif":
        raise DataError(
            f"holds {array.dtype}, expected numbers", where=str(path), remedy="Save plain numbers."
        )
    return ColumnView(
        name,
        "arrays",
        shape=array.shape[1:],
        dtype=array.dtype.name,
        cell=array.__getitem__,
        array=array,
    )


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


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Shape and dtype of an array, and whether it is in Fortran order."""
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read(file)
    return tuple(shape), dtype, fortran


class _Member:
    """An array of an archive, read once, when it is first called."""

    def __init__(self, path: Path, name: str, size: int) -> None:
        self.path, self.name, self.size = path, name, size
        self.cached: Array | None = None

    def __call__(self) -> Array:
        if self.cached is None:
            self.cached = _member(self.path, self.name, self.size)
        return self.cached

    def header(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and dtype; no shape if they cannot be read."""
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.name) as file:
                shape, dtype, _ = _header(file)
        except _READ_ERRORS:
            return (), np.dtype(np.void)
        return shape, dtype

    def holds_numbers(self, count: int) -> bool:
        """Whether, in spite of a name that labels may have, it holds measured numbers."""
        shape, dtype = self.header()
        maybe = self.name.removesuffix(".npy").lower() in _PERHAPS_LABELS
        numbers = shape[:1] == (count,) and dtype.kind in "buif"
        return maybe and numbers and not _are_labels(shape, dtype, count)

    def is_column(self, count: int) -> bool:
        """Whether it holds one number, text or date for each sample."""
        shape, dtype = self.header()
        return shape == (count,) and dtype.kind in "buifUM"

    def view(self, count: int) -> ColumnView | None:
        """The array as a further column, from its header; ``None`` if the row counts differ."""
        shape, dtype = self.header()
        if shape[:1] != (count,) or dtype.kind not in "buifU":
            return None
        if dtype.kind == "U":
            return self._texts() if shape == (count,) else None
        return ColumnView(
            self.name.removesuffix(".npy"),
            "arrays",
            shape=shape[1:],
            dtype=dtype.name,
            cell=lambda row: self()[row],
            further=True,
        )

    def _texts(self) -> ColumnView:
        name = self.name.removesuffix(".npy")
        return ColumnView(name, "values", cell=lambda row: str(self()[row]), further=True)


def _cells(array: Array) -> Cells:
    """An array of one number, text or date a sample as a column of a table."""
    return objects(array.tolist()) if array.dtype.kind == "U" else array


def _members(path: Path) -> Mapping[str, _Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
    except _READ_ERRORS as error:
        raise _damaged(path, error) from None
    return {
        name.removesuffix(".npy"): _Member(path, name, size)
        for name, size in sizes.items()
        if name.endswith(".npy")
    }


def _member(path: Path, name: str, size: int) -> Array:
    if size > BYTES:
        raise DataError(
            f"array {name} takes {size / 2**30:.1f} GiB",
            where=str(path),
            remedy="Save it with numpy.save as a .npy of uint8, which is read row by row.",
        )
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return np.asarray(arrays[name.removesuffix(".npy")])
    except _READ_ERRORS as error:
        raise _damaged(path, error) from None


def _whole(path: Path) -> Array:
    if path.stat().st_size > BYTES:
        raise DataError(
            f"takes {path.stat().st_size / 2**30:.1f} GiB",
            where=str(path),
            remedy="Save it as uint8, which is read row by row.",
        )
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except _READ_ERRORS as error:
        raise _damaged(path, error) from None


def _are_labels(shape: tuple[int, ...], dtype: np.dtype[Any], count: int) -> bool:
    return shape in {(count,), (count, 1)} and dtype.kind in "buiU"


def _labels(array: Array, count: int, where: str) -> Labels:
    if not _are_labels(array.shape, array.dtype, count):
        raise DataError(
            f"shape {array.shape} of {array.dtype}, expected one whole number or name for each of "
            f"{count} samples",
            where=where,
            remedy="Save class numbers 0, 1, ..., or names; -1 for unknown.",
        )
    flat = array.reshape(-1)
    if flat.dtype.kind == "U":
        return from_cells([str(cell) for cell in flat], where=where, column="labels")
    return from_numbers([int(number) for number in flat], (), where=where)


def _damaged(path: Path, error: BaseException) -> DataError:
    if isinstance(error, PermissionError):
        return DataError(
            "no permission to read it", where=str(path), remedy="Check its access rights."
        )
    detail = str(error).partition("\n")[0] or type(error).__name__
    return DataError(
        f"damaged, or not an array of numbers ({detail})",
        where=str(path),
        remedy="Save it again with numpy.save or numpy.savez.",
    )
