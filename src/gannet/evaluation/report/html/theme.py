"""Colours of a page, which follow light, dark and paper, and figures drawn in them."""

from __future__ import annotations

import io
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gannet.core.errors import need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, FAINT, FAKE, REAL, PLAIN, GROUND = (
    "#010101",
    "#010102",
    "#010103",
    "#010104",
    "#010105",
    "#010106",
)
"""What a figure is drawn in; each becomes a variable of the page's style."""

VARIABLES: Mapping[str, str] = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    FAKE: "var(--fake)",
    REAL: "var(--real)",
    PLAIN: "var(--plain)",
    GROUND: "var(--ground)",
}

WIDTH = 5.0
"""Inches: so wide that letters of 10 points can be read on a phone."""

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
    """A figure of the page's width, drawn in its style.

    Args:
        height: In inches.
        salt: Of the names inside the drawing; each figure of a page needs its own.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    matplotlib: Any = need("matplotlib", "report")
    figures: Any = need("matplotlib.figure", "report")
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": salt}):
        yield figures.Figure(figsize=(WIDTH, height), layout="constrained")


def svg(figure: Figure, *, alt: str) -> str:
    """The drawing as an element of a page: no foreign addresses, no fonts, no fixed colours.

    Args:
        figure: Drawn inside ``drawing``.
        alt: What it shows, for those who hear the page.
    """
    packed = io.StringIO()
    figure.savefig(packed, format="svg", transparent=True)
    text = packed.getvalue()
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
