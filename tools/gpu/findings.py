"""What is found out about a GPU: figures, faults, and what there was no time for."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gannet
from gannet.core import device as processor

FAULTS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError),
    *(TypeError, ValueError, ImportError, gannet.GannetError),
)
FATAL = ("device-side assert", "illegal memory access", "launch failure")
"""Faults of a GPU after which whatever is tried in the same process fails as well."""
Numbers = dict[str, Any]


@dataclass
class Check:
    """What was asked for, and what came of it.

    Attributes:
        device: Where all this happens.
        out: Folder for data and runs.
        until: Moment after which nothing new is begun.
        figures: Measured so far.
        failures: What is wrong.
        not_checked: What there was no time or no data for.
    """

    device: str
    out: Path
    until: float
    figures: Numbers = field(default_factory=dict[str, Any])
    failures: list[str] = field(default_factory=list[str])
    not_checked: list[str] = field(default_factory=list[str])

    @property
    def gpu(self) -> bool:
        """Whether it is no rehearsal."""
        return self.device == "cuda"

    def attempt(self, name: str, work: Callable[[], Numbers]) -> None:
        """Do one part; a fault of it is written down, and the next part begins."""
        if time.monotonic() > self.until:
            self.not_checked.append(f"{name}: out of time")
            return
        began = time.monotonic()
        try:
            found = work()
            processor.wait_for(self.device)
        except FAULTS as error:
            traceback.print_exc()
            self.failures.append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
            found = {}
            if any(each in str(error) for each in FATAL):
                self.until = 0.0
        found["seconds"] = round(time.monotonic() - began, 2)
        self.figures[name] = found
        shown = json.dumps({key: value for key, value in found.items() if key != "waits_at"})
        print(f"{name}: {shown}", flush=True)

    def expect(self, *, true: bool, said: str) -> None:
        """Write a failure down unless something is true."""
        if not true:
            self.failures.append(said)
