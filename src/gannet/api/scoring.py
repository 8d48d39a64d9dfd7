"""A run scored on held-out data: what ``Model.evaluate`` writes, for every kind of data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from gannet.core import device as processor
from gannet.core.codec import Codec
from gannet.core.errors import ConfigError, DataError
from gannet.core.frame import Frame, joined
from gannet.core.io.files import write_whole
from gannet.core.recipe import Plainly
from gannet.core.seeding import seed_at, some_of
from gannet.core.training_log import read_course
from gannet.core.types import Batch
from gannet.data import dataset
from gannet.data.dataset import Dataset
from gannet.evaluation.evaluate import (
    Material,
    Report,
    evaluate,
    evaluate_filled,
    evaluate_table,
)
from gannet.evaluation.report.examples import ANSWERED, Exhibits, with_exhibits
from gannet.evaluation.report.html.page import can_draw, write_page
from gannet.evaluation.report.markdown import held_out_words, neighbours_sheet, write_report
from gannet.evaluation.samples import material
from gannet.evaluation.task_scores import with_task_scores
from gannet.inference.apply import Wanted, apply_value
from gannet.inference.artifact import Artefact
from gannet.inference.write_samples import draw_samples
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.table.codec import TableCodec
from gannet.training.session import source_for

AGAIN = 2
"""Further answers that a report shows beside the first."""

TABLE_ROWS = 50_000
"""Most real rows of a table that are scored with, of each part."""

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
class AnswersOf:
    """How an artefact answers, for scores.

    Attributes:
        artefact: Of a recipe whose samples are answers.
    """

    artefact: Artefact

    @property
    def plainly(self) -> Mapping[str, Plainly]:
        """Simple methods of its recipe."""
        return self.artefact.recipe.evaluation.reference_methods

    @property
    def paired(self) -> bool:
        """Whether each answer has a target of its own."""
        return self.artefact.recipe.inputs.paired

    def answer(self, given: Batch, *, seed: int) -> tuple[Batch, Tensor]:
        """Held-out samples with what is told of them, and answers ``(n, *shape)``."""
        told = self.artefact.recipe.at_use(given, self.artefact.card.spec)
        return told, self.again(told, seed=seed)

    def again(self, told: Batch, *, seed: int) -> Tensor:
        """Further answers to pictures: what was told of them stays, whichever of them are asked."""
        return self.artefact.answer(told, seed=seed)


@dataclass(frozen=True)
class SamplesOf:
    """The samples of an artefact, for scores, whatever its product makes.

    Attributes:
        artefact: Of any recipe.
    """

    artefact: Artefact

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can be asked for."""
        return self.artefact.classes

    def sample(self, count: int, *, label: str | int | None = None, seed: int = 0) -> Tensor:
        """New samples; row n depends on the seed and on n alone."""
        if self.artefact.recipe.makes_samples:
            return self.artefact.sample(count, label=label, seed=seed)
        return self.artefact.fakes(self.artefact.card.spec.blank(count), seed=seed)


def scored(
    artefact: Artefact,
    folder: Path,
    data: Path | str,
    *,
    count: int = 2_000,
    pictures: bool = True,
    threads: int | None = None,
    **options: Any,
) -> tuple[Report, Exhibits, bytes | None]:
    """What ``evaluate`` writes: the report, pictures of its pairs, and a sheet of the worst.

    Args:
        artefact: Of a run.
        folder: Of the run.
        data: As for ``Model.evaluate``.
        count: As for ``Model.evaluate``.
        pictures: Whether the sheet is wanted.
        threads: Of the processor; by default as many as are fastest. Equal numbers give equal
            networks, to the last bit, on one machine.
        options: As for ``Model.evaluate``.
    """
    codec, card = artefact.codecs["sample"], artefact.card
    found = _read_again(artefact, folder, data, options.pop("label", None))
    names: dict[str, Any] = {"artefact": folder.resolve().name, "data": Path(data).name}
    made = None
    with processor.threads(threads or processor.best_threads()):
        if isinstance(codec, TableCodec):
            seed = options.get("seed", 0)
            rows = partial(draw_samples, artefact, seed=seed)
            turns = artefact.recipe.inference.transform is not None
            fill = partial(_filled, artefact, seed=seed) if turns else None
            report = report_of(found, codec, rows, count, fill=fill, **names | options)
            exhibits = Exhibits()
        else:
            seed = options.get("seed", 0)
            recipe, sampler, answers = artefact.recipe, SamplesOf(artefact), AnswersOf(artefact)
            conditional = recipe.inputs.conditional and recipe.makes_samples
            if conditional:
                names["answers"] = answers
            answering = partial(answers.answer, seed=seed) if conditional else None
            made = material(sampler, found, count=count, seed=seed, answering=answering)
            names["cache"] = _features_cache(artefact, folder, found)
            report = evaluate(sampler, found, count=count, made=made, **names | options)
            others = _answered_again(artefact, made, seed)
            report, exhibits = with_exhibits(report, made, found, codec, others)
    report = with_task_scores(report, artefact.recipe, artefact, found, count=count)
    said = [*report.protocol, *held_out_words(found, codec)]
    if found.digest != card.data.get("digest"):
        said.append(OTHER_DATA)
    sheet = None
    if pictures and made is not None and isinstance(codec, ImageCodec):
        sheet = neighbours_sheet(report, made, found)
        said.append(NEIGHBOURS)
    course = read_course(folder, recipe=card.recipe, verdict=card.verdict)
    update = {"protocol": tuple(said), "course": course}
    return report.model_copy(update=update), exhibits, sheet


def _answered_again(artefact: Artefact, made: Material, seed: int) -> list[Tensor]:
    """Further answers to the first pictures, the same that diversity is measured on."""
    if made.given is None:
        return []
    given, ask = made.given[:ANSWERED], AnswersOf(artefact).again
    return [ask(given, seed=seed_at(seed, 8, number)) for number in range(AGAIN)]


def _features_cache(artefact: Artefact, folder: Path, found: Dataset) -> Path | None:
    """The run's cache, if there is one and these are the run's own data."""
    own = found.digest == artefact.card.data.get("digest")
    cache = folder / "cache"
    return cache if own and cache.is_dir() else None


def _filled(artefact: Artefact, frame: Frame, draws: int, *, seed: int) -> Sequence[Frame]:
    return apply_value(artefact, frame, Wanted(draws, seed))


def _read_again(artefact: Artefact, folder: Path, data: Path | str, label: str | None) -> Dataset:
    """Data to evaluate on, with the classes of this model and without a cache of their own."""
    known, codec = artefact.card.data.get("label"), artefact.codecs["sample"]
    table = isinstance(codec, TableCodec)
    pictures = artefact.recipe.inputs.conditional
    wanted = known if label is None else label
    if pictures:
        source = source_for(data, wanted, artefact.card.recipe, artefact.card.config)
    else:
        source = dataset.find(Path(data), label=wanted, kind="table" if table else None)
    if source.kind != codec.kind:
        raise DataError(
            f"these data are of kind {source.kind}, the run was trained on {codec.kind}",
            where=str(data),
            remedy="Give the data that it was trained on, or others of the same kind.",
        )
    if artefact.known_classes:
        source = source.aligned(artefact.known_classes)
    # Other data than the run's must not take the place of its cache.
    cache = dataset.cache_of(source, codec, folder / "cache")
    grid = artefact.codecs.get("grid")
    beside = grid if isinstance(grid, ImageCodec) else None
    return dataset.load(source, codec=codec, beside=beside, cache=cache, seed=0)


def report_of(
    found: Dataset,
    codec: Codec[Any],
    make: Callable[[int], Iterator[Frame]],
    count: int,
    *,
    fill: Callable[[Frame, int], Sequence[Frame]] | None = None,
    **options: Any,
) -> Report:
    """The scores of a table, whose classifiers learn from as many fakes as real rows.

    Args:
        found: Real rows.
        codec: Of the table.
        make: So many new rows, some at a time.
        fill: A table with holes and a number of draws to filled tables, of a model that fills
            holes, which are then what is scored.
        count: Rows on each side of what compares rows.
        options: As for ``evaluate_table``.

    Raises:
        ConfigError: if features are asked for.
    """
    assert isinstance(codec, TableCodec)
    if options.pop("features", "auto") != "auto":
        raise ConfigError("--features: tables are scored column by column, without features")
    chosen = [
        some_of(len(rows), TABLE_ROWS, options.get("seed", 0))
        for rows in (found.train, found.held_out)
    ]
    if fill is not None:  # the rest was looked at when the run ended, see ``finish.settled``
        chosen[1] = [at for at in chosen[1] if at % 2]
    real, others = (
        codec.decode_frame(rows.take(some).real)
        for rows, some in zip((found.train, found.held_out), chosen, strict=True)
    )
    if fill is not None:
        return evaluate_filled(real, others, codec, fill, count=count, **options)
    fake = joined(list(make(max(len(real), len(others)))))
    return evaluate_table(real, others, fake, codec, count=count, **options)


def write_scored(report: Report, out: Path, exhibits: Exhibits, sheet: bytes | None) -> None:
    """Write a report in all its forms, with what belongs beside it; see ``scored``."""
    write_report(report, out, neighbours=sheet)
    if exhibits.sheet:
        write_whole(out / "sheet.png", exhibits.sheet)
    if can_draw():
        write_page(report, out, exhibits)


def check_evaluation(count: int, seed: int, out: Path | str | None) -> None:
    """Refuse numbers that are out of range and places that are no folder.

    Raises:
        ConfigError: listing every fault.
    """
    faults: list[str] = []
    if count < 1:
        faults.append(f"--count: must be at least 1, got {count}")
    if seed < 0:
        faults.append(f"--seed: must be at least 0, got {seed}")
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        faults.append(f"--out: {out} is not a folder")
    elif out is not None and Path(out).suffix.lower() in (".html", ".md", ".json"):
        faults.append(f"--out: {out} looks like a file; name the folder that reports go into")
    if faults:
        raise ConfigError("\n".join(faults), remedy="Change what is named here.")
