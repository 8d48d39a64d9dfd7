"""Score a run on held-out data: what ``Model.evaluate`` writes, for every kind of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from gannet.core import device as processor
from gannet.core.errors import ConfigError
from gannet.core.io.training_log import read_training_log
from gannet.core.recipe import ReferenceMethod
from gannet.core.scores import Report
from gannet.core.transform import Role
from gannet.core.types import Batch
from gannet.data import dataset
from gannet.data.dataset import Dataset
from gannet.evaluation.report.examples import Examples
from gannet.evaluation.report.html.page import can_draw, write_page
from gannet.evaluation.report.markdown import write_report
from gannet.evaluation.scored import score
from gannet.evaluation.task_scores import with_task_scores
from gannet.inference.apply import ApplyRequest, apply_value
from gannet.inference.artifact import Artifact
from gannet.modalities.hooks import SampleGrid
from gannet.training.inputs import source_for

OTHER_DATA = (
    "The data or labels are not those of training, so the split is another one: samples held out "
    "here may have been trained on, which makes scores look better than they are."
)
"""Part of the protocol of a report if the data or labels differ from those of training."""


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
    data: Path | str,
    *,
    count: int = 2_000,
    sheets: bool = True,
    threads: int | None = None,
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
        options: As for ``Model.evaluate``.
    """
    evaluation_data = _load_evaluation_data(artifact, folder, data, options.pop("label", None))
    names = {"artifact": folder.resolve().name, "data": Path(data).name}
    recipe, card, seed = artifact.recipe, artifact.card, options.pop("seed", 0)
    conditional = recipe.inputs.conditional and recipe.makes_samples
    transforms = recipe.inference.transform is not None and not conditional
    with processor.threads(threads or processor.best_threads()):
        result = score(
            SamplesOf(artifact),
            evaluation_data,
            artifact.codecs,
            count=count,
            seed=seed,
            conditional_generator=ConditionalArtifact(artifact) if conditional else None,
            transform=partial(_transformed, artifact, seed=seed) if transforms else None,
            cache=_features_cache(artifact, folder, evaluation_data),
            sheets=sheets,
            options=names | options,
        )
    report = with_task_scores(result.report, recipe, artifact, evaluation_data, count=count)
    protocol = list(report.protocol)
    if evaluation_data.digest != card.data.get("digest"):
        protocol.append(OTHER_DATA)
    training_log = read_training_log(folder, recipe=card.recipe, diagnosis=card.diagnosis)
    update = {"protocol": tuple(protocol), "training_log": training_log}
    return report.model_copy(update=update), result.examples, result.sheets


def _features_cache(artifact: Artifact, folder: Path, evaluation_data: Dataset) -> Path | None:
    """The run's cache folder, if it exists and these are the run's own data."""
    own = evaluation_data.digest == artifact.card.data.get("digest")
    cache = folder / "cache"
    return cache if own and cache.is_dir() else None


def _transformed(artifact: Artifact, given: Any, samples: int, *, seed: int) -> Sequence[Any]:
    return apply_value(artifact, given, ApplyRequest(samples, seed))


def _load_evaluation_data(
    artifact: Artifact, folder: Path, data: Path | str, label: str | None
) -> Dataset:
    """The data to evaluate on, with the classes of this model; no cache is written."""
    own_label, codec = artifact.card.data.get("label"), artifact.codecs["sample"]
    chosen_label = own_label if label is None else label
    source = source_for(data, chosen_label, artifact.card.recipe, artifact.config, kind=codec.kind)
    if artifact.data_classes:
        source = source.aligned(artifact.data_classes)
    # Other data must not overwrite the run's cache.
    cache = dataset.cache_of(source, codec, folder / "cache")
    return dataset.load(source, artifact.codecs, cache=cache, seed=0)


def write_scored(
    report: Report, out: Path, examples: Examples, sheets: Mapping[str, SampleGrid]
) -> None:
    """Write a report as JSON, Markdown and HTML, with its image grids; see ``scored``."""
    write_report(report, out, sheets)
    if can_draw():
        write_page(report, out, examples)


def check_evaluation(count: int, seed: int, out: Path | str | None) -> None:
    """Refuse numbers that are out of range and output paths that are not folders.

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
        raise ConfigError("\n".join(faults), remedy="Correct these options.")
