"""Files of many samples, such as ``gannet sample`` writes: unpacked into a file for each."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gannet.core.codec import Codec
from gannet.core.config import either
from gannet.core.errors import DataError, GannetError
from gannet.core.source import Source
from gannet.data.containers import frames
from gannet.data.containers.layouts import data_files
from gannet.data.find import find
from gannet.modalities.inference import read_file
from gannet.modalities.modality import Modality
from gannet.modalities.reading import codec_errors

DATA_FILES = {*data_files.DATA_FILES} - {*data_files.NOTES}
"""Suffixes of files that ``data.find`` reads many samples from."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One sample of an archive.

    Attributes:
        name: Within the archive.
        file: Holds the sample alone.
    """

    name: str
    file: Path


def is_archive(modality: Modality, path: Path) -> bool:
    """Whether a file holds many samples and is not read by the kind of data itself."""
    foreign = path.suffix.lower() not in suffixes_of(modality)
    return may_be_archive(modality, path) and _reads_one(modality) and foreign


def holds_many(modality: Modality, codec: Codec[Any], path: Path) -> bool:
    """Whether a file holds many samples: by its suffix, or as the kind cannot read it as one."""
    if is_archive(modality, path):
        return True
    if not may_be_archive(modality, path) or not _reads_one(modality):
        return False
    try:
        read_file(codec, path, frames.read_frame)
    except DataError:
        with suppress(DataError):
            return find(path, label="", kinds=[modality.name]).count > 0
    return False


def may_be_archive(modality: Modality, path: Path) -> bool:
    """Whether a file that the kind of data itself could not read may hold many samples."""
    return path.is_file() and path.suffix.lower() in DATA_FILES and modality.reading.store is None


def is_foreign(modality: Modality, path: Path) -> bool:
    """Whether a file has a suffix that no file of a kind is known to have."""
    suffixes = suffixes_of(modality)
    return bool(suffixes) and path.is_file() and path.suffix.lower() not in suffixes


@contextmanager
def unpacked(modality: Modality, codec: Codec[Any], path: Path) -> Generator[list[Unpacked]]:
    """The samples of an archive, an array file or a table, each in a file of its own.

    Raises:
        DataError: if nothing in it is of this kind; names the suffixes that can be read.
    """
    try:
        source = modality.reading.known(find(path, label="", kinds=[modality.name]), codec)
    except DataError as error:
        raise DataError(
            f"cannot be read: {error.problem}", where=str(path), remedy=readable(modality)
        ) from error
    with tempfile.TemporaryDirectory(prefix="gannet-") as folder:
        yield [
            Unpacked(name, _file(modality, codec, source, row, Path(folder)))
            for row, name in enumerate(source.names)
        ]


def readable(modality: Modality) -> str:
    """Which files of a kind can be read, in a sentence."""
    single = either(*sorted(suffixes_of(modality)))
    many = either(*sorted(DATA_FILES - suffixes_of(modality)))
    alone = f"One {modality.noun[0]} a file is read from {single}; " if single else ""
    return f"{alone}{'m' if alone else 'M'}any together from {many}, where they hold such samples."


def _reads_one(modality: Modality) -> bool:
    """Whether a file of the kind is one sample, which its codec reads."""
    return modality.inference.read_file is read_file


def suffixes_of(modality: Modality) -> set[str]:
    """Suffixes of files that hold one sample of a kind."""
    return {*modality.readers, modality.item_suffix} - {""}


def _file(modality: Modality, codec: Codec[Any], source: Source, row: int, folder: Path) -> Path:
    cell, name = source.raw(row), source.names[row]
    if isinstance(cell, Path):
        return cell
    if isinstance(cell, bytes):
        suffix = Path(getattr(cell, "name", "") or name).suffix or modality.item_suffix
        file = folder / f"{row:06}{suffix}"
        file.write_bytes(cell)
        return file
    file = folder / f"{row:06}{modality.item_suffix or next(iter(modality.writers))}"
    with codec_errors(modality.noun[0], "written", name):
        codec.write(modality.load(cell, name), file)
    return file


@contextmanager
def named_after(path: Path, samples: list[Unpacked]) -> Generator[None]:
    """Errors about an unpacked file are about the archive and the sample in it."""
    try:
        yield
    except GannetError as error:
        text = str(error)
        for each in samples:
            text = text.replace(str(each.file), f"{path} {each.name}")
        raise type(error)(text) from error
