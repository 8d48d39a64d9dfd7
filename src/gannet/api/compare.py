"""Several runs on the same held-out data, and which of their differences are more than noise."""

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
    """A run and what it got."""

    model: Model
    report: Report
    examples: Examples


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
        report, examples, _ = model.scored(data, sheets=False, **options)
        scored.append(Scored(model, report, examples))
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
        if first.card.codecs["sample"] != other.card.codecs["sample"]:
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
    """What a run was asked for, but for the seed; of a bare artefact all that its card says."""
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
    """The pictures that belong to a report."""
    return next(each.examples for each in scored if each.report is report)
