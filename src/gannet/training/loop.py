"""The training loop: step, evaluate, keep to the time budget, save, stop, finalize."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gannet.core import device as processor
from gannet.core.config import flag, parse
from gannet.core.errors import DivergedError, GannetError
from gannet.core.io.checksum import sealed_json
from gannet.core.io.files import holding, remove_temporaries, write_whole
from gannet.core.io.json_text import json_text
from gannet.core.io.training_log import PLAN
from gannet.core.types import Batch, StepResult
from gannet.data.dataset import Dataset
from gannet.inference.calibration import calibrated
from gannet.inference.judge.fit import with_judge
from gannet.inference.training_samples import TrainingSamples
from gannet.recipes.registry import find_recipe
from gannet.training.controller import MonitorEvaluation
from gannet.training.finalize import (
    effort_after,
    finalize,
    with_fit_after_training,
    with_two_sample_test,
)
from gannet.training.fit_once import fit_closed_form
from gannet.training.plan import Plan
from gannet.training.resume import may_replace, read_plan
from gannet.training.run import BY_HAND, Run

OUT_OF_TIME = "out of time"

SAVE_SECONDS = 20.0
"""Minimum time between two checkpoints."""

MAX_SAVE_FRACTION = 0.05
"""Maximum fraction of the time spent on checkpoints; large networks are saved less often."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """The state of a run after a step.

    Attributes:
        result: The step's number and losses; reading the losses waits for the device.
        steps: Total steps of the run.
        elapsed: Seconds trained so far, over all resumptions.
        rate: Samples per second since the run was started or resumed.
        evaluation: The monitor's evaluation, if there was one after this step.
    """

    result: StepResult
    steps: int
    elapsed: float
    rate: float
    evaluation: MonitorEvaluation | None


def run_training(
    plan: Plan,
    dataset: Dataset,
    out: Path,
    *,
    stop: Callable[[], bool] = lambda: False,
    save_seconds: float = SAVE_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[TrainingState]:
    """Run a plan in the folder ``out``; an unfinished run there is resumed.

    Args:
        plan: From ``make_plan``, or read back from the folder.
        dataset: The data it was made for.
        out: The run's folder, in the end an artifact.
        stop: Called after each step; true ends the run with a usable artifact.
        save_seconds: Minimum time between checkpoints, which take at most a twentieth of the time.
        clock: Returns the time in seconds.

    Yields:
        One ``TrainingState`` per step. The caller may stop at any time; checkpoints remain.

    Raises:
        GannetError: if another process trains into the folder, or began another run there.
        DivergedError: if training diverged and was never healthy.
    """
    threads = parse(find_recipe(plan.recipe).config, plan.config).threads
    with holding(out / "run.lock"), processor.threads(threads):
        remove_temporaries(out)
        _write_plan(plan, out)
        if len(dataset.identities):
            training_samples_of(dataset).save(out)
        if find_recipe(plan.recipe).training.fit is not None:
            yield from _run_fit(plan, dataset, out, clock)
            return
        run = Run(plan, dataset, out)
        run.load_checkpoint()
        yield from _steps(run, stop, save_seconds, clock)
        run.save_checkpoint()
        _end(run)


def _run_fit(
    plan: Plan, dataset: Dataset, out: Path, clock: Callable[[], float]
) -> Iterator[TrainingState]:
    """Fit in closed form unless done already; an interrupted fit starts over, in seconds."""
    if not (out / "card.json").exists():
        began = clock()
        fit_closed_form(plan, dataset, out, clock)
        seconds = clock() - began
        rate = len(dataset.train) / max(seconds, 1e-9)
        yield TrainingState(StepResult(1, {}), 1, seconds, rate, None)


def _write_plan(plan: Plan, out: Path) -> None:
    """Write the plan before the first step, or with more time; the folder is locked by now.

    Raises:
        GannetError: if another run was started there since the plan was made.
    """
    if not may_replace(read_plan(out), plan):
        raise GannetError(
            "another run was started in this folder meanwhile",
            where=str(out),
            remedy="Give the same command to resume that run, or another --out.",
        )
    write_whole(out / PLAN, sealed_json(json_text(plan, indent=None)).encode())


def training_samples_of(dataset: Dataset) -> TrainingSamples:
    """Which samples a dataset trains on."""
    train, held_out = (
        dataset.identities[rows.indices] for rows in (dataset.train, dataset.held_out)
    )
    return TrainingSamples.of(train, held_out)


def _steps(
    run: Run, stop: Callable[[], bool], save_seconds: float, clock: Callable[[], float]
) -> Iterator[TrainingState]:
    trainer, every = run.trainer, run.plan.eval_interval
    began, at_first, first_step = clock(), run.elapsed, trainer.step
    save_at = began + save_seconds
    steps = trainer.run(_batches(run))
    while not run.stopped:
        progress = next(steps, None)
        if progress is None:
            run.stopped = "all steps are done"
            break
        run.elapsed = at_first + clock() - began
        done = trainer.step - first_step
        rate = done * trainer.config.batch / max(run.elapsed - at_first, 1e-9)
        evaluation = None
        if trainer.step % every == 0 or trainer.step == trainer.config.steps:
            evaluation = run.evaluate(progress)
            run.elapsed = at_first + clock() - began
            run.keep_pace((run.elapsed - at_first) / done)
        run.stopped = run.stopped or _stop_reason(run, stop)
        if clock() >= save_at:
            save_at = _save(run, save_seconds, clock)
        yield TrainingState(progress, trainer.config.steps, run.elapsed, rate, evaluation)


def _stop_reason(run: Run, stop: Callable[[], bool]) -> str:
    """Why the run ends here, by hand or out of time; empty if it does not."""
    if stop():
        return BY_HAND
    return OUT_OF_TIME if run.plan.budget_seconds and run.elapsed >= run.plan.budget_seconds else ""


def _save(run: Run, save_seconds: float, clock: Callable[[], float]) -> float:
    """Save a checkpoint; returns when to save next."""
    before = clock()
    run.save_checkpoint()
    now = clock()
    return now + max(save_seconds, (now - before) / MAX_SAVE_FRACTION)


def _batches(run: Run) -> Iterator[Batch]:
    return run.dataset.train.batches(
        run.trainer.config.batch, seed=run.plan.seed, start=run.trainer.batches_seen
    )


def _end(run: Run) -> None:
    run.evaluate_last()
    networks = (run.trainer.ema, run.trainer.networks.discriminator)
    nonfinite = not all(
        bool(each.isfinite().all())
        for network in networks
        for each in network.state_dict().values()
    )
    if not run.best and (nonfinite or run.diagnosis.name == "diverged"):
        weight = run.trainer.recipe.training.controls.regularize
        stronger = f" or raise {flag(weight)}" if weight else ""
        evidence = (
            run.diagnosis.evidence if run.diagnosis.name == "diverged" else "weights are not finite"
        )
        raise DivergedError(
            f"training diverged and was never healthy ({evidence})",
            where=f"step {run.trainer.step}",
            remedy=f"Lower --learning-rate{stronger}, and train into a new folder.",
        )
    steps = run.trainer.step
    effort = effort_after(steps * run.trainer.config.batch, steps)
    artifact = with_fit_after_training(run.artifact(), run.dataset)
    tested = with_two_sample_test(calibrated(artifact, run.dataset), run.dataset, effort=effort)
    judged = with_judge(tested, run.dataset, run.reservoir.samples, effort=effort)
    finalize(judged, run.out, run.dataset.held_out)
