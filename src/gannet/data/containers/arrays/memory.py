"""Data in memory: data frames, arrays, pictures, and lists of pictures, arrays or paths."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.frame import Frame, from_pandas
from gannet.core.io.names import Numbered
from gannet.core.source import FileContent
from gannet.data.containers import tables
from gannet.data.containers.arrays.named import view_of
from gannet.data.containers.cells import CellTable, suffix_of, suffixes_of
from gannet.modalities.reading import ColumnView

TAKEN = (
    "a path, a data frame, an array whose first axis counts the samples, or a list of pictures, of "
    "arrays of one shape or of paths"
)
"""What can be given, in a sentence."""


def from_memory(data: Any) -> CellTable:
    """What Python code gives in place of a path.

    Raises:
        DataError: if it is of another type, empty or mixed.
    """
    if isinstance(data, Frame):
        return tables.from_frame(data)
    if hasattr(data, "to_pandas"):  # of Arrow or Polars
        data = data.to_pandas()
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        return tables.from_frame(from_pandas(data))
    if isinstance(data, list | tuple):
        return _of_items(list(cast(Sequence[Any], data)))
    if is_picture(data):
        raise DataError("one picture is no data set", where="the data", remedy=f"Give {TAKEN}.")
    if hasattr(data, "__array__"):
        return _of_array(as_array(data), "the array")
    raise DataError(
        f"an object of the type {type(data).__name__} cannot be read as data",
        where="the data",
        remedy=f"Give {TAKEN}.",
    )


def is_picture(data: object) -> bool:
    """Whether something is a picture of Pillow."""
    return type(data).__module__.partition(".")[0] == "PIL" and hasattr(data, "convert")


def as_array(data: Any) -> NDArray[Any]:
    """An array or a tensor as an array in memory."""
    if hasattr(data, "detach"):
        data = data.detach().cpu()
    return np.asarray(data)


def _of_array(array: NDArray[Any], name: str) -> CellTable:
    view = view_of(Path(name), array, "")
    count = array.shape[0] if array.shape else 0
    return CellTable(Path(name), "array of {}", Numbered("row", count), (view,), in_memory=True)


def _of_items(items: list[Any]) -> CellTable:
    if not items:
        raise DataError("the list is empty", where="the data", remedy=f"Give {TAKEN}.")
    if all(isinstance(each, str | os.PathLike) for each in items):
        return _of_paths([Path(each) for each in items])
    if all(map(is_picture, items)):
        return _of_pictures(items)
    if all(hasattr(each, "__array__") and not is_picture(each) for each in items):
        arrays = list(map(as_array, items))
        if len(shapes := {each.shape for each in arrays}) > 1:
            few = ", ".join(map(str, sorted(shapes)[:3]))
            raise DataError(
                f"arrays of different shapes: {few}",
                where="the list",
                remedy="Give arrays of one shape, or pictures of Pillow, which are made equal.",
            )
        return _of_array(np.stack(arrays), "the list of arrays")
    kinds = sorted({type(each).__name__ for each in items})
    raise DataError(
        f"a list of {' and '.join(kinds[:4])} cannot be read as data",
        where="the data",
        remedy=f"Give {TAKEN}.",
    )


def _of_paths(paths: list[Path]) -> CellTable:
    if len(paths) == 1 and paths[0].is_dir():
        raise DataError(
            "a list of one folder", where=str(paths[0]), remedy="Give the folder itself."
        )
    names = list(map(str, paths))
    view = ColumnView("", "files", suffixes_of(names), cell=paths.__getitem__)
    return CellTable(Path("the list of files"), "list of {}", names, (view,), files=paths)


def _of_pictures(pictures: list[Any]) -> CellTable:
    def cell(row: int) -> bytes:
        packed = io.BytesIO()
        picture = pictures[row]
        # What PNG cannot hold, such as CMYK, is converted.
        known = picture.mode in {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}
        (picture if known else picture.convert("RGB")).save(packed, "PNG", compress_level=1)
        return FileContent.named(packed.getvalue(), f"picture {row}.png")

    suffixes = {suffix_of("picture.png"): len(pictures)}
    view = ColumnView("", "files", suffixes, cell=cell)
    names = Numbered("picture", len(pictures))
    return CellTable(Path("the list of pictures"), "list of {}", names, (view,), in_memory=True)
