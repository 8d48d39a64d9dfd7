"""A report as one page of HTML that needs no network and no script (extra ``report``)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gannet.core.errors import need
from gannet.core.io.files import write_whole
from gannet.core.scores import Closeness
from gannet.evaluation.evaluate import Pair, Part, Report, Score
from gannet.evaluation.report.examples import ExhibitPair, Exhibits
from gannet.evaluation.report.html.figures import (
    closeness_figure,
    course_figures,
    parts_figure,
    profile_figure,
    score_figure,
)
from gannet.evaluation.report.markdown import costs, done, floor_words, meaning, protocol_words
from gannet.evaluation.report.summary import number, verdict, worded
from gannet.modalities.hooks import Exhibit

HERE = Path(__file__).parent

NEEDED = ("jinja2", "matplotlib")
"""Packages that draw it."""

LEVELS = (1, 5, 25, 50, 75, 95, 99)
"""Percentages of the distances that stand in numbers."""

MEASURES = ("d_real", "d_fake", "auc_train", "auc_held_out", "spread", "crowding", "distance")

CONTENTS = (
    ("samples", "Samples"),
    ("scores", "Scores"),
    ("parts", "Part by part"),
    ("memory", "Memorisation"),
    ("course", "Course"),
    ("protocol", "Protocol"),
    ("cost", "Cost"),
)

_SIGN = '<svg viewBox="0 0 36 20" aria-hidden="true">{}</svg>'
LEGEND: tuple[tuple[str, str], ...] = (
    (
        '<path d="M0 10H36" stroke="var(--fake)" stroke-width="4"/>'
        '<circle cx="18" cy="10" r="7" fill="var(--fake)"/>',
        "fakes, with 95 % interval",
    ),
    (
        '<path d="M4 18 16 2M14 18 26 2M24 18 36 2" stroke="var(--real)"/>'
        '<path d="M18 1V19" stroke="var(--real)" stroke-width="2.5"/>',
        "floor: {floor}, with interval",
    ),
    (
        '<path d="M12 4 24 16M24 4 12 16" stroke="var(--plain)" stroke-width="4"/>',
        "baseline: {baseline}",
    ),
    ('<path d="M18 0V20" stroke="var(--ink)" stroke-dasharray="2 2"/>', "chance"),
    (
        '<path d="M18 4 25 16H11Z" fill="none" stroke="var(--ink)" stroke-width="1.6"/>',
        "ceiling: all training reals",
    ),
)


def can_draw() -> bool:
    """Whether all that draws a page is installed."""
    return all(find_spec(name) is not None for name in NEEDED)


def page(report: Report, exhibits: Exhibits = Exhibits()) -> str:  # noqa: B008  # frozen
    """The page.

    Args:
        report: What it says.
        exhibits: Pictures of the pairs that the report names.

    Raises:
        MissingExtraError: if matplotlib or Jinja2 is not installed.
    """
    parted = [(score, _by_methods(score)) for score in report.scores if score.parts]
    parts = [
        (score, drawn(parts_figure(_beside_others(score) if others else score)), others)
        for score, others in parted
    ]
    made = report.made
    profiles = [(each, drawn(profile_figure(each, made))) for each in report.profiles]
    left_out = set() if parts or profiles else {"parts"}
    left_out |= set() if report.closeness else {"memory"}
    left_out |= set() if report.shown or exhibits.answers else {"samples"}
    course = report.course
    facts: dict[str, Any] = {
        "report": report,
        "made": made,
        "floor": floor_words(report),
        "targeted": any(score.role == "target" for score in report.scores),
        "has_ceiling": any(score.ceiling is not None for score in report.scores),
        "has_chance": any(score.chance is not None for score in report.scores),
        "protocol": protocol_words(report),
        "contents": [each for each in CONTENTS if each[0] not in left_out],
        "verdict": emphasised(verdict(report)),
        "shown": _pairs(exhibits.shown, report.shown, made),
        "closest": _pairs(exhibits.closest, report.closest, made),
        "answers": [_row(row, number) for number, row in enumerate(exhibits.answers, 1)],
        "legend": _legend(report),
        "scores": [_scored(score, report) for score in report.scores],
        "parts": parts,
        "profiles": profiles,
        "closeness": drawn(closeness_figure(report.closeness, made)) if report.closeness else "",
        "quantiles": _quantiles(report.closeness),
        "course_figures": [
            (title, drawn(figure))
            for title, figure in (course_figures(course, made) if course else [])
        ],
        "actions": [(step, done(action)) for step, action in course.actions] if course else [],
        "measures": MEASURES,
        "looks": [_look(look) for look in course.looks] if course else [],
        "costs": costs(report),
    }
    return render("report.html", facts)


def write_page(report: Report, folder: Path, exhibits: Exhibits) -> Path:
    """Write ``report.html``.

    Raises:
        MissingExtraError: if matplotlib or Jinja2 is not installed.
        GannetError: if the folder cannot be written.
    """
    path = folder / "report.html"
    write_whole(path, page(report, exhibits).encode())
    return path


def render(template: str, facts: dict[str, Any]) -> str:
    """Fill a template of this folder; whatever comes from outside is escaped.

    Raises:
        MissingExtraError: if Jinja2 is not installed.
    """
    jinja: Any = need("jinja2", "report")
    environment = jinja.Environment(
        loader=jinja.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja.StrictUndefined,
        trim_blocks=True,
    )
    style = drawn((HERE / "page.css").read_text(encoding="utf-8"))
    return environment.get_template(template).render(number=number, style=style, **facts)


def emphasised(text: str) -> Any:
    """Words with ``**`` around some as markup; all else is escaped."""
    markup: Any = need("markupsafe", "report")
    return markup.Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(markup.escape(text))))


MEDIA: Mapping[str, tuple[str, str]] = {
    "png": ("image/png", '<img src="{source}" alt="{words}">'),
    "wav": ("audio/wav", '<audio controls preload="none" src="{source}" title="{words}"></audio>'),
    "mp4": ("video/mp4", '<video controls loop muted src="{source}" title="{words}"></video>'),
}
"""Type of each form of exhibits, and how a page shows it."""


def shown_as(exhibit: Exhibit, words: str) -> Any:
    """A sample inside the page, in the form that it has.

    Args:
        exhibit: The sample.
        words: For those who hear the page.
    """
    markup: Any = need("markupsafe", "report")
    if exhibit.form in MEDIA:
        kind, tag = MEDIA[exhibit.form]
        source = f"data:{kind};base64,{base64.b64encode(exhibit.content).decode()}"
        made = drawn(tag.format(source=source, words=markup.escape(words)))
    elif exhibit.form == "html":
        # A page inside the page, which may neither run anything nor ask for anything.
        held = markup.escape(exhibit.content.decode())
        made = drawn(f'<iframe sandbox="" srcdoc="{held}" title="{markup.escape(words)}"></iframe>')
    else:
        made = drawn(f"<pre>{markup.escape(exhibit.content.decode())}</pre>")
    return made + drawn(f"<small>{markup.escape(exhibit.caption)}</small>" * bool(exhibit.caption))


def _pairs(shown: Sequence[ExhibitPair], pairs: Sequence[Pair], made: str) -> list[tuple[Any, Any]]:
    return [
        (
            shown_as(fake, f"{made[:-1]} {pair.fake}"),
            shown_as(real, f"training sample {pair.train}"),
        )
        for (fake, real), pair in zip(shown, pairs, strict=False)
    ]


def _row(row: Sequence[Exhibit], number: int) -> list[Any]:
    """What was given, answers and the target of one input."""
    words = ["given", *(f"answer {at}" for at in range(1, len(row) - 1)), "target"]
    return [
        shown_as(each, f"{word}, input {number}") for each, word in zip(row, words, strict=True)
    ]


def drawn(markup: str) -> Any:
    """Our own markup, not to be escaped again."""
    safe: Any = need("markupsafe", "report")
    return safe.Markup(markup)


def _legend(report: Report) -> list[tuple[Any, str]]:
    scores = report.scores
    floor = "perfect ones, or other reals" if report.answers else "other reals in their place"
    floor = "perfect ones" if report.perfect else floor
    used = (
        True,
        True,
        any(score.baseline is not None for score in scores),
        any(score.chance is not None for score in scores),
        any(score.ceiling is not None for score in scores),
    )
    return [
        (
            drawn(_SIGN.format(sign)),
            worded(words, report.made).format(baseline=report.baseline, floor=floor),
        )
        for (sign, words), there in zip(LEGEND, used, strict=True)
        if there
    ]


def _scored(score: Score, report: Report) -> tuple[Score, Any, str]:
    figure = score_figure(score, score.by or report.baseline)
    return score, drawn(figure), meaning(score, report.made)


def _by_methods(score: Score) -> bool:
    """Whether the parts of a score are what simple methods get."""
    return all(part.name.startswith("by ") for part in score.parts)


def _beside_others(score: Score) -> Score:
    """A score with itself among its parts."""
    mine = Part(name="this run", value=score.value, floor=score.floor)
    return score.model_copy(update={"parts": (mine, *score.parts)})


def _quantiles(closeness: Closeness | None) -> list[tuple[int, float, float]]:
    if closeness is None:
        return []
    last = len(closeness.levels) - 1
    places = [(level, round(level / 100 * last)) for level in LEVELS]
    return [(level, closeness.fake[at], closeness.held_out[at]) for level, at in places]


def _look(look: dict[str, Any]) -> dict[str, Any]:
    health = look.get("health") or {}
    values: Sequence[Any] = [health.get(name) for name in MEASURES]
    told = [number(float(each)) if isinstance(each, int | float) else "" for each in values]
    return {
        "step": look["step"],
        "elapsed": look.get("elapsed", ""),
        "values": told,
        "verdict": look.get("verdict", ""),
    }
