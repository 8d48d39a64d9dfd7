"""Colours of a page, for light, dark and print, and figures drawn in them."""

from __future__ import annotations

import io
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gannet.core.errors import need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Placeholder colours of figures; ``svg`` replaces each by a variable of the page's style.

INK = "#010101"
"""Text and marks."""

FAINT = "#010102"
"""Axes and grid."""

FAKE = "#010103"
"""Generated samples."""

REAL = "#010104"
"""Real samples."""

BASELINE = "#010105"
"""Baseline."""

GROUND = "#010106"
"""Background."""

VARIABLES: Mapping[str, str] = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    FAKE: "var(--fake)",
    REAL: "var(--real)",
    BASELINE: "var(--plain)",
    GROUND: "var(--ground)",
}
"""CSS variable of each placeholder colour."""

WIDTH = 5.0
"""Width of figures in inches: letters of 10 points stay legible on a phone."""

_STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.alpha": 0.35,
    "legend.frameon": False,
    "hatch.color": REAL,
    "hatch.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "axes.unicode_minus": True,
}


@contextmanager
def drawing(height: float, *, salt: str) -> Generator[Figure]:
    """A figure of the page's width, in its style.

    Args:
        height: Height in inches.
        salt: Salt of the element ids; each figure of a page needs its own.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    matplotlib: Any = need("matplotlib", "report")
    figures: Any = need("matplotlib.figure", "report")
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}):
        yield figures.Figure(figsize=(WIDTH, height), layout="constrained")


def svg(figure: Figure, *, alt: str) -> str:
    """The figure as an SVG element: no external references, no fonts, no fixed colours.

    Args:
        figure: Drawn inside ``drawing``.
        alt: Alternative text.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<style[^>]*>.*?</style>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"\sxmlns(:\w+)?=\"[^\"]*\"", "", text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", text))
    text = re.sub(r"\sid=\"([^\"]*)\"", lambda found: found[0] if found[1] in used else "", text)
    for sentinel, variable in VARIABLES.items():
        text = text.replace(sentinel, variable)
    head = re.compile(r"<svg[^>]*?viewBox=\"([^\"]*)\"[^>]*>")
    opening = f'<svg viewBox="\\1" role="img" aria-label="{_attribute(alt)}">'
    return head.sub(opening.replace("\\1", r"\g<1>"), text, count=1).strip()


def _attribute(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace('"', "&quot;").replace("\\", "&#92;")
