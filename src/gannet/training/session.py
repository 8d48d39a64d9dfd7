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
from gannet.core.config import parse, path_of
from gannet.core.io.stages import stage
from gannet.core.source import SAMPLE, Source
from gannet.data import dataset
from gannet.data.inspect import Findings, examine_source
from gannet.data.options import given_options, options_by_role, options_for
from gannet.data.pseudo_classes import with_pseudo_classes
from gannet.modalities.modality import Modality
from gannet.modalities.reading import Budget
from gannet.modalities.registry import codec_of, find_modality
from gannet.recipes.registry import find_recipe
from gannet.training.autotune import steps_in
from gannet.training.inputs import check_classes, recognized, source_for, whole_source_for
from gannet.training.loop import SAVE_SECONDS, TrainingState, run_training
from gannet.training.plan import Plan, PreparedData, default_minutes, make_plan
from gannet.training.resume import STEPS, check_same_run, extended
from gannet.training.task import Request, Task, validated


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
    request = Request(
        data,
        path_of(out, "out"),
        recipe,
        minutes,
        seed,
        label,
        auto_adjust,
        device,
        clock,
        settings,
    )
    task = validated(request)
    source = source_for(data, label, task.name, task.config, found=task.source)
    prepared = _prepare_data(task, source)
    if task.existing is not None:
        return _resumed(task, task.existing, prepared)
    return _planned(task, prepared)


def inspect_data(
    data: Path, *, label: str | None = None, recipe: str | None = None, **options: object
) -> Findings:
    """Inspect data without training on them, as a recipe reads them; see ``gannet inspect``.

    Raises:
        ConfigError: if there is no such recipe, or an option does not belong to this kind of data.
        DataError: if nothing is there, or nothing that can be recognized.
    """
    budget = Budget(largest=processor.largest_side(processor.best_device()))
    if recipe is None:
        return examine_source(recognized(data, label), options=options, budget=budget)
    slots, config = find_recipe(recipe).inputs.slots, find_recipe(recipe).config
    kinds = slots[SAMPLE].modalities
    settings = {name: value for name, value in options.items() if name in config.model_fields}
    options = {name: value for name, value in options.items() if name not in settings}
    own = {name for kind in kinds for name in find_modality(kind).options.model_fields}
    for kind in (each for slot in slots.values() for each in slot.modalities):
        # Only samples are inspected; what is for other slots is checked, and has no effect.
        beside = find_modality(kind).options.model_fields.keys() - own
        options_for(find_modality(kind), {n: v for n, v in options.items() if n in beside})
        options = {name: value for name, value in options.items() if name not in beside}
    source = whole_source_for(data, label, recipe, parse(config, settings))
    return examine_source(source, options=options, budget=budget, recipe=recipe)


def _prepare_data(task: Task, source: Source) -> PreparedData:
    """Choose codecs, or take those of an existing run, then decode and split the data."""
    modality = find_modality(source.kind)
    kinds = {SAMPLE: modality} | {r: find_modality(s.kind) for r, s in source.roles.items()}
    options = options_by_role(kinds, task.options)
    given = {name: v for each in options.values() for name, v in given_options(each).items()}
    reason, limits = "", tuple[str, ...]()
    noun = modality.noun[1]
    stage(f"found {source.count:,} {noun}: {source.layout}")
    if task.existing is None:
        budget = _budget(task, source)
        codecs, reason = _codecs(source, kinds, options, budget)
        limits = _limits(budget, codecs[SAMPLE], noun)
    else:
        codecs = {role: codec_of(**task.existing.codecs[role]) for role in kinds}
        before = task.existing.options
        differ = given != before and given.keys() >= before.keys()
        if differ and _same_codecs(task, source, kinds, options, codecs):
            given = before
    loaded = dataset.load(source, codecs, cache=task.request.out / "cache", seed=0)
    check_classes(loaded, task.recipe.inputs)
    loaded = with_pseudo_classes(loaded, task.recipe.training.controls.pseudo_classes, task.config)
    minutes = _minutes(task, modality, codecs[SAMPLE])
    name = _name_of(task.request.data, source.path)
    return PreparedData(loaded, minutes, given, reason, name, limits)


def _minutes(task: Task, modality: Modality, codec: Codec[Any]) -> float:
    """Time budget of the run; 0 if it is bounded by steps."""
    if not task.timed:
        return 0.0
    if task.request.minutes is not None:
        return task.request.minutes
    crop = task.recipe.inputs.crop_size(task.config)
    return default_minutes(1.0 if crop else modality.cost(codec.shape), task.device)


def _codecs(
    source: Source,
    kinds: Mapping[str, Modality],
    options: Mapping[str, BaseModel],
    budget: Budget,
) -> tuple[dict[str, Codec[Any]], str]:
    """The codec of each role, and why samples have their size."""
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
    inputs, minutes = task.recipe.inputs, task.request.minutes
    budget = Budget(
        largest=processor.largest_side(task.device),
        crop=inputs.crop_size(task.config),
        smallest=inputs.min_size(task.config),
        networks=f"the networks of {task.name}",
    )
    if minutes is None or not task.timed:
        return budget
    steps = partial(
        steps_in,
        kind=source.kind,
        recipe=task.recipe,
        given=task.given,
        seconds=60 * minutes,
        device=task.device,
        clock=task.request.clock,
        classes=len(source.classes),
    )
    return replace(budget, steps=_Affordable(steps), minutes=minutes)


class _Affordable:
    """How many steps there is time for, by the shape of samples; keeps what was asked.

    Attributes:
        shapes: In order: first that of full size, then smaller ones.
    """

    def __init__(self, steps: Callable[[tuple[int, ...]], float]) -> None:
        self.steps, self.shapes = steps, list[tuple[int, ...]]()

    def __call__(self, shape: tuple[int, ...]) -> float:
        self.shapes.append(tuple(shape))
        return self.steps(shape)


def _limits(budget: Budget, codec: Codec[Any], noun: str) -> tuple[str, ...]:
    """What the time budget has cut of the size of samples, in a sentence; else nothing."""
    shapes = budget.steps.shapes if isinstance(budget.steps, _Affordable) else []
    if not shapes or tuple(codec.shape) == shapes[0]:
        return ()
    size, whole = ("x".join(map(str, each)) for each in (tuple(codec.shape), shapes[0]))
    return (
        f"{noun} are learnt and made at {size} rather than {whole}: {budget.minutes:g} minutes "
        "are too short for more",
    )


def _same_codecs(
    task: Task,
    source: Source,
    kinds: Mapping[str, Modality],
    options: Mapping[str, BaseModel],
    codecs: Mapping[str, Codec[Any]],
) -> bool:
    """Whether options lead to the codecs of an existing run, though it was given others.

    Such as a ``--resolution`` that names the size which the run chose by itself.
    """
    crop = task.recipe.inputs.crop_size(task.config)
    budget = Budget(largest=processor.largest_side(task.device), crop=crop)
    again, _ = _codecs(source, kinds, options, budget)
    return again == codecs


def _resumed(task: Task, existing: Plan, prepared: PreparedData) -> Session:
    """The existing run, if the new command agrees with it or gives it more time or steps.

    Raises:
        ConfigError: listing what differs.
    """
    request = task.request
    plan = extended(existing, request.minutes, task.given.get(STEPS))
    requested: dict[str, Any] = {
        "recipe": task.name,
        "seed": request.seed,
        "user_settings": task.given,
        "options": prepared.options,
        "auto_adjust": request.auto_adjust,
        "budget_seconds": 60 * prepared.minutes,
        "digest": prepared.dataset.digest,
    }
    if request.device is not None:
        requested["device"] = request.device
    check_same_run(plan, requested)
    return Session(plan, prepared.dataset, request.out, resumed=True, clock=request.clock)


def _planned(task: Task, prepared: PreparedData) -> Session:
    """A new run, with all settings chosen."""
    request = task.request
    stage("measuring: which settings this machine has time for")
    plan = make_plan(
        prepared,
        recipe=task.name,
        given=task.given,
        seed=request.seed,
        label=request.label,
        auto_adjust=request.auto_adjust,
        device=task.device,
        clock=request.clock,
    )
    return Session(plan, prepared.dataset, request.out, resumed=False, clock=request.clock)


def _name_of(data: object, path: Path) -> str:
    """Where the data are, from the root, so that they are found from any folder."""
    return str(Path(data).absolute()) if isinstance(data, str | Path) else str(path)
