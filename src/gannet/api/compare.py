"""Several runs on the same held-out data, and which of their differences are more than noise."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count as counting
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gannet.api.model import Model
from gannet.api.train import load
from gannet.core import device as processor
from gannet.core.errors import ConfigError, DataError
from gannet.core.io.files import write_whole
from gannet.core.training_log import PLAN
from gannet.evaluation.evaluate import Report, Score
from gannet.evaluation.report.examples import Exhibits
from gannet.evaluation.report.html.comparison import Contestant, compared_page
from gannet.evaluation.report.html.page import can_draw
from gannet.evaluation.report.summary import number
from gannet.metrics.confidence import spread

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201)
"""97.5 % points of Student's t for 1, 2, ... degrees of freedom; beyond, the last."""


class Difference(BaseModel):
    """One score of one group of runs against that of the first group.

    Attributes:
        score: Its name.
        group: The other group.
        value: Its mean less that of the first.
        low: Lower end of the 95 % interval.
        high: Upper end.
        says: ``noise`` where the interval holds 0.
        how: Where the interval comes from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: str
    group: str
    value: float
    low: float
    high: float
    says: Literal["noise", "better", "worse"]
    how: str


class Group(BaseModel):
    """Runs of one and the same command, but for the seed.

    Attributes:
        name: Of the first run.
        seeds: Of the runs' training.
        reports: One for each.
        baseline: Whether their recipe is there to be beaten.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    seeds: tuple[int, ...]
    reports: tuple[Report, ...]
    baseline: bool = False

    def values(self, name: str) -> list[float]:
        """One score of all runs."""
        return [report.score(name).value for report in self.reports]

    def over_runs(self, name: str) -> tuple[float, float] | None:
        """95 % interval of the mean over training runs; ``None`` for a single one."""
        values = self.values(name)
        if len(values) < 2:
            return None
        reach = student(len(values) - 1) * stdev(values) / math.sqrt(len(values))
        return fmean(values) - reach, fmean(values) + reach


class Comparison(BaseModel):
    """Groups of runs, scored alike on the same rows.

    Attributes:
        data: On what.
        groups: The first is what others are compared with.
        scores: Names of the scores that all have.
        differences: Of each other group, score by score.
        protocol: How, in sentences.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    groups: tuple[Group, ...]
    scores: tuple[str, ...]
    differences: tuple[Difference, ...]
    protocol: tuple[str, ...]


@dataclass(frozen=True)
class Scored:
    """A run and what it got."""

    model: Model
    report: Report
    exhibits: Exhibits


def compare(  # a parameter per flag
    runs: Sequence[Path | str],
    data: Path | str,
    *,
    count: int = 2_000,
    seed: int = 0,
    features: str = "auto",
    label: str | None = None,
    out: Path | str | None = None,
) -> Comparison:
    """Score runs alike on the same held-out rows, and say which differences are noise.

    Runs that differ in nothing but their seed make one group: their interval is over runs.

    Args:
        runs: Folders, two or more; others are compared with the first.
        data: What they were trained on.
        count: Fakes, and held-out reals where there are as many.
        seed: Of fakes, subsets and critics, the same for all.
        features: As for ``gannet evaluate``; tables are scored without.
        label: Column of the classes; by default the one that the first run was begun with.
        out: Folder for ``compare.json``, ``compare.md`` and, with the extra ``report``,
            ``compare.html``.

    Raises:
        ConfigError: if there are fewer than two runs, or ``out`` is a file.
        DataError: if they were trained on other data, or read them in other ways.
    """
    if len({Path(run).resolve() for run in runs}) < len(runs):
        raise ConfigError("a run is named twice", remedy="Name each once.")
    if len(runs) < 2:
        raise ConfigError("one run has nothing to be compared with", remedy="Name two or more.")
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        raise ConfigError(f"--out: {out} is not a folder", remedy="Name another.")
    models = [load(run) for run in runs]
    check_alike(models)
    threads = processor.best_threads()
    options: dict[str, Any] = {"count": count, "seed": seed, "label": label, "threads": threads}
    if features != "auto":
        options["features"] = features
    scored: list[Scored] = []
    for model in models:
        report, exhibits, _ = model.scored(data, pictures=False, **options)
        scored.append(Scored(model, report, exhibits))
    found = compared(_grouped(scored), Path(data).name)
    if out is not None:
        _write(found, scored, Path(out))
    return found


def check_alike(models: Sequence[Model]) -> None:
    """Refuse runs whose scores would not be of the same rows.

    Raises:
        DataError: naming the two runs and what differs.
    """
    first = models[0]
    for other in models[1:]:
        names = f"{first.folder} and {other.folder}"
        if first.card.codecs["real"] != other.card.codecs["real"]:
            raise DataError(
                f"{names} read their data in different ways "
                f"({_shape(first)} and {_shape(other)}), so no score means the same for both",
                remedy="Compare runs on the same data, at the same resolution and columns.",
            )
        if first.card.data.get("digest") != other.card.data.get("digest"):
            raise DataError(
                f"{names} were trained on different data, labels or splits: what is held out from "
                "one may have been shown to the other",
                remedy="Train both on the same data with the same --label.",
            )


def compared(groups: Sequence[Group], data: str) -> Comparison:
    """The differences of groups to the first of them."""
    first, *others = groups
    every = [report for group in groups for report in group.reports]
    known = [{score.name for score in report.scores} for report in every]
    names = [score.name for score in every[0].scores if all(score.name in each for each in known)]
    differences = [difference(first, other, name) for other in others for name in names]
    left: set[str] = set().union(*known) - set(names)
    said = [
        *every[0].protocol,
        "All runs: the same held-out rows, the same further reals, the same counts, seeds and "
        "features. Runs that differ in nothing but their seed make one entry.",
    ]
    if differences:
        said += [
            f"Differences: to {first.name}. Where scores have halves, half by half on the same "
            "reals (paired jackknife); else from both intervals (Newcombe's square and add). With "
            "several seeds in an entry, the spread over training runs is added to that over "
            "samples.",
            f"Noise: the 95 % interval holds 0. Of {len(differences)} differences about "
            f"{max(round(len(differences) / 20), 1)} would be called though there were none.",
        ]
    if left:
        said.append(f"Not every run has these scores: {', '.join(sorted(left))}.")
    return Comparison(
        data=data,
        groups=tuple(groups),
        scores=tuple(names),
        differences=tuple(differences),
        protocol=tuple(said),
    )


def difference(first: Group, other: Group, name: str) -> Difference:
    """One score of a group less that of the first."""
    ours = [report.score(name) for report in other.reports]
    theirs = [report.score(name) for report in first.reports]
    value = fmean(score.value for score in ours) - fmean(score.value for score in theirs)
    under, over, how = _over_samples(ours, theirs)
    runs = over_runs([[score.value for score in side] for side in (ours, theirs)])
    if runs:
        under, over, how = math.hypot(under, runs), math.hypot(over, runs), f"{how}, and runs"
    low, high = value - under, value + over
    says: Literal["noise", "better", "worse"] = "noise"
    if low > 0 or high < 0:
        says = "better" if (value > 0) == (ours[0].better == "high") else "worse"
    return Difference(
        score=name, group=other.name, value=value, low=low, high=high, says=says, how=how
    )


def student(freedom: int) -> float:
    """97.5 % point of Student's t; a little too wide beyond eleven degrees of freedom."""
    return STUDENT[min(freedom, len(STUDENT)) - 1]


def _over_samples(ours: Sequence[Score], theirs: Sequence[Score]) -> tuple[float, float, str]:
    """How far a difference of means reaches down and up on account of the choice of samples."""
    width = len(ours[0].halves)
    if width and all(len(score.halves) == width for score in (*ours, *theirs)):
        gaps = [
            fmean(score.halves[at] for score in ours) - fmean(score.halves[at] for score in theirs)
            for at in range(width)
        ]
        reach = student(width - 1) * spread(gaps)
        return reach, reach, "paired halves"
    return (
        math.hypot(mean_reach(ours, "down"), mean_reach(theirs, "up")),
        math.hypot(mean_reach(ours, "up"), mean_reach(theirs, "down")),
        "both intervals",
    )


def mean_reach(scores: Sequence[Score], side: Literal["down", "up"]) -> float:
    """How far the interval of a mean reaches, of scores on the same reals.

    They err together, so that it is not divided by their number.
    """
    if side == "down":
        return fmean(score.value - score.low for score in scores)
    return fmean(score.high - score.value for score in scores)


def over_runs(sides: Sequence[Sequence[float]]) -> float:
    """How far a difference of means reaches on account of training runs; 0 if none is repeated."""
    several = [side for side in sides if len(side) > 1]
    if not several:
        return 0.0
    error = math.sqrt(sum(stdev(side) ** 2 / len(side) for side in several))
    return student(min(len(side) - 1 for side in several)) * error


def _grouped(scored: Sequence[Scored]) -> list[Group]:
    groups: dict[str, list[Scored]] = {}
    for each in scored:
        groups.setdefault(_kind(each.model), []).append(each)
    made: list[Group] = []
    taken: set[str] = set()
    for members in groups.values():
        name = members[0].report.artefact
        name = next(
            tried
            for at in counting(1)
            if (tried := name if at == 1 else f"{name} ({at})") not in taken
        )
        taken.add(name)
        seeds = tuple(each.model.card.seed for each in members)
        reports = tuple(each.report for each in members)
        baseline = members[0].model.artefact.recipe.baseline
        made.append(Group(name=name, seeds=seeds, reports=reports, baseline=baseline))
    return made


def _kind(model: Model) -> str:
    """What a run was asked for, but for the seed; of a bare artefact all that its card says."""
    card = model.card
    try:
        plan: Any = json.loads((model.folder / PLAN).read_text(encoding="utf-8"))
        asked = {name: plan[name] for name in ("recipe", "given", "seconds", "balance", "device")}
    except (OSError, ValueError, KeyError, TypeError):
        asked = {"recipe": card.recipe, "config": card.config}
    return json.dumps(asked, sort_keys=True)


def _shape(model: Model) -> str:
    kind = model.codec.kind
    return f"{kind} of {' × '.join(map(str, model.codec.shape))}"


def to_markdown(found: Comparison) -> str:
    """The comparison as Markdown."""
    heads = [group.name for group in found.groups]
    lines = [f"# Comparison on {found.data}", "", summary(found), ""]
    lines.append(f"| score | {' | '.join(heads)} | best is |")
    lines.append("|---" * (len(heads) + 2) + "|")
    for name in found.scores:
        cells = [told(group, name) for group in found.groups]
        better = found.groups[0].reports[0].score(name).better
        lines.append(f"| {name} | {' | '.join(cells)} | {better} |")
    lines += ["", f"## Differences to {heads[0]}", ""]
    lines += [
        "| score | run | difference | 95 % interval | says | interval from |",
        "|---" * 6 + "|",
    ]
    lines += [
        f"| {each.score} | {each.group} | {number(each.value)} | {number(each.low)} to "
        f"{number(each.high)} | {each.says} | {each.how} |"
        for each in found.differences
    ]
    lines += ["", "## How they were made", "", *(f"- {each}" for each in found.protocol), ""]
    return "\n".join(lines)


def told(group: Group, name: str) -> str:
    """A group's score with its interval: over runs if there are several."""
    runs = group.over_runs(name)
    if runs is not None:
        mean, several = fmean(group.values(name)), len(group.reports)
        return f"{number(mean)} ({number(runs[0])} to {number(runs[1])}, {several} runs)"
    score = group.reports[0].score(name)
    return f"{number(score.value)} ({number(score.low)} to {number(score.high)})"


def summary(found: Comparison) -> str:
    """What the differences say, in words; names without their brackets."""
    said: list[str] = []
    first = found.groups[0].name
    if len(found.groups) == 1:
        return (
            f"All {len(found.groups[0].reports)} runs were asked for the same but for their seed: "
            "each score is their mean, with an interval over training runs."
        )
    for group in found.groups[1:]:
        mine = [each for each in found.differences if each.group == group.name]
        better, worse = (
            _kinds(each.score for each in mine if each.says == word) for word in ("better", "worse")
        )
        noise = sum(each.says == "noise" for each in mine)
        parts = [f"better in {', '.join(better)}"] if better else []
        parts += [f"worse in {', '.join(worse)}"] if worse else []
        rest = f"{noise} of {len(mine)} differences are noise"
        said.append(
            f"{group.name} against {first}: {'; '.join([*parts, rest])}."
            if parts
            else f"{group.name} cannot be told from {first}: all {len(mine)} differences are noise."
        )
    said += losses_to_baselines(found)
    if any(len(group.reports) == 1 for group in found.groups):
        said.append(
            "Of an entry of one run another seed may turn what is called a difference here."
        )
    return " ".join(said)


def losses_to_baselines(found: Comparison) -> list[str]:
    """A sentence for each run and each baseline to which it loses beyond noise."""
    said: list[str] = []
    for rival in (group for group in found.groups if group.baseline):
        for group in (group for group in found.groups if not group.baseline):
            lost = [name for name in found.scores if difference(rival, group, name).says == "worse"]
            if lost:
                names = ", ".join(_kinds(lost))
                said.append(f"**{group.name} loses to the baseline {rival.name}** in {names}.")
    return said


def _kinds(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.partition("[")[0] for name in names))


def _write(found: Comparison, scored: Sequence[Scored], out: Path) -> None:
    write_whole(out / "compare.json", found.model_dump_json(indent=2).encode())
    write_whole(out / "compare.md", to_markdown(found).encode())
    if not can_draw():
        return
    contestants = [
        Contestant(group.name, group.reports, exhibits_of(scored, group.reports[0]))
        for group in found.groups
    ]
    cells: Mapping[str, list[str]] = {
        name: [told(group, name) for group in found.groups] for name in found.scores
    }
    page = compared_page(
        data=found.data,
        verdict=summary(found),
        contestants=contestants,
        cells=cells,
        differences=found.differences,
        protocol=found.protocol,
    )
    write_whole(out / "compare.html", page.encode())


def exhibits_of(scored: Sequence[Scored], report: Report) -> Exhibits:
    """The pictures that belong to a report."""
    return next(each.exhibits for each in scored if each.report is report)
