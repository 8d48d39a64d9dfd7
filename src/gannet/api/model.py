"""A trained model that takes and gives raw data: sample, judge, apply, edit, evaluate."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Image

from gannet.api.display import html_of, line_of, pictures_of
from gannet.api.given import one, several
from gannet.api.scoring import check_evaluation, scored, write_scored
from gannet.core.codec import Codec
from gannet.core.errors import ConfigError, spoken_in_python
from gannet.core.io.regular import real_path
from gannet.core.sampling import SampleStream
from gannet.core.scores import Report
from gannet.evaluation.report.examples import Examples
from gannet.inference.apply import ApplyRequest, apply_value
from gannet.inference.artifact import Artifact
from gannet.inference.card import Card
from gannet.inference.editing.direction_names import Direction
from gannet.inference.editing.editor import Editor, LabeledExamples
from gannet.inference.editing.inversion import USUAL
from gannet.inference.judge.judge import Judgment
from gannet.inference.judge_files import judge_samples
from gannet.inference.write_samples import draw_samples
from gannet.modalities.hooks import SampleGrid
from gannet.modalities.registry import find_modality


@dataclass(frozen=True, repr=False)
class Model:
    """A trained generator and its discriminator; takes and gives raw data, not tensors.

    Attributes:
        artifact: The same model for encoded samples (tensors).
        folder: The folder it was loaded from.
    """

    artifact: Artifact
    folder: Path

    @property
    def card(self) -> Card:
        """The model card: recipe, settings, data and how training ended."""
        return self.artifact.card

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can sample."""
        return self.artifact.classes

    @cached_property
    def codec(self) -> Codec[Any]:
        """Encodes and decodes samples; the model's outputs may be of another kind."""
        return self.artifact.codecs["sample"]

    @spoken_in_python
    def sample(self, count: int = 1, *, seed: int = 0, **options: Any) -> Any:
        """New samples, all in one array or table.

        Images are an array ``(count, H, W, C)`` of 0..255, vectors ``(count, F)``, and a table is
        a pandas data frame, or a ``Frame`` if pandas is not installed. A text column whose cells
        are all numbers becomes numeric.

        Args:
            count: How many.
            seed: Sample n depends only on the seed and on n.
            options: Options of this run, see ``gannet sample RUN --help``:

                - ``label``, of runs trained with classes: a class; by default classes, and
                  unlabelled samples, are as frequent as in the training data;
                - ``given``, of tables: conditions, from a column to what its cells must be: a
                  value, a pair for a range (``None`` for an open end), or a list of both;
                - ``stratify_by``, of tables: a column whose values occur equally often;
                - ``constraint``, of tables: rules that every row obeys, such as
                  ``"start <= end"``; see the page about data.

        Raises:
            ConfigError: if an option, the class, a column or a value is unknown, no training row
                resembles a condition, a rule cannot be parsed, rules contradict each other or
                almost no row obeys them, or the count is negative.
        """
        samples = self.stream(count, seed=seed, **options)
        gathered = samples.gather()
        if isinstance(gathered, list):
            return self.artifact.modality.inference.stack(gathered, self.artifact.codec)  # pyright: ignore[reportUnknownArgumentType]  # raw samples
        return gathered

    @spoken_in_python
    def sample_images(self, count: int = 1, *, seed: int = 0, **options: Any) -> list[Image]:
        """New samples as pictures of Pillow.

        Args:
            count: As for ``sample``.
            seed: As for ``sample``.
            options: As for ``sample``.

        Raises:
            ConfigError: as ``sample`` does; or if the model makes no pictures.
        """
        return pictures_of(self, list(self.stream(count, seed=seed, **options)))

    @spoken_in_python
    def save(self, folder: Path | str) -> Path:
        """Write the model into a folder of its own, from which ``gannet.load`` reads it.

        It can be sampled, judged with and applied there; the log and the plan of its training stay
        where they are.

        Returns:
            The folder.

        Raises:
            ConfigError: if there is something else in it.
        """
        to = Path(folder)
        if real_path(to) != real_path(self.folder):
            if to.exists() and (not to.is_dir() or any(to.iterdir())):
                raise ConfigError(f"{to} is not empty", remedy="Name a new folder.")
            self.artifact.save(to)
        return to

    def __repr__(self) -> str:
        return line_of(self)

    def _repr_html_(self) -> str:
        """For notebooks: what it is, how training ended, and some samples."""
        return html_of(self)

    @spoken_in_python
    def stream(self, count: int, *, seed: int = 0, **options: Any) -> SampleStream:
        """The samples of ``sample``, one by one; of tables, some rows at a time.

        The result is an iterator; its ``notes()`` tell about the samples drawn so far, such as how
        many rows of a table obeyed the constraints at the first try. Cells of a table are written
        in the formats of the training data.

        Args:
            count: As for ``sample``.
            seed: As for ``sample``.
            options: As for ``sample``.

        Raises:
            ConfigError: as ``sample`` does.
        """
        return draw_samples(self.artifact, count, seed=seed, **options)

    @spoken_in_python
    def judge(
        self,
        samples: Sequence[Path | str] | Any,
        *,
        label: str | int | None = None,
        discriminator: bool = False,
        **options: Any,
    ) -> list[float]:
        """Probability that each sample is real rather than fake; NaN where none can be given.

        The judge gives none to what is unlike anything seen in training, and none at all if it
        cannot tell any fakes from reals; ``judgments`` says why.

        Args:
            samples: Files, or raw samples as returned by ``sample``. Of tables, one file or a data
                frame, with a probability for each row.
            label: Judge them as samples of this class; by default of any.
            discriminator: Ask the discriminator of training, which knows only the last fakes that
                it was trained against, instead of the judge.
            options: What else they are said to be samples of, such as a text, of runs that are
                sampled for one; see ``gannet sample RUN --help``.

        Raises:
            ConfigError: if an option is unknown, or the model was fitted in closed form, so that it
                cannot judge.
            DataError: if a file cannot be read, or a table has other columns.
        """
        judgments = self.judgments(samples, label=label, discriminator=discriminator, **options)
        return [math.nan if each.probability is None else each.probability for each in judgments]

    @spoken_in_python
    def judgments(
        self,
        samples: Sequence[Path | str] | Any,
        *,
        label: str | int | None = None,
        discriminator: bool = False,
        **options: Any,
    ) -> list[Judgment]:
        """What the judge says of each sample: ``probability``, ``novel`` and ``reason``.

        Args:
            samples: As for ``judge``.
            label: As for ``judge``.
            discriminator: As for ``judge``.
            options: As for ``judge``.

        Raises:
            ConfigError: as ``judge`` does.
            DataError: as ``judge`` does.
        """
        given = several(samples, find_modality(self.codec.kind).noun[1])
        return judge_samples(
            self.artifact, given, discriminator=discriminator, label=label, **options
        )

    @spoken_in_python
    def apply(
        self,
        given: Path | str | Any,
        *,
        samples: int = 1,
        seed: int = 0,
        transform: str = "",
        **options: object,
    ) -> Any:
        """Transform an input into an output; ``impute``, for example, fills in missing values.

        Args:
            given: A file, or an input in memory: a data frame with the columns of training, or an
                image ``(H, W, C)`` of 0..255, or of uint16 for 16 bit.
            samples: Number of outputs. One is the best estimate; several are random samples, whose
                differences show the uncertainty.
            seed: Sample k of row n depends only on the seed, on k and on n.
            transform: Which one, if the recipe has several; by default its first.
            options: Options of the recipe's transform, such as ``interpolation`` or ``domain``;
                see ``gannet apply RUN --help``.

        Returns:
            An output of the input's kind: a data frame, or a ``Frame`` without pandas; an image
            ``(H, W, C)`` with the input's bit depth. With several samples, a list of outputs.

        Raises:
            ConfigError: if this run's recipe has no transform, or an option is unknown.
            DataError: if the input does not fit the run.
        """
        outputs = apply_value(
            self.artifact, one(given), ApplyRequest(samples, seed, options, transform)
        )
        return list(outputs) if samples > 1 else outputs[0]

    @spoken_in_python
    def editor(
        self,
        *,
        labels: Path | str | None = None,
        positive: Path | str | None = None,
        negative: Path | str | None = None,
        seed: int = 0,
    ) -> Editor:
        """An editor for latents of images: ``directions``, ``learnt``, ``find``, ``changed``.

        Args:
            labels: Labelled data; each label becomes an attribute that can be changed.
            positive: A folder with some positive example images; the attribute ``positive`` moves
                towards them.
            negative: A folder with some negative example images.
            seed: Of everything that is random.

        Raises:
            ConfigError: if the run does not generate images from latents.
        """
        folders = (None if each is None else Path(each) for each in (labels, positive, negative))
        editor = Editor(self.artifact, LabeledExamples(*folders, seed=seed))
        assert editor.generator
        return editor

    def directions(self, *, seed: int = 0) -> tuple[Direction, ...]:
        """Latent directions that were found without labels, named by what they change.

        Raises:
            ConfigError: if the run does not generate images from latents.
        """
        return self.editor(seed=seed).directions

    @spoken_in_python
    def edit(
        self,
        image: Path | str | Any,
        changes: Mapping[str, float],
        *,
        label: str | int | None = None,
        pivotal_tuning: bool = True,
        seed: int = 0,
    ) -> Any:
        """Invert an image (find its latent), edit it, and decode it: ``(H, W, C)`` of 0..255.

        Args:
            image: A file or an array ``(H, W, C)`` of 0..255, of any size.
            changes: Attributes such as ``brightness``, or numbers of ``directions``, and how many
                standard deviations of the latent to move along each.
            label: Its class, of runs with classes; by default the one that fits best.
            pivotal_tuning: Whether to fine-tune a copy of the generator (pivotal tuning, PTI) until
                it reproduces the image.
            seed: Of everything that is random.

        Raises:
            GannetError: if the run does not generate images from latents, the image cannot be
                read, or an attribute or class is unknown.
        """
        editor = self.editor(seed=seed)
        search = USUAL if pivotal_tuning else replace(USUAL, tuning=0)
        given = one(image)
        item = Path(given) if isinstance(given, str | Path) else np.asarray(given, np.uint8)
        for name in changes:
            editor.axis(name)  # refused before minutes of search
        edited = editor.edited(editor.find([item], search, label)[0], changes)
        return self.artifact.decode(edited.image()[None])[0]

    @spoken_in_python
    def evaluate(
        self,
        data: Path | str | Any | None = None,
        *,
        count: int | None = None,
        out: Path | str | None = None,
        anyway: bool = False,
        **options: Any,
    ) -> Report:
        """Scores on held-out data, with intervals, a reference (real against real) and a baseline.

        Args:
            data: By default the data that it was trained on, of which the same part is held out
                again. Of other data like those every sample is held out that it was not trained on.
            count: Number of fakes, and of held-out reals if there are that many; by default 2,000,
                of other data all of them, 10,000 at most.
            out: Folder for ``report.json``, ``report.md``, ``report.html`` (with the extra
                ``report``), for images ``neighbors.png``, and for conditional models ``sheet.png``
                (input, output, target); nothing is written by default. If it holds a report of
                other data, the files go to ``out/evaluations/<name of the data>``.
            anyway: Whether data of another size, class set or other columns than those of training
                are scored all the same.
            options: As for ``gannet.evaluation.evaluate`` or, of tables, ``evaluate_table``; and
                ``label``, the column of the classes, by default the one that the run was trained
                with.

        Raises:
            ConfigError: if a number is out of range or ``out`` is a file.
            DataError: if the data are of another kind than the model's; if they have another size,
                classes or columns, unless ``anyway``; or if the run's own data are not known or no
                longer there.
        """
        check_evaluation(count, options.get("seed", 0), out)
        began = time.perf_counter()
        report, examples, sheets = self.scored(
            data, count=count, sheets=out is not None, anyway=anyway, **options
        )
        if out is not None:
            timed = report.model_copy(update={"seconds": round(time.perf_counter() - began, 1)})
            write_scored(timed, Path(out), examples, sheets)
        return report

    @spoken_in_python
    def scored(
        self,
        data: Path | str | Any | None = None,
        *,
        count: int | None = None,
        sheets: bool = True,
        **options: Any,
    ) -> tuple[Report, Examples, Mapping[str, SampleGrid]]:
        """What ``evaluate`` writes: the report, examples, and image grids by file name.

        Args:
            data: As for ``evaluate``.
            count: As for ``evaluate``.
            sheets: Whether to make the image grids.
            options: As for ``evaluate``, ``anyway`` too; and ``threads``, the number of CPU
                threads, by default the fastest. Equal numbers give bitwise equal networks on one
                machine.
        """
        return scored(self.artifact, self.folder, data, count=count, sheets=sheets, **options)
