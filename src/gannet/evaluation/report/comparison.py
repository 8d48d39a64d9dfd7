"""A comparison of runs as sentences and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from gannet.core.io.names import harmless
from gannet.core.scores import Report
from gannet.core.scores.diagnosis import RunDiagnosis, worst
from gannet.evaluation.differences import Comparison, Group, difference
from gannet.evaluation.report.summary import diagnosis_of, number


def to_markdown(comparison: Comparison) -> str:
    """The comparison as Markdown."""
    heads = [harmless(group.name) for group in comparison.groups]
    lines = [
        f"# Comparison on {comparison.data}",
        "",
        *grades(comparison),
        "",
        summary(comparison),
        "",
    ]
    lines.append(f"| score | {' | '.join(heads)} | best is |")
    lines.append("|---" * (len(heads) + 2) + "|")
    for name in comparison.scores:
        cells = [describe_score(group, name) for group in comparison.groups]
        better = comparison.groups[0].reports[0].score(name).best
        lines.append(f"| {harmless(name)} | {' | '.join(cells)} | {better} |")
    lines += ["", f"## Differences to {heads[0]}", ""]
    lines += [
        "| score | run | difference | 95 % interval | conclusion | interval from |",
        "|---" * 6 + "|",
    ]
    lines += [
        f"| {each.score} | {each.group} | {number(each.value)} | {number(each.low)} to "
        f"{number(each.high)} | {each.conclusion} | {each.how} |"
        for each in comparison.differences
    ]
    lines += ["", "## Protocol", "", *(f"- {each}" for each in comparison.protocol), ""]
    return "\n".join(lines)


def grades(comparison: Comparison) -> list[str]:
    """Each entry's diagnosis as an item of a list."""
    return [
        f"- **{harmless(group.name)}**: {diagnosis_of_runs(group.reports).sentence}"
        for group in comparison.groups
    ]


def diagnosis_of_runs(reports: Sequence[Report]) -> RunDiagnosis:
    """The diagnosis of several runs: the worst of theirs, and how many share its grade."""
    found = [diagnosis_of(report) for report in reports]
    grade = worst([each.grade for each in found])
    chosen = next(each for each in found if each.grade == grade)
    if len(found) == 1:
        return chosen
    many = f"{sum(each.grade == grade for each in found)} of {len(found)} runs"
    return chosen.model_copy(update={"sentence": f"{chosen.sentence} ({many})"})


def describe_score(group: Group, name: str) -> str:
    """A group's score with its interval, over runs if there are several."""
    runs = group.over_runs(name)
    if runs is not None:
        mean, several = fmean(group.values(name)), len(group.reports)
        return f"{number(mean)} ({number(runs[0])} to {number(runs[1])}, {several} runs)"
    score = group.reports[0].score(name)
    return f"{number(score.value)} ({number(score.low)} to {number(score.high)})"


def summary(comparison: Comparison) -> str:
    """Summarize the differences in sentences; names without their brackets."""
    sentences: list[str] = []
    first = comparison.groups[0].name
    if len(comparison.groups) == 1:
        return (
            f"All {len(comparison.groups[0].reports)} runs differ in their seed only: "
            "each score is their mean, with an interval over training runs."
        )
    for group in comparison.groups[1:]:
        mine = [each for each in comparison.differences if each.group == group.name]
        better, worse = (
            _base_names(each.score for each in mine if each.conclusion == word)
            for word in ("better", "worse")
        )
        noise = sum(each.conclusion == "noise" for each in mine)
        clauses = [f"better in {', '.join(better)}"] if better else []
        clauses += [f"worse in {', '.join(worse)}"] if worse else []
        noise_clause = f"{noise} of {len(mine)} differences are noise"
        sentences.append(
            f"{group.name} against {first}: {'; '.join([*clauses, noise_clause])}."
            if clauses
            else f"{group.name} cannot be told from {first}: all {len(mine)} differences are noise."
        )
    sentences += losses_to_baselines(comparison)
    if any(len(group.reports) == 1 for group in comparison.groups):
        sentences.append("Where an entry is a single run, another seed may reverse a difference.")
    return " ".join(sentences)


def losses_to_baselines(comparison: Comparison) -> list[str]:
    """A sentence for each run and each baseline to which it loses significantly."""
    sentences: list[str] = []
    for rival in (group for group in comparison.groups if group.baseline):
        for group in (group for group in comparison.groups if not group.baseline):
            worse_scores = [
                name
                for name in comparison.scores
                if difference(rival, group, name).conclusion == "worse"
            ]
            if worse_scores:
                names = ", ".join(_base_names(worse_scores))
                sentences.append(f"**{group.name} loses to the baseline {rival.name}** in {names}.")
    return sentences


def _base_names(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.partition("[")[0] for name in names))
