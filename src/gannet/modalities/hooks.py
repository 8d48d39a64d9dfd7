"""Hooks of a modality for evaluation, reports and model cards, with generic defaults."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import ConfigError
from gannet.core.scores import About, Histogram, Report, Score
from gannet.core.types import Batch
from gannet.networks.features import Features


class Sampler(Protocol):
    """A generator that can be evaluated, such as an ``Artifact``."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names it can be conditioned on; empty if none."""
        ...

    def sample(self, count: int, *, label: str | int | None = None, seed: int = 0) -> Tensor:
        """``(count, *shape)``; row n depends on the seed and n alone."""
        ...


class LabeledRows(Protocol):
    """Samples with labels, read in parts."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """``(N,)`` class indices, -1 where unlabeled."""
        ...

    def __len__(self) -> int:
        """How many."""
        ...

    def take(self, indices: Sequence[int]) -> Batch:
        """Some rows."""
        ...


class Data(Protocol):
    """Training and held-out rows."""

    @property
    def train(self) -> LabeledRows:
        """Rows that the generator was trained on."""
        ...

    @property
    def held_out(self) -> LabeledRows:
        """Rows that it was not trained on."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One sample as an HTML page shows it.

    Attributes:
        form: Format of ``content``.
        content: A file of that format; text in UTF-8.
        caption: Text below it; may be empty.
    """

    form: Literal["png", "wav", "text", "html", "mp4"]
    content: bytes
    caption: str = ""


@dataclass(frozen=True, slots=True)
class SampleGrid:
    """Many samples in one file.

    Attributes:
        suffix: Suffix of the file, such as ``.png``.
        content: Content of the file.
    """

    suffix: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PairMeasure:
    """A measure of an output against its target or its input.

    Attributes:
        name: Name of the score.
        measure: Outputs and others, each ``(n, *shape)``, to ``(n,)``.
        best: Value of a perfect output.
        better: Whether low or high is better.
        about: Description of the score.
    """

    name: str
    measure: Callable[[Tensor, Tensor], Tensor]
    best: float
    better: Literal["low", "high"]
    about: About


@dataclass(frozen=True)
class WholeEvaluation:
    """Inputs of an evaluation, for modalities with an evaluation of their own.

    Attributes:
        sampler: The generator.
        data: Training and held-out rows.
        codec: Codec of the samples.
        count: Number of reals, and of fakes.
        seed: Random seed.
        transform: A raw input and a number of samples to raw outputs, for conditional
            generators; ``None`` if it makes samples from noise alone.
        options: ``artifact`` and ``data``, as the report names them, and further options by name;
            unknown ones must be refused.
    """

    sampler: Sampler
    data: Data
    codec: Codec[Any]
    count: int
    seed: int
    transform: Callable[[Any, int], Sequence[Any]] | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


def columns(count: int) -> int:
    """Number of columns in a grid of ``count`` samples.

    >>> columns(64), columns(10), columns(1)
    (8, 4, 1)
    """
    return max(math.ceil(math.sqrt(count)), 1)


def no_scores(
    _held_out: Tensor, _fake: Tensor, _real_reference: Tensor, _baseline: Tensor
) -> Sequence[Score]:
    """No scores beyond the generic ones."""
    return ()


def no_network(name: str, _samples: Tensor) -> Features | None:
    """No pretrained features for this modality.

    Raises:
        ConfigError: if some are asked for.
    """
    if name in ("auto", "random"):
        return None
    raise ConfigError(
        f"--features {name}: there are no such features of data of this kind",
        remedy="Choose auto, classifier or random.",
    )


def no_profiles(_codec: Codec[Any], _real: Tensor, _fake: Tensor) -> Sequence[Histogram]:
    """No histograms."""
    return ()


def no_lines(_codec: Codec[Any]) -> Sequence[str]:
    """No lines."""
    return ()


def by_features(feature_distance: PairMeasure) -> Sequence[PairMeasure]:
    """Compare outputs with their targets in features alone."""
    return (feature_distance,)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationHooks:
    """What a modality adds to an evaluation.

    Attributes:
        scores: Further scores of held-out reals, fakes, further reals (the reference, real against
            real) and a trivial baseline, each ``(n, *shape)``.
        pretrained: Pretrained features, by name (``auto`` for the best available, or a path) and
            for some samples; ``None`` where none suits.
        profiles: From the codec, held-out reals and fakes to histograms of single numbers.
        protocol: How raw data become samples, in sentences.
        measures: Measures of outputs against their targets; is given the one by features.
        preserved: Measures of outputs without targets, against their inputs.
        whole: A complete evaluation of its own, in place of all others.
    """

    scores: Callable[[Tensor, Tensor, Tensor, Tensor], Sequence[Score]] = no_scores
    pretrained: Callable[[str, Tensor], Features | None] = no_network
    profiles: Callable[[Codec[Any], Tensor, Tensor], Sequence[Histogram]] = no_profiles
    protocol: Callable[[Codec[Any]], Sequence[str]] = no_lines
    measures: Callable[[PairMeasure], Sequence[PairMeasure]] = by_features
    preserved: Sequence[PairMeasure] = ()
    whole: Callable[[WholeEvaluation], Report] | None = None


def described(raw: Any) -> tuple[str, ...]:
    """A raw sample as text: a text itself, else its shape."""
    return (raw if isinstance(raw, str) else " x ".join(map(str, np.shape(raw))) or str(raw),)


def text_exhibit(raw: Any) -> Exhibit:
    """A raw sample as text."""
    return Exhibit("text", "\n".join(described(raw)).encode())


def text_listing(raws: Sequence[Any], _columns: int) -> SampleGrid | None:
    """Texts, one a line; ``None`` for anything else."""
    if not raws or not all(isinstance(raw, str) for raw in raws):
        return None
    return SampleGrid(".txt", "".join(f"{raw}\n" for raw in raws).encode())


def no_grid(_raws: Sequence[Any], _columns: int) -> SampleGrid | None:
    """No file of several samples."""
    return None


def no_comparison(
    _inputs: Tensor, _outputs: Sequence[Tensor], _targets: Tensor, _across: int
) -> SampleGrid | None:
    """No file of inputs beside outputs."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How samples are shown to people.

    Attributes:
        exhibit: A raw sample as an HTML page shows it.
        describe: A raw sample as cells of text.
        grid: Raw samples, and the number of columns, to one file; ``None`` for no such file.
        compared: From inputs, outputs and targets of this kind, each ``(n, *shape)``, to exhibits
            in rows: input, outputs, target. ``None`` shows the raw samples.
        comparison: The same in one file; with the number of inputs per row.
        contents: What a codec's samples are, for the model card; empty for their size.
        notes: Lines of Markdown about a codec for the model card.
        tags: Tags of the model card.
        pipeline: Task of the model card of samples from noise, by the hub's name; empty for none.
        hub_name: The hub's word for this kind of data in the names of other tasks, such as
            ``image`` in ``text-to-image``; empty for none.
    """

    exhibit: Callable[[Any], Exhibit] = text_exhibit
    describe: Callable[[Any], tuple[str, ...]] = described
    grid: Callable[[Sequence[Any], int], SampleGrid | None] = text_listing
    compared: Callable[[Tensor, Sequence[Tensor], Tensor], Sequence[tuple[Exhibit, ...]]] | None = (
        None
    )
    comparison: Callable[[Tensor, Sequence[Tensor], Tensor, int], SampleGrid | None] = no_comparison
    contents: Callable[[Codec[Any]], str] = lambda _: ""
    notes: Callable[[Codec[Any]], Sequence[str]] = no_lines
    tags: tuple[str, ...] = ()
    pipeline: str = ""
    hub_name: str = ""
