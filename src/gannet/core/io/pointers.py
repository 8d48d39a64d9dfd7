"""Files that stand for others: Git LFS pointers, and web pages that were saved in their place."""

from __future__ import annotations

from pathlib import Path

from gannet.core.errors import DataError
from gannet.core.io.regular import open_regular

START = 256
"""Bytes at the beginning of a file that show what it is."""


def other_content(content: bytes) -> tuple[str, str] | None:
    r"""What a file holds in place of a sample, and the remedy, where it is plain to see.

    >>> other_content(b"version https://git-lfs.github.com/spec/v1\noid sha256:0")[0]
    'a Git LFS pointer, not the file itself'
    """
    start = content[:START].lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file itself", "Fetch the files with `git lfs pull`."
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page, not the file itself", "Remove it or fetch it again."
    return None


def check_no_pointer(path: Path) -> None:
    """Refuse a file that stands for another.

    Raises:
        DataError: naming what it is.
    """
    try:
        with open_regular(path) as file:
            found = other_content(file.read(START))
    except OSError:
        return  # the reader says what is wrong with it
    if found is not None:
        raise DataError(found[0], where=str(path), remedy=found[1])
