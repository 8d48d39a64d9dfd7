"""A report as Markdown and JSON: summary, table of scores, their meaning, and protocol."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from gannet.core.codec import Codec
from gannet.core.io.files import write_whole
from gannet.core.io.json_text import json_text
from gannet.core.io.names import harmless, printable, without_html
from gannet.core.io.training_log import TrainingLog
from gannet.evaluation.evaluate import Report, Score
from gannet.evaluation.report.summary import NO_TRAINING, kind_of, number, summary, with_sample_noun
from gannet.modalities.hooks import Data, SampleGrid
from gannet.modalities.registry import modality_of

MAX_EVALUATIONS = 12
"""Maximum evaluations in the table of training."""

NO_SHEETS: Mapping[str, SampleGrid] = MappingProxyType({})
"""No files beside the report."""


def meaning(score: Score, sample_noun: str = "fakes") -> str:
    """Meaning of a score in one line; ``sample_noun`` is the noun for samples."""
    return with_sample_noun(score.meaning or "a score of your own", sample_noun)


def reference_heading(report: Report) -> str:
    """Column head of the reference: real against real; for targets it is a perfect output."""
    return "reference" if report.conditional else "reference (real against real)"


def protocol_sentences(report: Report) -> list[str]:
    """How the scores were measured, in sentences."""
    return [with_sample_noun(sentence, report.sample_noun) for sentence in report.protocol]


def to_json(report: Report) -> str:
    """The report as JSON; ``Report.model_validate_json`` reads it back."""
    return json_text(report)


def to_markdown(report: Report) -> str:
    """The report as Markdown: summary, table, meanings, protocol."""
    has_upper_bound = any(score.upper_bound is not None for score in report.scores)
    lines = [
        f"# Scores of {harmless(report.artifact) or 'the generator'}",
        "",
        without_html(summary(report)),
        "",
        f"| score | {report.sample_noun} | 95 % interval | {reference_heading(report)} | "
        f"{report.baseline} |" + (" upper bound |" if has_upper_bound else "") + " n | best is |",
        "|---|---|---|---|---|---|---|" + ("---|" if has_upper_bound else ""),
    ]
    for score in report.scores:
        baseline = "" if score.baseline is None else number(score.baseline)
        baseline += (
            f" ({harmless(score.baseline_name)})" if baseline and score.baseline_name else ""
        )
        upper_bound = "" if score.upper_bound is None else number(score.upper_bound)
        lines.append(
            f"| {harmless(score.name)} | **{number(score.value)}** "
            f"| {number(score.low)} to {number(score.high)} "
            f"| {number(score.reference)} ({number(score.reference_low)} to "
            f"{number(score.reference_high)}) "
            f"| {baseline} {f'| {upper_bound} ' if has_upper_bound else ''}| {score.samples} | "
            f"{score.best} |"
        )
    lines += _runs(report) + _worst(report)
    lines += ["", "## Meaning of the scores", ""]
    for kind, score in {kind_of(score): score for score in report.scores}.items():
        more = f" More: {score.page}." if score.page else ""
        lines.append(f"- **{harmless(kind)}**: {meaning(score, report.sample_noun)}.{more}")
    lines += _memorization(report) + _pairs(report) + of_training(report.training_log)
    lines += ["", "## Protocol", ""]
    lines += [f"- {without_html(sentence)}" for sentence in protocol_sentences(report)]
    data_text = f" Data: {harmless(report.data)}." if report.data else ""
    lines += [f"- Seed {report.seed}, gannet {report.gannet}.{data_text}"]
    lines += ["", "## Cost", ""] + [
        f"- {name}: {without_html(value)}" for name, value in costs(report)
    ]
    return "\n".join([*lines, ""])


def _runs(report: Report) -> list[str]:
    """Table of scores per training run, where there are several."""
    if not report.seeds:
        return []
    heads = " | ".join(f"seed {seed}" for seed in report.seeds)
    lines = [
        "",
        "## Run by run",
        "",
        f"| score | {heads} |",
        "|---" * (len(report.seeds) + 1) + "|",
    ]
    return lines + [
        f"| {harmless(score.name)} | {' | '.join(map(number, score.seed_values))} |"
        for score in report.scores
    ]


class SplitData(Data, Protocol):
    """Data with a digest."""

    @property
    def digest(self) -> str:
        """Digest of samples, labels, split and codec."""
        ...


def split_sentences(data: SplitData, codec: Codec[Any]) -> list[str]:
    """How samples were read and split, for the protocol."""
    return [
        f"Split: {len(data.train)} samples for training and {len(data.held_out)} held out, chosen "
        "by content together with all duplicates, so that the same data always get the same split.",
        f"Digest of data, labels, split and codec: {data.digest}.",
        *modality_of(codec.kind).evaluation.protocol(codec),
    ]


def costs(report: Report) -> list[tuple[str, str]]:
    """Cost of training and evaluation, as far as known: names and values as text."""
    training_log, entries = report.training_log, list[tuple[str, str]]()
    if training_log is not None and training_log.steps:
        budget = f" of a budget of {duration(training_log.budget)}" if training_log.budget else ""
        batch = (
            f" of {training_log.batch:,} samples, "
            f"{training_log.steps * training_log.batch:,} in all"
        )
        entries.append(("Training", f"{duration(training_log.seconds)}{budget}"))
        entries.append(
            (
                "Steps",
                f"{training_log.steps:,}, each{batch}"
                if training_log.batch
                else f"{training_log.steps:,}",
            )
        )
    if training_log is not None and training_log.fitted:
        entries.append(("Fitting", duration(training_log.seconds)))
    if training_log is not None and training_log.device:
        entries.append(("Device of training", training_log.device))
    if training_log is not None and training_log.weights:
        entries.append(("Size of the artefact", f"{training_log.weights / 1e6:.1f} MB"))
    if report.seconds:
        entries.append(("Evaluation", duration(report.seconds)))
    return entries or [("Cost", "not recorded")]


def duration(seconds: float) -> str:
    """A duration as text.

    >>> duration(42.04), duration(3600)
    ('42.0 s', '60.0 min')
    """
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def describe_action(action: Mapping[str, Any]) -> str:
    """What automatic training control did at an evaluation, as text."""
    changes = ", ".join(
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in (action.get("changes") or {}).items()
    )
    phrases = [str(action.get("reason", ""))]
    phrases += [f"set {changes}"] if changes else []
    phrases += ["rolled back to the last healthy state"] if action.get("rollback") else []
    phrases += ["restarted"] if action.get("restart") else []
    phrases += ["ended training"] if action.get("stop") else []
    return "; ".join(each for each in phrases if each)


def _memorization(report: Report) -> list[str]:
    """Distances to training samples, of fakes and of held-out reals."""
    training_distance = report.training_distance
    if training_distance is None:
        return []
    last = len(training_distance.levels) - 1
    rows = [
        f"| {level} % | {number(training_distance.fake[at])} | "
        f"{number(training_distance.held_out[at])} |"
        for level in (1, 5, 25, 50, 75, 95, 99)
        for at in [round(level / 100 * last)]
    ]
    return [
        "",
        "## Memorization: distance to training data",
        "",
        f"Distance to the nearest of {training_distance.searched} training samples "
        f"({training_distance.metric}), below which "
        "a fraction of samples lies:",
        "",
        f"| fraction | {report.sample_noun} | held-out reals |",
        "|---|---|---|",
        *rows,
    ]


def _pairs(report: Report) -> list[str]:
    """Cells of the worst cases, where samples are shown as text."""
    pairs = [pair for pair in report.suspects if pair.fake_cells]
    if not pairs:
        return []
    head = " | ".join([report.noun[0], "distance", *map(harmless, report.columns)])
    lines = [
        "",
        f"Worst cases, each above the nearest {report.noun[0]} of training:",
        "",
        f"| {head} |",
    ]
    lines.append("|---" * (2 + len(report.columns)) + "|")
    for pair in pairs:
        word = f"{number(pair.distance)}{' suspect' if pair.suspect else ''}"
        lines.append(
            "| "
            + " | ".join(
                [f"{report.sample_noun[:-1]} {pair.fake}", word, *map(harmless, pair.fake_cells)]
            )
            + " |"
        )
        row = [f"training {pair.train}", "", *map(harmless, pair.train_cells)]
        lines.append("| " + " | ".join(row) + " |")
    return lines


def of_training(training_log: TrainingLog | None) -> list[str]:
    """Training in a few lines."""
    if training_log is not None and training_log.fitted:
        return ["", "## Training", "", NO_TRAINING]
    if training_log is None or not training_log.evaluations:
        return []
    lines = ["", "## Training", ""]
    lines.append(
        "| step | D(real) | D(fake) | discriminator AUC: training | held-out | energy distance "
        "| diagnosis |"
    )
    lines.append("|---|---|---|---|---|---|---|")
    names = ("d_real", "d_fake", "auc_train", "auc_held_out", "energy_distance")
    every = max(len(training_log.evaluations) // MAX_EVALUATIONS, 1)
    for evaluation in training_log.evaluations[::-1][::every][::-1]:
        monitor = evaluation.get("monitor") or {}
        values = [
            number(value) if isinstance(value := monitor.get(name), float) else "" for name in names
        ]
        found = harmless(evaluation.get("diagnosis", ""))
        lines.append(f"| {evaluation['step']} | {' | '.join(values)} | {found} |")
    actions = [
        f"{at}. Step {step}: {harmless(describe_action(each))}"
        for at, (step, each) in enumerate(training_log.actions, 1)
    ]
    return [*lines, "", *(actions or ["Auto-adjust changed nothing."])]


def write_report(
    report: Report, folder: Path, sheets: Mapping[str, SampleGrid] = NO_SHEETS
) -> Path:
    """Write ``report.json`` and ``report.md``, and files beside them, by name without suffix.

    Returns:
        Path of ``report.md``.

    Raises:
        GannetError: if the folder cannot be written.
    """
    for name, sheet in sheets.items():
        write_whole(folder / f"{name}{sheet.suffix}", sheet.content)
    write_whole(folder / "report.json", to_json(report).encode())
    write_whole(folder / "report.md", printable(to_markdown(report)).encode())
    return folder / "report.md"


def _worst(report: Report) -> list[str]:
    """The worst components of scores that have components."""
    composite_scores = [
        score
        for score in report.scores
        if score.components and not score.components[0].name.startswith("by ")
    ]
    lines = ["", "## Where it is worst", ""] if composite_scores else []
    for score in composite_scores:
        named = [
            f"{harmless(component.name)} {number(component.value)} "
            f"({'reference' if report.conditional else 'reals'} {number(component.reference)})"
            for component in score.components[:5]
        ]
        lines.append(f"- **{harmless(score.name)}**: {', '.join(named)}.")
    return lines
