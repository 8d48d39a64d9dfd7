"""Arrays with names, as in ``.npz`` and HDF5: which holds the samples, and which their classes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.frame import Cells, objects
from gannet.core.io.names import Numbered, first_few
from gannet.core.source import Labels
from gannet.data.containers import rows
from gannet.data.containers.cells import CellTable, Classes
from gannet.data.containers.layouts.parts import part_name, without_part
from gannet.data.labels import from_cells, from_numbers
from gannet.modalities.reading import ColumnView

Array = NDArray[Any]

BYTES = 4 * 2**30
"""Maximum bytes of an array that is read into memory at once."""

_DATA = ("images", "x", "data", "samples", "arr_0")
_LABELS = ("labels", "label", "y", "targets", "arr_1")
_PERHAPS_LABELS = ("y", "targets")
"""Those of these names that often hold something else."""


@dataclass(slots=True)
class NamedArray:
    """An array of a file, read once, when it is first called.

    Attributes:
        name: Its name.
        shape: Its shape; none if it cannot be read.
        dtype: Type of its numbers.
        read: Reads it.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], Array]
    cached: list[Array] = field(default_factory=list[Array])

    def __call__(self) -> Array:
        """The array."""
        if not self.cached:
            self.cached.append(self.read())
        return self.cached[0]

    def holds_numbers(self, count: int) -> bool:
        """Whether, in spite of a name that labels may have, it holds measured numbers."""
        maybe = self.name.lower() in _PERHAPS_LABELS
        numbers = self.shape[:1] == (count,) and self.dtype.kind in "buif"
        return maybe and numbers and not self.names_classes(count)

    def names_classes(self, count: int) -> bool:
        """Whether it holds one whole number or name for each sample."""
        return _are_labels(self.shape, self.dtype, count)

    def is_column(self, count: int) -> bool:
        """Whether it holds one number, text or date for each sample."""
        return self.shape == (count,) and self.dtype.kind in "buifUM"

    def view(self, count: int) -> ColumnView | None:
        """The array as a further column, from its header; ``None`` if the row counts differ."""
        if self.shape[:1] != (count,) or self.dtype.kind not in "buifU":
            return None
        if self.dtype.kind == "U":
            return self._texts() if self.shape == (count,) else None
        return ColumnView(
            self.name,
            "arrays",
            shape=self.shape[1:],
            dtype=self.dtype.name,
            cell=lambda row: self()[row],
            further=True,
        )

    def _texts(self) -> ColumnView:
        return ColumnView(self.name, "values", cell=lambda row: str(self()[row]), further=True)


def from_named(
    path: Path, arrays: Mapping[str, NamedArray], kinds: Collection[str], layout: str
) -> CellTable:
    """Arrays of one file: samples under ``images``, ``x`` or ``data``, classes under ``labels``.

    Further arrays with as many rows can fill other roles; those of one number, text or date a row
    form a table, too. ``y`` and ``targets`` are further arrays unless they can name classes. Of
    arrays of several parts, as ``x_train`` and ``x_test``, only those for training are used.

    Args:
        path: Of the file.
        arrays: By their names.
        kinds: Possible kinds of data, whose names the array of data may have, too.
        layout: What holds the array ``{name}`` of ``{}``.

    Raises:
        DataError: if no array has such a name.
    """
    arrays, problems = _training_arrays(arrays)
    data = _data_name(path, arrays, kinds)
    first = arrays[data]()
    count = first.shape[0] if first.shape else 0
    labels = _label_names(arrays, count)
    numbers = [name for name in labels if arrays[name].holds_numbers(count)]
    named = next((name for name in labels if name not in numbers and name != data), None)

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
    further = {name: arrays[name].view(count) for name in others}
    columns = [name for name, each in arrays.items() if name != data and each.is_column(count)]
    together = rows.Assembled(columns, lambda name: _cells(arrays[name]()), str(path), 0)
    unlike = [name for name, view in further.items() if view is None]
    problems += (f"arrays ignored, not of one row a sample: {first_few(unlike)}",) * bool(unlike)
    return CellTable(
        path=path,
        layout=layout.replace("{name}", repr(data).replace("{", "{{").replace("}", "}}")),
        names=Numbered("row", count),
        views=(
            view_of(path, first, data),
            *(each for each in further.values() if each is not None),
            *rows.together(columns, together, further=True),
        ),
        classes=classes,
        problems=(*problems, *(f"array {name!r} is not taken for classes" for name in numbers)),
        files=[path],
        in_memory=True,
    )


def _training_arrays(
    arrays: Mapping[str, NamedArray],
) -> tuple[Mapping[str, NamedArray], tuple[str, ...]]:
    """The arrays of the training part, by their names without that of the part; and a note."""
    parts = {name: part for name in arrays if (part := part_name(name)) is not None}
    training = [name for name, part in parts.items() if part.training]
    if not training:
        return arrays, ()
    bare = {name: without_part(name) for name in training}
    used: dict[str, NamedArray] = {}
    for name, each in arrays.items():
        short = bare.get(name, "")
        if name in training:
            shown = short if short and [*bare.values()].count(short) == 1 else name
            used[shown] = NamedArray(shown, each.shape, each.dtype, each.read)
        elif name not in parts:
            used.setdefault(name, each)
    others = [name for name in arrays if name in parts and name not in training]
    note = f"{', '.join(others)} ignored: only {', '.join(training)} are used for training"
    return used, (note,) if others else ()


def _label_names(arrays: Mapping[str, NamedArray], count: int) -> list[str]:
    """The arrays that may hold classes, by their names; one without a name only if it can."""
    named = [name for each in _LABELS for name in arrays if name.lower() == each]
    return [name for name in named if name != "arr_1" or arrays[name].names_classes(count)]


def _data_name(path: Path, arrays: Mapping[str, NamedArray], kinds: Collection[str]) -> str:
    """The array of samples: by its name, or as the only one that it can be."""
    lower = {name.lower(): name for name in arrays}
    data = next((lower[name] for name in _DATA if name in lower), None)
    data_names = [name for name in arrays if name.lower() not in _LABELS]
    named = [name for name in data_names if name in kinds]
    for only in (data_names, named):
        data = data or (only[0] if len(only) == 1 else None)
    if data is None:
        raise DataError(
            f"no array named {', '.join(_DATA[:-1])} or as a kind of data; "
            f"it holds {', '.join(arrays) or 'nothing'}",
            where=str(path),
            remedy="Save samples with numpy.savez(path, data=..., labels=...).",
        )
    return data


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


def _cells(array: Array) -> Cells:
    """An array of one number, text or date a sample as a column of a table."""
    return objects(array.tolist()) if array.dtype.kind == "U" else array


def _are_labels(shape: tuple[int, ...], dtype: np.dtype[Any], count: int) -> bool:
    return shape in {(count,), (count, 1)} and dtype.kind in "buiU"


def _labels(array: Array, count: int, where: str) -> Labels:
    if not _are_labels(array.shape, array.dtype, count):
        raise DataError(
            f"shape {array.shape} of {array.dtype}, expected one whole number or name for each of "
            f"{count} samples",
            where=where,
            remedy="Save class numbers 0, 1, ..., or names; -1 for unknown. Or train without "
            "classes: --label ''.",
        )
    flat = array.reshape(-1)
    if flat.dtype.kind == "U":
        return from_cells([str(cell) for cell in flat], where=where, column="labels")
    return from_numbers([int(number) for number in flat], (), where=where)


def check_size(path: Path, name: str, size: int) -> None:
    """Refuse an array of so many bytes that it would fill memory.

    Raises:
        DataError: naming the way out.
    """
    if size > BYTES:
        raise DataError(
            f"{name} takes {size / 2**30:.1f} GiB",
            where=str(path),
            remedy="Save it with numpy.save as a .npy of uint8, which is read row by row.",
        )


def damaged(path: Path, error: BaseException) -> DataError:
    """The error for a file that cannot be read as arrays."""
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
