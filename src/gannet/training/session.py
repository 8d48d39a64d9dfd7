"""What comes before a run: find the data, encode them, make the plan or read the one begun."""

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
from gannet.core.config import Config, flag, parse
from gannet.core.errors import ConfigError
from gannet.core.recipe import Recipe
from gannet.core.source import SAMPLE, Source
from gannet.core.version import gannet_version
from gannet.data import dataset
from gannet.data.inspect import Findings, examine
from gannet.data.options import given_options, known_options, options_for
from gannet.data.pseudo_classes import with_pseudo_classes
from gannet.modalities.modality import Modality
from gannet.modalities.reading import Budget
from gannet.modalities.registry import codec_of, find_modality, modalities
from gannet.recipes.registry import find_recipe
from gannet.training.inputs import check_classes, kinds_for, source_for, source_of
from gannet.training.loop import SAVE_SECONDS, Moment, carry_out
from gannet.training.plan import Plan, default_minutes, make_plan, steps_in
from gannet.training.resume import check_same, read_plan


@dataclass(frozen=True)
class Session:
    """A run that is ready to start or to go on.

    Attributes:
        plan: What it will do.
        data: Decoded data.
        out: Its folder.
        resumed: Whether it was begun before.
        clock: What time is measured by.
    """

    plan: Plan
    data: dataset.Dataset
    out: Path
    resumed: bool
    clock: Callable[[], float] = time.perf_counter

    def run(
        self, stop: Callable[[], bool] = lambda: False, *, save_seconds: float = SAVE_SECONDS
    ) -> Iterator[Moment]:
        """Train, a ``Moment`` per step.

        Args:
            stop: Asked after each step; a true answer ends the run with a usable artefact.
            save_seconds: Least time between saves; a killed run loses no more than that, or twenty
                times what a save takes if that is longer.
        """
        return carry_out(
            self.plan,
            self.data,
            self.out,
            stop=stop,
            save_seconds=save_seconds,
            clock=self.clock,
        )


@dataclass(frozen=True)
class Task:
    """What was asked for, validated.

    Attributes:
        data: Path of the data, or a data frame.
        out: Folder of the run.
        name: Of the recipe.
        recipe: That learns.
        given: Its settings that the user gave.
        options: Flags of the kind of data that the user gave.
        minutes: Time budget; ``None`` for the usual one.
        seed: Of everything.
        label: Column of the classes.
        balance: Whether verdicts may change settings.
        device: That was asked for.
        place: Where to train.
        clock: What time is measured by.
        begun: The plan of a run that was begun before in the same folder.
        source: The data, where they had to be found to choose a recipe.
    """

    data: Path | str | Any
    out: Path
    name: str
    recipe: Recipe[Any]
    given: dict[str, Any]
    options: dict[str, object]
    minutes: float | None
    seed: int
    label: str | None
    balance: bool
    device: str | None
    place: str
    clock: Callable[[], float]
    begun: Plan | None
    source: Source | None

    @property
    def config(self) -> Config:
        """All settings: those that a run was begun with, else those that were given."""
        return parse(self.recipe.config, self.given if self.begun is None else self.begun.config)

    @property
    def timed(self) -> bool:
        """Whether the run is bounded by time: not if steps are given, or if it takes none."""
        return "steps" not in self.given and self.recipe.training.fit is None


@dataclass(frozen=True)
class Encoded:
    """Data that were decoded with the codecs that suit them.

    Attributes:
        data: Split and ready to train on.
        options: Flags of the kind that the user gave, as JSON has them.
        reason: Why samples get the size they get; empty where there was no choice.
        minutes: Time budget of the run; 0 if its steps bound it.
    """

    data: dataset.Dataset
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
    balance: bool = True,
    device: str | None = None,
    clock: Callable[[], float] = time.perf_counter,
    **settings: object,
) -> Session:
    """Find the data, encode them, and make the plan, or read the plan of a run already begun.

    Args:
        data: Folder, table or file; see ``docs/data.md``. Or a pandas data frame.
        out: Folder of the run; made if missing.
        recipe: Name of the task; by default the one that suits the kind of data.
        minutes: Time budget; by default what ``gannet inspect`` says. With ``steps`` among the
            settings the run is bounded by steps instead.
        seed: Of everything.
        label: Column of the classes, where the data have several.
        balance: Whether verdicts may change settings during the run.
        device: ``cpu``, ``cuda`` or ``mps``; the best there is by default.
        clock: What time is measured by; processor time for benchmarks.
        settings: Anything that ``gannet settings RECIPE`` lists, and options of the kind of data,
            such as ``resolution`` of pictures and ``column`` of tables.

    Raises:
        GannetError: if data or settings cannot be used, or the folder holds another run.
    """
    task = _validated(
        data, Path(out), recipe, minutes, seed, label, balance, device, clock, settings
    )
    source = _found(task)
    encoded = _encoded(task, source)
    if task.begun is not None:
        return _resumed(task, task.begun, encoded)
    return _planned(task, encoded)


def look_at(
    data: Path, *, label: str | None = None, recipe: str | None = None, **options: object
) -> Findings:
    """Look at data without training on them, as a recipe reads them; see ``gannet inspect``.

    Raises:
        ConfigError: if there is no such recipe, or an option is not of this kind of data.
        DataError: if nothing is there, or nothing that can be recognised.
    """
    every = tuple(each.name for each in modalities())
    kinds = find_recipe(recipe).inputs.slots[SAMPLE].modalities if recipe else every
    budget = Budget(largest=processor.largest_side(processor.best_device()))
    return examine(data, label=label, kinds=kinds_for(kinds, label), options=options, budget=budget)


def _validated(  # what `prepare` was given
    data: Path | str | Any,
    out: Path,
    recipe: str | None,
    minutes: float | None,
    seed: int,
    label: str | None,
    balance: bool,
    device: str | None,
    clock: Callable[[], float],
    settings: Mapping[str, object],
) -> Task:
    """What was asked for, checked before the data are decoded."""
    place = known_device(device)
    if isinstance(data, str | Path):
        _check_place(Path(data), out)
    begun, source = read_plan(out), None
    if recipe is None and begun is not None:
        recipe = begun.recipe
    elif recipe is None:
        source = source_of(data, label)
        recipe = find_modality(source.kind).default_recipe
    given, options = _checked(recipe, settings, minutes=minutes, seed=seed)
    if begun is not None:  # before the data are read in another way than they were
        check_same(begun, {"recipe": recipe, "label": label})
        place = _device_of(begun, out)
    return Task(
        data, out, recipe, find_recipe(recipe), given, options, minutes, seed, label, balance,
        device, place, clock, begun, source,
    )  # fmt: skip


def _found(task: Task) -> Source:
    """The data as the recipe reads them."""
    return source_for(task.data, task.label, task.name, task.config, found=task.source)


def _encoded(task: Task, source: Source) -> Encoded:
    """The data decoded with the codecs that suit them, and split."""
    modality = find_modality(source.kind)
    options = options_for(modality, task.options)
    codecs, reason = _codecs(task, source, modality, options)
    found = dataset.load(source, codecs, cache=task.out / "cache", seed=0)
    check_classes(found, task.recipe.inputs)
    found = with_pseudo_classes(found, task.recipe.training.controls.pseudo_classes, task.config)
    whole = not task.recipe.inputs.crop_size(task.config)
    usual = default_minutes(modality.cost(codecs[SAMPLE].shape) if whole else 1.0, task.place)
    minutes = usual if task.minutes is None else task.minutes
    given = _options_begun_with(task, source, modality, options, codecs[SAMPLE])
    return Encoded(found, given, reason, minutes if task.timed else 0.0)


def _codecs(
    task: Task, source: Source, modality: Modality, options: BaseModel
) -> tuple[dict[str, Codec[Any]], str]:
    """The codec of each role, and why samples get the size they get."""
    if task.begun is not None:
        roles = (SAMPLE, *source.roles)
        return {role: codec_of(**task.begun.codecs[role]) for role in roles}, ""
    sample, reason = modality.codec_for(source, options, _budget(task, source))
    codecs = {SAMPLE: sample}
    for role, other in source.roles.items():
        kind = find_modality(other.kind)
        beside = Budget(largest=processor.largest_side(task.place), beside=sample)
        codecs[role], _ = kind.codec_for(other, kind.options(), beside)
    return codecs, reason


def _budget(task: Task, source: Source) -> Budget:
    """What limits the size of samples.

    A budget of time that was asked for may be too short for samples of full size; the usual one
    follows from the size, and steps that were asked for take as long as they take.
    """
    inputs = task.recipe.inputs
    budget = Budget(
        largest=processor.largest_side(task.place),
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
        device=task.place,
        clock=task.clock,
        classes=len(source.classes),
    )
    return replace(budget, steps=steps, minutes=task.minutes)


def _options_begun_with(
    task: Task, source: Source, modality: Modality, options: BaseModel, codec: Codec[Any]
) -> dict[str, Any]:
    """Options as JSON has them; those that only say again what a run does are as it began."""
    given = given_options(options)
    if task.begun is None or given == task.begun.options:
        return given
    inputs = task.recipe.inputs
    largest = processor.largest_side(task.place)
    budget = Budget(largest=largest, crop=inputs.crop_size(task.config))
    again, _ = modality.codec_for(source, options, budget)
    left_out = task.begun.options.keys() - given.keys()
    return task.begun.options if again == codec and not left_out else given


def _resumed(task: Task, begun: Plan, encoded: Encoded) -> Session:
    """The run that was begun, if the same is asked for.

    Raises:
        ConfigError: listing what differs.
    """
    asked: dict[str, Any] = {
        "recipe": task.name,
        "seed": task.seed,
        "given": task.given,
        "options": encoded.options,
        "balance": task.balance,
        "seconds": 60 * encoded.minutes,
        "digest": encoded.data.digest,
    }
    if task.device is not None:
        asked["device"] = task.device
    check_same(begun, asked)
    return Session(begun, encoded.data, task.out, resumed=True, clock=task.clock)


def _planned(task: Task, encoded: Encoded) -> Session:
    """A run that has not begun, with all settings chosen."""
    plan = make_plan(
        encoded.data,
        recipe=task.name,
        given=task.given,
        minutes=encoded.minutes,
        data=str(encoded.data.source.path),
        version=gannet_version(),
        seed=task.seed,
        balance=task.balance,
        device=task.place,
        clock=task.clock,
    )
    reasons = (*([encoded.reason] if encoded.reason else []), *plan.reasons)
    update = {"label": task.label, "options": encoded.options, "reasons": reasons}
    plan = plan.model_copy(update=update)
    return Session(plan, encoded.data, task.out, resumed=False, clock=task.clock)


def _device_of(begun: Plan, out: Path) -> str:
    """Where a run was begun, which is where it must go on."""
    try:
        return known_device(begun.device)
    except ConfigError:
        raise ConfigError(
            f"this run was begun with --device {begun.device}, which this machine has not",
            where=str(out),
            remedy="Go on with it on such a machine, or begin anew with another --out.",
        ) from None


def known_device(name: str | None) -> str:
    """The device of that name, or the best there is.

    Raises:
        ConfigError: if there is none of that name.
    """
    best = processor.best_device()
    if name not in (None, "cpu", best):
        known = " or ".join(dict.fromkeys(("cpu", best)))
        raise ConfigError(f"--device: no {name!r} here", remedy=f"Leave it out, or give {known}.")
    return name or best


def _checked(
    recipe: str, settings: Mapping[str, object], *, minutes: float | None, seed: int
) -> tuple[dict[str, Any], dict[str, object]]:
    """Settings of the recipe and options of a kind that the user gave; all faults in one error."""
    faults: list[str] = []
    if minutes is not None and "steps" in settings:
        faults.append("--minutes and --steps: both were given, expected one of them")
    if minutes is not None and not 0 < minutes < 1e6:
        faults.append(f"--minutes: must be above 0 and below a million, got {minutes:g}")
    if seed < 0:
        faults.append(f"--seed: must be at least 0, got {seed}")
    most = processor.processors()
    if str(settings.get("threads", "")).isdecimal() and int(str(settings["threads"])) > most:
        faults.append(f"--threads: this machine has {most}, got {settings['threads']}")
    given: dict[str, Any] = {}
    options: dict[str, object] = {}
    remedy = ""
    try:
        made = find_recipe(recipe)
        options = {
            name: value
            for name, value in settings.items()
            if name not in made.config.model_fields and name in known_options()
        }
        own = {name: value for name, value in settings.items() if name not in options}
        given = parse(made.config, own).model_dump(include=set(own))
        faults += [
            f"{flag(name)}: {recipe} is fitted at once, without steps, and does not know it"
            for name in own
            if name in made.unused
        ]
    except ConfigError as error:
        faults.append(error.problem)
        remedy = error.remedy
    if faults:
        raise ConfigError("\n".join(faults), remedy=remedy)
    return given, options


def _check_place(data: Path, out: Path) -> None:
    """A run must have a folder of its own, or it would train on its own samples."""
    if out.exists() and not out.is_dir():
        raise ConfigError("not a folder", where=f"--out {out}", remedy="Name another.")
    if data.is_dir() and out.resolve().is_relative_to(data.resolve()):
        raise ConfigError(
            f"lies inside the data ({data}), which would take the run's own samples for data",
            where=f"--out {out}",
            remedy="Name a folder outside.",
        )
