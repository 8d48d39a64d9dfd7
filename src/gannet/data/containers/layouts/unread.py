"""Files that gannet cannot read, with what they are and the way out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePath

UNREAD: Mapping[str, tuple[str, str]] = {
    ".gz": ("a compressed file", "Unpack it, for instance with `tar -xzf` or `gunzip`."),
    ".tgz": ("a compressed tar", "Unpack it with `tar -xzf`."),
    ".bz2": ("a compressed file", "Unpack it with `tar -xjf` or `bunzip2`."),
    ".xz": ("a compressed file", "Unpack it with `tar -xJf` or `unxz`."),
    ".zst": ("a compressed file", "Unpack it with `zstd -d`."),
    ".7z": ("a 7-Zip archive", "Unpack it with `7z x`."),
    ".rar": ("a RAR archive", "Unpack it with `unrar x`."),
    ".mat": ("a MATLAB file", "Load it with scipy.io.loadmat and save arrays with numpy.savez."),
    ".tfrecord": ("TFRecord", "Write its samples as files, or its columns as Parquet."),
    ".tfrecords": ("TFRecord", "Write its samples as files, or its columns as Parquet."),
    ".tfrec": ("TFRecord", "Write its samples as files, or its columns as Parquet."),
    ".mdb": ("an LMDB database", "Export its values as files, for instance with the lmdb package."),
    ".pkl": ("a Python pickle, which may run code", "Load it where you trust it; numpy.savez it."),
    ".pickle": (
        "a Python pickle, which may run code",
        "Load it where you trust it; numpy.savez it.",
    ),
    ".pt": ("a PyTorch file, which may run code", "Load it where you trust it; numpy.savez it."),
    ".pth": ("a PyTorch file, which may run code", "Load it where you trust it; numpy.savez it."),
    ".arrow": (
        "Arrow, as datasets.save_to_disk writes it",
        "datasets.load_from_disk(FOLDER).to_parquet('train.parquet') makes Parquet of it.",
    ),
    ".feather": ("a Feather table", "pandas.read_feather(FILE).to_parquet('train.parquet')."),
    ".xlsx": ("an Excel workbook", "Save the sheet as CSV in UTF-8."),
    ".xls": ("an Excel workbook", "Save the sheet as CSV in UTF-8."),
    ".ods": ("a spreadsheet", "Save the sheet as CSV in UTF-8."),
    ".db": ("a database", "Export the table as CSV."),
    ".sqlite": ("a database", "Export the table as CSV."),
    ".sav": ("an SPSS file", "pandas.read_spss(FILE).to_csv('train.csv', index=False)."),
    ".dta": ("a Stata file", "pandas.read_stata(FILE).to_csv('train.csv', index=False)."),
    ".sas7bdat": ("a SAS file", "pandas.read_sas(FILE).to_csv('train.csv', index=False)."),
}
"""Suffix -> what such a file is, and what to do. Kinds of data add those of theirs."""

_BY_NAME = {
    "data_batch_": ("a Python pickle of CIFAR, which may run code", "Take CIFAR's Parquet."),
    "test_batch": ("a Python pickle of CIFAR, which may run code", "Take CIFAR's Parquet."),
}


def what_is(name: str, known: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    """What a file is that cannot be read, and the remedy; ``None`` if that is not known.

    Args:
        name: Of the file.
        known: Suffix -> the same, of kinds of data.

    >>> what_is("scan.nii.gz", {".nii": ("NIfTI", "Save its slices.")})[0]
    'NIfTI'
    """
    path = PurePath(name.lower())
    packed = path.suffix == ".gz" and known.get(PurePath(path.stem).suffix)
    if packed:
        return packed
    by_name = next((each for start, each in _BY_NAME.items() if path.name.startswith(start)), None)
    return by_name or known.get(path.suffix) or UNREAD.get(path.suffix)


def first_known(
    names: Collection[str], known: Mapping[str, tuple[str, str]]
) -> tuple[str, str] | None:
    """What the first file is of which that is known."""
    return next((found for name in names if (found := what_is(name, known))), None)
