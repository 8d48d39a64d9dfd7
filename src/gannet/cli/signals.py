"""Clean shutdown on Ctrl-C and SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


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

    before = {each: signal.signal(each, request_stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
