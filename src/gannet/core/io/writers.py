"""Writers of raw samples for several kinds of data: single files in a folder, arrays."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from gannet.core.errors import ConfigError
from gannet.core.io.files import write_whole, writing
from gannet.core.sampling import WriteRequest

METADATA = "metadata.csv"
"""The table of classes beside single files, which the reader expects."""


def write_npz(samples: Iterable[Any], to: WriteRequest) -> None:
    """All samples as the array ``data`` of one ``.npz``, with classes if there are any."""
    write_arrays(samples, to, "data")


def write_arrays(samples: Iterable[Any], to: WriteRequest, name: str) -> None:
    """All samples as one array of an ``.npz``, with the classes' numbers and names.

    Args:
        samples: To write; padded with zeros if their shapes differ.
        to: Where.
        name: Of the array.
    """
    arrays: dict[str, Any] = {name: array_of(samples)}
    if to.classes:
        numbers = [to.classes.index(label) if label else -1 for label in to.labels]
        arrays |= {"labels": np.array(numbers, np.int64), "classes": np.array(to.classes)}
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    write_whole(to.path, packed.getvalue())


def write_npy(samples: Iterable[Any], to: WriteRequest) -> None:
    """All samples as one ``.npy`` array."""
    packed = io.BytesIO()
    np.save(packed, array_of(samples))
    write_whole(to.path, packed.getvalue())


def array_of(samples: Iterable[Any]) -> np.ndarray[Any, Any]:
    """Samples as one array; those of different lengths are padded with zeros at the end.

    >>> array_of([[1, 2, 3], [4]]).tolist()
    [[1, 2, 3], [4, 0, 0]]

    Raises:
        ConfigError: if they are objects, which an array could only hold pickled.
    """
    arrays = [_plain_array(each) for each in samples]
    if len({each.ndim for each in arrays}) > 1:
        raise _no_arrays("of different numbers of axes")
    if len({each.shape for each in arrays}) <= 1:
        return np.array(arrays)
    shape = [max(sides) for sides in zip(*(each.shape for each in arrays), strict=True)]
    padded = np.zeros((len(arrays), *shape), np.result_type(*arrays))
    for row, each in zip(padded, arrays, strict=True):
        row[tuple(slice(side) for side in each.shape)] = each
    return padded


def _plain_array(sample: Any) -> np.ndarray[Any, Any]:
    """A sample as an array of numbers or text."""
    with suppress(ValueError):  # lists of different lengths
        array: np.ndarray[Any, Any] = np.asarray(sample)
        if not array.dtype.hasobject:
            return array
    raise _no_arrays(f"objects ({type(sample).__name__})")


def _no_arrays(what: str) -> ConfigError:
    return ConfigError(
        f"--out: these samples are {what}, which cannot be one array",
        remedy="Give a folder, without a suffix: each sample becomes a file in it.",
    )


def write_files(
    samples: Iterable[Any],
    to: WriteRequest,
    suffix: str,
    *,
    suffixes: Collection[str] = (),
    further: Collection[str] = (),
) -> None:
    """One file a sample in the folder ``to.path``, with a table of classes if there are any.

    Args:
        samples: To write, in order.
        to: Where; its codec writes each.
        suffix: Of the files.
        suffixes: Of further files that would be read as samples.
        further: Names of files in the folder that the caller replaces.

    Raises:
        ConfigError: if files would stay in the folder that would be mixed with these samples.
    """
    replaced = [METADATA] * bool(to.classes) + list(further)
    check_unmixed(to.path, to.count, suffix, {suffix, *suffixes}, replaced)
    lines = [("file_name", "label")]
    for row, raw in enumerate(samples):
        name = _name(row, to.count, suffix)
        with writing(to.path / name):
            to.path.mkdir(parents=True, exist_ok=True)
            to.codec.write(raw, to.path / name)
        lines.append((name, to.labels[row] if to.classes else ""))
    if to.classes:
        text = io.StringIO()
        csv.writer(text).writerows(lines)
        write_whole(to.path / METADATA, text.getvalue().encode())


def _name(row: int, count: int, suffix: str) -> str:
    """File name of one of ``count`` samples."""
    return f"{row:0{max(len(str(count - 1)), 5)}}{suffix}"


def check_unmixed(
    out: Path, count: int, suffix: str, suffixes: Collection[str], replaced: Collection[str]
) -> None:
    """Refuse a folder with files that this call would not replace.

    Otherwise samples of two runs would be mixed. Repeating the same call replaces all its files.
    """

    def again(name: str) -> bool:
        stem = name.removesuffix(suffix)
        row = int(stem) if stem.isdecimal() else count
        return name in replaced or (row < count and name == _name(row, count, suffix))

    with writing(out):
        present = [each.name for each in out.iterdir()] if out.is_dir() else []
    suspects = [n for n in present if n == METADATA or Path(n).suffix.lower() in suffixes]
    if others := sorted(name for name in suspects if not again(name)):
        raise ConfigError(
            f"--out: holds {len(others):,} other file{'s' * (len(others) > 1)} that would be mixed "
            f"with these samples, the first is {others[0]}",
            where=str(out),
            remedy="Give a new folder, or empty this one.",
        )
