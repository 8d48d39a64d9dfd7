"""Formats of dates and times of day: detection, parsing and writing.

Formats are strptime's directives, with ``%-d`` for a day without leading zero and ``%3f`` for a
fraction of three digits. They are not left to strptime because its names of months depend on the
machine's locale, and because it parses one cell at a time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y"),
    *("%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y"),
    *("%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y-%m"),
)
TIMES = ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
COMPACT = "%Y%m%d"

Parts: TypeAlias = dict[str, "tuple[str, ...] | NDArray[np.int64]"]
"""Directive of a format -> its value in each cell."""

_DIRECTIVE = re.compile(r"%(-?)(\d?)([A-Za-z])")
_PATTERNS = {
    "Y": r"(\d{4})",
    "y": r"(\d{2})",
    "M": r"(\d{2})",
    "S": r"(\d{2})",
    "f": r"(\d{1,9})",
    "p": r"(AM|PM|am|pm)",
    "z": r"([+-]\d{2}:?\d{2})",
    "b": f"({'|'.join(MONTHS)})",
    "B": f"({'|'.join(LONG_MONTHS)})",
}
_NUMBER_OF = {
    name: number + 1 for names in (LONG_MONTHS, MONTHS) for number, name in enumerate(names)
}


@dataclass(frozen=True, slots=True)
class Datetimes:
    """Cells read in one format.

    Attributes:
        units: ``(cells,)`` days, minutes, seconds or fractions since 1970, or since midnight.
        shaped: ``(cells,)`` which match the format.
        valid: ``(cells,)`` which also are a valid date and time.
        offset: The difference to UTC as written; the most frequent if there are several.
    """

    units: NDArray[np.int64]
    shaped: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    offset: str = ""


def find_format(texts: Sequence[str]) -> str | None:
    """The format in which most cells are dates or times, or ``None``.

    Where day and month could be swapped, the order with more valid cells wins, then the one in
    which the cells ascend; then the month comes first only if slashes separate them.
    """
    best: tuple[tuple[float, ...], str] | None = None
    candidates = _candidates(texts)
    for form in candidates:
        parsed = read(texts, form)
        if parsed.shaped.mean() < 0.5:
            continue
        ascends = bool((np.diff(parsed.units[parsed.valid]) >= 0).all())
        first = ("/" in form) == form.startswith("%m")
        score = (float(parsed.valid.mean()), float(ascends), float(first))
        if best is None or score > best[0]:
            best = (score, form)
    return None if best is None else _padded_like(texts, best[1])


def _candidates(texts: Sequence[str]) -> list[str]:
    """Formats that match at least one cell of a small sample."""
    some = texts[:: max(len(texts) // 20, 1)]
    formats: dict[str, None] = {}
    for word in some:
        for time in TIMES:
            if _pattern(time).fullmatch(word):
                formats[time] = None
        for date in DATES:
            start = _pattern(date).match(word)
            if start is None:
                continue
            tail = word[start.end() :]
            if not tail:
                formats[date] = None
            for form in ("T" + time + zone for time in TIMES for zone in ("", "Z", "%z")):
                if tail and tail[0] in "T " and _pattern(form[1:]).fullmatch(tail[1:]):
                    formats[date + tail[0] + form[1:]] = None
    return list(formats)


@lru_cache(maxsize=256)
def _pattern(form: str) -> re.Pattern[str]:
    def one(match: re.Match[str]) -> str:
        digits = match[2]
        if digits:
            return rf"(\d{{{digits}}})"
        return _PATTERNS.get(match[3], r"(\d{2})" if form == COMPACT else r"(\d{1,2})")

    segments = re.split(r"(%-?\d?[A-Za-z])", form)
    return re.compile(
        "".join(_DIRECTIVE.sub(one, p) if p.startswith("%") else re.escape(p) for p in segments),
        re.ASCII,
    )


def _padded_like(texts: Sequence[str], form: str) -> str:
    """The format with ``-`` where cells have a single digit, and the digits of a fraction."""
    if _read_fixed(texts, form) is not None:
        return form
    pattern = _pattern(form)
    groups = [match.groups() for match in map(pattern.fullmatch, texts) if match]
    lengths = [max(map(len, column)) for column in zip(*groups, strict=True)]
    shortest = iter([min(map(len, column)) for column in zip(*groups, strict=True)])
    longest = iter(lengths)

    def one(match: re.Match[str]) -> str:
        short, long = next(shortest), next(longest)
        if match[3] == "f":
            return f"%{long}f"
        return f"%-{match[3]}" if match[3] in "mdHI" and short == 1 else match[0]

    return _DIRECTIVE.sub(one, form)


def step(form: str) -> tuple[int, int]:
    """Units of a format as (units per second, seconds per unit).

    >>> step("%Y-%m-%d"), step("%H:%M"), step("%H:%M:%S"), step("%H:%M:%S.%3f")
    ((1, 86400), (1, 60), (1, 1), (1000, 1))
    """
    if match := re.search(r"%(\d)f", form):
        return 10 ** int(match[1]), 1
    if "%S" in form:
        return 1, 1
    return (1, 60) if re.search(r"%-?[HI]", form) else (1, 86400)


def read(texts: Sequence[str], form: str) -> Datetimes:
    """Read cells in a format."""
    if (fixed := _read_fixed(texts, form)) is not None:
        return fixed
    kinds = [match[3] for match in _DIRECTIVE.finditer(form)]
    matches = [match.groups() if match else None for match in map(_pattern(form).fullmatch, texts)]
    shaped = np.array([each is not None for each in matches], np.bool_)
    units, valid = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    matched = [each for each in matches if each is not None]
    if not matched:
        return Datetimes(units, shaped, valid)
    parts: Parts = dict(zip(kinds, zip(*matched, strict=True), strict=True))
    days, right = _days(parts, len(matched))
    seconds, clock = _seconds(parts, len(matched))
    offsets = [str(each) for each in parts.get("z", ())]
    offset = max(set(offsets), key=lambda each: (offsets.count(each), each)) if offsets else ""
    if len(set(offsets)) > 1:
        seconds += _shift(offset) - np.array([_shift(each) for each in offsets])
    fine, coarse = step(_with_digits(form, parts))
    units[shaped] = (days * 86400 + seconds) // coarse * fine + _fraction(parts, fine, len(matched))
    valid[shaped] = right & clock
    return Datetimes(units, shaped, valid, offset)


def _read_fixed(texts: Sequence[str], form: str) -> Datetimes | None:
    """Parse cells of one fixed width as arrays; ``None`` if their widths differ."""
    if re.search(r"%f|%-|%[bBpz]", form):
        return None
    segments = re.split(r"(%\d?[A-Za-z])", form)
    widths = [
        int(p[1:-1] or (4 if p[-1] == "Y" else 2)) if p[:1] == "%" else len(p) for p in segments
    ]
    total = sum(widths)
    if not texts or any(len(word) != total or not word.isascii() for word in texts):
        return None
    signs = np.array(texts, f"S{total}").view(np.uint8).reshape(len(texts), total)
    parts: Parts = {}
    ends = np.cumsum([0, *widths])
    for segment, start, end in zip(segments, ends[:-1], ends[1:], strict=True):
        part = signs[:, start:end]
        if segment[:1] != "%":
            if (part != np.frombuffer(segment.encode(), np.uint8)).any():
                return None
        elif ((part < ord("0")) | (part > ord("9"))).any():
            return None
        else:
            powers = 10 ** np.arange(end - start)[::-1]
            parts[segment[-1]] = (part.astype(np.int64) - ord("0")) @ powers
    days, right = _days(parts, len(texts))
    seconds, clock = _seconds(parts, len(texts))
    fine, coarse = step(form)
    units = (days * 86400 + seconds) // coarse * fine + _whole(parts, "f", len(texts), 0)
    return Datetimes(units, np.ones(len(texts), np.bool_), right & clock)


def _with_digits(form: str, parts: Parts) -> str:
    """A format with the number of digits of its fraction filled in, if it is still open."""
    return (
        form.replace("%f", f"%{max(len(str(each)) for each in parts['f'])}f")
        if "%f" in form
        else form
    )


def _whole(parts: Parts, kind: str, count: int, default: int) -> NDArray[np.int64]:
    if kind not in parts:
        return np.full(count, default, np.int64)
    values = parts[kind]
    return values if isinstance(values, np.ndarray) else np.array(list(map(int, values)), np.int64)


def _days(parts: Parts, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    if "Y" not in parts and "y" not in parts:
        return np.zeros(count, np.int64), np.ones(count, np.bool_)
    year = _whole(parts, "Y", count, 0)
    if "y" in parts:
        short = _whole(parts, "y", count, 0)
        year = np.where(short < 69, 2000, 1900) + short  # as strptime does
    month = _whole(parts, "m", count, 1)
    for kind in "bB":
        if kind in parts:
            month = np.array([_NUMBER_OF[str(name)] for name in parts[kind]], np.int64)
    day = _whole(parts, "d", count, 1)
    months = (year - 1970) * 12 + month - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    valid = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    valid &= days.astype("datetime64[M]").astype(np.int64) == months
    return days.astype(np.int64), valid


def _seconds(parts: Parts, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    hour = _whole(parts, "H", count, 0)
    valid = hour < 24
    if "I" in parts:
        twelve = _whole(parts, "I", count, 12)
        late = np.array([half in {"PM", "pm"} for half in parts["p"]])
        hour, valid = twelve % 12 + 12 * late, (twelve >= 1) & (twelve <= 12)
    minute, second = _whole(parts, "M", count, 0), _whole(parts, "S", count, 0)
    return hour * 3600 + minute * 60 + second, valid & (minute < 60) & (second < 60)


def _fraction(parts: Parts, fine: int, count: int) -> NDArray[np.int64]:
    if "f" not in parts:
        return np.zeros(count, np.int64)
    digits = len(str(fine)) - 1
    return np.array([int(str(each).ljust(digits, "0")[:digits]) for each in parts["f"]], np.int64)


def _shift(offset: str) -> int:
    """Seconds that an offset such as ``+05:30`` is ahead of UTC."""
    sign = -1 if offset[0] == "-" else 1
    return sign * (int(offset[1:3]) * 3600 + int(offset[-2:]) * 60)


def write(units: NDArray[np.int64], form: str, offset: str = "") -> list[str]:
    """Units since 1970, or since midnight, in a format."""
    fine, coarse = step(form)
    seconds = units // fine * coarse
    days = (seconds // 86400).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    clock = seconds % 86400
    hour = clock // 3600
    parts: dict[str, NDArray[np.int64]] = {
        "Y": months.astype("datetime64[Y]").astype(np.int64) + 1970,
        "m": month,
        "d": (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
        "H": hour,
        "I": (hour - 1) % 12 + 1,
        "M": clock % 3600 // 60,
        "S": clock % 60,
        "f": units % fine,
    }
    parts["y"] = parts["Y"] % 100
    columns: list[list[Any]] = []

    def one(match: re.Match[str]) -> str:
        unpadded, digits, kind = match.groups()
        if kind == "z":
            return offset
        if kind in "bBp":
            names = {"b": MONTHS, "B": LONG_MONTHS, "p": ("AM", "PM")}[kind]
            indices = hour // 12 if kind == "p" else month - 1
            columns.append([names[at] for at in indices.tolist()])
            return "%s"
        columns.append(parts[kind].tolist())
        return "%d" if unpadded else f"%0{digits or (4 if kind == 'Y' else 2)}d"

    template = _DIRECTIVE.sub(one, form)
    return [template % row for row in zip(*columns, strict=True)]


def seconds_between(one: str, other: str) -> int:
    """Seconds by which a clock with the second offset is ahead of one with the first.

    >>> seconds_between("+01:00", "+02:00"), seconds_between("", "")
    (3600, 0)
    """
    return (_shift(other) if other else 0) - (_shift(one) if one else 0)
