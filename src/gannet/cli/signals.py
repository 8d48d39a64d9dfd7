"""Clean shutdown on Ctrl-C and SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType

STOPPING = (
    b"\ngannet: stopping after this step, then finishing; Ctrl-C again stops at once and keeps the "
    b"last save\n"
)
"""What is told at the first signal."""


@contextmanager
def stop_on_signal() -> Generator[Callable[[], bool]]:
    """Request a clean stop on Ctrl-C and SIGTERM; a second Ctrl-C stops at once.

    The exit code is 0 after a clean stop: the artifact is complete, and schedulers that send
    SIGTERM before they take a machine away do not report a failure.
    """
    received: list[int] = []

    def request_stop(number: int, _frame: FrameType | None) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)
        with suppress(OSError):  # not ``print``, which may be what was interrupted
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, STOPPING)

    before = {each: signal.signal(each, request_stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
