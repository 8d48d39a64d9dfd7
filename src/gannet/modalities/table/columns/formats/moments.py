"""Formats of dates, times of day and durations under one roof."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gannet.modalities.table.columns.formats import dates, durations
from gannet.modalities.table.columns.formats.dates import Datetimes, seconds_between
from gannet.modalities.table.columns.formats.durations import is_duration

__all__ = ["Datetimes", "find_format", "is_duration", "read", "seconds_between", "step", "write"]


def find_format(texts: Sequence[str]) -> str | None:
    """The format in which most cells are durations, dates or times of day, or ``None``."""
    return durations.find_format(texts) or dates.find_format(texts)


def step(form: str) -> tuple[int, int]:
    """Units of a format as (units per second, seconds per unit)."""
    return durations.step(form) if is_duration(form) else dates.step(form)


def read(texts: Sequence[str], form: str) -> Datetimes:
    """Read cells in a format."""
    return durations.read(texts, form) if is_duration(form) else dates.read(texts, form)


def write(units: NDArray[np.int64], form: str, offset: str = "") -> list[str]:
    """Units since 1970, since midnight, or of a duration, in a format."""
    return durations.write(units, form) if is_duration(form) else dates.write(units, form, offset)
