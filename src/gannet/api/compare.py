"""Compare several runs on the same held-out data, and test which differences are significant."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count as counting
from pathlib import Path
from typing import Any

from gannet.api.evaluation_data import name_of, own_path
from gannet.api.model import Model
from gannet.api.train import load
from gannet.core import device as processor
from gannet.core.config import flag
from gannet.core.errors import ConfigError, DataError
from gannet.core.io.files import write_whole
from gannet.core.io.json_text import json_text
from gannet.core.io.names import printable
from gannet.core.io.regular import read_text, real_path
from gannet.core.io.training_log import PLAN
from gannet.core.scores import Report
from gannet.evaluation.differences import Comparison, Group, compared
from gannet.evaluation.report.comparison import describe_score, summary, to_markdown
from gannet.evaluation.report.examples import Examples
from gannet.evaluation.report.html.comparison import RunGroup, compared_page
from gannet.evaluation.report.html.page import can_draw
from gannet.modalities.registry import find_modality


@dataclass(frozen=True)
class Scored:
    """A run with its report and examples."""

    model: Model
    report: Report
    examples: Examples


def compare(  # one parameter per command-line flag
    runs: Sequence[Path | str],
    data: Path | str | None = None,
    *,
    count: int | None = None,
    seed: int = 0,
    features: str = "auto",
    label: str | None = None,
    out: Path | str | None = None,
    anyway: bool = False,
) -> Comparison:
    """Score runs on the same held-out samples, and say which differences are within noise.

    Runs that differ only in their seed form one group, whose interval is over runs.

    Args:
        runs: Folders, two or more; others are compared with the first.
        data: The data they were trained on, which the first run knows; or others like them.
        count: As for ``Model.evaluate``.
        seed: Of fakes, subsets and two-sample tests, the same for all runs.
        features: As for ``gannet evaluate``; not used for tables.
        label: Column of the classes; by default the one that the first run was trained with.
        out: Folder for ``compare.json``, ``compare.md`` and, with the extra ``report``,
            ``compare.html``.
        anyway: As for ``Model.evaluate``.

    Raises:
        ConfigError: if there are fewer than two runs, or ``out`` is a file.
        DataError: if they were trained on different data, or encode the data differently.
    """
    if len({real_path(run) for run in runs}) < len(runs):
        raise ConfigError("a run is named twice", remedy="Name each once.")
    if len(runs) < 2:
        raise ConfigError("one run cannot be compared", remedy="Name two or more.")
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        raise ConfigError(f"--out: {out} is not a folder", remedy="Name another.")
    models = [load(run) for run in runs]
    check_comparable(models)
    threads = processor.best_threads()
    options: dict[str, Any] = {"count": count, "seed": seed, "label": label, "threads": threads}
    options["anyway"] = anyway
    data = own_path(models[0].artifact, models[0].folder) if data is None else data
    if features != "auto":
        options["features"] = features
    scored: list[Scored] = []
    for model in models:
        report, examples, _ = model.scored(data, sheets=False, **options)
        scored.append(Scored(model, report, examples))
    comparison = compared(_grouped(scored), name_of(data))
    if out is not None:
        _write(comparison, scored, Path(out))
    return comparison


def check_comparable(models: Sequence[Model]) -> None:
    """Refuse runs that would not be scored on the same held-out samples.

    Raises:
        DataError: naming the two runs and what differs.
    """
    first = models[0]
    for other in models[1:]:
        names = f"{first.folder} and {other.folder}"
        if first.card.codecs["sample"] != other.card.codecs["sample"]:
            raise DataError(
                f"{names} encode their data differently "
                f"({_describe_shape(first)} and {_describe_shape(other)}), so their scores are "
                "not comparable",
                remedy=_of_inputs(first, other) or _of_options(first, other),
            )
        if first.card.data.get("digest") != other.card.data.get("digest"):
            raise DataError(
                f"{names} were trained on different data, labels or splits: samples held out from "
                "one may be training data of the other",
                remedy=_of_inputs(first, other)
                or "Train both on the same data with the same --label.",
            )


def _of_inputs(first: Model, other: Model) -> str:
    """What to do about two runs of which one answers inputs; empty if none or both do."""
    answering = [each for each in (first, other) if each.artifact.recipe.inputs.conditional]
    if len(answering) != 1:
        return ""
    run, recipe = answering[0].folder, answering[0].artifact.recipe
    methods = ", ".join(recipe.evaluation.reference_methods)
    beside = f" ({methods})" if methods else ""
    return (
        f"{run} answers inputs, and the other run reads the same files as samples without inputs: "
        f"compare it with runs that answer inputs. `gannet evaluate {run}` sets it beside simple "
        f"methods{beside}."
    )


def _of_options(first: Model, other: Model) -> str:
    """With which options to train one run again, so that it reads data as the other does."""
    if first.codec.kind == other.codec.kind:
        options_of = find_modality(first.codec.kind).reading.options_of
        wanted, has = options_of(first.codec), options_of(other.codec)
        flags = [f"{flag(name)} {value}" for name, value in wanted.items() if has[name] != value]
        if flags:
            return (
                f"Train {other.folder} again, into another folder, with {' '.join(flags)}, which "
                f"{first.folder} has."
            )
    return "Compare runs on the same data, at the same size and with the same columns."


def _grouped(scored: Sequence[Scored]) -> list[Group]:
    groups: dict[str, list[Scored]] = {}
    for each in scored:
        groups.setdefault(_settings_key(each.model), []).append(each)
    comparison_groups: list[Group] = []
    used_names: set[str] = set()
    for members in groups.values():
        name = members[0].report.artifact
        name = next(
            tried
            for at in counting(1)
            if (tried := name if at == 1 else f"{name} ({at})") not in used_names
        )
        used_names.add(name)
        seeds = tuple(each.model.card.seed for each in members)
        reports = tuple(each.report for each in members)
        baseline = members[0].model.artifact.recipe.evaluation.is_baseline
        comparison_groups.append(Group(name=name, seeds=seeds, reports=reports, baseline=baseline))
    return comparison_groups


def _settings_key(model: Model) -> str:
    """The settings of a run without its seed; without a plan.json, the config in its card."""
    card = model.card
    try:
        plan: Any = json.loads(read_text(model.folder / PLAN))
        settings = {
            name: plan[name]
            for name in ("recipe", "user_settings", "budget_seconds", "auto_adjust", "device")
        }
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        settings = {"recipe": card.recipe, "config": card.config}
    return json.dumps(settings, sort_keys=True)


def _describe_shape(model: Model) -> str:
    kind = model.codec.kind
    return f"{kind} of {' × '.join(map(str, model.codec.shape))}"


def _write(comparison: Comparison, scored: Sequence[Scored], out: Path) -> None:
    write_whole(out / "compare.json", json_text(comparison).encode())
    write_whole(out / "compare.md", printable(to_markdown(comparison)).encode())
    if not can_draw():
        return
    contestants = [
        RunGroup(group.name, group.reports, examples_of(scored, group.reports[0]))
        for group in comparison.groups
    ]
    cells: Mapping[str, list[str]] = {
        name: [describe_score(group, name) for group in comparison.groups]
        for name in comparison.scores
    }
    page = compared_page(
        data=comparison.data,
        summary=summary(comparison),
        groups=contestants,
        cells=cells,
        differences=comparison.differences,
        protocol=comparison.protocol,
    )
    write_whole(out / "compare.html", printable(page).encode())


def examples_of(scored: Sequence[Scored], report: Report) -> Examples:
    """The examples that belong to a report."""
    return next(each.examples for each in scored if each.report is report)
