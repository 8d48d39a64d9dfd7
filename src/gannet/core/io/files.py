"""Files that are written whole or not at all, and folders that one process holds at a time."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
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
"""What ``torch.load`` raises, beside ``OSError``, of a file that is damaged or of another kind.

Its unpickler carries out whatever bytes it meets, so that it may stumble over its own empty stack.
"""


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn what a disk may answer while ``path`` is written into one clear error.

    Raises:
        GannetError: if the disk is full or the place may not be written to.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise GannetError(
            "the disk is full" if full else f"cannot be written: {error.strerror or error}",
            where=str(path),
            remedy="Free some space and give the same command again. A run goes on from its last "
            "save, which is whole."
            if full
            else "Choose a place that you may write to.",
        ) from None


def write_whole(path: Path, content: bytes, *, sync: bool = True) -> None:
    """Write a file in one piece or not at all.

    Args:
        path: Of the file; folders on the way are made.
        content: All of it.
        sync: Wait until it is on the disk; a waste for thousands of small files.

    Raises:
        GannetError: if the disk is full or may not be written; what stood there before stays.
    """
    fresh = path.with_name(f".{path.name}.new")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
            fresh.replace(path)
        except OSError:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file.

    Raises:
        GannetError: if the disk is full or may not be written; half a line may then stand there.
    """
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


@contextmanager
def holding(path: Path) -> Generator[None]:
    """Hold a folder, through a lock on the file ``path`` in it, while no other process may.

    The file is empty and stays: what counts is the system's lock on it, which ends with the process
    however that ends, so that a kill leaves nothing to clear away.

    Raises:
        GannetError: if another process holds it, or the file cannot be made.
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
    """Take the lock; ``False`` if another has it.

    A few network disks know no locks. A run there is worth more than the guard that it lacks.
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


def fingerprint(held: bytes) -> int:
    """64 bits that differ where contents differ."""
    return int.from_bytes(hashlib.blake2b(held, digest_size=8).digest(), "little")
