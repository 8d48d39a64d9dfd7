"""A report for people: a table with a line of meaning per score, and a verdict in words."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from gannet.core.codec import Codec
from gannet.core.io.files import write_whole
from gannet.core.io.training_log import TrainingLog
from gannet.evaluation.evaluate import Report, Score
from gannet.evaluation.report.summary import NO_DUEL, kind_of, number, summary, worded
from gannet.modalities.hooks import Data, Sheet
from gannet.modalities.registry import modality_of

LOOKS = 12
"""Looks that the course is told in."""

NO_SHEETS: Mapping[str, Sheet] = MappingProxyType({})
"""No file stands beside the report."""


def meaning(score: Score, made: str = "fakes") -> str:
    """What a score says, in one line, of what ``made`` calls the samples."""
    return worded(score.meaning or "a score of your own", made)


def reference_words(report: Report) -> str:
    """Head of the floors: of some scores of answers it is a perfect one, of others it is reals."""
    return "floor" if report.conditional else "floor: reals"


def protocol_words(report: Report) -> list[str]:
    """How the scores were made, in sentences."""
    return [worded(sentence, report.sample_noun) for sentence in report.protocol]


def to_json(report: Report) -> str:
    """The report as JSON; ``Report.model_validate_json`` reads it back."""
    return report.model_dump_json(indent=2)


def to_markdown(report: Report) -> str:
    """The report as Markdown: verdict, table, meanings, protocol."""
    ceilings = any(score.upper_bound is not None for score in report.scores)
    lines = [
        f"# Scores of {_cell(report.artifact) or 'the generator'}",
        "",
        summary(report),
        "",
        f"| score | {report.sample_noun} | 95 % interval | {reference_words(report)} | "
        f"{report.baseline} |" + (" ceiling |" if ceilings else "") + " n | best is |",
        "|---|---|---|---|---|---|---|" + ("---|" if ceilings else ""),
    ]
    for score in report.scores:
        plain = "" if score.baseline is None else number(score.baseline)
        plain += f" ({_cell(score.baseline_name)})" if plain and score.baseline_name else ""
        ceiling = "" if score.upper_bound is None else number(score.upper_bound)
        lines.append(
            f"| {_cell(score.name)} | **{number(score.value)}** "
            f"| {number(score.low)} to {number(score.high)} "
            f"| {number(score.reference)} ({number(score.reference_low)} to "
            f"{number(score.reference_high)}) "
            f"| {plain} {f'| {ceiling} ' if ceilings else ''}| {score.samples} | {score.better} |"
        )
    lines += _runs(report) + _worst(report)
    lines += ["", "## What they say", ""]
    for kind, score in {kind_of(score): score for score in report.scores}.items():
        more = f" More: {score.page}." if score.page else ""
        lines.append(f"- **{_cell(kind)}**: {meaning(score, report.sample_noun)}.{more}")
    lines += _memory(report) + _pairs(report) + _training(report.training_log)
    lines += ["", "## How they were made", ""]
    lines += [f"- {sentence}" for sentence in protocol_words(report)]
    known = f" Data: {report.data}." if report.data else ""
    lines += [f"- Seed {report.seed}, gannet {report.gannet}.{known}"]
    lines += ["", "## What it cost", ""] + [f"- {name}: {value}" for name, value in costs(report)]
    return "\n".join([*lines, ""])


def _runs(report: Report) -> list[str]:
    """Score by score what each training run got, where there are several."""
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
        f"| {_cell(score.name)} | {' | '.join(map(number, score.seed_values))} |"
        for score in report.scores
    ]


class SplitData(Data, Protocol):
    """Rows with a fingerprint."""

    @property
    def digest(self) -> str:
        """Of samples, labels, split and codec."""
        ...


def held_out_words(data: SplitData, codec: Codec[Any]) -> list[str]:
    """How samples were read and split, for the protocol."""
    return [
        f"Split: {len(data.train)} samples to train on and {len(data.held_out)} held out, chosen "
        "by their content with all their duplicates, so that the same data are always split alike.",
        f"Digest of data, labels, split and codec: {data.digest}.",
        *modality_of(codec.kind).evaluation.protocol(codec),
    ]


def costs(report: Report) -> list[tuple[str, str]]:
    """What training and evaluation took, as far as it is known: names and words."""
    training_log, found = report.training_log, list[tuple[str, str]]()
    if training_log is not None and training_log.steps:
        asked = f" of {duration(training_log.budget)} asked for" if training_log.budget else ""
        batch = (
            f" of {training_log.batch:,} samples, {training_log.steps * training_log.batch:,} "
            "shown "
            "in all"
        )
        found.append(("Training", f"{duration(training_log.seconds)}{asked}"))
        found.append(
            (
                "Steps",
                f"{training_log.steps:,}, each{batch}"
                if training_log.batch
                else f"{training_log.steps:,}",
            )
        )
    if training_log is not None and training_log.fitted:
        found.append(("Fitting", duration(training_log.seconds)))
    if training_log is not None and training_log.device:
        found.append(("Device of training", training_log.device))
    if training_log is not None and training_log.weights:
        found.append(("Size of the artefact", f"{training_log.weights / 1e6:.1f} MB"))
    if report.seconds:
        found.append(("Evaluation", duration(report.seconds)))
    return found or [("Cost", "not written down")]


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(42.04), duration(3600)
    ('42.0 s', '60.0 min')
    """
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def done(action: Mapping[str, Any]) -> str:
    """What ``balance`` did at a look, in words."""
    changes = ", ".join(
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in (action.get("changes") or {}).items()
    )
    said = [str(action.get("reason", ""))]
    said += [f"set {changes}"] if changes else []
    said += ["went back to the last healthy state"] if action.get("rollback") else []
    said += ["began anew"] if action.get("restart") else []
    said += ["ended the run"] if action.get("stop") else []
    return "; ".join(each for each in said if each)


def _memory(report: Report) -> list[str]:
    """Distances to training samples, of fakes and of reals that nobody can have copied."""
    near = report.training_distance
    if near is None:
        return []
    last = len(near.levels) - 1
    rows = [
        f"| {level} % | {number(near.fake[at])} | {number(near.held_out[at])} |"
        for level in (1, 5, 25, 50, 75, 95, 99)
        for at in [round(level / 100 * last)]
    ]
    return [
        "",
        "## Does it repeat its training data?",
        "",
        f"Distance to the nearest of {near.searched} training samples ({near.metric}), below which "
        "a share lies:",
        "",
        f"| share | {report.sample_noun} | held-out reals |",
        "|---|---|---|",
        *rows,
    ]


def _pairs(report: Report) -> list[str]:
    """Cells of the worst cases, where samples are read."""
    pairs = [pair for pair in report.suspects if pair.fake_cells]
    if not pairs:
        return []
    head = " | ".join(["row", "distance", *map(_cell, report.columns)])
    lines = ["", "The worst cases, each above its nearest training row:", "", f"| {head} |"]
    lines.append("|---" * (2 + len(report.columns)) + "|")
    for pair in pairs:
        word = f"{number(pair.distance)}{' suspect' if pair.suspect else ''}"
        lines.append(
            "| "
            + " | ".join(
                [f"{report.sample_noun[:-1]} {pair.fake}", word, *map(_cell, pair.fake_cells)]
            )
            + " |"
        )
        row = [f"training {pair.train}", "", *map(_cell, pair.train_cells)]
        lines.append("| " + " | ".join(row) + " |")
    return lines


def _cell(text: str) -> str:
    """Somebody's text inside a table of Markdown: no bars, no lines, no markup."""
    plain = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\`*|])", r"\\\1", plain)


def _training(training_log: TrainingLog | None) -> list[str]:
    """The duel in a few lines."""
    if training_log is not None and training_log.fitted:
        return ["", "## The course of the duel", "", NO_DUEL]
    if training_log is None or not training_log.evaluations:
        return []
    lines = ["", "## The course of the duel", ""]
    lines.append("| step | D(real) | D(fake) | needle: training | held-out | distance | verdict |")
    lines.append("|---|---|---|---|---|---|---|")
    names = ("d_real", "d_fake", "auc_train", "auc_held_out", "energy_distance")
    every = max(len(training_log.evaluations) // LOOKS, 1)
    for evaluation in training_log.evaluations[::-1][::every][::-1]:
        health = evaluation.get("monitor") or {}
        told = [
            number(value) if isinstance(value := health.get(name), float) else "" for name in names
        ]
        lines.append(
            f"| {evaluation['step']} | {' | '.join(told)} | {evaluation.get('diagnosis', '')} |"
        )
    actions = [
        f"{at}. Step {step}: {_cell(done(each))}"
        for at, (step, each) in enumerate(training_log.actions, 1)
    ]
    return [*lines, "", *(actions or ["Balance changed nothing."])]


def write_report(report: Report, folder: Path, sheets: Mapping[str, Sheet] = NO_SHEETS) -> Path:
    """Write ``report.json`` and ``report.md``, and files beside them, by name without suffix.

    Returns:
        Path of ``report.md``.

    Raises:
        GannetError: if the folder cannot be written.
    """
    for name, sheet in sheets.items():
        write_whole(folder / f"{name}{sheet.suffix}", sheet.content)
    write_whole(folder / "report.json", to_json(report).encode())
    write_whole(folder / "report.md", to_markdown(report).encode())
    return folder / "report.md"


def _worst(report: Report) -> list[str]:
    """The parts of scores that are furthest below reals, if there are any."""
    parted = [
        score
        for score in report.scores
        if score.components and not score.components[0].name.startswith("by ")
    ]
    lines = ["", "## Where it is worst", ""] if parted else []
    for score in parted:
        named = [
            f"{_cell(part.name)} {number(part.value)} "
            f"({'floor' if report.conditional else 'reals'} {number(part.reference)})"
            for part in score.components[:5]
        ]
        lines.append(f"- **{_cell(score.name)}**: {', '.join(named)}.")
    return lines
