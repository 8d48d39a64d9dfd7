"""A report for people: a table with a line of meaning per score, a verdict in words, pictures."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gannet.core.codec import Codec
from gannet.core.io.files import write_whole
from gannet.core.training_log import Course
from gannet.data.dataset import Dataset
from gannet.evaluation.evaluate import Material, Report, Score
from gannet.evaluation.report.summary import NO_DUEL, kind_of, number, verdict, worded
from gannet.evaluation.samples import Data
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.grid import sheet

LOOKS = 12
"""Looks that the course is told in."""

MEANING: Mapping[str, str] = {
    "hidden numbers": "error of numbers that were hidden and filled, in standard deviations of "
    "their column; filling in the mean gets about 1",
    "hidden categories": "share of hidden words that were filled wrongly",
    "interval coverage": "share of hidden numbers within nine tenths of the draws; .9 says that "
    "draws are as unsure as they should be",
    "fid": "distance between the two heaps, each taken as a Gaussian, in Inception features",
    "frechet": "distance between the two heaps, each taken as one Gaussian; biased by the count",
    "kernel": "distance between the two heaps up to third moments; 0 when alike",
    "energy": "distance between the two heaps that sees any difference; 0 when alike",
    "precision": "share of fakes that lie among reals: how believable they are",
    "recall": "share of reals that lie among fakes: how much variety is reached",
    "density": "how deep among reals the fakes lie; about 1 when alike",
    "coverage": "share of reals with a fake close by: how little is missing",
    "fresh critic": "accuracy of a new classifier that tells fakes from reals; 0.5 is a coin",
    "copies": "share of fakes oddly near to one training sample",
    "repeats": "share of fakes oddly near to another fake",
    "too smooth": "share of pictures smoother than 95 % of reals",
    "too rough": "share of pictures rougher than 95 % of reals",
    "PSNR": "how near pixels are to what they should be, in decibels; blur scores well",
    "SSIM": "how near the structure is to what it should be; 1 when equal",
    "feature distance": "how unlike answers are to what they should be; 1 is as unlike as two "
    "different targets",
    "fine detail": "powers of ten by which the amount of fine detail is off",
    "diversity": "how unlike two answers to one picture are; 0 if noise changes nothing",
    "way covered": "how much of the way from the given pictures to the wanted heap was gone",
    "structure kept": "correlation of the edges before and after",
    "class accuracy": "share of fakes that look like the class they were asked for",
    "train on fake": "accuracy (of tables: AUC) on reals of a classifier that learnt from fakes",
    "train on fake F1": "the same classifier's F1, the mean over classes",
    "marginals": "what each column's distribution has in common with that of reals, 0 to 1",
    "missing shares": "by how much the shares of missing cells differ",
    "dependence": "how much of the dependence among columns is kept; shuffled columns keep none",
    "pair trends": "likeness of pairs that hang together; shuffled columns score well too",
    "critic auc": "how well a fresh classifier ranks reals above fakes; 0.5 is a coin",
    "nearer to training": "share of fakes nearer to training than to held-out rows; 0.5 is fair",
    "exact copies": "share of fakes equal to a training row; floor: held-out rows that are",
    "membership attack": "AUC with which fakes give away who was trained on; 0.5 is nothing",
    "disclosure": "how much better fakes tell a column of training rows than of strangers",
}
"""What each score says, in one line."""


def meaning(score: Score, made: str = "fakes") -> str:
    """What a score says, in one line, of what ``made`` calls the samples."""
    return worded(MEANING.get(kind_of(score), "a score of your own"), made)


def floor_words(report: Report) -> str:
    """Head of the floors: of some scores of answers it is a perfect one, of others it is reals."""
    return "floor" if report.answers else "floor: reals"


def protocol_words(report: Report) -> list[str]:
    """How the scores were made, in sentences."""
    return [worded(sentence, report.made) for sentence in report.protocol]


def to_json(report: Report) -> str:
    """The report as JSON; ``Report.model_validate_json`` reads it back."""
    return report.model_dump_json(indent=2)


def to_markdown(report: Report) -> str:
    """The report as Markdown: verdict, table, meanings, protocol."""
    ceilings = any(score.ceiling is not None for score in report.scores)
    lines = [
        f"# Scores of {_cell(report.artefact) or 'the generator'}",
        "",
        verdict(report),
        "",
        f"| score | {report.made} | 95 % interval | {floor_words(report)} | {report.baseline} |"
        + (" ceiling |" if ceilings else "")
        + " n | best is |",
        "|---|---|---|---|---|---|---|" + ("---|" if ceilings else ""),
    ]
    for score in report.scores:
        plain = "" if score.baseline is None else number(score.baseline)
        plain += f" ({_cell(score.by)})" if plain and score.by else ""
        ceiling = "" if score.ceiling is None else number(score.ceiling)
        lines.append(
            f"| {_cell(score.name)} | **{number(score.value)}** "
            f"| {number(score.low)} to {number(score.high)} "
            f"| {number(score.floor)} ({number(score.floor_low)} to {number(score.floor_high)}) "
            f"| {plain} {f'| {ceiling} ' if ceilings else ''}| {score.samples} | {score.better} |"
        )
    lines += _runs(report) + _worst(report)
    lines += ["", "## What they say", ""]
    for kind, score in {kind_of(score): score for score in report.scores}.items():
        lines.append(f"- **{_cell(kind)}**: {meaning(score, report.made)}.")
    lines += _memory(report) + _pairs(report) + _course(report.course)
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
        f"| {_cell(score.name)} | {' | '.join(map(number, score.runs))} |"
        for score in report.scores
    ]


def held_out_words(data: Dataset, codec: Codec[Any]) -> list[str]:
    """How samples were read and split, for the protocol."""
    said = [
        f"Split: {len(data.train)} samples to train on and {len(data.held_out)} held out, chosen "
        "by their content with all their duplicates, so that the same data are always split alike.",
        f"Digest of data, labels, split and codec: {data.digest}.",
    ]
    if isinstance(codec, ImageCodec):
        how = (
            "scaled until they cover the frame, the middle kept"
            if codec.resize == "crop"
            else "stretched to the frame"
        )
        said.append(
            f"Resizer: Pillow's bicubic with antialiasing to {codec.width} × {codec.height} px, "
            f"{how}; pictures of that size are left as they are. Features see fakes and reals "
            "through the same path."
        )
    return said


def costs(report: Report) -> list[tuple[str, str]]:
    """What training and evaluation took, as far as it is known: names and words."""
    course, found = report.course, list[tuple[str, str]]()
    if course is not None and course.steps:
        asked = f" of {duration(course.budget)} asked for" if course.budget else ""
        batch = f" of {course.batch:,} samples, {course.steps * course.batch:,} shown in all"
        found.append(("Training", f"{duration(course.seconds)}{asked}"))
        found.append(
            ("Steps", f"{course.steps:,}, each{batch}" if course.batch else f"{course.steps:,}")
        )
    if course is not None and course.fitted:
        found.append(("Fitting", duration(course.seconds)))
    if course is not None and course.device:
        found.append(("Device of training", course.device))
    if course is not None and course.weights:
        found.append(("Size of the artefact", f"{course.weights / 1e6:.1f} MB"))
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
    said += ["went back to the last healthy state"] if action.get("back") else []
    said += ["began anew"] if action.get("anew") else []
    said += ["ended the run"] if action.get("stop") else []
    return "; ".join(each for each in said if each)


def _memory(report: Report) -> list[str]:
    """Distances to training samples, of fakes and of reals that nobody can have copied."""
    near = report.closeness
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
        f"| share | {report.made} | held-out reals |",
        "|---|---|---|",
        *rows,
    ]


def _pairs(report: Report) -> list[str]:
    """Cells of the worst cases, where samples are read."""
    pairs = [pair for pair in report.closest if pair.fake_cells]
    if not pairs:
        return []
    head = " | ".join(["row", "distance", *map(_cell, report.columns)])
    lines = ["", "The worst cases, each above its nearest training row:", "", f"| {head} |"]
    lines.append("|---" * (2 + len(report.columns)) + "|")
    for pair in pairs:
        word = f"{number(pair.distance)}{' suspect' if pair.suspect else ''}"
        lines.append(
            "| "
            + " | ".join([f"{report.made[:-1]} {pair.fake}", word, *map(_cell, pair.fake_cells)])
            + " |"
        )
        row = [f"training {pair.train}", "", *map(_cell, pair.train_cells)]
        lines.append("| " + " | ".join(row) + " |")
    return lines


def _cell(text: str) -> str:
    """Somebody's text inside a table of Markdown: no bars, no lines, no markup."""
    plain = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\`*|])", r"\\\1", plain)


def _course(course: Course | None) -> list[str]:
    """The duel in a few lines."""
    if course is not None and course.fitted:
        return ["", "## The course of the duel", "", NO_DUEL]
    if course is None or not course.looks:
        return []
    lines = ["", "## The course of the duel", ""]
    lines.append("| step | D(real) | D(fake) | needle: training | held-out | distance | verdict |")
    lines.append("|---|---|---|---|---|---|---|")
    names = ("d_real", "d_fake", "auc_train", "auc_held_out", "distance")
    every = max(len(course.looks) // LOOKS, 1)
    for look in course.looks[::-1][::every][::-1]:
        health = look.get("health") or {}
        told = [
            number(value) if isinstance(value := health.get(name), float) else "" for name in names
        ]
        lines.append(f"| {look['step']} | {' | '.join(told)} | {look.get('verdict', '')} |")
    actions = [
        f"{at}. Step {step}: {_cell(done(each))}"
        for at, (step, each) in enumerate(course.actions, 1)
    ]
    return [*lines, "", *(actions or ["Balance changed nothing."])]


def write_report(report: Report, folder: Path, *, neighbours: bytes | None = None) -> Path:
    """Write ``report.json`` and ``report.md``, and ``neighbours.png`` if there is one.

    Returns:
        Path of ``report.md``.

    Raises:
        GannetError: if the folder cannot be written.
    """
    if neighbours is not None:
        write_whole(folder / "neighbours.png", neighbours)
    write_whole(folder / "report.json", to_json(report).encode())
    write_whole(folder / "report.md", to_markdown(report).encode())
    return folder / "report.md"


def neighbours_sheet(report: Report, made: Material, data: Data) -> bytes:
    """The fakes nearest to training samples, each above its nearest training sample, as a PNG.

    Args:
        report: Names the pairs.
        made: The material of the same count and seed, whose fakes they are.
        data: The same data.
    """
    pairs = report.closest
    fakes = made.fake[[pair.fake for pair in pairs]]
    reals = data.train.take([pair.train for pair in pairs]).real
    half = max(math.ceil(len(pairs) / 2), 1)
    # Two bands, each of fakes above reals; the second is filled up so that columns match.
    blank = fakes.new_ones(2 * half - len(pairs), *fakes.shape[1:])
    fakes, reals = torch.cat([fakes, blank]), torch.cat([reals, blank])
    bands = [fakes[:half], reals[:half], fakes[half:], reals[half:]]
    return sheet(torch.cat(bands), half)


def _worst(report: Report) -> list[str]:
    """The parts of scores that are furthest below reals, if there are any."""
    parted = [
        score
        for score in report.scores
        if score.parts and not score.parts[0].name.startswith("by ")
    ]
    lines = ["", "## Where it is worst", ""] if parted else []
    for score in parted:
        named = [
            f"{_cell(part.name)} {number(part.value)} "
            f"({'floor' if report.answers else 'reals'} {number(part.floor)})"
            for part in score.parts[:5]
        ]
        lines.append(f"- **{_cell(score.name)}**: {', '.join(named)}.")
    return lines
