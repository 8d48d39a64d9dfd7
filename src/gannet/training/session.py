"""What comes before a run: find the data, decode them, make the plan or read the one begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gannet.core import device as processor
from gannet.core.codec import Codec
from gannet.core.config import flag, parse
from gannet.core.errors import ConfigError, DataError
from gannet.core.frame import as_frame
from gannet.core.source import WORDS
from gannet.core.version import gannet_version
from gannet.data import dataset, inspect
from gannet.data.containers.pairs import find_pairs
from gannet.metrics.kmeans import usual_count
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.crops import cut
from gannet.modalities.image.io.files import look
from gannet.modalities.registry import codec_of
from gannet.modalities.table.codec import TableCodec
from gannet.modalities.vector.codec import VectorCodec
from gannet.recipes.registry import find_recipe
from gannet.training.loop import SAVE_SECONDS, Moment, carry_out
from gannet.training.plan import Plan, affordable_size, default_minutes, make_plan
from gannet.training.resume import check_same, read_plan

SHOWN = 3
"""Names that an error lists."""

COLOURS = 3
"""Channels of a picture in colour."""


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


def prepare(  # noqa: PLR0913  # a parameter per flag
    data: Path | str | Any,
    out: Path | str,
    *,
    recipe: str | None = None,
    minutes: float | None = None,
    seed: int = 0,
    label: str | None = None,
    column: Mapping[str, str] | None = None,
    resolution: int | None = None,
    balance: bool = True,
    device: str | None = None,
    clock: Callable[[], float] = time.perf_counter,
    **settings: object,
) -> Session:
    """Find the data, decode them, and make the plan, or read the plan of a run already begun.

    Args:
        data: Folder, table or file; see ``docs/data.md``. Or a pandas data frame.
        out: Folder of the run; made if missing.
        recipe: Name of the task; by default ``table`` for tables and ``generate`` for all else.
        minutes: Time budget; by default what ``gannet inspect`` says. With ``steps`` among the
            settings the run is bounded by steps instead.
        seed: Of everything.
        label: Column of the classes, where the data have several.
        column: Types of a table's columns by name, where looking at them is not good enough.
        resolution: Shorter side of the pictures in pixels; chosen from the data by default.
        balance: Whether verdicts may change settings during the run.
        device: ``cpu``, ``cuda`` or ``mps``; the best there is by default.
        clock: What time is measured by; processor time for benchmarks.
        settings: Anything that ``gannet settings RECIPE`` lists.

    Raises:
        GannetError: if data or settings cannot be used, or the folder holds another run.
    """
    out, where = Path(out), known_device(device)
    begun = read_plan(out) if recipe is None else None
    recipe = recipe or (begun.recipe if begun else recipe_for(data, label=label))
    given = _checked(recipe, settings, minutes=minutes, seed=seed)
    if isinstance(data, str | Path):
        _check_place(Path(data), out)
    begun = begun or read_plan(out)
    if begun is not None:  # before the data are read in another way than they were
        check_same(begun, {"recipe": recipe, "label": label, "column": dict(column or {})})
        where = _device_of(begun, out)
    using = given if begun is None else begun.config
    source = source_for(data, label, recipe, using)
    side = piece_of(recipe, using)
    if begun is not None:
        codec, sized = codec_of(**begun.codecs["sample"]), ""
    else:
        # A budget that was asked for may be too short for pictures of full size; the usual one
        # follows from the size, and steps that were asked for take as long as they take.
        short = partial(
            affordable_size,
            recipe=recipe,
            given=given,
            device=where,
            clock=clock,
            classes=len(source.classes),
        )
        asked_for = (
            partial(short, seconds=60 * minutes)
            if minutes is not None and _timed(recipe, settings)
            else None
        )
        codec, sized = _codec(source, resolution, where, asked_for, column, side)
    _check_size(source, codec, recipe, using)
    found = _loaded(source, codec, out / "cache", recipe, using)
    usual = default_minutes((1,) if side else tuple(codec.shape), where)
    budget = 60 * (usual if minutes is None else minutes) if _timed(recipe, settings) else 0.0
    if begun is not None:
        asked: dict[str, Any] = {"recipe": recipe, "seed": seed, "given": given}
        asked |= {"balance": balance, "seconds": budget}
        if device is not None:
            asked["device"] = device
        if resolution is not None:
            asked["resolution"] = _sides(_codec(source, resolution, where)[0].shape)
        began_with = _sides(begun.spec.shape)
        check_same(begun, asked | {"digest": found.digest}, resolution=began_with)
        return Session(begun, found, out, resumed=True, clock=clock)
    plan = make_plan(
        found,
        recipe=recipe,
        given=given,
        minutes=budget / 60,
        data=str(source.path),
        version=gannet_version(),
        seed=seed,
        balance=balance,
        device=where,
        clock=clock,
    )
    reasons = (*([sized] if sized else []), *plan.reasons)
    update = {"label": label, "column": dict(column or {}), "reasons": reasons}
    plan = plan.model_copy(update=update)
    return Session(plan, found, out, resumed=False, clock=clock)


def _timed(recipe: str, settings: Mapping[str, object]) -> bool:
    """Whether a run is bounded by time: not if steps are given, or if it takes none."""
    return "steps" not in settings and find_recipe(recipe).training.fit is None


def piece_of(recipe: str, settings: Mapping[str, Any]) -> int:
    """Side of the pieces that a recipe with these settings trains on; 0 for whole pictures."""
    made = find_recipe(recipe)
    return made.inputs.crop_size(parse(made.config, settings))


def _loaded(
    source: dataset.Source,
    codec: Codec[Any],
    cache: Path,
    recipe: str,
    settings: Mapping[str, Any],
) -> dataset.Dataset:
    """The data decoded and split, and sorted into kinds where the recipe wants that.

    Raises:
        DataError: if nothing of a class that the recipe needs is left to train on.
    """
    beside = None if source.beside is None else codec_beside(source.beside, codec)
    found = dataset.load(source, codec=codec, beside=beside, cache=cache, seed=0)
    told = find_recipe(recipe).inputs.slots.get("vector")
    if told is not None and not told.optional:
        there = set(found.train.labels.tolist())
        lost = [name for number, name in enumerate(found.classes) if number not in there]
        if lost:
            broken = [f"{name} ({why})" for name, why in found.skipped[:SHOWN]]
            raise DataError(
                f"no picture of {', '.join(lost[:SHOWN])} is left to train on"
                + (f"; cannot be read: {', '.join(broken)}" if broken else ""),
                where=str(source.path),
                remedy="Add pictures that can be read.",
            )
    return _sorted(found, recipe, settings)


def _check_size(
    source: dataset.Source, codec: Codec[Any], recipe: str, settings: Mapping[str, Any]
) -> None:
    """Refuse pictures that are smaller than the recipe's networks can see.

    Raises:
        DataError: naming both sizes, and files.
    """
    made = find_recipe(recipe)
    least = made.inputs.min_size(parse(made.config, settings))
    if not isinstance(codec, ImageCodec) or min(codec.height, codec.width) >= least:
        return
    if piece_of(recipe, settings):
        raise ConfigError(
            f"--patch: the networks of {recipe} need {least} pixels each way at least, got "
            f"{min(codec.height, codec.width)}"
        )
    small: list[str] = []
    for at, name in enumerate(source.names[:SHOWN]):
        with suppress(DataError):  # there are others to name
            size = look(source.picture(at), name)
            small.append(f"{name} ({size.width}x{size.height})")
    raise DataError(
        f"pictures such as {', '.join(small)} would be trained on at {codec.width}x{codec.height} "
        f"pixels, and the networks of {recipe} need {least} each way",
        where=str(source.path),
        remedy=f"Give larger pictures, or have them enlarged by --resolution {least}.",
    )


def source_for(
    data: Path | str | Any, label: str | None, recipe: str, settings: Mapping[str, Any]
) -> dataset.Source:
    """The data as a recipe with these settings reads them: in pairs, in pieces, or as they are.

    Raises:
        DataError: if they cannot be read so.
    """
    if "grid" in find_recipe(recipe).inputs.slots:
        config = parse(find_recipe(recipe).config, settings).model_dump()
        controls = find_recipe(recipe).training.controls
        return find_pairs(Path(data), config[controls.pair_layout], config[controls.pair_input])
    source, side = _source(data, label, recipe), piece_of(recipe, settings)
    find_recipe(recipe).inputs.check(source)
    told = find_recipe(recipe).inputs.slots.get("vector")
    if told is not None and not told.optional and not source.classes:
        raise DataError(
            f"the recipe {recipe} needs classes, and there are none",
            where=str(source.path),
            remedy="Give a folder with a folder per class, or name a column with --label.",
        )
    return cut(source, side) if side else source


def codec_beside(source: dataset.Source, codec: Codec[Any]) -> ImageCodec:
    """The codec of what belongs to each sample: of the same size, with channels of its own."""
    assert isinstance(codec, ImageCodec)
    channels = inspect.suggest_size(source).channels
    return codec.model_copy(update={"channels": channels})


def _codec_of_pieces(source: dataset.Source, side: int, resolution: int | None) -> ImageCodec:
    if resolution is not None:
        raise ConfigError(
            "--resolution: this recipe trains on pieces of pictures at their own size",
            remedy="Leave it out; --patch sets the size of the pieces.",
        )
    channels = 1 if inspect.suggest_size(source).channels < COLOURS else COLOURS
    return ImageCodec(height=side, width=side, channels=channels)


def recipe_for(data: Path | str | Any, *, label: str | None = None) -> str:
    """The recipe that suits the data if nobody asks for one; only `generate` knows labels.

    Raises:
        DataError: if nothing is there.
    """
    table = not isinstance(data, str | Path) or (not label and dataset.is_table(Path(data)))
    return "table" if table else "generate"


def _source(data: Path | str | Any, label: str | None, recipe: str) -> dataset.Source:
    """The data as the recipe reads them."""
    kinds = find_recipe(recipe).inputs.slots["sample"].modalities
    table = "table" in kinds and (kinds == ("table",) or recipe_for(data, label=label) == "table")
    if isinstance(data, str | Path):
        return dataset.find(Path(data), label=label, kind="table" if table else None)
    if not table:
        raise DataError(
            f"the recipe {recipe} reads no data frames", remedy="Use the recipe table, or a file."
        )
    return dataset.of_frame(as_frame(data))


def _sorted(found: dataset.Dataset, recipe: str, settings: Mapping[str, Any]) -> dataset.Dataset:
    """Data without labels with kinds in their place, where the recipe can use them."""
    name = find_recipe(recipe).training.controls.pseudo_classes
    suits = bool(name) and not found.classes and found.source.kind == "image"
    count = settings.get(name, usual_count(len(found.train)) if suits else 0)
    if count and not suits:
        raise ConfigError(
            f"{flag(name)}: only pictures without labels are sorted into kinds",
            remedy="Leave it out, or leave the labels aside with --label ''.",
        )
    if count > len(found.train) // 2:
        raise ConfigError(
            f"{flag(name)}: {len(found.train)} pictures make at most "
            f"{len(found.train) // 2} kinds, got {count}"
        )
    # Always in one order of sums: a resumed run must find the very same kinds.
    with processor.threads(1):
        return dataset.sorted_by_likeness(found, count, seed=0) if count else found


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in shape[1:])


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
) -> dict[str, Any]:
    """What the user gave, validated before any data are read; all faults in one error."""
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
    remedy = ""
    try:
        made = find_recipe(recipe)
        given = parse(made.config, settings).model_dump(include=set(settings))
        faults += [
            f"{flag(name)}: {recipe} is fitted at once, without steps, and does not know it"
            for name in settings
            if name in made.unused
        ]
    except ConfigError as error:
        faults.append(error.problem)
        remedy = error.remedy
    if faults:
        raise ConfigError("\n".join(faults), remedy=remedy)
    return given


def _check_place(data: Path, out: Path) -> None:
    """A run must have a folder of its own, or it would train on its own sample grids."""
    if out.exists() and not out.is_dir():
        raise ConfigError("not a folder", where=f"--out {out}", remedy="Name another.")
    if data.is_dir() and out.resolve().is_relative_to(data.resolve()):
        raise ConfigError(
            f"lies inside the data ({data}), which would take the run's own pictures for data",
            where=f"--out {out}",
            remedy="Name a folder outside.",
        )


def _codec(
    source: dataset.Source,
    resolution: int | None,
    device: str,
    affordable: Callable[[inspect.Size], inspect.Size] | None = None,
    column: Mapping[str, str] | None = None,
    side: int = 0,
) -> tuple[Codec[Any], str]:
    """The codec that suits the data, and why pictures get the size they get."""
    if resolution is not None and source.kind != "image":
        raise ConfigError(f"--resolution is for pictures; these data are {WORDS[source.kind]}")
    if source.kind == "table":
        return TableCodec.fit_frames(source.frames, overrides=column), ""
    if column:
        raise ConfigError("--column is for tables", remedy="Leave it out, or use --recipe table.")
    if source.kind == "vector":
        return VectorCodec.fit(source.rows(), names=source.columns), ""
    if side:
        return _codec_of_pieces(source, side, resolution), ""
    size = inspect.suggest_size(source, largest=processor.largest_side(device))
    height, width, why = size.height, size.width, size.reason
    if resolution is not None:
        if not 8 <= resolution <= 1024:
            raise ConfigError(f"--resolution: must lie between 8 and 1024, got {resolution}")
        share = resolution / min(height, width)
        height, width = max(round(height * share), 4), max(round(width * share), 4)
        why = "as asked for"
    elif affordable is not None:
        size = affordable(size)
        height, width, why = size.height, size.width, size.reason
    sides = {"height": height, "width": width, "channels": size.channels}
    return ImageCodec.model_validate(sides), f"resolution {width}x{height}: {why}"
