"""A comparison of runs as sentences and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from gannet.evaluation.differences import Comparison, Group, difference
from gannet.evaluation.report.summary import number


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
        "| score | run | difference | 95 % interval | conclusion | interval from |",
        "|---" * 6 + "|",
    ]
    lines += [
        f"| {each.score} | {each.group} | {number(each.value)} | {number(each.low)} to "
        f"{number(each.high)} | {each.says} | {each.how} |"
        for each in found.differences
    ]
    lines += ["", "## Protocol", "", *(f"- {each}" for each in found.protocol), ""]
    return "\n".join(lines)


def told(group: Group, name: str) -> str:
    """A group's score with its interval, over runs if there are several."""
    runs = group.over_runs(name)
    if runs is not None:
        mean, several = fmean(group.values(name)), len(group.reports)
        return f"{number(mean)} ({number(runs[0])} to {number(runs[1])}, {several} runs)"
    score = group.reports[0].score(name)
    return f"{number(score.value)} ({number(score.low)} to {number(score.high)})"


def summary(found: Comparison) -> str:
    """Summarize the differences in sentences; names without their brackets."""
    said: list[str] = []
    first = found.groups[0].name
    if len(found.groups) == 1:
        return (
            f"All {len(found.groups[0].reports)} runs differ in their seed only: "
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
        said.append("Where an entry is a single run, another seed may reverse a difference.")
    return " ".join(said)


def losses_to_baselines(found: Comparison) -> list[str]:
    """A sentence for each run and each baseline to which it loses significantly."""
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
