"""A report as one HTML page without network access or scripts (extra ``report``)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gannet.core.errors import need
from gannet.core.io.files import write_whole
from gannet.core.io.names import printable
from gannet.core.scores import Histogram, TrainingDistance
from gannet.evaluation.evaluate import Component, NearestPair, Report, Score
from gannet.evaluation.report.examples import Examples, ExhibitPair
from gannet.evaluation.report.html.figures import (
    components_figure,
    histogram_figure,
    score_figure,
    training_distance_figure,
    training_figures,
)
from gannet.evaluation.report.markdown import (
    costs,
    describe_action,
    meaning,
    protocol_sentences,
    reference_heading,
)
from gannet.evaluation.report.summary import (
    conclusions,
    details,
    diagnosis_of,
    number,
    suspect_word,
    with_sample_noun,
)
from gannet.modalities.hooks import Exhibit

HERE = Path(__file__).parent

NEEDED = ("jinja2", "matplotlib")
"""Packages that the page needs."""

LEVELS = (1, 5, 25, 50, 75, 95, 99)
"""Percentiles of the distances that are listed in numbers."""

MEASURES = (
    "d_real",
    "d_fake",
    "auc_train",
    "auc_held_out",
    "diversity",
    "nn_diversity",
    "energy_distance",
)

CONTENTS = (
    ("samples", "Samples"),
    ("scores", "Scores"),
    ("components", "Components"),
    ("memorization", "Memorization"),
    ("training", "Training"),
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
        "reference: {reference}, with interval",
    ),
    (
        '<path d="M12 4 24 16M24 4 12 16" stroke="var(--plain)" stroke-width="4"/>',
        "baseline: {baseline}",
    ),
    ('<path d="M18 0V20" stroke="var(--ink)" stroke-dasharray="2 2"/>', "chance"),
    (
        '<path d="M18 4 25 16H11Z" fill="none" stroke="var(--ink)" stroke-width="1.6"/>',
        "upper bound: all training reals",
    ),
)


def can_draw() -> bool:
    """Whether the packages that a page needs are installed."""
    return all(find_spec(name) is not None for name in NEEDED)


def page(report: Report, examples: Examples = Examples()) -> str:  # noqa: B008  # frozen
    """The page as HTML.

    Args:
        report: The report.
        examples: Samples of the pairs that the report lists.

    Raises:
        MissingExtraError: if matplotlib or Jinja2 is not installed.
    """
    diagnosis, noun = diagnosis_of(report), report.sample_noun
    components, histograms = _components(report), _histograms(report)
    left_out = set() if components or histograms else {"components"}
    left_out |= set() if report.training_distance else {"memorization"}
    has_samples = report.examples or examples.outputs or examples.gallery
    left_out |= set() if has_samples else {"samples"}
    facts: dict[str, Any] = {
        "report": report,
        "sample_noun": noun,
        "reference": reference_heading(report),
        "protocol": protocol_sentences(report),
        "contents": [each for each in CONTENTS if each[0] not in left_out],
        "grade": diagnosis.grade,
        "conclusions": [emphasized(sentence) for sentence in _without_grade(report)],
        "diagnosis_parts": [
            part.model_copy(update={"finding": with_sample_noun(part.finding, noun)})
            for part in diagnosis.parts
        ],
        "details": emphasized(details(report)),
        "suspect": suspect_word(report),
        "legend": _legend(report),
        "scores": [_scored(score, report) for score in report.scores],
        "components": components,
        "histograms": histograms,
        "distance_figure": trusted_markup(training_distance_figure(report.training_distance, noun))
        if report.training_distance
        else "",
        "quantiles": _quantiles(report.training_distance),
        "costs": costs(report),
    }
    return render("report.html", facts | _of_samples(report, examples) | _of_training(report))


def _without_grade(report: Report) -> list[str]:
    """The conclusions; the grade itself stands above them."""
    first, *others = conclusions(report)
    why = first.partition(": ")[2]
    return [f"{why[:1].upper()}{why[1:]}", *others]


def _of_samples(report: Report, examples: Examples) -> dict[str, Any]:
    """What a page shows of samples."""
    noun = report.sample_noun
    return {
        "has_targets": any(score.role == "target" for score in report.scores),
        "has_upper_bound": any(score.upper_bound is not None for score in report.scores),
        "has_chance": any(score.chance_level is not None for score in report.scores),
        "gallery": exhibit_markup(examples.gallery, "samples") if examples.gallery else "",
        "growth": [
            (step, exhibit_markup(each, f"samples at step {step}"))
            for step, each in examples.growth
        ],
        "example_pairs": _pairs(examples.examples, report.examples, noun),
        "suspect_pairs": _pairs(examples.suspects, report.suspects, noun),
        "outputs": [_row(row, number) for number, row in enumerate(examples.outputs, 1)],
    }


def _of_training(report: Report) -> dict[str, Any]:
    """What a page shows of training."""
    log = report.training_log
    if log is None:
        return {"training_figures": [], "actions": [], "measures": MEASURES, "evaluations": []}
    return {
        "training_figures": [
            (title, trusted_markup(figure))
            for title, figure in training_figures(log, report.sample_noun)
        ],
        "actions": [(step, describe_action(action)) for step, action in log.actions],
        "measures": MEASURES,
        "evaluations": [_evaluation_row(evaluation) for evaluation in log.evaluations],
    }


def _components(report: Report) -> list[tuple[Score, Any, bool]]:
    """Scores that have components, their figure, and whether these are simple methods."""
    composite_scores = [(score, _by_methods(score)) for score in report.scores if score.components]
    return [
        (
            score,
            trusted_markup(components_figure(_beside_others(score) if others else score)),
            others,
        )
        for score, others in composite_scores
    ]


def _histograms(report: Report) -> list[tuple[Histogram, Any]]:
    return [
        (each, trusted_markup(histogram_figure(each, report.sample_noun)))
        for each in report.histograms
    ]


def write_page(report: Report, folder: Path, examples: Examples) -> Path:
    """Write ``report.html``.

    Raises:
        MissingExtraError: if matplotlib or Jinja2 is not installed.
        GannetError: if the folder cannot be written.
    """
    path = folder / "report.html"
    write_whole(path, printable(page(report, examples)).encode())
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
    style = trusted_markup((HERE / "page.css").read_text(encoding="utf-8"))
    environment.filters["breakable"] = breakable
    return environment.get_template(template).render(number=number, style=style, **facts)


def emphasized(text: str) -> Any:
    """Text with ``**`` as markup for emphasis; all else is escaped."""
    markup: Any = need("markupsafe", "report")
    escaped = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(markup.escape(text)))
    return markup.Markup(re.sub(r"(?<!\S)(\(?)(--[a-z][a-z-]*)", r"\1<code>\2</code>", escaped))


def breakable(text: str) -> Any:
    """A name that may break after underscores, dots and the like; all is escaped."""
    markup: Any = need("markupsafe", "report")
    return markup.Markup(re.sub(r"([_./:|-])(?=\w)", r"\1<wbr>", str(markup.escape(text))))


MEDIA: Mapping[str, tuple[str, str]] = {
    "png": ("image/png", '<img src="{source}" alt="{alt}">'),
    "wav": ("audio/wav", '<audio controls preload="none" src="{source}" title="{alt}"></audio>'),
    "mp4": ("video/mp4", '<video controls loop muted src="{source}" title="{alt}"></video>'),
}
"""Media type of each form of exhibits, and its HTML element."""


def exhibit_markup(exhibit: Exhibit, description: str) -> Any:
    """A sample as an HTML element.

    Args:
        exhibit: The sample.
        description: Alternative text.
    """
    markup: Any = need("markupsafe", "report")
    if exhibit.form in MEDIA:
        kind, tag = MEDIA[exhibit.form]
        source = f"data:{kind};base64,{base64.b64encode(exhibit.content).decode()}"
        element = trusted_markup(tag.format(source=source, alt=markup.escape(description)))
    elif exhibit.form == "html":
        # Sandboxed: it can neither run scripts nor load anything.
        escaped = markup.escape(exhibit.content.decode())
        element = trusted_markup(
            f'<iframe sandbox="" srcdoc="{escaped}" title="{markup.escape(description)}"></iframe>'
        )
    else:
        element = trusted_markup(f"<pre>{markup.escape(exhibit.content.decode())}</pre>")
    return element + trusted_markup(
        f"<small>{markup.escape(exhibit.caption)}</small>" * bool(exhibit.caption)
    )


def _pairs(
    exhibits: Sequence[ExhibitPair], pairs: Sequence[NearestPair], sample_noun: str
) -> list[tuple[Any, Any]]:
    return [
        (
            exhibit_markup(fake, f"{sample_noun[:-1]} {pair.fake}"),
            exhibit_markup(real, f"training sample {pair.train}"),
        )
        for (fake, real), pair in zip(exhibits, pairs, strict=False)
    ]


def _row(row: Sequence[Exhibit], number: int) -> list[Any]:
    """Input, outputs and target of one row."""
    descriptions = ["given", *(f"answer {at}" for at in range(1, len(row) - 1)), "target"]
    return [
        exhibit_markup(each, f"{description}, input {number}")
        for each, description in zip(row, descriptions, strict=True)
    ]


def trusted_markup(markup: str) -> Any:
    """Mark our own markup as safe, so that it is not escaped."""
    safe: Any = need("markupsafe", "report")
    return safe.Markup(markup)


def _legend(report: Report) -> list[tuple[Any, str]]:
    scores = report.scores
    reference = "real against real"
    if report.conditional:
        reference = "perfect ones" if report.perfect else "perfect ones, or real against real"
    used = (
        True,
        True,
        any(score.baseline is not None for score in scores),
        any(score.chance_level is not None for score in scores),
        any(score.upper_bound is not None for score in scores),
    )
    return [
        (
            trusted_markup(_SIGN.format(sign)),
            with_sample_noun(text, report.sample_noun).format(
                baseline=report.baseline, reference=reference
            ),
        )
        for (sign, text), is_used in zip(LEGEND, used, strict=True)
        if is_used
    ]


def _scored(score: Score, report: Report) -> tuple[Score, Any, str]:
    figure = score_figure(score, score.baseline_name or report.baseline)
    return score, trusted_markup(figure), meaning(score, report.sample_noun)


def _by_methods(score: Score) -> bool:
    """Whether the components of a score are those of reference methods."""
    return all(part.name.startswith("by ") for part in score.components)


def _beside_others(score: Score) -> Score:
    """A score with itself as first component."""
    mine = Component(name="this run", value=score.value, reference=score.reference)
    return score.model_copy(update={"components": (mine, *score.components)})


def _quantiles(training_distance: TrainingDistance | None) -> list[tuple[int, float, float]]:
    if training_distance is None:
        return []
    last = len(training_distance.levels) - 1
    level_indices = [(level, round(level / 100 * last)) for level in LEVELS]
    return [
        (level, training_distance.fake[at], training_distance.held_out[at])
        for level, at in level_indices
    ]


def _evaluation_row(evaluation: dict[str, Any]) -> dict[str, Any]:
    monitor = evaluation.get("monitor") or {}
    values: Sequence[Any] = [monitor.get(name) for name in MEASURES]
    texts = [number(float(each)) if isinstance(each, int | float) else "" for each in values]
    return {
        "step": evaluation["step"],
        "elapsed": evaluation.get("elapsed", ""),
        "values": texts,
        "diagnosis": evaluation.get("diagnosis", ""),
    }
