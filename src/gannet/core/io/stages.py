"""Stages of work that takes a while, told to whoever wants to show them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar


def _untold(_text: str) -> None:
    """Show nothing."""


_SHOW: ContextVar[Callable[[str], None]] = ContextVar("stages", default=_untold)


@contextmanager
def stages(show: Callable[[str], None]) -> Generator[None]:
    """Call ``show`` with each stage that begins in the body.

    >>> with stages(print):
    ...     stage("decoding")
    decoding
    """
    token = _SHOW.set(show)
    try:
        yield
    finally:
        _SHOW.reset(token)


def stage(text: str) -> None:
    """Tell that a stage begins, or how far it is."""
    _SHOW.get()(text)
