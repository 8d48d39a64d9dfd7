"""Files that are written atomically, and folders that one process locks at a time."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
import secrets
import struct
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gannet.core.errors import GannetError

UNREADABLE = (
    RuntimeError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
    pickle.UnpicklingError,
    struct.error,
)
"""What ``torch.load`` raises, besides ``OSError``, on a file that is damaged or of another kind.

Its unpickler runs whatever bytes it meets, so damage may end in almost any exception.
"""

TEMPORARY = ".new-"
"""How the names of files begin that are not yet complete."""

LONGEST_STEM, LONGEST_SUFFIX = 40, 12
"""Characters of a file's name that are kept in that of its temporary file."""


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the errors of a full disk."""


class DiskFullError(GannetError):
    """There is no room for a file."""


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn errors of the disk while ``path`` is written into one clear error.

    Raises:
        GannetError: if the disk is full or ``path`` may not be written to.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in FULL
        raise (DiskFullError if full else GannetError)(
            "the disk is full" if full else f"cannot be written: {error.strerror or error}",
            where=str(path),
            remedy="Free some space and give the same command again. A run goes on from its last "
            "save, which is whole."
            if full
            else "Choose a place that you may write to.",
        ) from None


def write_whole(path: Path, content: bytes, *, sync: bool = True) -> None:
    """Write a file atomically: completely or not at all.

    Args:
        path: Of the file; parent folders are created. A link there is replaced, not followed.
        content: Of the file.
        sync: Wait until it is on the disk; a waste for thousands of small files.

    Raises:
        GannetError: if the disk is full or not writable; a previous file is left as it was.
    """
    with replacing(path, sync=sync) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        if sync:
            os.fsync(file.fileno())


@contextmanager
def replacing(path: Path, *, sync: bool = False) -> Generator[Path]:
    """A new empty file beside ``path`` that takes its place at the end, unless there is an error.

    Its name is its own, so that several writers of one path do not disturb each other, and it did
    not exist before, so that no link is followed. It has the suffix of ``path``.

    Args:
        path: Of the file; parent folders are created.
        sync: Wait until the new name is on the disk.

    Raises:
        GannetError: if the disk is full or not writable; a previous file is left as it was.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _new_file(path)
        try:
            yield temporary
            temporary.replace(path)
            if sync:
                _sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def _new_file(path: Path) -> Path:
    """Create an empty file beside ``path``, with the rights that any new file has."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    name = f"{path.stem[:LONGEST_STEM]}.{secrets.token_hex(6)}{path.suffix[:LONGEST_SUFFIX]}"
    temporary = path.with_name(f"{TEMPORARY}{name}")
    os.close(os.open(temporary, flags, 0o666))
    return temporary


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    if sys.platform == "win32":
        return
    with suppress(OSError):  # some network disks cannot
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def remove_temporaries(folder: Path) -> None:
    """Remove what writers that were killed left in a folder, which the caller has locked."""
    for path in folder.glob(f"{TEMPORARY}*"):
        with suppress(OSError):
            path.unlink()


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file.

    Raises:
        GannetError: if the disk is full or not writable; the file may then end in a partial line.
    """
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


@contextmanager
def holding(path: Path) -> Generator[None]:
    """Lock a folder against other processes, by a lock on the file ``path`` in it.

    The file is empty and stays. The operating system releases the lock when the process ends, even
    if it is killed, so nothing has to be cleaned up.

    Raises:
        GannetError: if another process has the lock, or the file cannot be created.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    with file:
        if not _locked(file):
            raise GannetError(
                "another process is training into this folder",
                where=str(path.parent),
                remedy="Wait until it ends, or stop it; or train into another folder.",
            )
        yield


def _locked(file: BinaryIO) -> bool:
    """Take the lock; ``False`` if another process has it.

    Some network disks have no locks; training there is allowed without one.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def fingerprint(content: bytes) -> int:
    """64-bit hash of a content."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
