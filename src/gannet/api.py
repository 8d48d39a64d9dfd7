"""gannet from Python: ``train`` a folder, ``load`` a run, sample, judge and evaluate it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gannet import dataset, inspect
from gannet import device as processor
from gannet.artefact import TOGETHER, Artefact, class_number
from gannet.begun import check_same, read_plan
from gannet.card import Card, gannet_version
from gannet.catalogue import find_recipe
from gannet.chance import some_of
from gannet.clusters import usual_count
from gannet.codecs import Codec, codec_of
from gannet.codecs.image import ImageCodec
from gannet.codecs.table import TableCodec
from gannet.codecs.vector import VectorCodec
from gannet.columns.cells import absent
from gannet.config import parse
from gannet.course import read_course
from gannet.errors import ConfigError, DataError, MissingExtraError, need
from gannet.evaluate import Report, evaluate, evaluate_table, material
from gannet.exhibits import Exhibits, with_exhibits
from gannet.finish import grid_conditions
from gannet.frames import Frame, joined
from gannet.page import can_draw, write_page
from gannet.plan import Plan, affordable_size, default_minutes, make_plan
from gannet.report import held_out_words, neighbours_sheet, write_report
from gannet.sources.frames import from_pandas, read_frame, to_pandas
from gannet.sources.source import WORDS
from gannet.training import SAVE_SECONDS, Moment, carry_out
from gannet.types import Condition, Wishes

Given = Mapping[str, Any]
"""Columns and what their cells must be."""

TABLE_ROWS = 50_000
"""Most real rows of a table that are scored with, of each part."""

LEAST_EXPECTED = 0.01
"""Rows of training that the model must hold to be as asked for, or nothing like it was seen."""

OTHER_DATA = (
    "Other data than training's, or with other labels: the split is its own; samples held out here "
    "may have been trained on, which flatters the scores."
)
"""Said in a report on data that are not, to the last bit and label, those of training."""

NEIGHBOURS = (
    "neighbours.png shows the fakes nearest to training samples, each above its nearest one."
)
"""Said in a report that has such a sheet beside it."""


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
    out, where = Path(out), _device(device)
    begun = read_plan(out) if recipe is None else None
    recipe = recipe or (begun.recipe if begun else recipe_for(data, label=label))
    given = _checked(recipe, settings, minutes=minutes, seed=seed)
    if isinstance(data, str | Path):
        _check_place(Path(data), out)
    begun = begun or read_plan(out)
    if begun is not None:  # before the data are read in another way than they were
        check_same(begun, {"recipe": recipe, "label": label, "column": dict(column or {})})
        where = _device_of(begun, out)
    source = _source(data, label, recipe)
    if begun is not None:
        codec, sized = codec_of(**begun.codecs["real"]), ""
    else:
        # A budget that was asked for may be too short for pictures of full size; the usual one
        # follows from the size, and steps that were asked for take as long as they take.
        short = partial(affordable_size, recipe=recipe, given=given, device=where, clock=clock)
        asked_for = None if minutes is None else partial(short, seconds=60 * minutes)
        codec, sized = _codec(source, resolution, where, asked_for, column)
    found = dataset.load(source, codec=codec, cache=out / "cache", seed=0)
    found = _sorted(found, recipe, given if begun is None else begun.config)
    usual = default_minutes(tuple(codec.shape), where)
    budget = 0.0 if "steps" in settings else 60 * (usual if minutes is None else minutes)
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


def recipe_for(data: Path | str | Any, *, label: str | None = None) -> str:
    """The recipe that suits the data if nobody asks for one; only `generate` knows labels.

    Raises:
        DataError: if nothing is there.
    """
    table = not isinstance(data, str | Path) or (not label and dataset.is_table(Path(data)))
    return "table" if table else "generate"


def _source(data: Path | str | Any, label: str | None, recipe: str) -> dataset.Source:
    """The data as the recipe reads them."""
    table = "table" in find_recipe(recipe).columns["real"].kinds
    if isinstance(data, str | Path):
        return dataset.find(Path(data), label=label, kind="table" if table else None)
    if not table:
        raise DataError(
            f"the recipe {recipe} reads no data frames", remedy="Use the recipe table, or a file."
        )
    return dataset.of_frame(_frame(data))


def _frame(data: Any) -> Frame:
    """Rows in memory as a table."""
    return data if isinstance(data, Frame) else from_pandas(data)


def _sorted(found: dataset.Dataset, recipe: str, settings: Mapping[str, Any]) -> dataset.Dataset:
    """Data without labels with kinds in their place, where the recipe can use them."""
    knows = "clusters" in find_recipe(recipe).config.model_fields
    suits = knows and not found.classes and found.source.kind == "image"
    count = settings.get("clusters", usual_count(len(found.train)) if suits else 0)
    if count and not suits:
        raise ConfigError(
            "--clusters: only pictures without labels are sorted into kinds",
            remedy="Leave it out, or leave the labels aside with --label ''.",
        )
    if count > len(found.train) // 2:
        raise ConfigError(
            f"--clusters: {len(found.train)} pictures make at most {len(found.train) // 2} kinds, "
            f"got {count}"
        )
    # Always in one order of sums: a resumed run must find the very same kinds.
    with processor.threads(1):
        return dataset.sorted_by_likeness(found, count, seed=0) if count else found


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in shape[1:])


def _device_of(begun: Plan, out: Path) -> str:
    """Where a run was begun, which is where it must go on."""
    try:
        return _device(begun.device)
    except ConfigError:
        raise ConfigError(
            f"this run was begun with --device {begun.device}, which this machine has not",
            where=str(out),
            remedy="Go on with it on such a machine, or begin anew with another --out.",
        ) from None


def _device(name: str | None) -> str:
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
        given = parse(find_recipe(recipe).config, settings).model_dump(include=set(settings))
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


def train(data: Path | str | Any, out: Path | str, **options: Any) -> Model:
    """Train on ``data`` into the folder ``out`` and return the model; goes on if it was begun.

    Args:
        data: Folder, table or file, or a pandas data frame.
        out: Folder of the run.
        options: As for ``prepare``: ``minutes``, ``seed``, ``label`` and any setting.

    Raises:
        GannetError: if something in the data or settings must be changed first.
    """
    session = prepare(data, out, **options)
    for _ in session.run():
        pass
    return load(session.out)


def load(folder: Path | str, *, device: str = "cpu") -> Model:
    """A trained model from a run's folder.

    Raises:
        ArtefactError: if the folder is no artefact, is damaged, or is of a later gannet.
    """
    return Model(Artefact.load(folder, device=_device(device)), Path(folder))


@dataclass(frozen=True)
class Model:
    """A trained generator and its discriminator, in raw data rather than tensors.

    Attributes:
        artefact: The same in tensors.
        folder: Where it was loaded from.
    """

    artefact: Artefact
    folder: Path

    @property
    def card(self) -> Card:
        """What it is and where it came from."""
        return self.artefact.card

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can be asked for."""
        return self.artefact.classes

    @cached_property
    def codec(self) -> Codec[Any]:
        """Turns samples into raw data and back."""
        return self.artefact.codecs["real"]

    def sample(
        self,
        count: int = 1,
        *,
        label: str | int | None = None,
        given: Given | None = None,
        balance_by: str | None = None,
        seed: int = 0,
    ) -> Any:
        """New samples: pictures ``(count, H, W, C)`` of 0..255, rows ``(count, F)``, or a table.

        A table is a pandas data frame, or without pandas a ``Frame``. Text that is a number in all
        rows of a file becomes a number.

        Args:
            count: How many.
            label: A class, for models trained with classes; by default all of them, and none, as
                often as in the training data.
            given: Of tables, columns and what their cells must be: a value, a pair for a range
                (``None`` for an open end), or a list of values and ranges.
            balance_by: Of tables, a column whose values occur equally often.
            seed: Row n depends on the seed and on n alone.

        Raises:
            ConfigError: if the class, a column or a value is unknown, nothing like what is given
                was ever seen, or the count is negative.
        """
        if isinstance(self.codec, TableCodec):
            frames = list(
                self.frames(count, label=label, given=given, balance_by=balance_by, seed=seed)
            )
            return _as_pandas(joined(frames), self.codec)
        if given or balance_by:
            raise ConfigError(
                "--given and --balance-by are for tables", remedy="Leave them out; see --label."
            )
        made = self.artefact.sample(count, label=label, seed=seed)
        raws = self.artefact.decode(made)
        if not raws:
            return np.zeros((0, *np.shape(self.codec.decode(torch.zeros(1, *made.shape[1:]))[0])))
        return np.stack(raws)

    def frames(
        self,
        count: int,
        *,
        label: str | int | None = None,
        given: Given | None = None,
        balance_by: str | None = None,
        seed: int = 0,
    ) -> Iterator[Frame]:
        """The rows that ``sample`` makes, some at a time and in the very formats of the data.

        Raises:
            ConfigError: as ``sample`` does, and if the model makes no tables.
        """
        codec = self.codec
        if not isinstance(codec, TableCodec):
            raise ConfigError("this run makes no tables", remedy="Use sample instead.")
        wishes = self._wishes(codec, given or {}, balance_by)
        for start in range(0, max(count, 1), TOGETHER):
            rows = min(TOGETHER, count - start)
            made = self.artefact.sample(rows, label=label, seed=seed, start=start, wishes=wishes)
            yield codec.decode_frame(made, start=start, seed=seed)

    def _wishes(self, codec: TableCodec, given: Given, balance_by: str | None) -> Sequence[Wishes]:
        """What is asked for, one list of wishes after the other by turns; empty for nothing."""
        if balance_by is not None and balance_by in given:
            raise ConfigError(
                f"column {balance_by!r} is both given and balanced",
                remedy="Leave one of --given and --balance-by out.",
            )
        turns: list[dict[str, Any]] = [dict(given)]
        if balance_by is not None:
            turns = [{**given, balance_by: value} for value in codec.values(balance_by)]
        if turns == [{}]:
            return []
        wishes = [codec.wished(turn) for turn in turns]
        for turn, wish in zip(turns, wishes, strict=True):
            self._check_seen(codec, turn, wish)
        return wishes

    def _check_seen(self, codec: TableCodec, turn: Given, wish: Wishes) -> None:
        """Refuse what no two cells of a training row, or by all odds no row, ever were."""
        single = {name: made[0] for name in turn if (made := codec.wished({name: turn[name]}))}
        for one, other in combinations(single, 2):
            if not self.artefact.met(single[one], single[other]):
                raise _never(turn, (one, other), "no row was so")
        expected = self.artefact.share_of(wish) * self.card.data["train"]
        if expected < LEAST_EXPECTED:
            rows = self.card.data["train"]
            raise _never(turn, turn, f"of {rows} rows the model expects {expected:.2g} to be so")

    def judge(
        self,
        samples: Sequence[Path | str] | Any,
        *,
        label: str | int | None = None,
    ) -> list[float]:
        """Probability of being real for each sample, against fakes of this very generator.

        Args:
            samples: Files, or raw samples as ``sample`` gives them. Of tables, one file or a data
                frame, with a probability for each row.
            label: Judge them as samples of this class; by default as the class that fits best.

        Raises:
            DataError: if a file cannot be read, or a table has other columns.
        """
        encoded = self._encoded(samples)
        if not len(encoded):
            return []
        told = None if label is None else self._told(encoded, label)
        return self.artefact.judge(encoded, told).tolist()

    def _encoded(self, samples: Sequence[Path | str] | Any) -> Tensor:
        if isinstance(self.codec, TableCodec):
            path = isinstance(samples, str | Path)
            frame = read_frame(Path(samples)) if path else _frame(samples)
            self.codec.check_columns(frame)
            return self.codec.encode_frame(frame)
        raws = [
            self.codec.read(Path(each)) if isinstance(each, str | Path) else each
            for each in samples
        ]
        return self.codec.encode(raws) if raws else torch.zeros(0)

    def _told(self, encoded: Tensor, label: str | int) -> Condition:
        if not self.classes:
            raise ConfigError(f"class {label!r} was asked for, but this run knows no classes")
        blank = grid_conditions(tuple(encoded.shape[1:]), len(self.classes), len(encoded))
        vector = torch.zeros_like(blank.vector)
        vector[:, class_number(self.classes, label)] = 1
        return Condition(vector, blank.grid, blank.tokens)

    def evaluate(
        self, data: Path | str, *, count: int = 2_000, out: Path | str | None = None, **options: Any
    ) -> Report:
        """Scores against held-out data, each with interval, floor and baseline.

        Args:
            data: The data that it was trained on; gannet holds the same part of them out again.
            count: Fakes, and held-out reals where there are as many.
            out: Folder to write ``report.json``, ``report.md``, with the extra ``report``
                ``report.html`` and, of pictures, ``neighbours.png`` to; nothing is written by
                default.
            options: As for ``gannet.evaluate.evaluate`` or, of tables, ``evaluate_table``; and
                ``label``, the column of the classes, by default the one that the run was begun
                with.

        Raises:
            ConfigError: if a number is out of range or ``out`` is a file.
            DataError: if the data are of another kind than the model's, or have other classes.
        """
        _check_evaluation(count, options.get("seed", 0), out)
        began = time.perf_counter()
        report, exhibits, sheet = self.scored(
            data, count=count, pictures=out is not None, **options
        )
        if out is not None:
            timed = report.model_copy(update={"seconds": round(time.perf_counter() - began, 1)})
            write_report(timed, Path(out), neighbours=sheet)
            if can_draw():
                write_page(timed, Path(out), exhibits)
        return report

    def scored(
        self,
        data: Path | str,
        *,
        count: int = 2_000,
        pictures: bool = True,
        threads: int | None = None,
        **options: Any,
    ) -> tuple[Report, Exhibits, bytes | None]:
        """What ``evaluate`` writes: the report, pictures of its pairs, and a sheet of the worst.

        Args:
            data: As for ``evaluate``.
            count: As for ``evaluate``.
            pictures: Whether the sheet is wanted.
            threads: Of the processor; by default as many as are fastest. Equal numbers give equal
                networks, to the last bit, on one machine.
            options: As for ``evaluate``.
        """
        found = self._read_again(data, options.pop("label", None))
        names: dict[str, Any] = {"artefact": self.folder.resolve().name, "data": Path(data).name}
        made = None
        with processor.threads(threads or processor.best_threads()):
            if isinstance(self.codec, TableCodec):
                report, exhibits = self._evaluate_table(found, count, names | options), Exhibits()
            else:
                made = material(self.artefact, found, count=count, seed=options.get("seed", 0))
                names["cache"] = self._features_cache(found)
                report = evaluate(self.artefact, found, count=count, made=made, **names | options)
                report, exhibits = with_exhibits(report, made, found, self.codec)
        said = [*report.protocol, *held_out_words(found, self.codec)]
        if found.digest != self.card.data.get("digest"):
            said.append(OTHER_DATA)
        sheet = None
        if pictures and made is not None and isinstance(self.codec, ImageCodec):
            sheet = neighbours_sheet(report, made, found)
            said.append(NEIGHBOURS)
        course = read_course(self.folder, recipe=self.card.recipe, verdict=self.card.verdict)
        update = {"protocol": tuple(said), "course": course}
        return report.model_copy(update=update), exhibits, sheet

    def _features_cache(self, found: dataset.Dataset) -> Path | None:
        """The run's cache, if there is one and these are the run's own data."""
        own = found.digest == self.card.data.get("digest")
        cache = self.folder / "cache"
        return cache if own and cache.is_dir() else None

    def _evaluate_table(
        self, found: dataset.Dataset, count: int, options: dict[str, Any]
    ) -> Report:
        """The scores of a table, whose classifiers learn from as many fakes as real rows."""
        codec, seed = self.codec, options.get("seed", 0)
        assert isinstance(codec, TableCodec)
        if options.pop("features", "auto") != "auto":
            raise ConfigError("--features: tables are scored column by column, without features")
        real, others = (
            codec.decode_frame(rows.take(some_of(len(rows), TABLE_ROWS, seed)).real)
            for rows in (found.train, found.held_out)
        )
        fake = joined(list(self.frames(max(len(real), len(others)), seed=seed)))
        return evaluate_table(real, others, fake, codec, count=count, **options)

    def _read_again(self, data: Path | str, label: str | None) -> dataset.Dataset:
        """Data to evaluate on, with the classes of this model and without a cache of their own."""
        known = self.card.data.get("label")
        table = isinstance(self.codec, TableCodec)
        source = dataset.find(
            Path(data),
            label=known if label is None else label,
            kind="table" if table else None,
        )
        if source.kind != self.codec.kind:
            raise DataError(
                f"these data are of kind {source.kind}, the run was trained on {self.codec.kind}",
                where=str(data),
                remedy="Give the data that it was trained on, or others of the same kind.",
            )
        if self.classes:
            source = source.aligned(self.classes)
        # Other data than the run's must not take the place of its cache.
        cache = dataset.cache_of(source, self.codec, self.folder / "cache")
        return dataset.load(source, codec=self.codec, cache=cache, seed=0)


def _never(turn: Given, names: Iterable[str], why: str) -> ConfigError:
    shown = ", ".join(f"{name}={_short(turn[name])}" for name in names)
    return ConfigError(
        f"nothing like {shown} was seen in training: {why}",
        remedy="Ask for less at once, or for values that occur together.",
    )


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "..".join("" if end is None else str(end) for end in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # of anything
    return str(value)


def _as_pandas(frame: Frame, codec: TableCodec) -> Any:
    """A data frame, where pandas is installed; text that can only be a number becomes one."""
    try:
        pandas: Any = need("pandas", "table")
    except MissingExtraError:
        return frame
    data = to_pandas(frame)
    for column in codec.columns:
        if column.storage == "text" and column.type in ("integer", "decimal"):
            numbers = pandas.to_numeric(data[column.name], errors="coerce")
            if numbers.notna().sum() == (~absent(frame.column(column.name), wide=True)).sum():
                data[column.name] = numbers
    return data


def _check_evaluation(count: int, seed: int, out: Path | str | None) -> None:
    faults: list[str] = []
    if count < 1:
        faults.append(f"--count: must be at least 1, got {count}")
    if seed < 0:
        faults.append(f"--seed: must be at least 0, got {seed}")
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        faults.append(f"--out: {out} is not a folder")
    if faults:
        raise ConfigError("\n".join(faults), remedy="Change what is named here.")
