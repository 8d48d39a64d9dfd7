"""One file of rows of equal size, read a row at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gannet.core.errors import DataError
from gannet.core.io.regular import check_regular


class FlatFile:
    """Rows of bytes in a file.

    Read, not memory-mapped: pages of a mapped file count as resident, so with 200,000 images the
    process would seem to use many gigabytes to whatever limits its memory.
    """

    def __init__(self, path: Path, row_bytes: int, *, start: int = 0) -> None:
        self.path, self.row_bytes, self.start = path, row_bytes, start
        self.lock = threading.Lock()
        check_regular(path)
        self.file = path.open("rb", buffering=0)

    def __del__(self) -> None:
        if hasattr(self, "file"):  # opening may have failed
            self.file.close()

    def read(self, row: int, into: NDArray[np.uint8]) -> None:
        """Fill ``into`` with one row.

        Raises:
            DataError: if the file ends before the row does.
        """
        with self.lock:
            self.file.seek(self.start + row * self.row_bytes)
            got = self.file.readinto(into.data)
        if got != self.row_bytes:
            raise DataError(
                "the file is cut off", where=f"{self.path}, row {row}", remedy="Write it again."
            )
