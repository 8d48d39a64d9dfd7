"""Numbers as text: separators, currencies, percent, plus signs, exponents and infinity."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gannet.core.frame import Cells

Style = Literal["point", "comma", "grouped", "grouped_comma"]
Negative = Literal["minus", "trailing", "brackets"]

MOSTLY = 0.8
"""Fraction of the distinct cells that a form must fit, so that a few odd cells do not hide it."""

SAMPLE = 500
"""Distinct cells that the form is detected from."""

GROUP_MARKS = ",.'\u2019 \u00a0\u202f"
"""Separators of thousands."""

_PLAIN_NUMBERS = re.compile(r"(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:\n|\Z))+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.(\d*))?|\.(\d+))([eE][+-]?\d+)?", re.ASCII)
_PADDED = re.compile(r"[+-]?0\d+(?:\.\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?(?:inf(?:inity)?|\u221e)", re.IGNORECASE)
_EXPONENT = re.compile(r"[+-]?(\d+)(?:\.(\d*))?([eE])([+-]?)(\d+)", re.ASCII)
_NUMBER_LIKE = (_NUMBER, _PADDED, _INFINITE)
_CURRENCY = (
    r"[$€£¥₹₽₺₩]|[A-Z]{1,3}\$|R\$|EUR|USD|GBP|CHF|JPY|CNY|INR|BRL|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD"
    r"|TRY|ZAR|Rs\.?|kr\.?|Fr\.?|z\u0142|K\u010d|Ft"
)
_UNIT = r"%|\u2030|°[CF]?|[kmcµn]?m[²³]?|[kmµ]?g|[kmµ]?s|[mc]?[lL]|[kM]?W|[kM]?Wh|[kMG]?Hz|[kMG]?B"
_DRESSED = re.compile(
    rf"(?P<open>\()?(?P<sign>[+\-\u2212])?(?P<prefix>(?:{_CURRENCY})[ \u00a0]?)?(?P<inner>-)?"
    rf"(?P<body>\d(?:[\d{GROUP_MARKS}]*\d)?|[.,]\d+)"
    rf"(?P<suffix>[ \u00a0]?(?:{_CURRENCY}|{_UNIT})|[ \u00a0][A-Za-z]{{1,8}})?"
    rf"(?P<trail>-)?(?P<close>\))?"
)


class Form(BaseModel):
    """How the numbers of a column are written.

    Attributes:
        prefix: Before each, such as ``$``; a minus stands before it.
        suffix: Behind each, such as ``%``.
        style: ``point`` as in 1234.5, ``comma`` as in 1234,5, ``grouped`` as in 1,234.5,
            ``grouped_comma`` as in 1.234,5.
        group: What separates thousands in the last two, if not a comma or a point.
        indian: Whether only the last group has three digits, as in 12,34,567.
        plus: Whether a positive number has a plus sign.
        negative: How a negative number is marked: by a minus before or behind it, or by brackets.
        minus: The minus sign.
        exponent: How powers of ten are written where every number has one, such as ``e+00`` for
            a sign and two digits or more, ``E0`` for no plus sign and no leading zero.
        mantissa: Fewest and most digits after the point of such a number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: str = ""
    suffix: str = ""
    style: Style = "point"
    group: str = ""
    indian: bool = False
    plus: bool = False
    negative: Negative = "minus"
    minus: str = "-"
    exponent: str = ""
    mantissa: tuple[int, int] = (0, 0)

    @property
    def is_plain(self) -> bool:
        """Whether Python reads such a number as it is."""
        return self.model_copy(update={"plus": False, "exponent": "", "mantissa": (0, 0)}) == Form()

    @property
    def separator(self) -> str:
        """What separates thousands."""
        return self.group or {"grouped": ",", "grouped_comma": "."}.get(self.style, "")

    @property
    def decimal_mark(self) -> str:
        """What stands before the decimals."""
        return "," if self.style in ("comma", "grouped_comma") else "."

    def normalized(self, text: str) -> str:
        """The number as Python writes it; text of another form is returned unchanged."""
        whole = text = text.strip()
        sign = ""
        if self.negative == "brackets" and text.startswith("(") and text.endswith(")"):
            sign, text = "-", text[1:-1]
        elif self.negative == "trailing" and text.endswith("-"):
            sign, text = "-", text[:-1]
        elif text.startswith(self.minus):
            sign, text = "-", text[len(self.minus) :]
        elif self.plus and text.startswith("+"):
            text = text[1:]
        if not text.startswith(self.prefix) or not text.endswith(self.suffix):
            return whole
        body = text[len(self.prefix) : len(text) - len(self.suffix)]
        if body.startswith("-") and not sign:
            sign, body = "-", body[1:]
        if self.separator and _grouping(self).fullmatch(body):
            body = body.replace(self.separator, "")
        return sign + (body.replace(",", ".") if self.decimal_mark == "," else body)

    def written(self, text: str) -> str:
        """A number as Python writes it, rewritten in this form."""
        if self == PLAIN:
            return text
        negative, body = text.startswith("-"), text.removeprefix("-")
        if self.exponent:
            body = self._scientific(float(body))
        if self.separator:
            whole, point, digits = body.partition(".")
            body = f"{self._grouped(whole)}{point and self.decimal_mark}{digits}"
        else:
            body = body.replace(".", self.decimal_mark)
        body = f"{self.prefix}{body}{self.suffix}"
        if not negative:
            return f"+{body}" if self.plus and float(text) else body
        match self.negative:
            case "brackets":
                return f"({body})"
            case "trailing":
                return f"{body}-"
            case _:
                return f"{self.minus}{body}"

    def _grouped(self, digits: str) -> str:
        if not digits.isdecimal() or len(digits) < 4:
            return digits
        size = 2 if self.indian else 3
        head, tail = digits[:-3], digits[-3:]
        first = len(head) % size
        groups = [head[:first]] if first else []
        groups += [head[at : at + size] for at in range(first, len(head), size)]
        return self.separator.join([*groups, tail])

    def _scientific(self, value: float) -> str:
        fewest, most = self.mantissa
        mantissa, _, power = f"{value:.{most}e}".partition("e")
        whole, _, digits = mantissa.partition(".")
        digits = digits.rstrip("0").ljust(fewest, "0")
        width = len(self.exponent.lstrip("eE+"))
        plus = "+" if "+" in self.exponent else ""
        sign = "-" if power.startswith("-") else plus
        number = str(abs(int(power))).rjust(width, "0")
        return f"{whole}{'.' if digits else ''}{digits}{self.exponent[0]}{sign}{number}"


PLAIN = Form()
"""As Python writes a number."""


def _grouping(form: Form) -> re.Pattern[str]:
    mark, point = re.escape(form.separator), re.escape(form.decimal_mark)
    inner = rf"(?:{mark}\d\d)*{mark}\d{{3}}" if form.indian else rf"(?:{mark}\d{{3}})+"
    return re.compile(rf"[1-9]\d{{0,2}}{inner}(?:{point}\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Cells read as numbers.

    Attributes:
        values: ``(cells,)`` float64; NaN for what is not a number.
        padded: ``(cells,)`` which have leading zeros, so are codes rather than numbers.
        form: How they are written.
    """

    values: NDArray[np.float64]
    padded: NDArray[np.bool_]
    form: Form = PLAIN

    @property
    def read(self) -> NDArray[np.bool_]:
        """``(cells,)`` which are numbers."""
        return ~np.isnan(self.values)

    def among(self, mask: NDArray[np.bool_]) -> Numbers:
        """Those of some cells."""
        return Numbers(self.values[mask], self.padded[mask], self.form)


def numbers(cells: Cells, *, form: Form | None = None) -> Numbers:
    """Read cells as numbers; typed cells are taken as they are.

    Args:
        cells: Distinct cells that are not missing.
        form: How they are written; detected if not given.
    """
    if cells.dtype.kind in "biuf":
        return Numbers(cells.astype(np.float64), np.zeros(len(cells), np.bool_))
    texts = list(map(str, cells.tolist()))
    if form is not None and not form.is_plain:
        return _read(list(map(form.normalized, texts)), form)
    parsed = _read(texts, form or PLAIN)
    if form is not None or not len(cells):
        return parsed
    if not parsed.read.all() and not parsed.padded.any() and (other := _find_form(texts)):
        dressed = _read(list(map(other.normalized, texts)), other)
        # A single comma may also separate two numbers, so such a form must fit nearly all cells.
        if dressed.read.mean() >= MOSTLY and dressed.read.sum() > parsed.read.sum():
            parsed = dressed
    if parsed.read.mean() >= MOSTLY and parsed.form.is_plain:
        found = _signs_and_exponents(texts, parsed)
        return Numbers(parsed.values, parsed.padded, found)
    return parsed


def _signs_and_exponents(texts: Sequence[str], parsed: Numbers) -> Form:
    """The plain form, with plus signs or exponents if every number has them."""
    stripped = [text.strip() for text, read in zip(texts, parsed.read, strict=True) if read]
    finite = [text for text in stripped if not _INFINITE.fullmatch(text)]
    signed = any(text[:1] == "+" for text in finite)
    plus = signed and all(
        text[:1] in "+-" for text in finite if _NUMBER.fullmatch(text) and float(text)
    )
    first = finite[0] if finite else ""
    exponents = list(map(_EXPONENT.fullmatch, finite)) if "e" in first.lower() else []
    matches = [match for match in exponents if match]
    update: dict[str, object] = {"plus": plus}
    if matches and len(matches) == len(exponents):
        letter = Counter(match[3] for match in matches).most_common(1)[0][0]
        sign = "+" if any(match[4] == "+" for match in matches) else ""
        width = min(len(match[5]) for match in matches)
        lengths = [len(match[2] or "") for match in matches]
        update |= {
            "exponent": f"{letter}{sign}{'0' * width}",
            "mantissa": (min(lengths), max(lengths)),
        }
    return parsed.form.model_copy(update=update)


def _find_form(texts: Sequence[str]) -> Form | None:
    """The form that a sample of cells has in common, unless it is the plain one."""
    some = [text.strip() for text in texts[:: max(len(texts) // SAMPLE, 1)]]
    dressed = [match for text in some if (match := _DRESSED.fullmatch(text))]
    if len(dressed) < 0.5 * len(some):
        return None
    prefix, suffix = (
        Counter(match[part] or "" for match in dressed).most_common(1)[0][0]
        for part in ("prefix", "suffix")
    )
    style, group, indian = _separators([match["body"] for match in dressed])
    brackets = any(match["open"] and match["close"] for match in dressed)
    trailing = any(match["trail"] for match in dressed)
    positive = [match for match in dressed if match["sign"] not in ("-", "\u2212")]
    return Form(
        prefix=prefix,
        suffix=suffix,
        style=style,
        group=group,
        indian=indian,
        plus=any(match["sign"] == "+" for match in positive),
        negative="brackets" if brackets else "trailing" if trailing else "minus",
        minus="\u2212" if any(match["sign"] == "\u2212" for match in dressed) else "-",
    )


def _separators(bodies: Sequence[str]) -> tuple[Style, str, bool]:
    """Style, separator of thousands where unusual, and whether groups are Indian."""
    marks = [[sign for sign in body if sign in GROUP_MARKS] for body in bodies]
    mixed = [each for each in marks if len(set(each)) == 2]
    again = [each for each in marks if len(each) > 1 and len(set(each)) == 1]
    if mixed:
        group, point = Counter((each[0], each[-1]) for each in mixed).most_common(1)[0][0]
    elif again:
        group = Counter(each[0] for each in again).most_common(1)[0][0]
        point = _other(group, [each[0] for each in marks if each and each[0] != group])
    else:
        singles = Counter(each[0] for each in marks if each)
        group, point = _lone(singles, [body for body in bodies if "," in body])
    style: Style = "point" if point == "." else "comma"
    if not group:
        return style, "", False
    parts = [body.partition(point)[0].split(group) for body in bodies if group in body]
    indian = any(len(part) == 2 for split in parts for part in split[1:-1]) and all(
        len(split[-1]) == 3 for split in parts
    )
    style = "grouped" if point == "." else "grouped_comma"
    usual = {"grouped": ",", "grouped_comma": "."}[style]
    return style, "" if group == usual else group, indian


def _other(group: str, singles: Sequence[str]) -> str:
    """The decimal mark beside a separator of thousands."""
    if group in ",.":
        return "." if group == "," else ","
    return (
        Counter(each for each in singles if each in ",.").most_common(1)[0][0]
        if any(each in ",." for each in singles)
        else "."
    )


def _lone(singles: Counter[str], with_comma: Sequence[str]) -> tuple[str, str]:
    """Separator of thousands and decimal mark where no cell has two separators."""
    group = next((mark for mark in singles if mark not in ",."), "")
    if group:
        return group, _other(group, list(singles))
    if not with_comma:
        return "", "."
    # 1,234 alone is 1234 (thousands separator); next to 1,5 or 0,123 it is 1.234.
    grouped = all(re.fullmatch(r"[1-9]\d{0,2},\d{3}", body, re.ASCII) for body in with_comma)
    return (",", ".") if grouped else ("", ",")


def _read(texts: list[str], form: Form) -> Numbers:
    joined = "\n".join(texts)  # one match over all cells is ten times faster
    if joined.count("\n") == len(texts) - 1 and _PLAIN_NUMBERS.fullmatch(joined):
        values = np.fromiter(map(float, texts), np.float64, len(texts))
        return Numbers(values, np.zeros(len(texts), np.bool_), form)
    texts = [text.strip() for text in texts]
    some = texts[:: max(len(texts) // SAMPLE, 1)]
    if sum(any(each.fullmatch(text) for each in _NUMBER_LIKE) for text in some) < 0.2 * len(some):
        # Mostly text or dates: do not parse every cell.
        return Numbers(np.full(len(texts), np.nan), np.zeros(len(texts), np.bool_), form)
    matches = [_NUMBER.fullmatch(text) is not None for text in texts]
    values = [
        float(text) if read else _infinity(text) for text, read in zip(texts, matches, strict=True)
    ]
    padded = [
        not read and _PADDED.fullmatch(text) is not None
        for text, read in zip(texts, matches, strict=True)
    ]
    return Numbers(np.array(values, np.float64), np.array(padded, np.bool_), form)


def _infinity(text: str) -> float:
    if not _INFINITE.fullmatch(text):
        return float("nan")
    return float("-inf") if text[0] == "-" else float("inf")


def decimals(cells: Cells, form: Form = PLAIN) -> NDArray[np.int64]:
    """``(cells,)`` digits after the point as written; -1 with an exponent or if not text."""
    if cells.dtype.kind != "O" or not all(isinstance(word, str) for word in cells):
        return np.full(len(cells), -1, np.int64)
    texts = map(str.strip, cells) if form.is_plain else map(form.normalized, cells)
    return np.array([_decimals(text) for text in texts], np.int64)


def _decimals(text: str) -> int:
    whole, _, tail = text.partition(".")
    return (
        len(tail)
        if whole.lstrip("+-").isdecimal() and (not tail or tail.isdecimal())
        else (len(tail) if tail.isdecimal() and whole in {"", "+", "-"} else -1)
    )
