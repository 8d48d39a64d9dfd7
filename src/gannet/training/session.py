"""Setting up a run: find the data, encode them, make the plan or read an existing one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gannet.core import device as processor
from gannet.core.codec import Codec
from gannet.core.plugins import gannet_version
from gannet.core.recipe import Slot
from gannet.core.source import SAMPLE, Source
from gannet.core.transform import Role
from gannet.data import dataset
from gannet.data.inspect import Findings, examine
from gannet.data.options import given_options, options_by_role, options_for
from gannet.data.pseudo_classes import with_pseudo_classes
from gannet.modalities.modality import Modality
from gannet.modalities.reading import Budget
from gannet.modalities.registry import codec_of, find_modality, modalities
from gannet.recipes.registry import find_recipe
from gannet.training.autotune import steps_in
from gannet.training.inputs import check_classes, kinds_for, source_for
from gannet.training.loop import SAVE_SECONDS, TrainingState, run_training
from gannet.training.plan import Plan, default_minutes, make_plan
from gannet.training.resume import check_same_run
from gannet.training.task import Task, validated


@dataclass(frozen=True)
class Session:
    """A run that is ready to start or to resume.

    Attributes:
        plan: What it will do.
        dataset: Decoded data.
        out: Its folder.
        resumed: Whether it resumes an existing run.
        clock: Returns the time in seconds.
    """

    plan: Plan
    dataset: dataset.Dataset
    out: Path
    resumed: bool
    clock: Callable[[], float] = time.perf_counter

    def run(
        self, stop: Callable[[], bool] = lambda: False, *, save_seconds: float = SAVE_SECONDS
    ) -> Iterator[TrainingState]:
        """Train, a ``TrainingState`` per step.

        Args:
            stop: Called after each step; true ends the run with a usable artifact.
            save_seconds: Minimum time between checkpoints. A killed run loses at most that, or
                twenty times the duration of a save if that is longer.
        """
        return run_training(
            self.plan,
            self.dataset,
            self.out,
            stop=stop,
            save_seconds=save_seconds,
            clock=self.clock,
        )


@dataclass(frozen=True)
class EncodedData:
    """Decoded data and what was chosen for them.

    Attributes:
        dataset: Split and ready to train on.
        options: Options of the kinds of data that the user gave, as JSON values.
        reason: Why samples have their size; empty where there was no choice.
        minutes: Time budget of the run; 0 if it is bounded by steps.
    """

    dataset: dataset.Dataset
    options: dict[str, Any]
    reason: str
    minutes: float


def prepare(  # a parameter per flag
    data: Path | str | Any,
    out: Path | str,
    *,
    recipe: str | None = None,
    minutes: float | None = None,
    seed: int = 0,
    label: str | None = None,
    auto_adjust: bool = True,
    device: str | None = None,
    clock: Callable[[], float] = time.perf_counter,
    **settings: object,
) -> Session:
    """Find the data, encode them, and make the plan, or read the plan of an existing run.

    Args:
        data: Folder, table or file; see ``docs/data.md``. Or a pandas data frame.
        out: Folder of the run; made if missing.
        recipe: Name of the recipe; by default the one for the kind of data.
        minutes: Time budget; by default what ``gannet inspect`` says. With ``steps`` among the
            settings the run is bounded by steps instead.
        seed: Of everything.
        label: Column of the labels, where the data have several columns.
        auto_adjust: Whether the controller may change settings during training.
        device: ``cpu``, ``cuda`` or ``mps``; the best there is by default.
        clock: Returns the time in seconds; processor time for benchmarks.
        settings: Anything that ``gannet settings RECIPE`` lists, and options of the kind of data,
            such as ``resolution`` of images and ``column`` of tables.

    Raises:
        GannetError: if data or settings cannot be used, or the folder holds another run.
    """
    task = validated(
        data, Path(out), recipe, minutes, seed, label, auto_adjust, device, clock, settings
    )
    source = _find_source(task)
    encoded = _encode(task, source)
    if task.existing is not None:
        return _resumed(task, task.existing, encoded)
    return _planned(task, encoded)


def inspect_data(
    data: Path, *, label: str | None = None, recipe: str | None = None, **options: object
) -> Findings:
    """Inspect data without training on them, as a recipe reads them; see ``gannet inspect``.

    Raises:
        ConfigError: if there is no such recipe, or an option does not belong to this kind of data.
        DataError: if nothing is there, or nothing that can be recognized.
    """
    every = tuple(each.name for each in modalities())
    slots: Mapping[Role, Slot] = find_recipe(recipe).inputs.slots if recipe else {}
    kinds = slots[SAMPLE].modalities if recipe else every
    budget = Budget(largest=processor.largest_side(processor.best_device()))
    own = {name for kind in kinds for name in find_modality(kind).options.model_fields}
    for kind in (each for slot in slots.values() for each in slot.modalities):
        # Only samples are inspected; what is for other slots is checked, and has no effect.
        beside = find_modality(kind).options.model_fields.keys() - own
        options_for(find_modality(kind), {n: v for n, v in options.items() if n in beside})
        options = {name: value for name, value in options.items() if name not in beside}
    return examine(data, label=label, kinds=kinds_for(kinds, label), options=options, budget=budget)


def _find_source(task: Task) -> Source:
    """The data as the recipe reads them."""
    return source_for(task.data, task.label, task.name, task.config, existing=task.source)


def _encode(task: Task, source: Source) -> EncodedData:
    """Encode and split the data."""
    modality = find_modality(source.kind)
    kinds = {SAMPLE: modality} | {r: find_modality(s.kind) for r, s in source.roles.items()}
    options = options_by_role(kinds, task.options)
    codecs, reason = _codecs(task, source, kinds, options)
    loaded = dataset.load(source, codecs, cache=task.out / "cache", seed=0)
    check_classes(loaded, task.recipe.inputs)
    loaded = with_pseudo_classes(loaded, task.recipe.training.controls.pseudo_classes, task.config)
    whole = not task.recipe.inputs.crop_size(task.config)
    usual = default_minutes(
        modality.cost(codecs[SAMPLE].shape) if whole else 1.0, task.resolved_device
    )
    minutes = usual if task.minutes is None else task.minutes
    given = _effective_options(task, source, kinds, options, codecs)
    return EncodedData(loaded, given, reason, minutes if task.timed else 0.0)


def _codecs(
    task: Task,
    source: Source,
    kinds: Mapping[str, Modality],
    options: Mapping[str, BaseModel],
) -> tuple[dict[str, Codec[Any]], str]:
    """The codec of each role, and why samples have their size."""
    if task.existing is not None:
        return {role: codec_of(**task.existing.codecs[role]) for role in kinds}, ""
    return _chosen(source, kinds, options, _budget(task, source))


def _chosen(
    source: Source,
    kinds: Mapping[str, Modality],
    options: Mapping[str, BaseModel],
    budget: Budget,
) -> tuple[dict[str, Codec[Any]], str]:
    """The codec of each role for some options, and why samples have their size."""
    sample, reason = kinds[SAMPLE].codec_for(source, options[SAMPLE], budget)
    codecs, beside = {SAMPLE: sample}, Budget(largest=budget.largest, beside=sample)
    for role, other in source.roles.items():
        codecs[role], _ = kinds[role].codec_for(other, options[role], beside)
    return codecs, reason


def _budget(task: Task, source: Source) -> Budget:
    """What limits the size of samples.

    A time budget that the user gave may be too short for samples of full size. The default budget
    follows from the size, and a number of steps does not limit it.
    """
    inputs = task.recipe.inputs
    budget = Budget(
        largest=processor.largest_side(task.resolved_device),
        crop=inputs.crop_size(task.config),
        smallest=inputs.min_size(task.config),
        networks=f"the networks of {task.name}",
    )
    if task.minutes is None or not task.timed:
        return budget
    steps = partial(
        steps_in,
        kind=source.kind,
        recipe=task.name,
        given=task.given,
        seconds=60 * task.minutes,
        device=task.resolved_device,
        clock=task.clock,
        classes=len(source.classes),
    )
    return replace(budget, steps=steps, minutes=task.minutes)


def _effective_options(
    task: Task,
    source: Source,
    kinds: Mapping[str, Modality],
    options: Mapping[str, BaseModel],
    codecs: Mapping[str, Codec[Any]],
) -> dict[str, Any]:
    """Options as JSON values; equivalent to an existing run's options, those of the run."""
    given = {name: v for each in options.values() for name, v in given_options(each).items()}
    if task.existing is None or given == task.existing.options:
        return given
    inputs = task.recipe.inputs
    largest = processor.largest_side(task.resolved_device)
    budget = Budget(largest=largest, crop=inputs.crop_size(task.config))
    again, _ = _chosen(source, kinds, options, budget)
    left_out = task.existing.options.keys() - given.keys()
    return task.existing.options if again == codecs and not left_out else given


def _resumed(task: Task, existing: Plan, encoded: EncodedData) -> Session:
    """The existing run, if the new command agrees with it.

    Raises:
        ConfigError: listing what differs.
    """
    requested: dict[str, Any] = {
        "recipe": task.name,
        "seed": task.seed,
        "user_settings": task.given,
        "options": encoded.options,
        "auto_adjust": task.auto_adjust,
        "budget_seconds": 60 * encoded.minutes,
        "digest": encoded.dataset.digest,
    }
    if task.device is not None:
        requested["device"] = task.device
    check_same_run(existing, requested)
    return Session(existing, encoded.dataset, task.out, resumed=True, clock=task.clock)


def _planned(task: Task, encoded: EncodedData) -> Session:
    """A new run, with all settings chosen."""
    plan = make_plan(
        encoded.dataset,
        recipe=task.name,
        given=task.given,
        minutes=encoded.minutes,
        data=str(encoded.dataset.source.path),
        version=gannet_version(),
        seed=task.seed,
        auto_adjust=task.auto_adjust,
        device=task.resolved_device,
        clock=task.clock,
    )
    reasons = (*([encoded.reason] if encoded.reason else []), *plan.reasons)
    update = {"label_column": task.label, "options": encoded.options, "reasons": reasons}
    plan = plan.model_copy(update=update)
    return Session(plan, encoded.dataset, task.out, resumed=False, clock=task.clock)
