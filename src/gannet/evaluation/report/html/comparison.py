"""HTML page that compares several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gannet.evaluation.evaluate import Report, Score
from gannet.evaluation.report.comparison import diagnosis_of_runs
from gannet.evaluation.report.examples import Examples
from gannet.evaluation.report.html.page import emphasized, exhibit_markup, render, trusted_markup
from gannet.evaluation.report.html.theme import BASELINE, FAKE, INK, REAL, drawing, svg
from gannet.evaluation.report.markdown import costs, meaning
from gannet.evaluation.report.summary import number

MARKS: tuple[tuple[str, str], ...] = (
    ("o", FAKE),
    ("s", BASELINE),
    ("^", INK),
    ("D", REAL),
    ("v", FAKE),
    ("P", BASELINE),
)
"""Marker and colour of the runs, reused cyclically."""

MAX_EXAMPLES = 8
"""Maximum samples shown of each run."""


@dataclass(frozen=True)
class RunGroup:
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
    groups: Sequence[RunGroup],
    cells: Mapping[str, Sequence[str]],
    differences: Sequence[Any],
    protocol: Sequence[str],
) -> str:
    """The page as HTML.

    Args:
        data: Name of the data.
        summary: Summary in sentences.
        groups: The first is the one that others are compared with.
        cells: For each score, value and interval of each group as text.
        differences: With ``score``, ``group``, ``value``, ``low``, ``high``, ``conclusion`` and
            ``how``.
        protocol: How the scores were measured, in sentences.

    Raises:
        MissingExtraError: if matplotlib or Jinja2 is not installed.
    """
    first = groups[0].reports[0]
    facts = {
        "data": data,
        "summary": emphasized(summary),
        "scores": [_score(name, texts, groups, differences) for name, texts in cells.items()],
        "entries": [_entry(each) for each in groups],
        "columns": first.columns,
        "protocol": protocol,
        "seed": first.seed,
        "version": first.gannet,
    }
    return render("compared.html", facts)


def _score(
    name: str, texts: Sequence[str], groups: Sequence[RunGroup], differences: Sequence[Any]
) -> dict[str, Any]:
    """One score of all entries."""
    score = groups[0].reports[0].score(name)
    return {
        "name": name,
        "cells": texts,
        "better": score.best,
        "meaning": meaning(score),
        "figure": trusted_markup(_figure(name, groups)),
        "differences": [each for each in differences if each.score == name],
    }


def _entry(group: RunGroup) -> dict[str, Any]:
    """One entry: its diagnosis, its samples and its cost."""
    diagnosis, first = diagnosis_of_runs(group.reports), group.reports[0]
    return {
        "name": group.name,
        "grade": diagnosis.grade,
        "sentence": diagnosis.sentence.partition(": ")[2],
        "advice": diagnosis.advice,
        "gallery": exhibit_markup(group.examples.gallery, f"samples of {group.name}")
        if group.examples.gallery
        else "",
        "pictures": [
            exhibit_markup(pair[0], f"fake of {group.name}")
            for pair in group.examples.examples[:MAX_EXAMPLES]
        ],
        "rows": [pair.fake_cells for pair in first.examples[:MAX_EXAMPLES] if pair.fake_cells],
        "costs": costs(first),
        "seeds": len(group.reports),
    }


def _figure(name: str, groups: Sequence[RunGroup]) -> str:
    """One score of all runs, one below the other, over the reference of the first."""
    first = groups[0].reports[0].score(name)
    count = len(groups)
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
            axes.axvline(first.baseline, color=BASELINE, linewidth=1.2, linestyle=(0, (1, 1)))
        for at, each in enumerate(groups):
            mark, color = MARKS[at % len(MARKS)]
            scores: list[Score] = [report.score(name) for report in each.reports]
            for run_index, score in enumerate(scores):
                height = count - 1 - at + 0.12 * (run_index - (len(scores) - 1) / 2)
                axes.plot([score.low, score.high], [height, height], color=color, linewidth=2)
                axes.plot(score.value, height, mark, color=color, markersize=7)
        names = [each.name if len(each.name) < 19 else f"{each.name[:17]}…" for each in groups]
        axes.set_yticks(range(count - 1, -1, -1), names, parse_math=False)
        axes.set_ylim(-0.6, count - 0.4)
        texts = [f"{each.name} {number(each.reports[0].score(name).value)}" for each in groups]
        return svg(figure, alt=f"{name}: {', '.join(texts)}")
