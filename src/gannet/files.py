"""Files that are written whole or not at all, and what a disk may answer meanwhile."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from gannet.errors import GannetError


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
