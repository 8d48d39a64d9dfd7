"""The loop around the duel: step, look, keep the time, save, stop, finish."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gannet.core import device as processor
from gannet.core.config import flag, parse
from gannet.core.errors import DivergedError, GannetError
from gannet.core.io.files import holding, write_whole
from gannet.core.types import Batch, StepResult
from gannet.data.dataset import Dataset
from gannet.inference.calibration import calibrated
from gannet.recipes.registry import find_recipe
from gannet.training.controller import MonitorEvaluation
from gannet.training.finalize import finalize, with_fit_after_training, with_two_sample_test
from gannet.training.fit_once import fit_closed_form
from gannet.training.plan import Plan
from gannet.training.resume import read_plan
from gannet.training.run import BY_HAND, Run

OUT_OF_TIME = "out of time"

SAVE_SECONDS = 20.0
"""Least time between two saves."""

SAVE_SHARE = 0.05
"""Largest share of the time that goes into saves; large networks are saved more seldom."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Where a run stands after a step.

    Attributes:
        result: The step's number and terms; reading its numbers waits for the device.
        steps: Steps that the whole run will take.
        elapsed: Seconds trained so far, over all resumptions.
        rate: Samples per second since the run was started or resumed.
        evaluation: A look of health, if one was taken after this step.
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
    """Carry out a plan in the folder ``out``; if that holds half a run, finish it.

    Args:
        plan: From ``make_plan``, or read back from the folder.
        dataset: What it was made for.
        out: Becomes an artefact.
        stop: Asked after each step; a true answer ends the run with a usable artefact.
        save_seconds: Least time between saves. They take at most a twentieth of the time, so that
            large networks are saved more seldom.
        clock: What time is measured by.

    Yields:
        One ``TrainingState`` per step. Whoever reads may stop at any time and lose nothing saved.

    Raises:
        GannetError: if another process trains into the folder, or began another run there.
        DivergedError: if the duel is lost in spite of every way back.
    """
    threads = parse(find_recipe(plan.recipe).config, plan.config).threads
    with holding(out / "run.lock"), processor.threads(threads):
        _write_down(plan, out)
        if find_recipe(plan.recipe).training.fit is not None:
            yield from _fitted(plan, dataset, out, clock)
            return
        run = Run(plan, dataset, out)
        run.load_checkpoint()
        yield from _steps(run, stop, save_seconds, clock)
        run.save_checkpoint()
        _end(run)


def _fitted(
    plan: Plan, dataset: Dataset, out: Path, clock: Callable[[], float]
) -> Iterator[TrainingState]:
    """Fit, unless that was done: what a killed run left is made anew, which takes seconds."""
    if not (out / "card.json").exists():
        began = clock()
        fit_closed_form(plan, dataset, out, clock)
        taken = clock() - began
        rate = len(dataset.train) / max(taken, 1e-9)
        yield TrainingState(StepResult(1, {}), 1, taken, rate, None)


def _write_down(plan: Plan, out: Path) -> None:
    """Write the plan before the first step; only now that the folder is held is it safe to.

    Raises:
        GannetError: if another run was begun there since the plan was made.
    """
    existing = read_plan(out)
    if existing not in (None, plan):
        raise GannetError(
            "another run was begun in this folder meanwhile",
            where=str(out),
            remedy="Give the same command to go on with that run, or another --out.",
        )
    write_whole(out / "plan.json", plan.model_dump_json(indent=2).encode())


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
        run.stopped = run.stopped or _ended(run, stop)
        if clock() >= save_at:
            save_at = _saved(run, save_seconds, clock)
        yield TrainingState(progress, trainer.config.steps, run.elapsed, rate, evaluation)


def _ended(run: Run, stop: Callable[[], bool]) -> str:
    """Why the run ends here, if it does for a reason that is not the duel's own."""
    if stop():
        return BY_HAND
    return OUT_OF_TIME if run.plan.budget_seconds and run.elapsed >= run.plan.budget_seconds else ""


def _saved(run: Run, save_seconds: float, clock: Callable[[], float]) -> float:
    """Save, and say when to save again."""
    before = clock()
    run.save_checkpoint()
    now = clock()
    return now + max(save_seconds, (now - before) / SAVE_SHARE)


def _batches(run: Run) -> Iterator[Batch]:
    return run.dataset.train.batches(
        run.trainer.config.batch, seed=run.plan.seed, start=run.trainer.batches_seen
    )


def _end(run: Run) -> None:
    run.evaluate_last()
    kept = (run.trainer.ema, run.trainer.networks.discriminator)
    lost = not all(
        bool(each.isfinite().all()) for network in kept for each in network.state_dict().values()
    )
    if not run.best and (lost or run.diagnosis.name == "diverged"):
        weight = run.trainer.recipe.training.controls.regularize
        stronger = f" or raise {flag(weight)}" if weight else ""
        evidence = (
            run.diagnosis.evidence if run.diagnosis.name == "diverged" else "not finite numbers"
        )
        raise DivergedError(
            f"the duel diverged and was never healthy ({evidence})",
            where=f"step {run.trainer.step}",
            remedy=f"Lower --learning-rate{stronger}, and train into a new folder.",
        )
    made = with_fit_after_training(run.artifact(), run.dataset)
    judged = with_two_sample_test(calibrated(made, run.dataset), run.dataset)
    finalize(judged, run.out, run.dataset.held_out)
