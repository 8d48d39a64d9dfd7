"""A trained model in raw data rather than tensors: it samples, judges, applies, edits, scores."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gannet.api.scoring import check_evaluation, scored, write_scored
from gannet.core.codec import Codec
from gannet.core.sampling import DrawnSamples
from gannet.core.scores import Report
from gannet.evaluation.report.examples import Examples
from gannet.inference.apply import ApplyRequest, apply_value
from gannet.inference.artifact import Artifact
from gannet.inference.card import Card
from gannet.inference.editing.direction_names import Direction
from gannet.inference.editing.editor import Editor, LabeledExamples
from gannet.inference.editing.inversion import USUAL
from gannet.inference.judge_files import judge_samples
from gannet.inference.write_samples import draw_samples
from gannet.modalities.hooks import Sheet


@dataclass(frozen=True)
class Model:
    """A trained generator and its discriminator, in raw data rather than tensors.

    Attributes:
        artifact: The same in tensors.
        folder: Where it was loaded from.
    """

    artifact: Artifact
    folder: Path

    @property
    def card(self) -> Card:
        """What it is and where it came from."""
        return self.artifact.card

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can be asked for."""
        return self.artifact.classes

    @cached_property
    def codec(self) -> Codec[Any]:
        """Turns samples into raw data and back; what the model makes may be of another kind."""
        return self.artifact.codecs["sample"]

    def sample(self, count: int = 1, *, seed: int = 0, **options: Any) -> Any:
        """New samples in one piece, as their kind of data has them.

        Pictures are an array ``(count, H, W, C)`` of 0..255, rows of numbers ``(count, F)``, and a
        table a pandas data frame, or without pandas a ``Frame``. Text that is a number in all rows
        of a file becomes a number.

        Args:
            count: How many.
            seed: Sample n depends on the seed and on n alone.
            options: What this run can be asked, see ``gannet sample RUN --help``:

                - ``label`` where it was trained with classes: a class; by default all of them, and
                  none, as often as in the training data;
                - ``given`` of tables: columns and what their cells must be: a value, a pair for a
                  range (``None`` for an open end), or a list of values and ranges;
                - ``balance_by`` of tables: a column whose values occur equally often;
                - ``require`` of tables: rules that every row obeys, such as ``"start <= end"``; see
                  the page about data.

        Raises:
            ConfigError: if an option, the class, a column or a value is unknown, nothing like what
                is given was ever seen, a rule cannot be read, rules contradict each other or hardly
                any row obeys them, or the count is negative.
        """
        drawn = self.stream(count, seed=seed, **options)
        found = drawn.gather()
        if isinstance(found, list):
            return self.artifact.modality.inference.stack(found, self.artifact.codec)  # pyright: ignore[reportUnknownArgumentType]  # raw samples
        return found

    def stream(self, count: int, *, seed: int = 0, **options: Any) -> DrawnSamples:
        """The samples that ``sample`` makes, one by one; of tables some rows at a time.

        What comes back is an iterator; its ``notes()`` say what a user should know of those drawn
        so far, such as how many rows of a table obeyed its rules at once. Cells of a table are in
        the very formats of the data.

        Args:
            count: As for ``sample``.
            seed: As for ``sample``.
            options: As for ``sample``.

        Raises:
            ConfigError: as ``sample`` does.
        """
        return draw_samples(self.artifact, count, seed=seed, **options)

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
        return judge_samples(self.artifact, samples, label=label)

    def apply(
        self,
        given: Path | str | Any,
        *,
        samples: int = 1,
        seed: int = 0,
        transform: str = "",
        **options: object,
    ) -> Any:
        """Transform an input into an output, if the recipe does: ``impute`` fills holes of a table.

        Args:
            given: A file, or an input in memory: a data frame with the columns of training, or a
                picture ``(H, W, C)`` of 0..255, or of uint16 for 16 bit.
            samples: One is the single best answer; of several, each is drawn by chance, so that
                together they show how sure the answer is.
            seed: Draw k of row n depends on the seed, on k and on n alone.
            transform: Which, of a recipe that knows several; by default the usual one.
            options: What the recipe's transform knows, such as ``interpolation`` or ``domain``; see
                ``gannet apply RUN --help``.

        Returns:
            An output of the input's kind: a data frame, or without pandas a ``Frame``; a picture
            ``(H, W, C)`` with the bits of the given one. Of several draws a list of them.

        Raises:
            ConfigError: if this run's recipe transforms nothing, or does not know an option.
            DataError: if the input does not suit the run.
        """
        found = apply_value(self.artifact, given, ApplyRequest(samples, seed, options, transform))
        return list(found) if samples > 1 else found[0]

    def editor(
        self,
        *,
        labels: Path | str | None = None,
        positive: Path | str | None = None,
        negative: Path | str | None = None,
        seed: int = 0,
    ) -> Editor:
        """For work with the noise of pictures: ``directions``, ``learnt``, ``find``, ``changed``.

        Args:
            labels: Data with labels, which become names that can be changed.
            positive: A folder with a handful of pictures; ``positive`` goes towards them.
            negative: A folder with a handful of others.
            seed: Of all chance.

        Raises:
            ConfigError: if the run makes no pictures from noise.
        """
        folders = (None if each is None else Path(each) for each in (labels, positive, negative))
        editor = Editor(self.artifact, LabeledExamples(*folders, seed=seed))
        assert editor.generator
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
        pivotal_tuning: bool = True,
        seed: int = 0,
    ) -> Any:
        """A picture found in the noise and changed, ``(H, W, C)`` of 0..255.

        Args:
            picture: A file or numbers ``(H, W, C)`` of 0..255, of any size.
            changes: Attributes such as ``brightness``, or numbers of ``directions``, and by how
                many spreads of noise to go along each.
            label: Its class, of runs with classes; found by trying if left out.
            pivotal_tuning: Whether a copy of the generator is bent until it gives the very picture.
            seed: Of all chance.

        Raises:
            GannetError: if the run makes no pictures from noise, the picture cannot be read, or an
                attribute or class is unknown.
        """
        editor = self.editor(seed=seed)
        search = USUAL if pivotal_tuning else replace(USUAL, tuning=0)
        item = Path(picture) if isinstance(picture, str | Path) else np.asarray(picture, np.uint8)
        found = editor.changed(editor.find([item], search, label)[0], changes)
        return self.artifact.decode(found.picture()[None])[0]

    def evaluate(
        self, data: Path | str, *, count: int = 2_000, out: Path | str | None = None, **options: Any
    ) -> Report:
        """Scores against held-out data, each with interval, floor and baseline.

        Args:
            data: The data that it was trained on; gannet holds the same part of them out again.
            count: Fakes, and held-out reals where there are as many.
            out: Folder to write ``report.json``, ``report.md``, with the extra ``report``
                ``report.html`` and, of pictures, ``neighbors.png`` to, and of answers
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
        report, examples, sheets = self.scored(data, count=count, sheets=out is not None, **options)
        if out is not None:
            timed = report.model_copy(update={"seconds": round(time.perf_counter() - began, 1)})
            write_scored(timed, Path(out), examples, sheets)
        return report

    def scored(
        self, data: Path | str, *, count: int = 2_000, sheets: bool = True, **options: Any
    ) -> tuple[Report, Examples, Mapping[str, Sheet]]:
        """What ``evaluate`` writes: the report, samples of its pairs, and files beside it.

        Args:
            data: As for ``evaluate``.
            count: As for ``evaluate``.
            sheets: Whether these files are wanted.
            options: As for ``evaluate``; and ``threads`` of the processor, by default as many as
                are fastest. Equal numbers give equal networks, to the last bit, on one machine.
        """
        return scored(self.artifact, self.folder, data, count=count, sheets=sheets, **options)
