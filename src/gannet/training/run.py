"""A run in its folder: training, evaluation, controller actions, checkpoints and resuming."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from gannet.core.config import Config, parse
from gannet.core.io.files import append_line
from gannet.core.io.training_log import TRAINING_LOG, truncate_log
from gannet.core.plugins import gannet_version
from gannet.core.recipe import Recipe
from gannet.core.source import Source
from gannet.core.types import Batch, Spec, StepResult
from gannet.data.dataset import Dataset
from gannet.inference.artifact import Artifact
from gannet.inference.card import Card
from gannet.inference.judge.reservoir import Reservoir
from gannet.modalities.registry import modality_of
from gannet.recipes.registry import find_recipe
from gannet.training.checkpoint import load_checkpoint, save_checkpoint
from gannet.training.controller import Action, Controller, MonitorEvaluation
from gannet.training.finalize import preview
from gannet.training.monitor import Diagnosis, Measurements, diagnose, healthy_now, thresholds_for
from gannet.training.monitor.advice import Circumstances, advised
from gannet.training.monitor.build import monitor_for
from gannet.training.monitor.final import final_diagnosis
from gannet.training.monitor.keeping import clearly_nearer, noise, worth_keeping
from gannet.training.plan import FORMAT, Plan
from gannet.training.resume import is_longer
from gannet.training.trainer import Trainer

BY_HAND = "stopped by hand"

DISTANCE = "energy distance, random features"
"""Name of the distance on the model card."""

PART = 65_536
"""Samples read at once for statistics."""


class Run:
    """A run in its folder: trainer, monitor, controller and the best states so far.

    Attributes:
        plan: Written before the first step, and changed for more time or steps alone.
        trainer: The networks and their optimizers.
        history: The measurements of all evaluations so far.
        first_counted: Index of the first evaluation that counts; those before a rollback do not.
        best: Weights with the best energy distance to held-out data, and that distance.
        healthy: State of the trainer at the last healthy evaluation; at first, the initial state.
        before_trial: State of the trainer before the action that is on trial; empty without one.
        stopped: Why the run ended, once it has.
    """

    def __init__(self, plan: Plan, dataset: Dataset, out: Path) -> None:
        self.plan, self.dataset, self.out = plan, dataset, out
        recipe = find_recipe(plan.recipe)
        config = parse(recipe.config, plan.config)
        self.trainer: Trainer[Any] = Trainer(
            recipe, config, plan.spec, seed=plan.seed, device=plan.device
        )
        self.monitor = monitor_for(dataset, plan)
        self.reservoir = Reservoir()
        self.controller = Controller(enabled=plan.auto_adjust)
        self.usual_penalty = suggested(
            recipe, self.monitor.train, recipe.training.controls.regularize, len(dataset.train)
        )
        self.history: list[Measurements] = []
        self.first_counted = 0
        self.best: dict[str, Any] = {}
        self.healthy: dict[str, Any] = _snapshot(self.trainer)
        self.before_trial: dict[str, Any] = {}
        self.diagnosis = Diagnosis("healthy", "not evaluated yet")
        self.elapsed = 0.0
        self.stopped = ""

    # -- resume ------------------------------------------------------------------------------

    def save_checkpoint(self) -> None:
        """Write everything needed to resume exactly here, atomically."""
        state = {
            "trainer": self.trainer.state_dict(),
            "controller": self.controller.state(),
            "reservoir": self.reservoir.state(),
            # At full precision, so that rounding cannot change a diagnosis after a resume.
            "history": [asdict(each) for each in self.history],
            "best": self.best,
            "healthy": self.healthy,
            "before_trial": self.before_trial,
            "diagnosis": [self.diagnosis.name, self.diagnosis.evidence, self.diagnosis.advice],
            "first_counted": self.first_counted,
            "elapsed": self.elapsed,
            "budget_seconds": self.plan.budget_seconds,
            "stopped": self.stopped,
        }
        save_checkpoint(self.out, state)

    def load_checkpoint(self) -> None:
        """Resume from the checkpoint, if there is one; raises as ``load_checkpoint``."""
        load_checkpoint(self.out, self.plan.device, self._load_state)
        # Without a checkpoint too: the log lines of a run that was killed early are dropped.
        truncate_log(self.out, self.trainer.step)

    def _load_state(self, state: Mapping[str, Any]) -> None:
        self.trainer.load_state_dict(state["trainer"])
        self.controller = Controller.of(state["controller"])
        self.reservoir = Reservoir.of(state["reservoir"])
        self.history = [Measurements(**each) for each in state["history"]]
        self.best, self.healthy = state["best"], state["healthy"]
        self.before_trial = state["before_trial"]
        self.diagnosis = Diagnosis(*state["diagnosis"])
        self.first_counted = state["first_counted"]
        self.elapsed, self.stopped = state["elapsed"], state["stopped"]
        before = state.get("budget_seconds", math.inf)
        longer = is_longer(self.plan, before, self.trainer.config.steps)
        if self.stopped == BY_HAND or longer:
            self.stopped = ""  # the same command resumes it, or a longer one trains on
        if longer and self.plan.budget_seconds:
            self.keep_pace(self.elapsed / max(self.trainer.step, 1))
        elif longer:
            self.trainer.update_config(steps=self.plan.config["steps"])

    # -- evaluation --------------------------------------------------------------------------

    def evaluate(self, progress: StepResult) -> MonitorEvaluation:
        """Measure, diagnose, act, write a preview and log it."""
        measurements = self._measure()
        finite = [each for each in self.history if each.finite]
        # Over all attempts: what once beat the baseline can learn.
        below_baseline = all(each.energy_distance > each.gaussian_baseline for each in finite)
        action = self.controller.respond(
            self.diagnosis,
            self.history[self.first_counted :],
            self.trainer.config,
            self.trainer.recipe.training.controls,
            progress=self.trainer.step / self.trainer.config.steps,
            below_baseline=below_baseline,
            usual_penalty=self.usual_penalty,
        )
        if action is not None:
            self._act(action)
        grid = preview(self.trainer, self.plan, self.out, self.monitor.held_out)
        evaluation = MonitorEvaluation(measurements, self.diagnosis, action, grid)
        self._log(progress, evaluation)
        return evaluation

    def evaluate_last(self) -> None:
        """Evaluate the final state, which may be the best, if the last evaluation is long ago.

        This evaluation is not in the checkpoint, so that a resumed run does not depend on where it
        was stopped.
        """
        since = self.trainer.step - (self.history[-1].step if self.history else 0)
        if since > self.plan.eval_interval / 2:
            self._measure()

    def _measure(self) -> Measurements:
        """Measure, diagnose, and keep the state if it is worth it."""
        measurements = self.monitor.measure(self.trainer)
        self.reservoir.add(self.monitor.latest, self.trainer.step)
        self.history.append(measurements)
        recipe, config = self.trainer.recipe, self.trainer.config
        progress = self.trainer.step / config.steps
        near_copies = modality_of(self.plan.spec.kind).monitor.near_copies
        thresholds = thresholds_for(recipe, config, near_copies=near_copies)
        diagnosis = diagnose(self.history[self.first_counted :], progress, thresholds)
        self.diagnosis = advised(
            diagnosis,
            self.history,
            Circumstances(
                batch=config.batch,
                latent_dim=config.latent_dim,
                train=len(self.dataset.train),
                steps=config.steps,
                unregularized=unregularized(recipe, config),
                controls=recipe.training.controls,
            ),
        )
        healthy = diagnosis.name in ("healthy", "converged")
        if healthy_now(measurements, thresholds) and (
            healthy or clearly_nearer(measurements, self.best)
        ):
            self._remember(measurements)
        return measurements

    def _final_diagnosis(self) -> dict[str, str]:
        """The diagnosis on the card; too few evaluations do not make a run healthy."""
        found = final_diagnosis(
            self.diagnosis, self.history, conditional=self.trainer.recipe.makes_conditional_samples
        )
        return found | {"stopped": self.stopped, "auto_adjust": self.controller.gave_up}

    def _remember(self, measurements: Measurements) -> None:
        if not worth_keeping(
            measurements, self.best, conditional=self.trainer.recipe.makes_conditional_samples
        ):
            return
        self.healthy = _snapshot(self.trainer)
        best = self.best.get("energy_distance", math.inf)
        loss = measurements.loss_validation
        # A later state wins unless its distance is worse beyond the noise of both: it has a longer
        # EMA, and the lowest of many noisy distances is partly luck.
        if measurements.energy_distance <= best + 2 * noise(measurements, self.best) or (
            math.isfinite(loss)
        ):
            self.best = {
                "model": _cloned(self.trainer.ema.state_dict()),
                "discriminator": _cloned(self.trainer.networks.discriminator.state_dict()),
                "generator": self._generator_state(),
                "step": self.trainer.step,
                "energy_distance": min(measurements.energy_distance, best),
                "error": measurements.energy_distance_se,
                "latest_distance": measurements.energy_distance,
                "validation_loss": loss
                if math.isnan(loss)
                else min(loss, self.best.get("validation_loss", math.inf)),
            }

    def _generator_state(self) -> dict[str, Tensor]:
        """Weights of the generator if the exported model makes no samples; else empty."""
        separate = not self.trainer.recipe.makes_samples
        return _cloned(self.trainer.networks.generator.state_dict()) if separate else {}

    def _act(self, action: Action) -> None:
        if action.undo:
            self.trainer.load_networks(copy.deepcopy(self.before_trial))
        self.before_trial = _snapshot(self.trainer) if action.trial else {}
        if action.restart:
            self.trainer.reset(action.restart)
            self.healthy = _snapshot(self.trainer)
        if action.rollback:
            self.trainer.load_networks(copy.deepcopy(self.healthy))
        if action.undo or action.restart or action.rollback:
            self.first_counted = len(self.history)  # earlier evaluations are of other weights
        if action.changes:
            self.trainer.update_config(**action.changes)
        if action.stop:
            self.stopped = action.reason

    def _log(self, progress: StepResult, evaluation: MonitorEvaluation) -> None:
        line = {
            "format": FORMAT,
            "step": progress.step,
            "elapsed": round(self.elapsed, 2),
            "losses": {name: round(float(term), 6) for name, term in progress.losses.items()},
            "monitor": evaluation.measurements.record(),
            "diagnosis": evaluation.diagnosis.name,
            "evidence": evaluation.diagnosis.evidence,
            "advice": evaluation.diagnosis.advice,
            "action": evaluation.action.record() if evaluation.action else None,
        }
        append_line(self.out / TRAINING_LOG, json.dumps(_finite(line), allow_nan=False))

    # -- time --------------------------------------------------------------------------------

    def keep_pace(self, step_seconds: float) -> None:
        """Adjust the number of steps so that the schedule ends within the time budget."""
        if not self.plan.budget_seconds:
            return
        left = max(self.plan.budget_seconds - self.elapsed, 0.0)
        steps = self.trainer.step + max(int(left / step_seconds), 1)
        if abs(steps - self.trainer.config.steps) > 0.05 * self.trainer.config.steps:
            self.trainer.update_config(steps=steps)

    # -- result ------------------------------------------------------------------------------

    def artifact(self) -> Artifact:
        """The best model so far and the discriminator of the same step, not yet calibrated."""
        model = copy.deepcopy(self.trainer.ema)
        discriminator = copy.deepcopy(self.trainer.networks.discriminator)
        makes_samples = self.trainer.recipe.makes_samples
        sampler = model if makes_samples else copy.deepcopy(self.trainer.networks.generator)
        if self.best:
            model.load_state_dict(self.best["model"])
            discriminator.load_state_dict(self.best["discriminator"])
            if not makes_samples:
                sampler.load_state_dict(self.best["generator"])
        for network in (model, discriminator, sampler):
            network.to("cpu").eval().requires_grad_(False)
        statistics = statistics_of(self.dataset, self.plan.spec)
        return Artifact(self._card(), model, discriminator, statistics, generator=sampler)

    def _card(self) -> Card:
        distance = {
            "name": DISTANCE,
            "value": self.best.get("latest_distance"),
            "error": self.best.get("error"),
            "reference": self.monitor.reference,
            "samples": self.monitor.count,
        }
        return card_of(
            self.plan,
            self.dataset,
            config=self.trainer.config,
            steps=self.best.get("step", self.trainer.step),
            trained_steps=self.trainer.step,
            diagnosis=self._final_diagnosis(),
            distance=distance,
        )


def statistics_of(dataset: Dataset, spec: Spec) -> Mapping[str, Tensor]:
    """Statistics of the training data stored with the networks, such as co-occurrences."""
    train = dataset.train
    starts = range(0, len(train), PART)
    parts = (train.take(range(at, min(at + PART, len(train)))).real for at in starts)
    return modality_of(spec.kind).statistics(parts, spec)


def card_of(
    plan: Plan,
    dataset: Dataset,
    *,
    config: Config,
    steps: int,
    trained_steps: int,
    diagnosis: dict[str, Any],
    distance: dict[str, Any],
) -> Card:
    """The card of a run's model, before its discriminator is calibrated.

    Args:
        plan: Of the run.
        dataset: The data it was trained on.
        config: Settings at the end.
        steps: Steps after which the model was taken.
        trained_steps: Steps of the whole run.
        diagnosis: ``name``, ``evidence`` and why it ``stopped``.
        distance: To held-out data: ``name``, ``value``, ``error``, ``reference``, ``samples``.
    """
    labels = dataset.train.labels
    counts = [int((labels == number).sum()) for number in range(plan.spec.vector)]
    return Card(
        recipe=plan.recipe,
        config=config.model_dump(mode="json"),
        spec=plan.spec,
        codecs=plan.codecs,
        class_frequencies=tuple(count / len(labels) for count in counts) if any(counts) else (),
        steps=steps,
        trained_steps=trained_steps,
        seed=plan.seed,
        gannet=gannet_version(),
        data={
            "name": Path(plan.data).name,
            "findings": [each.model_dump(mode="json") for each in plan.findings],
            "digest": plan.digest,
            "label": plan.label_column,
            "train": len(dataset.train),
            "held_out": len(dataset.held_out),
            "classes": len(dataset.classes),
            "traits": plan.traits,
            **({"limits": plan.limits} if plan.limits else {}) | _writing(dataset.source),
        },
        diagnosis=diagnosis,
        energy_distance=_finite(distance),
    )


def _writing(source: Source) -> dict[str, Any]:
    """The dialect of a text table, so that samples can be written in the same format."""
    if source.dialect is None:
        return {}
    suffix = source.files[0].suffix.lower() if source.files else ""
    return {"dialect": asdict(source.dialect), "suffix": suffix}


def unregularized(recipe: Recipe[Any], config: Config) -> bool:
    """Whether nothing keeps the discriminator flat, of a loss that needs it."""
    needed = recipe.training.calibrated_logits(config) and not config.weight_clip
    return needed and config.model_dump().get(recipe.training.controls.regularize) == 0


def suggested(recipe: Recipe[Any], some: Batch, name: str, rows: int) -> float:
    """The value that a recipe suggests for a setting with these data; 0 for none."""
    values = {k: v for _, found in recipe.training.suggest(some, rows) for k, v in found.items()}
    value = values.get(name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def _cloned(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}


def _snapshot(trainer: Trainer[Any]) -> dict[str, Any]:
    return copy.deepcopy(trainer.state_dict())


def _finite(value: Any) -> Any:
    """The same with ``None`` for NaN and infinity, which JSON cannot hold."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
