"""Compare several runs on the same held-out data, and test which differences are significant."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count as counting
from pathlib import Path
from typing import Any

from gannet.api.model import Model
from gannet.api.train import load
from gannet.core import device as processor
from gannet.core.errors import ConfigError, DataError
from gannet.core.io.files import write_whole
from gannet.core.io.training_log import PLAN
from gannet.core.scores import Report
from gannet.evaluation.differences import Comparison, Group, compared
from gannet.evaluation.report.comparison import summary, to_markdown, told
from gannet.evaluation.report.examples import Examples
from gannet.evaluation.report.html.comparison import Contestant, compared_page
from gannet.evaluation.report.html.page import can_draw


@dataclass(frozen=True)
class Scored:
    """A run with its report and examples."""

    model: Model
    report: Report
    examples: Examples


def compare(  # one parameter per command-line flag
    runs: Sequence[Path | str],
    data: Path | str,
    *,
    count: int = 2_000,
    seed: int = 0,
    features: str = "auto",
    label: str | None = None,
    out: Path | str | None = None,
) -> Comparison:
    """Score runs on the same held-out samples, and say which differences are within noise.

    Runs that differ only in their seed form one group, whose interval is over runs.

    Args:
        runs: Folders, two or more; others are compared with the first.
        data: The data they were trained on.
        count: Number of fakes, and of held-out reals if there are that many.
        seed: Of fakes, subsets and two-sample tests, the same for all runs.
        features: As for ``gannet evaluate``; not used for tables.
        label: Column of the classes; by default the one that the first run was trained with.
        out: Folder for ``compare.json``, ``compare.md`` and, with the extra ``report``,
            ``compare.html``.

    Raises:
        ConfigError: if there are fewer than two runs, or ``out`` is a file.
        DataError: if they were trained on different data, or encode the data differently.
    """
    if len({Path(run).resolve() for run in runs}) < len(runs):
        raise ConfigError("a run is named twice", remedy="Name each once.")
    if len(runs) < 2:
        raise ConfigError("one run cannot be compared", remedy="Name two or more.")
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
        report, examples, _ = model.scored(data, sheets=False, **options)
        scored.append(Scored(model, report, examples))
    found = compared(_grouped(scored), Path(data).name)
    if out is not None:
        _write(found, scored, Path(out))
    return found


def check_alike(models: Sequence[Model]) -> None:
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
                f"({_shape(first)} and {_shape(other)}), so their scores are not comparable",
                remedy="Compare runs on the same data, at the same resolution and columns.",
            )
        if first.card.data.get("digest") != other.card.data.get("digest"):
            raise DataError(
                f"{names} were trained on different data, labels or splits: samples held out from "
                "one may be training data of the other",
                remedy="Train both on the same data with the same --label.",
            )


def _grouped(scored: Sequence[Scored]) -> list[Group]:
    groups: dict[str, list[Scored]] = {}
    for each in scored:
        groups.setdefault(_kind(each.model), []).append(each)
    made: list[Group] = []
    taken: set[str] = set()
    for members in groups.values():
        name = members[0].report.artifact
        name = next(
            tried
            for at in counting(1)
            if (tried := name if at == 1 else f"{name} ({at})") not in taken
        )
        taken.add(name)
        seeds = tuple(each.model.card.seed for each in members)
        reports = tuple(each.report for each in members)
        baseline = members[0].model.artifact.recipe.evaluation.is_baseline
        made.append(Group(name=name, seeds=seeds, reports=reports, baseline=baseline))
    return made


def _kind(model: Model) -> str:
    """The settings of a run without its seed; without a plan.json, the config in its card."""
    card = model.card
    try:
        plan: Any = json.loads((model.folder / PLAN).read_text(encoding="utf-8"))
        asked = {
            name: plan[name]
            for name in ("recipe", "user_settings", "budget_seconds", "auto_adjust", "device")
        }
    except (OSError, ValueError, KeyError, TypeError):
        asked = {"recipe": card.recipe, "config": card.config}
    return json.dumps(asked, sort_keys=True)


def _shape(model: Model) -> str:
    kind = model.codec.kind
    return f"{kind} of {' × '.join(map(str, model.codec.shape))}"


def _write(found: Comparison, scored: Sequence[Scored], out: Path) -> None:
    write_whole(out / "compare.json", found.model_dump_json(indent=2).encode())
    write_whole(out / "compare.md", to_markdown(found).encode())
    if not can_draw():
        return
    contestants = [
        Contestant(group.name, group.reports, examples_of(scored, group.reports[0]))
        for group in found.groups
    ]
    cells: Mapping[str, list[str]] = {
        name: [told(group, name) for group in found.groups] for name in found.scores
    }
    page = compared_page(
        data=found.data,
        summary=summary(found),
        contestants=contestants,
        cells=cells,
        differences=found.differences,
        protocol=found.protocol,
    )
    write_whole(out / "compare.html", page.encode())


def examples_of(scored: Sequence[Scored], report: Report) -> Examples:
    """The examples that belong to a report."""
    return next(each.examples for each in scored if each.report is report)
