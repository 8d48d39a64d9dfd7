"""Digits of numbers: decimals that are exact, significant digits, noughts at the end."""

from __future__ import annotations

import numpy as np

from gannet.core.frame import Cells
from gannet.modalities.table.columns.formats.numbers import Numbers, decimals

WHOLE = 2.0**53
"""From here on a 64-bit float does not represent every whole number."""


def significant_digits(cells: Cells) -> int:
    """Most significant digits of any cell; 0 if above 12."""
    texts = [str(word).strip().lower().partition("e")[0] for word in cells.tolist()]
    digits = [text.lstrip("+-").replace(".", "").replace(",", "").lstrip("0") for text in texts]
    longest = max(map(len, digits))
    return longest if longest <= 12 else 0


def fixed_decimals(cells: Cells, parsed: Numbers, *, whole: bool) -> tuple[int, int]:
    """Most and fewest digits after the point; -1 if no number of decimals is exact."""
    if whole:
        return 0, 0
    written = decimals(cells, parsed.form)
    if (written >= 0).all():
        return int(written.max()), int(written.min())
    values = parsed.values
    size = np.abs(values).max()
    for digits in range(11):
        if size * 10.0**digits >= WHOLE:
            break
        if (np.rint(values * 10.0**digits) / 10.0**digits == values).all():
            return digits, 0
    return -1, 0


def trimmed(text: str, min_decimals: int) -> str:
    """A number without trailing zeros, but with at least some digits after the point.

    >>> trimmed("2.500", 0), trimmed("2.000", 0), trimmed("2.000", 1)
    ('2.5', '2', '2.0')
    """
    whole, _, digits = text.partition(".")
    digits = digits.rstrip("0").ljust(min_decimals, "0")
    return f"{whole}.{digits}" if digits else whole
