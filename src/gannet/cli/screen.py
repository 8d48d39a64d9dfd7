"""What commands print: nothing that a terminal obeys, no warnings of other packages."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TextIO

from gannet.core.io.names import printable


class PrintError(OSError):
    """What a command prints cannot be written."""


@contextmanager
def _printing() -> Generator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader has seen enough
        raise
    except OSError as error:
        raise PrintError(error.errno, error.strerror) from None


class Screen(io.TextIOBase):
    """A stream that escapes control characters, and what its encoding does not have.

    Attributes:
        stream: Where the text goes. Only what gannet itself draws may be written to it directly.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # read only
        """Of the stream."""
        return self.stream.encoding or "utf-8"

    def write(self, text: str) -> int:
        """Write a text, harmless.

        Raises:
            PrintError: if it cannot be written.
        """
        shown = printable(text).encode(self.encoding, "backslashreplace").decode(self.encoding)
        with _printing():
            self.stream.write(shown)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered; raises as ``write``."""
        with _printing():
            self.stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """Of the stream."""
        return self.stream.fileno()

    def writable(self) -> bool:
        """It can be written to."""
        return True


def raw(stream: TextIO) -> TextIO:
    """The stream itself, for lines that are drawn over."""
    return stream.stream if isinstance(stream, Screen) else stream


@contextmanager
def screens() -> Generator[None]:
    """Print through ``Screen`` in the body, without warnings and logs of other packages."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            redirect_stdout(Screen(raw(sys.stdout))),
            redirect_stderr(Screen(raw(sys.stderr))),
            warnings.catch_warnings(),
        ):
            if not sys.warnoptions:  # else they were asked for
                warnings.simplefilter("ignore")
            yield
            sys.stdout.flush()
    finally:
        logging.disable(before)


def abandon(stream: TextIO) -> None:
    """Let what is still printed to a stream go nowhere, where writing has failed before."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
