"""gannet from Python: ``train`` a folder, ``load`` a run, sample, judge and evaluate it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gannet.core import device as processor
from gannet.core.codec import Codec
from gannet.core.errors import ConfigError
from gannet.core.frame import Frame, joined
from gannet.core.io.files import write_whole
from gannet.core.recipe import Plainly
from gannet.core.seeding import seed_at
from gannet.core.training_log import read_course
from gannet.core.types import Batch, Condition
from gannet.data import dataset
from gannet.data.containers.frames import as_frame, read_frame, to_pandas
from gannet.evaluation.evaluate import Material, Report, evaluate
from gannet.evaluation.report.examples import ANSWERED, Exhibits, with_exhibits
from gannet.evaluation.report.html.page import can_draw, write_page
from gannet.evaluation.report.markdown import held_out_words, neighbours_sheet, write_report
from gannet.evaluation.samples import material
from gannet.evaluation.task_scores import with_task_scores
from gannet.inference import table_sampling
from gannet.inference.apply import Wanted, apply_frame, apply_picture
from gannet.inference.artifact import Artefact, class_number
from gannet.inference.card import Card
from gannet.inference.editing.direction_names import Direction
from gannet.inference.editing.editor import EditExamples, Editor
from gannet.inference.editing.inversion import USUAL
from gannet.inference.table_sampling import GivenCells
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.table.codec import TableCodec
from gannet.training.finalize import grid_conditions
from gannet.training.inputs import source_for
from gannet.training.session import Session, prepare
from gannet.training.task import known_device

__all__ = ["NEIGHBOURS", "OTHER_DATA", "Model", "Session", "load", "prepare", "train"]

AGAIN = 2
"""Further answers that a report shows beside the first."""

OTHER_DATA = (
    "Other data than training's, or with other labels: the split is its own; samples held out here "
    "may have been trained on, which flatters the scores."
)
"""Said in a report on data that are not, to the last bit and label, those of training."""

NEIGHBOURS = (
    "neighbours.png shows the fakes nearest to training samples, each above its nearest one."
)
"""Said in a report that has such a sheet beside it."""


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
    return Model(Artefact.load(folder, device=known_device(device)), Path(folder))


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
        """Turns samples into raw data and back; what the model makes may be of another kind."""
        return self.artefact.codecs["sample"]

    def sample(
        self,
        count: int = 1,
        *,
        label: str | int | None = None,
        given: GivenCells | None = None,
        balance_by: str | None = None,
        requires: Sequence[str] | str = (),
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
            requires: Of tables, rules that every row obeys, such as ``"start <= end"``; see the
                page about data.
            seed: Row n depends on the seed and on n alone.

        Raises:
            ConfigError: if the class, a column or a value is unknown, nothing like what is given
                was ever seen, a rule cannot be read, rules contradict each other or hardly any row
                obeys them, or the count is negative.
        """
        if isinstance(self.artefact.codecs[self.artefact.recipe.inference.output], TableCodec):
            numeric = table_sampling.has_pandas()
            rows = self.frames(
                count,
                label=label,
                given=given,
                balance_by=balance_by,
                requires=requires,
                seed=seed,
                numeric=numeric,
            )
            made = joined(list(rows))
            return to_pandas(made) if numeric else made
        if given or balance_by or requires:
            raise ConfigError(
                "--given, --balance-by and --require are for tables",
                remedy="Leave them out; see --label.",
            )
        made = self.artefact.sample(count, label=label, seed=seed)
        raws = self.artefact.decode(made)
        if not raws:
            return np.zeros(
                (0, *np.shape(self.artefact.decode(torch.zeros(1, *made.shape[1:]))[0]))
            )
        return np.stack(raws)

    def frames(
        self,
        count: int,
        *,
        label: str | int | None = None,
        given: GivenCells | None = None,
        balance_by: str | None = None,
        requires: Sequence[str] | str = (),
        seed: int = 0,
        numeric: bool = False,
    ) -> table_sampling.SampledRows:
        """The rows that ``sample`` makes, some at a time and in the very formats of the data.

        What comes back is an iterator of frames; its ``obeyed`` says how many rows obeyed the
        rules at once. Arguments are those of ``sample``, and ``numeric`` gives text that is nothing
        but a number as the number.

        Raises:
            ConfigError: as ``sample`` does, and if the model makes no tables.
        """
        return table_sampling.frames_of(
            self.artefact,
            count,
            label=label,
            given=given or {},
            balance_by=balance_by,
            requires=requires,
            seed=seed,
            numeric=numeric,
        )

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
            ConfigError: if the model was fitted at once, so that it has no judge.
            DataError: if a file cannot be read, or a table has other columns.
        """
        if self.artefact.recipe.training.fit is not None:
            raise ConfigError(
                f"a run of the recipe {self.card.recipe} was fitted without an opponent, so that "
                "it judges nothing",
                remedy="Judge with a run of `generate` or `table` on the same data.",
            )
        encoded = self._encoded(samples)
        if not len(encoded):
            return []
        told = None if label is None else self._told(encoded, label)
        return self.artefact.judge(encoded, told).tolist()

    def _encoded(self, samples: Sequence[Path | str] | Any) -> Tensor:
        if isinstance(self.codec, TableCodec):
            path = isinstance(samples, str | Path)
            frame = read_frame(Path(samples)) if path else as_frame(samples)
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

    def apply(
        self,
        given: Path | str | Any,
        *,
        draws: int = 1,
        seed: int = 0,
        transform: str = "",
        **options: object,
    ) -> Any:
        """Turn an input into an output, if the recipe does: ``impute`` fills the holes of a table.

        Args:
            given: A file or a data frame with the columns of training; of recipes that take
                pictures, a file or numbers ``(H, W, C)``: 0..255, or uint16 for 16 bit.
            draws: One is the single best answer; of several, each is drawn by chance, so that
                together they show how sure the answer is.
            seed: Draw k of row n depends on the seed, on k and on n alone.
            transform: Which, of a recipe that knows several; by default the usual one.
            options: What the recipe's transform knows, such as ``quality`` or ``to``.

        Returns:
            A data frame, or without pandas a ``Frame``, or a picture ``(H, W, C)`` with the bits
            of the given one; of several draws a list of them.

        Raises:
            ConfigError: if this run's recipe turns no input into an output.
            DataError: if the columns differ from those of training; each difference is named.
        """
        wanted = Wanted(draws, seed, options, transform)
        if isinstance(self.codec, ImageCodec):
            item = Path(given) if isinstance(given, str | Path) else given
            pictures = apply_picture(self.artefact, item, wanted)
            return pictures if draws > 1 else pictures[0]
        frame = read_frame(Path(given)) if isinstance(given, str | Path) else as_frame(given)
        made = apply_frame(self.artefact, frame, wanted)
        assert isinstance(self.codec, TableCodec)
        found = [table_sampling.as_pandas(each, self.codec) for each in made]
        index: Any = None if isinstance(given, str | Path) else getattr(given, "index", None)
        if index is not None:
            found = [each.set_axis(index, axis=0) for each in found]
        return found if draws > 1 else found[0]

    def editor(
        self,
        *,
        labels: Path | str | None = None,
        liked: Path | str | None = None,
        disliked: Path | str | None = None,
        seed: int = 0,
    ) -> Editor:
        """For work with the noise of pictures: ``directions``, ``learnt``, ``find``, ``changed``.

        Args:
            labels: Data with labels, which become names that can be changed.
            liked: A folder with a handful of pictures; ``liked`` goes towards them.
            disliked: A folder with a handful of others.
            seed: Of all chance.

        Raises:
            ConfigError: if the run makes no pictures from noise.
        """
        folders = (None if each is None else Path(each) for each in (labels, liked, disliked))
        editor = Editor(self.artefact, EditExamples(*folders, seed=seed))
        assert editor.maker
        return editor

    def directions(self, *, seed: int = 0) -> tuple[Direction, ...]:
        """Directions in the noise that were found without labels, named by what they change.

        Raises:
            ConfigError: if the run makes no pictures from noise.
        """
        return self.editor(seed=seed).directions

    def edit(
        self,
        picture: Path | str | Any,
        changes: Mapping[str, float],
        *,
        label: str | int | None = None,
        tune: bool = True,
        seed: int = 0,
    ) -> Any:
        """A picture found in the noise and changed, ``(H, W, C)`` of 0..255.

        Args:
            picture: A file or numbers ``(H, W, C)`` of 0..255, of any size.
            changes: Attributes such as ``brightness``, or numbers of ``directions``, and by how
                many spreads of noise to go along each.
            label: Its class, of runs with classes; found by trying if left out.
            tune: Whether a copy of the generator is bent until it gives the very picture.
            seed: Of all chance.

        Raises:
            GannetError: if the run makes no pictures from noise, the picture cannot be read, or an
                attribute or class is unknown.
        """
        editor = self.editor(seed=seed)
        search = USUAL if tune else replace(USUAL, tuning=0)
        item = Path(picture) if isinstance(picture, str | Path) else np.asarray(picture, np.uint8)
        found = editor.changed(editor.find([item], search, label)[0], changes)
        return self.artefact.decode(found.picture()[None])[0]

    def evaluate(
        self, data: Path | str, *, count: int = 2_000, out: Path | str | None = None, **options: Any
    ) -> Report:
        """Scores against held-out data, each with interval, floor and baseline.

        Args:
            data: The data that it was trained on; gannet holds the same part of them out again.
            count: Fakes, and held-out reals where there are as many.
            out: Folder to write ``report.json``, ``report.md``, with the extra ``report``
                ``report.html`` and, of pictures, ``neighbours.png`` to, and of answers
                ``sheet.png`` (given, answers, what they should be); nothing is written by default.
            options: As for ``gannet.evaluation.evaluate`` or, of tables, ``evaluate_table``; and
                ``label``, the column of the classes, by default the one that the run was begun
                with.

        Raises:
            ConfigError: if a number is out of range or ``out`` is a file.
            DataError: if the data are of another kind than the model's, or have other classes.
        """
        check_evaluation(count, options.get("seed", 0), out)
        began = time.perf_counter()
        report, exhibits, sheet = self.scored(
            data, count=count, pictures=out is not None, **options
        )
        if out is not None:
            timed = report.model_copy(update={"seconds": round(time.perf_counter() - began, 1)})
            write_scored(timed, Path(out), exhibits, sheet)
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
                seed = options.get("seed", 0)
                rows = partial(self.frames, seed=seed)
                turns = self.artefact.recipe.inference.transform is not None
                fill = partial(self._filled, seed=seed) if turns else None
                report = table_sampling.report_of(
                    found, self.codec, rows, count, fill=fill, **names | options
                )
                exhibits = Exhibits()
            else:
                seed = options.get("seed", 0)
                recipe, sampler = self.artefact.recipe, SamplesOf(self.artefact)
                answers = AnswersOf(self.artefact)
                if recipe.conditional:
                    names["answers"] = answers
                answering = partial(answers.answer, seed=seed) if recipe.conditional else None
                made = material(sampler, found, count=count, seed=seed, answering=answering)
                names["cache"] = self._features_cache(found)
                report = evaluate(sampler, found, count=count, made=made, **names | options)
                others = self._answered_again(made, seed)
                report, exhibits = with_exhibits(report, made, found, self.codec, others)
        report = with_task_scores(report, self.artefact.recipe, self.artefact, found, count=count)
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

    def _answered_again(self, made: Material, seed: int) -> list[Tensor]:
        """Further answers to the first pictures, the same that diversity is measured on."""
        if made.given is None:
            return []
        given, ask = made.given[:ANSWERED], AnswersOf(self.artefact).again
        return [ask(given, seed=seed_at(seed, 8, number)) for number in range(AGAIN)]

    def _features_cache(self, found: dataset.Dataset) -> Path | None:
        """The run's cache, if there is one and these are the run's own data."""
        own = found.digest == self.card.data.get("digest")
        cache = self.folder / "cache"
        return cache if own and cache.is_dir() else None

    def _filled(self, frame: Frame, draws: int, *, seed: int) -> Sequence[Frame]:
        return apply_frame(self.artefact, frame, Wanted(draws, seed))

    def _read_again(self, data: Path | str, label: str | None) -> dataset.Dataset:
        """Data to evaluate on, with the classes of this model and without a cache of their own."""
        known = self.card.data.get("label")
        wanted = known if label is None else label
        source = source_for(
            data, wanted, self.card.recipe, self.artefact.config, kind=self.codec.kind
        )
        if self.artefact.known_classes:
            source = source.aligned(self.artefact.known_classes)
        # Other data than the run's must not take the place of its cache.
        cache = dataset.cache_of(source, self.codec, self.folder / "cache")
        return dataset.load(source, self.artefact.codecs, cache=cache, seed=0)


def write_scored(report: Report, out: Path, exhibits: Exhibits, sheet: bytes | None) -> None:
    """Write a report in all its forms, with what belongs beside it; see ``Model.scored``."""
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
