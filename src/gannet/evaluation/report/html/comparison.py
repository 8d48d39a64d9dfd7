"""HTML page that compares several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gannet.evaluation.evaluate import Report, Score
from gannet.evaluation.report.examples import Examples
from gannet.evaluation.report.html.page import drawn, emphasized, render, shown_as
from gannet.evaluation.report.html.theme import FAKE, INK, PLAIN, REAL, drawing, svg
from gannet.evaluation.report.markdown import costs, meaning
from gannet.evaluation.report.summary import number

MARKS: tuple[tuple[str, str], ...] = (
    ("o", FAKE),
    ("s", PLAIN),
    ("^", INK),
    ("D", REAL),
    ("v", FAKE),
    ("P", PLAIN),
)
"""Marker and colour of the runs, reused cyclically."""

SHOWN = 8
"""Maximum samples shown of each run."""


@dataclass(frozen=True)
class Contestant:
    """A group of runs on a page.

    Attributes:
        name: Its name.
        reports: One per run.
        examples: Samples of the first run.
    """

    name: str
    reports: tuple[Report, ...]
    examples: Examples


def compared_page(
    *,
    data: str,
    summary: str,
    contestants: Sequence[Contestant],
    cells: Mapping[str, Sequence[str]],
    differences: Sequence[Any],
    protocol: Sequence[str],
) -> str:
    """The page as HTML.

    Args:
        data: Name of the data.
        summary: Summary in sentences.
        contestants: The first is the one that others are compared with.
        cells: For each score, value and interval of each group as text.
        differences: With ``score``, ``group``, ``value``, ``low``, ``high``, ``says``, ``how``.
        protocol: How the scores were measured, in sentences.

    Raises:
        MissingExtraError: if matplotlib or Jinja2 is not installed.
    """
    first = contestants[0].reports[0]
    scores = [
        {
            "name": name,
            "cells": told,
            "better": first.score(name).better,
            "meaning": meaning(first.score(name)),
            "figure": drawn(_figure(name, contestants)),
            "differences": [each for each in differences if each.score == name],
        }
        for name, told in cells.items()
    ]
    shown = [
        {
            "name": each.name,
            "pictures": [
                shown_as(pair[0], f"fake of {each.name}") for pair in each.examples.examples[:SHOWN]
            ],
            "rows": [
                pair.fake_cells for pair in each.reports[0].examples[:SHOWN] if pair.fake_cells
            ],
            "costs": costs(each.reports[0]),
            "seeds": len(each.reports),
        }
        for each in contestants
    ]
    facts = {
        "data": data,
        "verdict": emphasized(summary),
        "scores": scores,
        "shown": shown,
        "columns": first.columns,
        "protocol": protocol,
        "seed": first.seed,
        "version": first.gannet,
    }
    return render("compared.html", facts)


def _figure(name: str, contestants: Sequence[Contestant]) -> str:
    """One score of all runs, one below the other, over the reference of the first."""
    first = contestants[0].reports[0].score(name)
    count = len(contestants)
    with drawing(0.6 + 0.3 * count, salt=f"compared {name}") as figure:
        axes: Any = figure.add_subplot()
        axes.axvspan(
            first.reference_low,
            first.reference_high,
            facecolor="none",
            edgecolor=REAL,
            hatch="////",
        )
        axes.axvline(first.reference, color=REAL, linewidth=1.5)
        if first.baseline is not None:
            axes.axvline(first.baseline, color=PLAIN, linewidth=1.2, linestyle=(0, (1, 1)))
        for at, each in enumerate(contestants):
            mark, color = MARKS[at % len(MARKS)]
            scores: list[Score] = [report.score(name) for report in each.reports]
            for place, score in enumerate(scores):
                height = count - 1 - at + 0.12 * (place - (len(scores) - 1) / 2)
                axes.plot([score.low, score.high], [height, height], color=color, linewidth=2)
                axes.plot(score.value, height, mark, color=color, markersize=7)
        names = [each.name if len(each.name) < 19 else f"{each.name[:17]}…" for each in contestants]
        axes.set_yticks(range(count - 1, -1, -1), names, parse_math=False)
        axes.set_ylim(-0.6, count - 0.4)
        told = [f"{each.name} {number(each.reports[0].score(name).value)}" for each in contestants]
        return svg(figure, alt=f"{name}: {', '.join(told)}")
