"""Score a run on held-out data: what ``Model.evaluate`` writes, for every kind of data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from gannet.api.evaluation_data import EvaluationData, evaluation_data, name_of, own_path
from gannet.core import device as processor
from gannet.core.errors import ConfigError
from gannet.core.io.regular import read_text, real_path
from gannet.core.recipe import ReferenceMethod
from gannet.core.scores import Report
from gannet.core.seeding import seed_fault
from gannet.core.transform import Role
from gannet.core.types import Batch
from gannet.evaluation.report.examples import Examples, with_growth
from gannet.evaluation.report.html.page import can_draw, write_page
from gannet.evaluation.report.markdown import write_report
from gannet.evaluation.report.outdated import EVALUATIONS
from gannet.evaluation.scored import score
from gannet.evaluation.task_scores import with_task_scores
from gannet.evaluation.two_sample.generator import GeneratorTest
from gannet.inference.apply import ApplyRequest, apply_value
from gannet.inference.artifact import Artifact
from gannet.inference.model_card import training_log_of
from gannet.metrics.two_sample import TwoSampleResult
from gannet.modalities.hooks import SampleGrid
from gannet.modalities.registry import modality_of

COUNT = 2_000
"""Samples on each side of an evaluation on a run's own data."""

MAX_COUNT = 10_000
"""Most samples on each side that are compared without being asked for."""

OF_TRAINING = ("memorization", "privacy")
"""Roles of scores that need the samples that the run was trained on."""


@dataclass(frozen=True)
class ConditionalArtifact:
    """The conditional outputs of an artifact, for scores.

    Attributes:
        artifact: Of a conditional recipe.
    """

    artifact: Artifact

    @property
    def reference_methods(self) -> Mapping[str, ReferenceMethod]:
        """The reference methods of its recipe."""
        return self.artifact.recipe.evaluation.reference_methods

    @property
    def given(self) -> Role | Literal[""]:
        """The role of the inputs."""
        return self.artifact.recipe.inputs.given

    @property
    def paired(self) -> bool:
        """Whether each output has a target of its own."""
        return self.artifact.recipe.inputs.paired

    @property
    def against_targets(self) -> bool:
        """Whether an output is to be compared with that target."""
        return self.artifact.recipe.evaluation.against_targets

    def transform(self, given: Batch, *, seed: int) -> tuple[Batch, Tensor]:
        """Held-out samples with their conditions, and the outputs ``(n, *shape)``."""
        conditioned = self.artifact.recipe.with_evaluation_condition(given, self.artifact.card.spec)
        return conditioned, self.resample(conditioned, seed=seed)

    def resample(self, condition: Batch, *, seed: int) -> Tensor:
        """Further outputs for the same conditions, or for some of them."""
        return self.artifact.transform(condition, seed=seed)


@dataclass(frozen=True)
class SamplesOf:
    """The samples of an artifact, for scores, whether its model samples or transforms.

    Attributes:
        artifact: Of any recipe.
    """

    artifact: Artifact

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can sample."""
        return self.artifact.classes

    def sample(self, count: int, *, label: str | int | None = None, seed: int = 0) -> Tensor:
        """New samples; row n depends only on the seed and on n."""
        if self.artifact.recipe.makes_samples:
            return self.artifact.sample(count, label=label, seed=seed)
        return self.artifact.fakes(self.artifact.card.spec.blank(count), seed=seed)


def scored(
    artifact: Artifact,
    folder: Path,
    data: Path | str | Any | None = None,
    *,
    count: int | None = None,
    sheets: bool = True,
    threads: int | None = None,
    anyway: bool = False,
    **options: Any,
) -> tuple[Report, Examples, Mapping[str, SampleGrid]]:
    """What ``evaluate`` writes: the report, examples, and image grids by file name.

    Args:
        artifact: Of a run.
        folder: Of the run.
        data: As for ``Model.evaluate``.
        count: As for ``Model.evaluate``.
        sheets: Whether to make the image grids.
        threads: Number of CPU threads, by default the fastest. Equal numbers give bitwise equal
            networks on one machine.
        anyway: As for ``Model.evaluate``.
        options: As for ``Model.evaluate``.
    """
    seed, label = options.pop("seed", 0), options.pop("label", None)
    path = own_path(artifact, folder) if data is None else data
    chosen = evaluation_data(artifact, folder, path, label=label, anyway=anyway, seed=seed)
    names = {"artifact": real_path(folder).name, "data": name_of(path)}
    recipe, count = artifact.recipe, _count_of(chosen, count)
    conditional = recipe.makes_conditional_samples
    transforms = recipe.inference.transform is not None and not conditional
    known = _recorded(artifact, chosen, count, seed)
    sample = artifact.codecs["sample"]
    test = GeneratorTest(modality_of(sample.kind), sample, artifact.embed, seed, known)
    with processor.threads(threads or processor.best_threads()):
        result = score(
            SamplesOf(artifact),
            chosen.dataset,
            artifact.codecs,
            count=count,
            seed=seed,
            conditional_generator=ConditionalArtifact(artifact) if conditional else None,
            transform=partial(_transformed, artifact, seed=seed) if transforms else None,
            cache=_features_cache(folder, chosen),
            sheets=sheets,
            unseen=not chosen.own,
            options=names | {"two_sample": test} | options,
        )
    report = with_task_scores(result.report, recipe, artifact, chosen.dataset, count=count)
    report = _with_notes(report, chosen, count).model_copy(update=_about_run(artifact, folder))
    return report, with_growth(result.examples, folder), result.sheets


def _about_run(artifact: Artifact, folder: Path) -> dict[str, Any]:
    """What a report says of a run besides its scores."""
    return {
        "training_log": training_log_of(artifact, folder),
        "training_samples": int(artifact.card.data.get("train", 0)),
        "noun": artifact.modality.noun,
        "weights": artifact.card.weights,
    }


def _count_of(data: EvaluationData, count: int | None) -> int:
    """How many are compared: of data of the user's own all that were held out, to a limit."""
    if count is not None or data.own:
        return COUNT if count is None else count
    return min(max(COUNT, len(data.dataset.held_out)), MAX_COUNT)


def _with_notes(report: Report, data: EvaluationData, count: int) -> Report:
    """The report with what must be known of the data, without what they cannot tell."""
    held_out, notes = len(data.dataset.held_out), data.notes
    if not data.own and count < held_out:
        notes += (f"{count:,} of the {held_out:,} are compared: no more than --count.",)
    update: dict[str, Any] = {"digest": data.dataset.digest, "notes": notes}
    update["protocol"] = (*report.protocol, *notes)
    if not data.trained_on:
        update["scores"] = tuple(each for each in report.scores if each.role not in OF_TRAINING)
        update |= {"suspects": (), "examples": (), "training_distance": None}
    return report.model_copy(update=update)


def _features_cache(folder: Path, data: EvaluationData) -> Path | None:
    """The run's cache folder, if it exists and these are the run's own data."""
    cache = folder / "cache"
    return cache if data.own and cache.is_dir() else None


def _recorded(
    artifact: Artifact, data: EvaluationData, count: int, seed: int
) -> TwoSampleResult | None:
    """The two-sample test on the card, unless other data, another seed or fewer samples are asked.

    So that a run has one accuracy: on its card, in its README and in its report. A brief test of a
    short run is not enough.
    """
    record = artifact.card.two_sample_test
    if not record or not data.own or seed:
        return None
    result = TwoSampleResult.of(record)
    tested = (result.tested + result.trained) // 2
    return result if count >= min(tested, COUNT) and not result.brief else None


def _transformed(artifact: Artifact, given: Any, samples: int, *, seed: int) -> Sequence[Any]:
    return apply_value(artifact, given, ApplyRequest(samples, seed))


def write_scored(
    report: Report, out: Path, examples: Examples, sheets: Mapping[str, SampleGrid]
) -> Path:
    """Write a report as JSON, Markdown and HTML, with its image grids; see ``scored``.

    Returns:
        The folder it was written to; see ``report_folder``.
    """
    folder = report_folder(out, report)
    write_report(report, folder, sheets)
    if can_draw():
        write_page(report, folder, examples)
    return folder


def report_folder(out: Path, report: Report) -> Path:
    """The folder for a report: ``out``, unless that holds a report of other data.

    Then it is one of its own there, named after the data; the digest decides what are other data.
    """
    name = re.sub(r"[^\w.-]+", "-", report.data).strip(".-") or "data"
    beside = out / EVALUATIONS
    named = (beside / name, beside / f"{name}-{report.digest[:8]}")
    return next((each for each in (out, *named) if _is_free(each, report)), named[-1])


def _is_free(folder: Path, report: Report) -> bool:
    """Whether a folder has no report, or one of the same data."""
    try:
        content: dict[str, Any] = json.loads(read_text(folder / "report.json"))
        digest = content.get("digest")
    except FileNotFoundError:
        return True
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
    return bool(digest) and digest == report.digest


def check_evaluation(count: int | None, seed: int, out: Path | str | None) -> None:
    """Refuse numbers that are out of range and output paths that are not folders.

    Raises:
        ConfigError: listing every fault.
    """
    faults: list[str] = []
    if count is not None and count < 1:
        faults.append(f"--count: must be at least 1, got {count}")
    faults += filter(None, [seed_fault(seed)])
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        faults.append(f"--out: {out} is not a folder")
    elif out is not None and Path(out).suffix.lower() in (".html", ".md", ".json"):
        faults.append(f"--out: {out} looks like a file; name the folder that reports go into")
    if faults:
        raise ConfigError("\n".join(faults), remedy="Correct these options.")
