"""Arrays: ``.npy`` and ``.npz`` with pictures or rows of numbers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.io.flat_file import FlatFile
from gannet.core.io.names import Numbered
from gannet.core.source import Labels, Source
from gannet.data.labels import from_cells, from_numbers
from gannet.modalities.image.io.files import Picture

Array = NDArray[Any]

BYTES = 4 * 2**30
"""Largest array that is read into memory as a whole; a larger one goes into a ``.npy``."""

_DATA = ("images", "x", "data", "samples")
_LABELS = ("labels", "label", "y", "targets")
_READ_ERRORS = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile)


def from_npz(path: Path, label: str | None) -> Source:
    """Arrays in one file: data under ``images``, ``x`` or ``data``, classes under ``labels``.

    Raises:
        DataError: if the file is damaged, or holds nothing that fits.
    """
    arrays = _members(path)
    lower = {name.lower(): name for name in arrays}
    data = next((lower[name] for name in _DATA if name in lower), None)
    rest = [name for name in arrays if name.lower() not in _LABELS]
    data = data or (rest[0] if len(rest) == 1 else None)
    if data is None:
        raise DataError(
            f"no array named {', '.join(_DATA)}; it holds {', '.join(arrays) or 'nothing'}",
            where=str(path),
            remedy="Save pictures with numpy.savez(path, images=..., labels=...).",
        )
    wish = (
        next((lower[name] for name in _LABELS if name in lower), None) if label is None else label
    )
    if wish and wish not in arrays:
        others = ", ".join(name for name in arrays if name != data) or "none"
        raise DataError(
            f"no array {wish!r} for labels", where=str(path), remedy=f"Other arrays: {others}."
        )
    source = _from_array(path, arrays[data](), f"npz array {data!r}")
    if not wish:
        return source
    return source.labelled(_labels(arrays[wish](), source.count, f"{path}, array {wish!r}"))


def from_npy(path: Path, label: str | None) -> Source:
    """One array; pictures are read row by row, so that the file may be larger than memory.

    Raises:
        DataError: if the file is damaged or holds neither pictures nor rows.
    """
    if label:
        raise DataError(
            "a single array has no labels", where=str(path), remedy="Save both in one .npz."
        )
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran, dtype = read(file)
            start = file.tell()
    except _READ_ERRORS as error:
        raise _damaged(path, error) from None
    row = int(np.prod(shape[1:])) * dtype.itemsize
    if path.stat().st_size < start + row * (shape[0] if shape else 0):
        raise _damaged(path, EOFError("the file is cut off"))
    if fortran or dtype != np.uint8 or len(shape) < 3 or shape[0] * row <= 2**20:
        return _from_array(path, _whole(path), "npy array")
    file = FlatFile(path, row, start=start)

    def read_row(index: int) -> Array:
        picture = np.empty(shape[1:], np.uint8)
        file.read(index, picture)
        return picture

    return _pictures(path, read_row, tuple(shape), "npy array", held=False)


def _members(path: Path) -> Mapping[str, Callable[[], Array]]:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
    except _READ_ERRORS as error:
        raise _damaged(path, error) from None
    return {
        name.removesuffix(".npy"): lambda name=name, size=size: _member(path, name, size)
        for name, size in sizes.items()
        if name.endswith(".npy")
    }


def _member(path: Path, name: str, size: int) -> Array:
    if size > BYTES:
        raise DataError(
            f"array {name} takes {size / 2**30:.1f} GiB",
            where=str(path),
            remedy="Save it with numpy.save as a .npy of uint8: that is read row by row.",
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
            remedy="Save pictures as uint8: those are read row by row.",
        )
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except _READ_ERRORS as error:
        raise _damaged(path, error) from None


def _from_array(path: Path, array: Array, layout: str) -> Source:
    if array.dtype.kind not in "buif":
        raise DataError(
            f"holds {array.dtype}, expected numbers", where=str(path), remedy="Save plain numbers."
        )
    if array.ndim == 2:
        return _rows(path, array, layout)
    if array.ndim not in {3, 4} or 0 in array.shape:
        raise DataError(
            f"shape {array.shape}, expected (N, H, W), (N, H, W, C), (N, C, H, W) or (N, columns)",
            where=str(path),
            remedy="Reshape it; the first axis counts the samples.",
        )
    scale = _scale(path, array)
    return _pictures(path, lambda index: scale(array[index]), array.shape, layout, held=True)


def _rows(path: Path, array: Array, layout: str) -> Source:
    rows = array.astype(np.float64)
    if 0 in rows.shape:
        raise DataError("no numbers in it", where=str(path), remedy="Save at least one row.")
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise DataError(
            f"{rows[row, column]}, expected a finite number",
            where=f"{path}, row {row + 1}, column {column + 1}",
            remedy="Fix the cell or leave the row out.",
        )
    return Source(
        path=path,
        layout=f"{layout} of numbers",
        kind="vector",
        names=Numbered("row", len(rows)),
        raw=rows.__getitem__,
        columns=tuple(f"column_{i + 1}" for i in range(rows.shape[1])),
        files=[path],
        held=True,
    )


def _pictures(
    path: Path, row: Callable[[int], Array], shape: Sequence[int], layout: str, *, held: bool
) -> Source:
    first = len(shape) == 4 and shape[3] not in {1, 2, 3, 4}
    if first and shape[1] not in {1, 2, 3, 4}:
        raise DataError(
            f"shape {tuple(shape)}: neither the second nor the last axis has 1 to 4 channels",
            where=str(path),
            remedy="Save pictures as (N, H, W), (N, H, W, C) or (N, C, H, W).",
        )

    def picture(index: int) -> Picture:
        held = row(index)
        held = held[..., None] if held.ndim == 2 else held
        return np.ascontiguousarray(np.moveaxis(held, 0, 2) if first else held)

    names = Numbered("picture", shape[0])
    return Source(
        path=path,
        layout=f"{layout} of pictures",
        kind="image",
        names=names,
        raw=picture,
        files=[path],
        held=held,
    )


def _scale(path: Path, array: Array) -> Callable[[Array], Array]:
    """How numbers become 0..255; floats must be 0..1, so that nothing is guessed."""
    if array.dtype == np.uint8:
        return lambda row: row
    low, high = float(array.min()), float(array.max())
    top = {"b": 1.0, "f": 1.0}.get(array.dtype.kind, 255.0)
    top = 65535.0 if array.dtype == np.uint16 else top
    if not (low >= 0 and high <= top):  # also false for numbers that are not finite
        raise DataError(
            f"values run from {low:g} to {high:g} in {array.dtype}, expected 0 to {top:g}",
            where=str(path),
            remedy="Save pictures as uint8, 0 to 255.",
        )
    return lambda row: (row.astype(np.float64) * (255 / top)).round().astype(np.uint8)


def _labels(array: Array, count: int, where: str) -> Labels:
    flat = array.reshape(-1) if array.shape in {(count,), (count, 1)} else None
    if flat is None or flat.dtype.kind not in "buiU":
        raise DataError(
            f"shape {array.shape} of {array.dtype}, expected one whole number or word for each of "
            f"{count} samples",
            where=where,
            remedy="Save class numbers 0, 1, ..., or names; -1 for not known.",
        )
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
        f"damaged, or no array of numbers ({detail})",
        where=str(path),
        remedy="Save it again with numpy.save or numpy.savez.",
    )
