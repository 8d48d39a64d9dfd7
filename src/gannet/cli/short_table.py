"""A report in about twelve lines, for the terminal; the files hold the rest."""

from __future__ import annotations

from gannet.core.scores import Report
from gannet.evaluation.report.summary import kind_of, number, summary

ROWS = 8
"""Most scores that are shown."""


def short_table(report: Report) -> str:
    """The summary and the scores that depart most from those of reals."""
    shown = sorted(report.scores, key=lambda score: score.at_reference)[:ROWS]
    rows = [("score", report.sample_noun, "95 % interval", "reals")]
    rows += [
        (
            kind_of(score),
            number(score.value),
            f"{number(score.low)} to {number(score.high)}",
            number(score.reference),
        )
        for score in shown
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    more = len(report.scores) - len(shown)
    lines += [f"... and {more} more scores in the report"] * bool(more)
    return "\n".join([summary(report).replace("**", ""), "", *lines])
