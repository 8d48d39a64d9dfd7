"""Reading of regular files, up to a size.

A pipe would be waited for, and a device or a growing file read, without end. So whatever a path
names is looked at before it is read, and no more is read than is allowed.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import IO, BinaryIO

TEXT_BYTES = 64 * 2**20
"""Largest file of text, such as a card or a plan, in bytes."""

CONTENT_BYTES = 2**30
"""Largest file that is read as a whole, in bytes."""

_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


def real_path(path: Path | str) -> Path:
    """A path without links; of links that lead in a circle, the path as it is."""
    return Path(os.path.realpath(path))


def check_regular(path: Path) -> None:
    """Refuse what is no regular file; a link is followed.

    Raises:
        OSError: if there is nothing, or something else, with the reason as its ``strerror``.
    """
    _check(path.stat().st_mode, path)


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading bytes.

    Raises:
        OSError: as ``check_regular``, or if it may not be read.
    """
    check_regular(path)
    # ``io.open`` rather than ``os.open``: whatever guards the one guards this, too.
    file = io.open(path, "rb", opener=_opened)  # noqa: SIM115, UP020  # the caller closes it
    try:
        _check(os.fstat(file.fileno()).st_mode, path)  # the path may name something else by now
    except OSError:
        file.close()
        raise
    return file


def open_text(path: Path, *, encoding: str = "utf-8", newline: str | None = None) -> IO[str]:
    """Open a regular file for reading text.

    Raises:
        OSError: as ``open_regular``.
    """
    return io.TextIOWrapper(open_regular(path), encoding=encoding, newline=newline)


def read_bytes(path: Path, largest: int) -> bytes:
    """The content of a regular file of at most ``largest`` bytes.

    Raises:
        OSError: as ``open_regular``; ``EFBIG`` if it is larger.
    """
    with open_regular(path) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"larger than {largest // 2**20} MiB", str(path))
    return content


def read_content(path: Path) -> bytes:
    """The content of a file among data, which may be as large as memory allows.

    Raises:
        OSError: as ``read_bytes``.
    """
    return read_bytes(path, CONTENT_BYTES)


def read_text(path: Path, largest: int = TEXT_BYTES) -> str:
    """The text of a regular file in UTF-8, with its line ends as they are.

    Raises:
        OSError: as ``read_bytes``.
        UnicodeDecodeError: if it is not UTF-8.
    """
    return read_bytes(path, largest).decode()


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_WAITING)


def _check(mode: int, path: Path) -> None:
    if stat.S_ISREG(mode):
        return
    reason = next((why for holds, why in _KINDS if holds(mode)), "it is not a regular file")
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    raise OSError(number, reason, str(path))
