"""What the user asks for, and what it comes to once it is validated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gannet.core import device as processor
from gannet.core.config import Config, flag, is_number, parse
from gannet.core.errors import ConfigError
from gannet.core.io.regular import real_path
from gannet.core.recipe import Recipe
from gannet.core.seeding import seed_fault
from gannet.core.source import Source
from gannet.data.options import known_options
from gannet.modalities.registry import find_modality
from gannet.recipes.registry import find_recipe
from gannet.training.inputs import recognized
from gannet.training.plan import Plan
from gannet.training.resume import check_same_run, read_plan

BEFORE_PLAN = ("run.lock", "cache")
"""What a run that was interrupted before it had a plan leaves in its folder."""


@dataclass(frozen=True)
class Request:
    """What the user asked for: the arguments of ``prepare``, which describes them."""

    data: Path | str | Any
    out: Path
    recipe: str | None
    minutes: float | None
    seed: int
    label: str | None
    auto_adjust: bool
    device: str | None
    clock: Callable[[], float]
    settings: Mapping[str, object]


@dataclass(frozen=True)
class Task:
    """A request that was validated.

    Attributes:
        request: What the user asked for.
        name: Of the recipe.
        recipe: The recipe.
        given: Settings of the recipe that the user gave.
        options: Options of the kind of data that the user gave.
        device: The device to train on.
        existing: The plan of an existing run in the same folder.
        source: The data, if they had to be found to choose a recipe.
    """

    request: Request
    name: str
    recipe: Recipe[Any]
    given: dict[str, Any]
    options: dict[str, object]
    device: str
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


def validated(request: Request) -> Task:
    """Check what the user asked for before the data are decoded.

    Raises:
        GannetError: if something in it cannot be used, or the folder holds another run.
    """
    _check_types(request)
    device = resolve_device(request.device)
    _check_out(request)
    existing, source = read_plan(request.out), None
    if existing is None:
        _check_empty(request.out)
    if request.recipe is not None:
        name = request.recipe
    elif existing is not None:
        name = existing.recipe
    else:
        source = recognized(request.data, request.label)
        name = find_modality(source.kind).default_recipe
    recipe, given, options = _checked(request, name)
    if existing is not None:  # before the data are read with another recipe or label
        check_same_run(existing, {"recipe": name, "label_column": request.label})
        device = _device_of(existing, request.out)
    return Task(request, name, recipe, given, options, device, existing, source)


def _device_of(existing: Plan, out: Path) -> str:
    """The device of an existing run, on which it must be resumed."""
    try:
        return resolve_device(existing.device)
    except ConfigError:
        raise ConfigError(
            f"this run was started with --device {existing.device}, which this machine does not "
            "have",
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


def _checked(request: Request, name: str) -> tuple[Recipe[Any], dict[str, Any], dict[str, object]]:
    """The recipe of that name, and what the user gave of its settings and of other options.

    Raises:
        ConfigError: listing all faults.
    """
    faults = _faults(request)
    try:
        recipe = find_recipe(name)
        options = {
            each: value
            for each, value in request.settings.items()
            if each not in recipe.config.model_fields and each in known_options()
        }
        own = {each: value for each, value in request.settings.items() if each not in options}
        given = parse(recipe.config, own).model_dump(include=set(own))
    except ConfigError as error:
        raise ConfigError("\n".join((*faults, error.problem)), remedy=error.remedy) from None
    faults += [
        f"{flag(each)}: {name} is fitted at once, without steps, and does not know it"
        for each in own
        if each in recipe.unused
    ]
    if faults:
        raise ConfigError("\n".join(faults))
    return recipe, given, options


def _check_types(request: Request) -> None:
    """Refuse arguments that Python code gave and that are no texts.

    Raises:
        ConfigError: listing them.
    """
    given = {each: getattr(request, each) for each in ("recipe", "label", "device")}
    faults = [
        f"{flag(name)}: must be a text, got {value!r}"
        for name, value in given.items()
        if not isinstance(value, str | None)
    ]
    if faults:
        raise ConfigError("\n".join(faults))


def _faults(request: Request) -> list[str]:
    """What is wrong with a request whatever its recipe."""
    faults: list[str] = []
    minutes, settings = request.minutes, request.settings
    if minutes is not None and "steps" in settings:
        faults.append("--minutes and --steps: both were given, expected one of them")
    if minutes is not None and not is_number(minutes):
        faults.append(f"--minutes: must be a number, got {minutes!r}")
    elif minutes is not None and not 0 < minutes < 1e6:
        faults.append(f"--minutes: must be above 0 and below a million, got {minutes:g}")
    faults += filter(None, [seed_fault(request.seed)])
    threads, max_threads = str(settings.get("threads", "")), processor.processors()
    if threads.isdecimal() and int(threads) > max_threads:
        faults.append(f"--threads: this machine has {max_threads}, got {threads}")
    return faults


def _check_empty(out: Path) -> None:
    """A new run must not write over files that are not its own."""
    if not out.is_dir():
        return
    foreign = sorted(each.name for each in out.iterdir() if not each.name.startswith("."))
    foreign = [name for name in foreign if name not in BEFORE_PLAN]
    if foreign:
        raise ConfigError(
            f"is not empty and holds no run: {foreign[0]}"
            + (f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""),
            where=f"--out {out}",
            remedy="Name a new folder, so that nothing of yours is written over.",
        )


def _check_out(request: Request) -> None:
    """A run must have a folder of its own, or it would train on its own samples."""
    if not isinstance(request.data, str | Path):
        return
    data, out = Path(request.data), request.out
    if out.exists() and not out.is_dir():
        raise ConfigError("not a folder", where=f"--out {out}", remedy="Name another.")
    if data.is_dir() and real_path(out).is_relative_to(real_path(data)):
        raise ConfigError(
            f"lies inside the data ({data}), which would take the run's own samples for data",
            where=f"--out {out}",
            remedy="Name a folder outside.",
        )
