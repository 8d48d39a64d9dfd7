"""Archives as trees of files: a zip or a plain tar.

Nothing is unpacked to disk. The sizes that an archive declares are not trusted.
"""

from __future__ import annotations

import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath

from gannet.core.errors import DataError, no_permission
from gannet.core.io.regular import open_regular
from gannet.core.source import FileContent
from gannet.data.containers.folders import HIDDEN
from gannet.data.containers.layouts.tree import Member, Tree, is_system, sorted_members
from gannet.modalities.reading import FILE_BYTES

ENTRIES = 5_000_000
"""Maximum number of files in an archive."""

_BROKEN = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def tree_of_zip(path: Path) -> Tree:
    """The files in a zip.

    Raises:
        DataError: if the zip is damaged or encrypted, or names paths outside it.
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
    inside = {_logical(info.filename): info for info in infos}

    def read(name: str) -> bytes:
        return FileContent.named(_read(path, archive, inside[name]), name)

    return _tree(path, "zip", inside, read)


def tree_of_tar(path: Path) -> Tree:
    """The files in an uncompressed tar.

    Raises:
        DataError: if the tar is damaged or compressed, or names paths outside it.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            members = {_logical(each.name): each for each in archive.getmembers() if each.isreg()}
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

    return _tree(path, "tar", members, read)


def joined_tars(path: Path, names: Sequence[str]) -> Tree:
    """The files in several tars of a folder, as if these were one.

    Args:
        path: The folder.
        names: Of the tars, relative to it.

    Raises:
        DataError: as for one tar.
    """
    trees = {name: tree_of_tar(path / name) for name in names}
    owners = {
        f"{name}/{each.name}": (tree, each) for name, tree in trees.items() for each in tree.members
    }

    def read(name: str) -> bytes:
        tree, inside = owners[name]
        return tree.read(inside.name)

    hidden = [
        f"{name}/{each}" for name, tree in trees.items() for each in tree.unseen.get(HIDDEN, ())
    ]
    tars = [path / name for name in names]
    members = [Member(each.inner, name) for name, (_, each) in owners.items()]
    return Tree(
        path, "tar", members, read, read, lambda _names: tars, {HIDDEN: hidden} if hidden else {}
    )


def _tree(path: Path, noun: str, inside: Collection[str], read: Callable[[str], bytes]) -> Tree:
    """The files of an archive, without hidden ones."""
    hidden = sorted(name for name in inside if any(map(is_system, name.split("/"))))
    unseen: Mapping[str, Sequence[str]] = {HIDDEN: hidden} if hidden else {}
    members = sorted_members({*inside}.difference(hidden))
    return Tree(path, noun, members, read, read, lambda _names: [path], unseen)


def _logical(name: str) -> str:
    """A name in an archive with ``/`` between its parts, as some programs do not write it."""
    return name.replace("\\", "/").removeprefix("./")


class _OpenFile:
    """A file that several threads read parts of."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        self.file = open_regular(path)

    def __del__(self) -> None:
        if hasattr(self, "file"):  # opening may have failed
            self.file.close()

    def read(self, start: int, count: int) -> bytes:
        """Read ``count`` bytes from the offset ``start``."""
        with self.lock:
            self.file.seek(start)
            return self.file.read(count)


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
