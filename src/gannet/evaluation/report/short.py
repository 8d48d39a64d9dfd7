"""A report in about twelve lines, for a terminal; all of it stands in the files."""

from __future__ import annotations

import textwrap

from gannet.core.scores import Report, Score
from gannet.core.scores.diagnosis import ORDER, effect
from gannet.evaluation.report.summary import conclusions, kind_of, number

WIDTH = 100
"""Letters in a line."""

ROWS = 6
"""Scores in the table, those that depart most first."""

NAME = 30
"""Letters of a name."""


def short_table(report: Report) -> str:
    """Grade, reason and advice, and the scores that say most; some twelve lines.

    Args:
        report: Of an evaluation, over one training run or several.
    """
    lines = [
        line
        for sentence in conclusions(report)
        for line in textwrap.wrap(sentence.replace("**", ""), WIDTH)
    ]
    if report.seeds:
        lines.append(f"means over {len(report.seeds)} training runs that differ in their seed")
    ranked = sorted(_strongest(report), key=_rank)
    shown = ranked[:ROWS]
    if shown:
        head = "perfect" if report.perfect else "reals"
        lines += ["", f"{'score':<{NAME}} {report.sample_noun:>9} {head:>9}  result"]
    lines += [
        f"{_short(score.name):<{NAME}} {number(score.value):>9} {number(score.reference):>9}  "
        f"{_outcome(score, report)}"
        for score in shown
    ]
    left = [score for score in report.scores if score not in shown]
    if left:
        like = sum(score.at_reference and not score.unclear for score in left)
        what = "like perfect answers" if report.perfect else "like reals"
        if report.distinguished:
            what = "seeing no difference"
        lines.append(f"and {len(left)} more scores, {like} of them {what}")
    return "\n".join(lines)


def _strongest(report: Report) -> list[Score]:
    """One score of each kind: the one that departs most."""
    by_kind: dict[str, Score] = {}
    for score in sorted(report.scores, key=_rank):
        by_kind.setdefault(kind_of(score), score)
    return list(by_kind.values())


def _rank(score: Score) -> tuple[bool, bool, bool, int]:
    """The two-sample test first, then what departs, and how far."""
    return (
        score.role != "detection",
        score.beaten != "yes",
        score.at_reference,
        -ORDER.index(effect(score)) if effect(score) in ORDER else 0,
    )


def _outcome(score: Score, report: Report) -> str:
    phrases = [report.outcome(score)]
    if score.beaten != "no":
        by = score.baseline_name or report.baseline
        phrases.append(f"{by} is {'better' if score.beaten == 'yes' else 'as good'}")
    return "; ".join(phrases)


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"
