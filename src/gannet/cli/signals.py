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
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
