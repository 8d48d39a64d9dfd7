"""Scores over several training runs that differ only in their seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from gannet.api.evaluation_data import own_path
from gannet.api.scoring import check_evaluation, write_scored
from gannet.api.train import load
from gannet.core import device as processor
from gannet.core.errors import ArtifactError, ConfigError
from gannet.evaluation.differences import mean_half_width, over_runs
from gannet.evaluation.evaluate import Component, Report, Score
from gannet.inference.artifact import Artifact
from gannet.training.plan import Plan
from gannet.training.resume import read_plan
from gannet.training.run import BY_HAND
from gannet.training.session import Session, prepare

MAX_SEEDS = 20
"""Maximum number of runs that one evaluation trains and scores."""

FOLDER = "seeds"
"""Subfolder of a run for the runs with other seeds."""


def silent(_message: str) -> None:
    """A log function that prints nothing."""


def evaluate_over_seeds(
    run: Path | str,
    data: Path | str | None = None,
    *,
    seeds: int,
    count: int | None = None,
    out: Path | str | None = None,
    stop: Callable[[], bool] = lambda: False,
    log: Callable[[str], None] = silent,
    **options: Any,
) -> Report | None:
    """Scores of a run and of ``seeds - 1`` runs with other seeds: means, with joint intervals.

    The others are trained into ``RUN/seeds/`` with exactly the plan of the first. A finished one is
    not trained again, and an unfinished one is resumed.

    Args:
        run: Folder of the first run.
        data: As for ``Model.evaluate``; further runs are trained on the first one's own data.
        seeds: Total number of runs, 2 to 20.
        count: As for ``Model.evaluate``.
        out: Folder for the report; nothing is written by default.
        stop: Called after each training step; training stops when it returns true.
        log: Called with a line of text about each step of the work.
        options: As for ``Model.evaluate``.

    Returns:
        The report; ``None`` if it was stopped, in which case the same call resumes.

    Raises:
        ConfigError: if there are too few or too many seeds, the run's plan is missing, or the
            folder of a further run holds another run.
        GannetError: if the data are not those of training.
    """
    if not 2 <= seeds <= MAX_SEEDS:
        raise ConfigError(
            f"--seeds: must lie between 2 and {MAX_SEEDS}, or be left out, got {seeds}"
        )
    check_evaluation(count, options.get("seed", 0), out)
    folders = [Path(run), *_siblings(Path(run), _own_data(Path(run), data), seeds, stop, log)]
    if stop():
        return None
    threads = processor.best_threads()
    options |= {"count": count, "threads": threads}
    models = [load(folder) for folder in folders]
    log(f"scoring {run} (1 of {seeds})")
    first, examples, sheets = models[0].scored(data, sheets=out is not None, **options)
    reports = [first]
    for model in models[1:]:
        log(f"scoring {model.folder} ({len(reports) + 1} of {seeds})")
        reports.append(model.scored(data, sheets=False, **options)[0])
    report = combined_report(reports, [model.card.seed for model in models])
    if out is not None:
        write_scored(report, Path(out), examples, sheets)
    return report


def _own_data(run: Path, data: Path | str | None) -> Path | str:
    """The data that further runs are trained on: the run's own, if it knows where they are."""
    if data is None:
        return own_path(load(run).artifact, run)
    plan = read_plan(run)
    own = None if plan is None else Path(plan.data)
    return own if own is not None and own.is_absolute() and own.exists() else data


def _siblings(
    run: Path, data: Path | str, seeds: int, stop: Callable[[], bool], log: Callable[[str], None]
) -> list[Path]:
    """Folders of the further runs, trained if they do not exist; fewer if it was stopped."""
    plan = read_plan(run)
    if plan is None:
        raise ConfigError(
            "plan.json is missing, so the settings for runs with other seeds are unknown",
            where=str(run),
            remedy="Give the folder that `gannet train --out` wrote, or leave --seeds out.",
        )
    existing: Session | None = None
    folders: list[Path] = []
    for seed in range(plan.seed + 1, plan.seed + seeds):
        folder = run / FOLDER / f"seed-{seed}"
        again = plan.model_copy(update={"seed": seed})
        if not _is_finished(again, folder):
            existing = existing or _read(plan, run, data)
            log(f"training {folder}")
            other = replace(existing, plan=again, out=folder)
            for _ in other.run(stop):
                pass
        if stop():
            break
        folders.append(folder)
    return folders


def _is_finished(plan: Plan, folder: Path) -> bool:
    """Whether a run is finished.

    Raises:
        ConfigError: if the folder holds a run with other settings.
    """
    existing_plan = read_plan(folder)
    if existing_plan not in (None, plan):
        raise ConfigError(
            "holds a run with other settings",
            where=str(folder),
            remedy="Remove that folder; the run is then trained again.",
        )
    try:
        return Artifact.load(folder).card.diagnosis.get("stopped") != BY_HAND
    except ArtifactError:
        return False


def _read(plan: Plan, run: Path, data: Path | str) -> Session:
    """The session of the first run with its data; refused if the data have changed."""
    return prepare(
        data,
        run,
        recipe=plan.recipe,
        minutes=plan.budget_seconds / 60 if plan.budget_seconds else None,
        seed=plan.seed,
        label=plan.label_column,
        auto_adjust=plan.auto_adjust,
        device=plan.device,
        **plan.options,
        **plan.user_settings,
    )


def combined_report(reports: Sequence[Report], seeds: Sequence[int]) -> Report:
    """One report that averages the reports of several runs.

    Args:
        reports: One for each run; pairs, histograms and the training log are those of the first.
        seeds: The training seed of each run.
    """
    first = reports[0]
    score_names = [{score.name for score in report.scores} for report in reports]
    names = [
        score.name for score in first.scores if all(score.name in each for each in score_names)
    ]
    scores = [_mean_score([report.score(name) for report in reports]) for name in names]
    listed = ", ".join(map(str, seeds))
    protocol = (
        f"{len(reports)} training runs with the seeds {listed} and otherwise the same plan, scored "
        "in the same way: each score is their mean. Its interval combines the error over samples "
        f"with that over runs (Student's t, {len(reports) - 1} degrees of freedom) as the root of "
        "the sum of squares.",
        "Samples, pairs, columns, training log and cost are those of the first run, seed "
        f"{seeds[0]}.",
    )
    update = {
        "scores": tuple(scores),
        "seeds": tuple(seeds),
        "protocol": (*first.protocol, *protocol),
        "two_sample_test": dict[str, Any](),  # that of the first run says nothing of the others
    }
    return first.model_copy(update=update)


def _mean_score(scores: Sequence[Score]) -> Score:
    """The mean of a score over runs, with an interval over samples and runs."""
    first, values = scores[0], tuple(score.value for score in scores)
    mean, half_width = fmean(values), over_runs([values])
    under, over = (mean_half_width(scores, side) for side in ("down", "up"))
    width = len(first.half_sample_values)
    half_samples = zip(*(score.half_sample_values for score in scores), strict=False)
    update = {
        "value": mean,
        "low": mean - math.hypot(under, half_width),
        "high": mean + math.hypot(over, half_width),
        "seed_values": values,
        "components": _mean_components(scores),
        "half_sample_values": tuple(map(fmean, half_samples))
        if all(len(score.half_sample_values) == width for score in scores)
        else (),
    }
    return first.model_copy(update=update)


def _mean_components(scores: Sequence[Score]) -> tuple[Component, ...]:
    """The mean of each component that all runs have."""
    component_values = [
        {component.name: component.value for component in score.components} for score in scores
    ]
    return tuple(
        component.model_copy(
            update={"value": fmean(each[component.name] for each in component_values)}
        )
        for component in scores[0].components
        if all(component.name in each for each in component_values)
    )
