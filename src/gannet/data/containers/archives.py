"""Archives of files: a zip, perhaps with StyleGAN's ``dataset.json``, or a plain tar.

``dataset.json`` holds ``{"labels": [[name, int]]}``. A ``metadata.csv`` or ``metadata.jsonl`` in an
archive counts as in a folder. Nothing is unpacked to disk. The sizes that an
archive declares are not trusted.
"""

from __future__ import annotations

import json
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import cast

import numpy as np

from gannet.core.errors import DataError, no_permission
from gannet.core.source import FileContent, Labels
from gannet.data.containers import metadata
from gannet.data.containers.cells import (
    CellTable,
    Classes,
    FileFilter,
    UnclaimedError,
    suffixes_of,
)
from gannet.data.containers.folders import SPLITS
from gannet.data.labels import from_numbers
from gannet.modalities.reading import FILE_BYTES, ColumnView

ENTRIES = 5_000_000
"""Maximum number of files in an archive."""

_BROKEN = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def from_zip(path: Path, file_filter: FileFilter) -> CellTable:
    """Files in a zip; labels are those of its ``dataset.json``, without one those of `from_tar`.

    Raises:
        DataError: if the zip is damaged or encrypted, holds no matching file, or names paths
            outside it.
    """
    try:
        archive = zipfile.ZipFile(path)
    except PermissionError:
        raise no_permission(path, DataError) from None
    except _BROKEN as error:
        raise DataError(
            f"damaged, or not a zip ({error})", where=str(path), remedy="Fetch it again."
        ) from None
    infos = [info for info in archive.infolist() if not info.is_dir()]
    _check(path, [info.filename for info in infos], "zip")
    if any(info.flag_bits & 1 for info in infos):
        raise DataError("it is encrypted", where=str(path), remedy="Zip it without a password.")
    inside = {info.filename: info for info in infos}
    labels = inside.get("dataset.json")

    def read(name: str) -> bytes:
        return FileContent.named(_read(path, archive, inside[name]), name)

    def classes(names: Sequence[str], label: str | None) -> Classes:
        own = labels and _labels(path, _read(path, archive, labels), names)
        found = own if labels else _folders(names)
        if label and (found is None or labels is None):
            raise DataError(
                f"no labels {label!r}",
                where=str(path),
                remedy="Put labels in its dataset.json, or files in a folder per class.",
            )
        return Classes(None if label == "" else found)

    opened = _Archive(path, "zip of {}", list(inside), read, classes, labeled=labels is not None)
    return opened.table(file_filter)


def from_tar(path: Path, file_filter: FileFilter) -> CellTable:
    """Files in an uncompressed tar; with two or more folders, each folder is a class.

    Raises:
        DataError: if the tar is damaged or compressed, holds no matching file, or names paths
            outside it.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            members = {each.name: each for each in archive.getmembers() if each.isreg()}
    except PermissionError:
        raise no_permission(path, DataError) from None
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise DataError(
            f"damaged, compressed, or not a tar ({error})",
            where=str(path),
            remedy="Make an uncompressed .tar: files of a compressed one cannot be read singly.",
        ) from None
    _check(path, list(members), "tar")
    file = _OpenFile(path)

    def read(name: str) -> bytes:
        member = members[name]
        if member.size > FILE_BYTES:
            raise _too_large(f"{path}, {member.name}")
        content = file.read(member.offset_data, member.size)
        return FileContent.named(content, member.name)

    def classes(names: Sequence[str], label: str | None) -> Classes:
        if label:
            raise DataError(
                f"no labels {label!r}", where=str(path), remedy="A folder per class makes labels."
            )
        return Classes(None if label == "" else _folders(names))

    return _Archive(path, "tar of {}", list(members), read, classes).table(file_filter)


class _OpenFile:
    """A file that several threads read parts of."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        self.file = path.open("rb")

    def __del__(self) -> None:
        if hasattr(self, "file"):  # opening may have failed
            self.file.close()

    def read(self, start: int, count: int) -> bytes:
        """Read ``count`` bytes from the offset ``start``."""
        with self.lock:
            self.file.seek(start)
            return self.file.read(count)


@dataclass(frozen=True, slots=True)
class _Archive:
    """An open archive.

    Attributes:
        path: Of the archive.
        layout: Description of the layout, with ``{}`` for the noun of the files.
        inside: Names of all its files.
        read: The content of a file, by its name.
        classes: Classes of some files, of a label's name.
        labeled: Whether these classes are declared, so that no column holds them.
    """

    path: Path
    layout: str
    inside: Sequence[str]
    read: Callable[[str], bytes]
    classes: Callable[[Sequence[str], str | None], Classes]
    labeled: bool = False

    def table(self, file_filter: FileFilter) -> CellTable:
        """Its matching files, with the columns of the metadata table in it, if there is one."""
        tables = [
            PurePosixPath(name)
            for name in self.inside
            if PurePosixPath(name).name in metadata.TABLES and not _hidden(name)
        ]
        problems = ()
        if len(tables) == 1:
            where = f"{self.path}, {tables[0]}"
            try:
                lines = metadata.lines_of(self.read(str(tables[0])), where)
                found = metadata.Metadata.of_lines(lines, where, file_filter.one)
            except DataError as error:  # it may be about something else
                problems = (f"{tables[0]} ignored: {error.problem}",)
            else:
                return self._with_metadata(tables[0], found, file_filter)
        names = _matching(self.path, self.inside, file_filter)
        view = ColumnView("", "files", suffixes_of(names), cell=self._cell_of(names))
        classes = partial(self.classes, names)
        return CellTable(
            self.path, self.layout, names, (view,), classes, problems, files=[self.path]
        )

    def _with_metadata(
        self, table: PurePosixPath, found: metadata.Metadata, file_filter: FileFilter
    ) -> CellTable:
        """Like a folder with such a table; the files that it names lie beside or below it."""
        root = table.parent
        below = {
            str(PurePosixPath(name).relative_to(root)): name
            for name in self.inside
            if PurePosixPath(name).is_relative_to(root)
        }

        def cell_of(short: Sequence[str]) -> Callable[[int], bytes]:
            return self._cell_of([below[str(PurePosixPath(name))] for name in short])

        short = found.files(lambda _parents: below.keys())
        names = [below[str(PurePosixPath(name))] for name in short]
        view = ColumnView(metadata.FILE, "files", suffixes_of(names), cell=self._cell_of(names))
        files = [name for name in self.inside if file_filter.fits(name) and not _hidden(name)]
        return CellTable(
            path=self.path,
            layout=f"{self.layout} with {table.name}",
            names=names,
            views=(view, *found.views(lambda _parents: below.keys(), cell_of)),
            classes=partial(self.classes, names) if self.labeled else found.classes,
            problems=tuple(metadata.left_out(names, files, file_filter.many)),
            files=[self.path],
        )

    def _cell_of(self, names: Sequence[str]) -> Callable[[int], bytes]:
        return lambda index: self.read(names[index])


def _matching(path: Path, inside: Sequence[str], file_filter: FileFilter) -> list[str]:
    """The names of the matching files, sorted."""
    names = sorted(name for name in inside if file_filter.fits(name) and not _hidden(name))
    if not names:
        kind = path.suffix[1:].lower()
        raise UnclaimedError(
            f"no {file_filter.many} among its {len(inside)} files",
            where=str(path),
            remedy=f"Put {file_filter.many} into the {kind}; they end in "
            f"{', '.join(sorted(file_filter.suffixes))}.",
        )
    return names


def _folders(names: Sequence[str]) -> Labels | None:
    """Classes by folder, if every file is in one of several folders."""
    parts = [PurePosixPath(name).parts for name in names]
    while parts and all(len(each) > 1 for each in parts) and len({each[0] for each in parts}) == 1:
        parts = [each[1:] for each in parts]  # drop a folder that contains all others
    if not parts or any(len(each) < 2 for each in parts):
        return None
    folders = sorted({each[0] for each in parts})
    if SPLITS.issuperset(folders):
        return None
    number = {name: index for index, name in enumerate(folders)}
    return Labels(tuple(folders), np.array([number[each[0]] for each in parts], np.int64))


def _check(path: Path, names: Sequence[str], kind: str) -> None:
    if len(names) > ENTRIES:
        raise DataError(
            f"more than {ENTRIES:,} files", where=str(path), remedy=f"Split the {kind}."
        )
    for name in names:
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in name[:2]:
            raise DataError(
                f"its entry {name!r} is a path outside the {kind}",
                where=str(path),
                remedy=f"Do not trust it; make a {kind} of plain relative names.",
            )


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _read(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    where = f"{path}, {info.filename}"
    try:
        with archive.open(info) as file:
            content = file.read(FILE_BYTES + 1)
    except _BROKEN as error:
        raise DataError(
            f"damaged ({error})", where=where, remedy="Remove it or fetch the zip again."
        ) from None
    if len(content) > FILE_BYTES:
        raise _too_large(where)
    return content


def _too_large(where: str) -> DataError:
    return DataError(
        f"unpacks to more than {FILE_BYTES // 2**20} MiB", where=where, remedy="Do not trust it."
    )


def _labels(path: Path, content: bytes, names: Sequence[str]) -> Labels | None:
    where = f"{path}, dataset.json"
    try:
        table: object = json.loads(content)
    except ValueError as error:
        raise DataError(f"not JSON ({error})", where=where) from None
    pairs = cast(dict[str, object], table).get("labels") if isinstance(table, dict) else None
    if pairs is None:
        return None
    numbers: dict[str, int] = {}
    for pair in cast(list[object], pairs) if isinstance(pairs, list) else [pairs]:
        match pair:
            case [str(name), int(number)]:
                numbers[name] = number
            case _:
                raise DataError(
                    f"{pair!r}, expected [name, class number]",
                    where=where,
                    remedy='Write {"labels": [["img0.png", 3], ...]}.',
                )
    if missing := sorted(numbers.keys() - set(names)):
        raise DataError(
            f"{len(missing)} labelled files are not in the zip, the first is {missing[0]}",
            where=where,
            remedy="Correct the names.",
        )
    return from_numbers([numbers.get(name) for name in names], (), where=where)
