"""The known-answer table: every case, over all kinds of data."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks._known.faulty_data import FAULTY
from benchmarks._known.guarded import GUARDED
from benchmarks._known.pictures import PICTURES
from benchmarks._known.record import KnownAnswer
from benchmarks._known.rows import ROWS
from benchmarks._known.tables import TABLES

CASES: tuple[KnownAnswer, ...] = (*PICTURES, *ROWS, *TABLES, *FAULTY, *GUARDED)
"""All cases."""


@dataclass(frozen=True)
class Answer:
    """What came of a case.

    Attributes:
        known: The case.
        found: Findings.
        faults: What is wrong with them; empty if they are right.
    """

    known: KnownAnswer
    found: set[str]
    faults: list[str]


def answer(known: KnownAnswer) -> Answer:
    """Try a case; one that cannot be tried is wrong."""
    try:
        found = known.found()
    except Exception as error:  # noqa: BLE001  # the table goes on, and says which failed
        return Answer(known, set(), [f"fails: {type(error).__name__}: {error}"])
    return Answer(known, found, known.faults(found))
