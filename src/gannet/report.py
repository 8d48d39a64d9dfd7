"""A report for people: a table with a line of meaning per score, a verdict in words, pictures."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gannet.critic import UNSURE
from gannet.evaluate import Material, Report, Score
from gannet.evaluate.material import Data
from gannet.files import write_whole

MEANING: Mapping[str, str] = {
    "fid": "distance between the two heaps, each taken as a Gaussian, in Inception features",
    "frechet": "distance between the two heaps, each taken as one Gaussian; biased by the count",
    "kernel": "distance between the two heaps up to third moments; 0 when alike",
    "energy": "distance between the two heaps that sees any difference; 0 when alike",
    "precision": "share of fakes that lie among reals: how believable they are",
    "recall": "share of reals that lie among fakes: how much variety is reached",
    "density": "how deep among reals the fakes lie; about 1 when alike",
    "coverage": "share of reals with a fake close by: how little is missing",
    "fresh critic": "accuracy of a new network that tells fakes from reals; 0.5 is a coin",
    "copies": "share of fakes oddly near to one training sample",
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


def kind_of(score: Score) -> str:
    """The name without what stands in brackets.

    >>> from gannet.evaluate import Score
    >>> numbers = dict.fromkeys("value low high floor floor_low floor_high".split(), 0.5)
    >>> kind_of(Score(name="recall[random:1f0c2a]", samples=9, better="high", **numbers))
    'recall'
    """
    return score.name.partition("[")[0]


def to_json(report: Report) -> str:
    """The report as JSON; ``Report.model_validate_json`` reads it back."""
    return report.model_dump_json(indent=2)


def to_markdown(report: Report) -> str:
    """The report as Markdown: verdict, table, meanings, protocol."""
    ceilings = any(score.ceiling is not None for score in report.scores)
    lines = [
        f"# Scores of {report.artefact or 'the generator'}",
        "",
        verdict(report),
        "",
        f"| score | fakes | 95 % interval | floor: reals | {report.baseline} |"
        + (" ceiling |" if ceilings else "")
        + " n | best is |",
        "|---|---|---|---|---|---|---|" + ("---|" if ceilings else ""),
    ]
    for score in report.scores:
        plain = "" if score.baseline is None else number(score.baseline)
        ceiling = "" if score.ceiling is None else number(score.ceiling)
        lines.append(
            f"| {score.name} | **{number(score.value)}** "
            f"| {number(score.low)} to {number(score.high)} "
            f"| {number(score.floor)} ({number(score.floor_low)} to {number(score.floor_high)}) "
            f"| {plain} {f'| {ceiling} ' if ceilings else ''}| {score.samples} | {score.better} |"
        )
    lines += _worst(report)
    lines += ["", "## What they say", ""]
    for kind in dict.fromkeys(kind_of(score) for score in report.scores):
        lines.append(f"- **{kind}**: {MEANING.get(kind, 'a score of your own')}.")
    lines += ["", "## How they were made", ""]
    lines += [f"- {sentence}" for sentence in report.protocol]
    known = f" Data: {report.data}." if report.data else ""
    lines += [f"- Seed {report.seed}, gannet {report.gannet}.{known}", ""]
    return "\n".join(lines)


def verdict(report: Report) -> str:
    """What the scores mean together, in plain words."""
    said = [_of_critic(report)]
    at_floor = [score.name for score in report.scores if score.at_floor]
    said.append(
        f"{len(at_floor)} of {len(report.scores)} scores cannot be told from those of further "
        "real samples."
    )
    found = {kind_of(score): score for score in report.scores}
    if (few := found.get("coverage")) and not few.at_floor and few.value < 0.8 * few.floor:
        said.append(
            f"Variety is missing: only {few.value:.0%} of real samples have a fake close by "
            f"({few.floor:.0%} is possible)."
        )
    if (odd := found.get("precision")) and not odd.at_floor and odd.value < 0.8 * odd.floor:
        said.append(
            f"Many fakes are not believable: {odd.value:.0%} lie among reals "
            f"({odd.floor:.0%} is possible)."
        )
    if copied := found.get("copies"):
        said.append(_of_copies(copied))
    said += [warning for score in report.scores if (warning := _of_privacy(score))]
    plain = [
        kind_of(score) for score in report.scores if score.baseline is not None and _beaten(score)
    ]
    if plain:
        least = (
            "A plain Gaussian does" if report.baseline == "Gaussian" else report.baseline + " do"
        )
        names = ", ".join(dict.fromkeys(plain))
        said.append(f"{least[0].upper()}{least[1:]} as well or better in: {names}.")
    return " ".join(said)


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


def grid_png(pictures: Tensor, path: Path, columns: int = 0) -> None:
    """Save pictures side by side, with a thin line between, in one piece or not at all.

    Args:
        pictures: ``(N, 1 to 4, H, W)`` in [-1, 1]; grey, grey + alpha, colour, colour + alpha.
        path: Of the PNG.
        columns: Per row; 0 for about a square.

    Raises:
        GannetError: if the place cannot be written.
    """
    write_whole(path, sheet(pictures, columns))


def sheet(pictures: Tensor, columns: int = 0) -> bytes:
    """The PNG that ``grid_png`` saves."""
    count, channels, height, width = pictures.shape
    columns = columns or max(math.ceil(math.sqrt(count)), 1)
    rows = max(math.ceil(count / columns), 1)
    # Small pictures are enlarged by a whole factor: a digit of 28 pixels is a speck on a screen.
    factor = max(1, round(56 / max(height, width, 1)))
    bytes_ = (pictures.detach().float().clamp(-1, 1) + 1).mul(127.5).round().to(torch.uint8).cpu()
    bytes_ = bytes_.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    high, wide = height * factor + 2, width * factor + 2
    laid = torch.full((channels, rows * high + 2, columns * wide + 2), 128, dtype=torch.uint8)
    if channels in (2, 4):
        laid[-1] = 255
    for place, picture in enumerate(bytes_):
        top, left = place // columns * high + 2, place % columns * wide + 2
        laid[:, top : top + high - 2, left : left + wide - 2] = picture
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    array = laid.permute(1, 2, 0).contiguous().numpy()
    packed = io.BytesIO()
    Image.fromarray(array[..., 0] if mode == "L" else array, mode).save(packed, "PNG")
    return packed.getvalue()


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


def number(value: float) -> str:
    """A number as a table shows it.

    >>> [number(each) for each in (0.5, 12.345, 0.00012, 1234.5)]
    ['0.500', '12.35', '0.00012', '1234']
    """
    if value == 0 or 0.01 <= abs(value) < 10:
        return f"{value:.3f}"
    if abs(value) < 0.01:
        return f"{value:.2g}"
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.0f}"


def _beaten(score: Score) -> bool:
    """Whether the baseline is as good; what is as good as reals is not compared with it."""
    assert score.baseline is not None
    if score.at_floor:
        return False
    if score.better == "low":
        return score.baseline <= score.value
    return score.baseline >= score.value


def _worst(report: Report) -> list[str]:
    """The parts of scores that are furthest below reals, if there are any."""
    parted = [score for score in report.scores if score.parts]
    lines = ["", "## Where it is worst", ""] if parted else []
    for score in parted:
        named = [
            f"{part.name} {number(part.value)} (reals {number(part.floor)})"
            for part in score.parts[:5]
        ]
        lines.append(f"- **{score.name}**: {', '.join(named)}.")
    return lines


def _of_privacy(score: Score) -> str:
    """A warning, if fakes give away more than reals of another source would."""
    if score.at_floor or (score.chance is not None and score.low <= score.chance):
        return ""
    interval = f"{number(score.value)} ({number(score.low)} to {number(score.high)})"
    match kind_of(score):
        case "exact copies":
            return (
                f"**Copies**: {score.value:.1%} of fakes equal a training row; chance explains "
                f"{score.floor:.1%}."
            )
        case "membership attack":
            return f"**Memorised**: an attacker finds training rows with an AUC of {interval}."
        case "nearer to training":
            return (
                f"**Memorised**: a share of {interval} lies nearer to training rows; 0.5 is fair."
            )
        case "disclosure":
            return f"**Disclosed**: fakes tell {score.name} of training rows better, by {interval}."
        case _:
            return ""


def _of_critic(report: Report) -> str:
    critics = [score for score in report.scores if kind_of(score) == "fresh critic"]
    if not critics:
        return "No fresh critic was asked."
    best = max(critics, key=lambda score: score.value)
    interval = f"{best.value:.1%} ({best.low:.1%} to {best.high:.1%})"
    if best.low <= 0.5 and best.high > UNSURE:
        return (
            f"Too few samples for a fresh critic to say: it is right in {interval} of "
            f"{best.samples} cases, a coin in 50 %."
        )
    if best.low <= 0.5:
        return (
            f"A fresh critic cannot tell fakes from reals: it is right in {interval} of "
            f"{best.samples} cases, a coin in 50 %."
        )
    if best.value < 0.65:
        return f"A fresh critic tells fakes from reals a little better than a coin: {interval}."
    if best.value < 0.9:
        return f"A fresh critic often tells fakes from reals: {interval}."
    return f"A fresh critic tells fakes from reals nearly always: {interval}."


def _of_copies(copied: Score) -> str:
    if copied.low > max(3 * 0.01, copied.floor_high):
        return (
            f"**Memorised**: {copied.value:.0%} of fakes lie closer to one training sample than "
            "99 % of held-out reals do."
        )
    return "No sign of memorised training samples."
