"""What the user asked for: recipe, settings, options, device and time, validated at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gannet.core import device as processor
from gannet.core.config import Config, flag, parse
from gannet.core.errors import ConfigError
from gannet.core.recipe import Recipe
from gannet.core.source import Source
from gannet.data.options import known_options
from gannet.modalities.registry import find_modality
from gannet.recipes.registry import find_recipe
from gannet.training.inputs import recognized
from gannet.training.plan import Plan
from gannet.training.resume import check_same_run, read_plan


@dataclass(frozen=True)
class Task:
    """What the user asked for, validated.

    Attributes:
        data: Path of the data, or a data frame.
        out: Folder of the run.
        name: Of the recipe.
        recipe: The recipe.
        given: Settings of the recipe that the user gave.
        options: Options of the kind of data that the user gave.
        minutes: Time budget; ``None`` for the default.
        seed: Of everything.
        label: Column of the labels.
        auto_adjust: Whether the controller may change settings during training.
        device: The device that the user gave.
        resolved_device: The device to train on.
        clock: Returns the time in seconds.
        existing: The plan of an existing run in the same folder.
        source: The data, if they had to be found to choose a recipe.
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
    auto_adjust: bool
    device: str | None
    resolved_device: str
    clock: Callable[[], float]
    existing: Plan | None
    source: Source | None

    @property
    def config(self) -> Config:
        """All settings: those of an existing run, else those that the user gave."""
        return parse(
            self.recipe.config, self.given if self.existing is None else self.existing.config
        )

    @property
    def timed(self) -> bool:
        """Whether the run has a time budget: not if steps are given, or if it takes none."""
        return "steps" not in self.given and self.recipe.training.fit is None


def validated(  # the arguments of `prepare`
    data: Path | str | Any,
    out: Path,
    recipe: str | None,
    minutes: float | None,
    seed: int,
    label: str | None,
    auto_adjust: bool,
    device: str | None,
    clock: Callable[[], float],
    settings: Mapping[str, object],
) -> Task:
    """Check what the user asked for before the data are decoded."""
    resolved_device = resolve_device(device)
    if isinstance(data, str | Path):
        _check_out(Path(data), out)
    existing, source = read_plan(out), None
    if recipe is None and existing is not None:
        recipe = existing.recipe
    elif recipe is None:
        source = recognized(data, label)
        recipe = find_modality(source.kind).default_recipe
    given, options = _checked(recipe, settings, minutes=minutes, seed=seed)
    if existing is not None:  # before the data are read with another recipe or label
        check_same_run(existing, {"recipe": recipe, "label_column": label})
        resolved_device = _device_of(existing, out)
    return Task(
        data, out, recipe, find_recipe(recipe), given, options, minutes, seed, label, auto_adjust,
        device, resolved_device, clock, existing, source,
    )  # fmt: skip


def _device_of(existing: Plan, out: Path) -> str:
    """The device of an existing run, on which it must be resumed."""
    try:
        return resolve_device(existing.device)
    except ConfigError:
        raise ConfigError(
            f"this run was started with --device {existing.device}, which this machine has not",
            where=str(out),
            remedy="Resume it on such a machine, or start over with another --out.",
        ) from None


def resolve_device(name: str | None) -> str:
    """The device of that name, or the best available.

    Raises:
        ConfigError: if there is none of that name.
    """
    best = processor.best_device()
    if name not in (None, "cpu", best):
        available = " or ".join(dict.fromkeys(("cpu", best)))
        raise ConfigError(
            f"--device: no {name!r} here", remedy=f"Leave it out, or give {available}."
        )
    return name or best


def _checked(
    recipe: str, settings: Mapping[str, object], *, minutes: float | None, seed: int
) -> tuple[dict[str, Any], dict[str, object]]:
    """Settings and options that the user gave, validated; all faults in one error."""
    faults: list[str] = []
    if minutes is not None and "steps" in settings:
        faults.append("--minutes and --steps: both were given, expected one of them")
    if minutes is not None and not 0 < minutes < 1e6:
        faults.append(f"--minutes: must be above 0 and below a million, got {minutes:g}")
    if seed < 0:
        faults.append(f"--seed: must be at least 0, got {seed}")
    max_threads = processor.processors()
    if str(settings.get("threads", "")).isdecimal() and int(str(settings["threads"])) > max_threads:
        faults.append(f"--threads: this machine has {max_threads}, got {settings['threads']}")
    given: dict[str, Any] = {}
    options: dict[str, object] = {}
    remedy = ""
    try:
        task_recipe = find_recipe(recipe)
        options = {
            name: value
            for name, value in settings.items()
            if name not in task_recipe.config.model_fields and name in known_options()
        }
        own = {name: value for name, value in settings.items() if name not in options}
        given = parse(task_recipe.config, own).model_dump(include=set(own))
        faults += [
            f"{flag(name)}: {recipe} is fitted at once, without steps, and does not know it"
            for name in own
            if name in task_recipe.unused
        ]
    except ConfigError as error:
        faults.append(error.problem)
        remedy = error.remedy
    if faults:
        raise ConfigError("\n".join(faults), remedy=remedy)
    return given, options


def _check_out(data: Path, out: Path) -> None:
    """A run must have a folder of its own, or it would train on its own samples."""
    if out.exists() and not out.is_dir():
        raise ConfigError("not a folder", where=f"--out {out}", remedy="Name another.")
    if data.is_dir() and out.resolve().is_relative_to(data.resolve()):
        raise ConfigError(
            f"lies inside the data ({data}), which would take the run's own samples for data",
            where=f"--out {out}",
            remedy="Name a folder outside.",
        )
