"""Runs a command in this process and says what was wrong with how it ended."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gannet.cli.main import main

SECONDS = 20
"""After so long a command counts as hanging."""

RAW = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal would obey."""


class HangsError(BaseException):
    """A command took too long."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: Exit code; -1 where an exception came out.
        out: What it printed.
        err: What it printed to stderr.
        fault: What was wrong; empty if nothing was.
    """

    code: int
    out: str
    err: str
    fault: str


class Screen(io.TextIOWrapper):
    """A strict terminal in UTF-8."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="", write_through=True)

    def shown(self) -> str:
        """What was printed so far."""
        return self.buffer.getvalue().decode("utf-8", "replace")


@contextlib.contextmanager
def bounded(seconds: int) -> Iterator[None]:
    """Raise ``HangsError`` in a body that takes longer."""

    def hang(*_: object) -> None:
        raise HangsError

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(words: list[str], seconds: int = SECONDS) -> Outcome:
    """Run ``gannet WORDS`` and look at how it ends."""
    out, err, code, fault = Screen(), Screen(), -1, ""
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("always")
        try:
            with bounded(seconds):
                code = main(words)
        except HangsError:
            fault = f"hangs: more than {seconds} s"
        except BaseException as error:  # noqa: BLE001  # whatever comes out is a fault
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(last.filename).name}:{last.lineno}"
            fault = f"{type(error).__name__} in {place}: {str(error)[:200]!r}"
    printed, said = out.shown(), err.shown()
    return Outcome(code, printed, said, fault or fault_of(code, printed, said))


def fault_of(code: int, out: str, err: str) -> str:
    """What is wrong with an exit code and what was printed; empty if nothing is."""
    if code not in (0, 2):
        return f"exit code {code}"
    if code == 2 and not err.startswith("gannet: ") and "\ngannet: " not in err:
        return f"exit code 2 without a message: {err[:200]!r}"
    if "Traceback" in err or "Warning:" in err:
        return f"a traceback or a foreign warning: {err[-300:]!r}"
    if found := RAW.search(out + err):
        at = found.start()
        return f"a raw control character: {(out + err)[max(at - 60, 0) : at + 60]!r}"
    return ""
