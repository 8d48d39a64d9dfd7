"""Formats of durations: hours beyond a day, days and hours, ISO 8601.

Formats are written as spreadsheets write them: ``[h]:mm:ss`` for hours of any number, ``[hh]`` for
two digits or more, ``[m]:ss.000`` for minutes with a fraction of three digits; ``d days hh:mm:ss``
and ``d days, h:mm:ss`` as pandas and Python print them; ``P`` with the letters in use for ISO 8601.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gannet.modalities.table.columns.formats.dates import Datetimes

MOSTLY = 0.9
"""Fraction of the distinct cells that a format must fit."""

BEYOND_A_DAY = 0.01
"""Fraction of the distinct cells that are no time of day, from which on none is one."""

_CLOCK = re.compile(r"(-?)(\d+):([0-5]\d)(?::([0-5]\d))?(?:\.(\d{1,9}))?", re.ASCII)
_DAYS = re.compile(
    r"(-?\d+) days?(,?) ([+-]?)(\d{1,2}):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?", re.ASCII
)
_NO_DAYS = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?", re.ASCII)
_ISO = re.compile(
    r"(-?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,9}))?S)?)?", re.ASCII
)
_LETTERS = {"W": 7 * 86_400, "D": 86_400, "H": 3_600, "M": 60, "S": 1}


def is_duration(form: str) -> bool:
    """Whether a format is one of durations."""
    return form.startswith(("[", "d days", "P"))


def find_format(texts: Sequence[str]) -> str | None:
    """The format in which most cells are durations that are no times of day, or ``None``."""
    if not texts:
        return None
    for find in (_find_clock, _find_days, _find_iso):
        form = find(texts)
        if form is not None:
            return form
    return None


def _enough(matches: Sequence[re.Match[str] | None]) -> list[re.Match[str]]:
    found = [match for match in matches if match]
    return found if len(found) >= MOSTLY * len(matches) else []


def _find_clock(texts: Sequence[str]) -> str | None:
    found = _enough([_CLOCK.fullmatch(text) for text in texts])
    if not found:
        return None
    minutes_first = [match for match in found if match[4] is None and match[5] is not None]
    three = any(match[4] is not None for match in found)
    beyond = [m for m in found if m[1] or int(m[2]) > 23 or len(m[2]) > 2 or m in minutes_first]
    if len(beyond) < max(BEYOND_A_DAY * len(found), 1) or (three and minutes_first):
        return None
    found = [match for match in found if (match[4] is not None) == three]
    if len(found) < MOSTLY * len(texts):
        return None
    first = "[h]" if three or not minutes_first else "[m]"
    if all(len(match[2]) > 1 for match in found) and any(match[2][0] == "0" for match in found):
        first = f"[{first[1] * min(len(match[2]) for match in found)}]"
    rest = ":mm:ss" if three else ":ss" if minutes_first else ":mm"
    return first + rest + _noughts(match[5] for match in found)


def _find_days(texts: Sequence[str]) -> str | None:
    matches = [_DAYS.fullmatch(text) for text in texts]
    found = [match for match in matches if match]
    if not found:
        return None
    comma = any(match[2] for match in found)
    rest = [text for text, match in zip(texts, matches, strict=True) if not match]
    alone = [match for text in rest if comma and (match := _NO_DAYS.fullmatch(text))]
    if len(found) + len(alone) < MOSTLY * len(texts):
        return None
    tail = "d days, h:mm:ss" if comma else "d days hh:mm:ss"
    return tail + _noughts([*(match[7] for match in found), *(match[4] for match in alone)])


def _find_iso(texts: Sequence[str]) -> str | None:
    found = [
        match
        for match in _enough([_ISO.fullmatch(text) for text in texts])
        if any(match.groups()[1:])
    ]
    if not found:
        return None
    letters = [
        letter
        for letter, at in zip("WDHMS", range(2, 7), strict=True)
        if any(match[at] is not None for match in found)
    ]
    return "P" + "".join(letters) + _noughts(match[7] for match in found)


def _noughts(fractions: Iterable[str | None]) -> str:
    lengths = [len(digits) for digits in fractions if digits]
    return f".{'0' * max(lengths)}" if lengths else ""


def step(form: str) -> tuple[int, int]:
    """Units of a format as (units per second, seconds per unit).

    >>> step("[h]:mm"), step("[h]:mm:ss"), step("d days hh:mm:ss.000"), step("PHM")
    ((1, 60), (1, 1), (1000, 1), (1, 60))
    """
    noughts = form.partition(".")[2]
    if noughts:
        return 10 ** len(noughts), 1
    if form[0] == "P":
        return 1, _LETTERS[form[-1]]
    return (1, 1) if form.endswith("ss") else (1, 60)


def read(texts: Sequence[str], form: str) -> Datetimes:
    """Read cells in a format; units are those of ``step``."""
    fine, coarse = step(form)
    parts = [_parts(text, form) for text in texts]
    shaped = np.array([part is not None for part in parts], np.bool_)
    units = np.zeros(len(texts), np.int64)
    digits = len(str(fine)) - 1
    found = [
        sign * (seconds // coarse * fine + int(fraction.ljust(digits, "0")[:digits] or 0))
        for sign, seconds, fraction in (part for part in parts if part is not None)
    ]
    units[shaped] = np.array(found, np.int64)
    return Datetimes(units, shaped, shaped.copy())


def _parts(text: str, form: str) -> tuple[int, int, str] | None:
    """Sign, whole seconds and digits of the fraction."""
    if form.startswith("["):
        match = _CLOCK.fullmatch(text)
        if match is None or (match[4] is not None) != (":mm:ss" in form):
            return None
        first, second, third = int(match[2]), int(match[3]), int(match[4] or 0)
        seconds = (
            first * 60 + second if form.startswith("[m") else first * 3600 + second * 60 + third
        )
        return -1 if match[1] else 1, seconds, match[5] or ""
    if form.startswith("P"):
        match = _ISO.fullmatch(text)
        if match is None or text in ("P", "-P"):
            return None
        seconds = sum(int(match[at] or 0) * each for at, each in enumerate(_LETTERS.values(), 2))
        return -1 if match[1] else 1, seconds, match[7] or ""
    match = _DAYS.fullmatch(text)
    if match is None:
        match = _NO_DAYS.fullmatch(text) if "," in form else None
        if match is None:
            return None
        hours, minutes, seconds = (int(match[at]) for at in (1, 2, 3))
        return 1, hours * 3600 + minutes * 60 + seconds, match[4] or ""
    hours, minutes, seconds = (int(match[at]) for at in (4, 5, 6))
    clock = (hours * 3600 + minutes * 60 + seconds) * (-1 if match[3] == "-" else 1)
    whole, fraction = int(match[1]) * 86_400 + clock, match[7] or ""
    if whole < 0 and fraction:  # days are negative, the fraction counts upwards
        scale = 10 ** len(fraction)
        rest = -(whole * scale + int(fraction))
        return -1, rest // scale, str(rest % scale).rjust(len(fraction), "0")
    return (-1, -whole, fraction) if whole < 0 else (1, whole, fraction)


def write(units: NDArray[np.int64], form: str) -> list[str]:
    """Units in a format."""
    return [_written(unit, form) for unit in units.tolist()]


def _written(unit: int, form: str) -> str:
    fine, coarse = step(form)
    digits = len(str(fine)) - 1
    if form.startswith("d"):
        days, rest = divmod(unit, 86_400 * fine)
        clock, fraction = divmod(rest, fine)
        hours, minutes, seconds = clock // 3600, clock % 3600 // 60, clock % 60
        tail = f".{fraction:0{digits}d}" if fraction else ""
        if "," in form:
            name = f"{days} day{'' if abs(days) == 1 else 's'}, " if days else ""
            return f"{name}{hours}:{minutes:02d}:{seconds:02d}{tail}"
        sign = "+" if days < 0 else ""
        return f"{days} days {sign}{hours:02d}:{minutes:02d}:{seconds:02d}{tail}"
    sign, size = "-" if unit < 0 else "", abs(unit)
    seconds, fraction = size // fine * coarse, size % fine
    if form.startswith("P"):
        return sign + _iso(seconds, fraction, digits, form)
    width = form.index("]") - 1
    tail = f".{fraction:0{digits}d}" if digits else ""
    if form.startswith("[m"):
        return f"{sign}{seconds // 60:0{width}d}:{seconds % 60:02d}{tail}"
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    last = f":{seconds % 60:02d}" if ":ss" in form else ""
    return f"{sign}{hours:0{width}d}:{minutes:02d}{last}{tail}"


def _iso(seconds: int, fraction: int, digits: int, form: str) -> str:
    letters = form[1:].partition(".")[0]
    date, time = "", ""
    for letter in letters:
        size = _LETTERS[letter]
        count, seconds = divmod(seconds, size)
        tail = f".{fraction:0{digits}d}".rstrip("0") if letter == "S" and fraction else ""
        if not count and not tail:
            continue
        if letter in "WD":
            date += f"{count}{letter}"
        else:
            time += f"{count}{tail}{letter}"
    if not date and not time:
        date, time = ("0" + letters[-1], "") if letters[-1] in "WD" else ("", "0" + letters[-1])
    return f"P{date}{'T' if time else ''}{time}"
