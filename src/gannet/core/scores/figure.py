"""A report as one figure of matplotlib: each score on an axis of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gannet.core.errors import need

if TYPE_CHECKING:
    from gannet.core.scores.results import Report, Score

ROW = 0.62
"""Height of a score, in inches."""

MOST = 16
"""Scores that are drawn."""


def figure_of(report: Report) -> Any:
    """The first scores of a report: value with interval, reference, baseline.

    Returns:
        A ``matplotlib.figure.Figure``, which notebooks show and ``savefig`` writes.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    make: Any = need("matplotlib.figure", "report").Figure
    scores = report.scores[:MOST]
    figure: Any = make(figsize=(7, ROW * max(len(scores), 1) + 0.5), layout="constrained")
    rows: Any = figure.subplots(max(len(scores), 1), 1, squeeze=False)
    for (axes,), score in zip(rows, scores, strict=False):
        _draw(axes, score)
    if not scores:
        rows[0][0].set_axis_off()
    figure.suptitle(f"{report.artifact} on {report.data}".replace("$", r"\$"), fontsize=10)
    return figure


def _draw(axes: Any, score: Score) -> None:
    axes.axvline(score.reference, color="tab:blue", linewidth=1.5, label="reference")
    axes.plot([score.low, score.high], [0, 0], color="tab:orange", linewidth=3)
    axes.plot(score.value, 0, "o", color="tab:orange", label="fakes")
    if score.baseline is not None:
        axes.plot(score.baseline, 0, "X", color="tab:gray", label="baseline")
    axes.set_yticks([])
    axes.tick_params(labelsize=7)
    axes.set_title(score.name.replace("$", r"\$"), fontsize=8, loc="left", pad=2)
