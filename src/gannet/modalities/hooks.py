"""What evaluations, reports and model cards ask of a kind of data; each with an answer for any."""

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
from gannet.modalities.corruption import NUMBERS, Corruption
from gannet.networks.features import Features


class Sampler(Protocol):
    """What can be scored; an ``Artifact`` is one."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes it can be asked for; empty if none."""
        ...

    def sample(self, count: int, *, label: str | int | None = None, seed: int = 0) -> Tensor:
        """``(count, *shape)``; row n depends on the seed and n alone."""
        ...


class LabeledRows(Protocol):
    """Samples with labels, read in parts."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """``(N,)`` class numbers, -1 where not known."""
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
        """What the generator learnt from."""
        ...

    @property
    def held_out(self) -> LabeledRows:
        """What it never saw."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One sample as a page shows it.

    Attributes:
        form: What ``content`` is.
        content: A file of that form; text in UTF-8.
        caption: What stands below it; may be empty.
    """

    form: Literal["png", "wav", "text", "html", "mp4"]
    content: bytes
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Many samples in one file.

    Attributes:
        suffix: Of the file: ``.png``.
        content: Of the file.
    """

    suffix: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PairMeasure:
    """How an output compares with another sample: with its target, or with what it was made from.

    Attributes:
        name: Of the score.
        measure: Outputs and others, each ``(n, *shape)``, to ``(n,)``.
        best: What a perfect output gets.
        better: Which end is good.
        about: What the score says of itself.
    """

    name: str
    measure: Callable[[Tensor, Tensor], Tensor]
    best: float
    better: Literal["low", "high"]
    about: About


@dataclass(frozen=True)
class WholeEvaluation:
    """All that an evaluation is made of, for kinds that are scored in a way of their own.

    Attributes:
        sampler: The generator.
        data: Training and held-out rows.
        codec: Of the samples.
        count: Samples on each side.
        seed: Of everything.
        transform: A raw input and a number of draws to raw outputs, where that is what the
            generator is for; ``None`` if it makes samples from nothing.
        options: ``artifact`` and ``data``, as the report calls them, and further ones by name; what
            is not known is to be refused.
    """

    sampler: Sampler
    data: Data
    codec: Codec[Any]
    count: int
    seed: int
    transform: Callable[[Any, int], Sequence[Any]] | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


def columns(count: int) -> int:
    """How many samples stand side by side in a grid of ``count``.

    >>> columns(64), columns(10), columns(1)
    (8, 4, 1)
    """
    return max(math.ceil(math.sqrt(count)), 1)


def no_scores(_held_out: Tensor, _fake: Tensor, _fresh: Tensor, _plain: Tensor) -> Sequence[Score]:
    """Nothing beyond the scores of any kind."""
    return ()


def no_network(name: str, _samples: Tensor) -> Features | None:
    """No network was trained for this kind of data.

    Raises:
        ConfigError: if one is asked for.
    """
    if name in ("auto", "random"):
        return None
    raise ConfigError(
        f"--features {name}: there are no such features of data of this kind",
        remedy="Choose auto, classifier or random.",
    )


def no_profiles(_codec: Codec[Any], _real: Tensor, _fake: Tensor) -> Sequence[Histogram]:
    """Nothing to draw number by number."""
    return ()


def nothing_to_say(_codec: Codec[Any]) -> Sequence[str]:
    """Nothing."""
    return ()


def by_features(feature_distance: PairMeasure) -> Sequence[PairMeasure]:
    """Outputs are compared with their targets in features alone."""
    return (feature_distance,)


Rows = Callable[[Tensor], Tensor]
"""Samples ``(n, *shape)`` to rows of numbers ``(n, F)``, NaN where a cell is missing."""


def flat_rows(_codec: Codec[Any] | None) -> Mapping[str, Rows]:
    """The numbers as they are."""
    return {"numbers": lambda samples: samples.flatten(1).float()}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationHooks:
    """What a kind adds to an evaluation.

    Attributes:
        scores: Further scores of held-out reals, fakes, further reals (the floor) and a trivial
            baseline, each ``(n, *shape)``.
        pretrained: Features from a network that was trained elsewhere, by name (``auto`` for the
            best that there is, or a path) and from some samples; ``None`` where none suits.
        profiles: From the codec, held-out reals and fakes to how single numbers are spread.
        protocol: How raw data become samples, in sentences.
        measures: Of outputs beside their targets; is given the one by features.
        preserved: Of outputs without targets, beside what they were made from.
        whole: Scores a generator in a way of its own, in place of all others.
        rows: From the codec, where it is known, to ways to see samples as rows of few meaningful
            numbers, by name; boosted trees of a two-sample test learn from each.
        corruptions: Ways to make reals worse, which a test, features and a judge must see; by name.
    """

    scores: Callable[[Tensor, Tensor, Tensor, Tensor], Sequence[Score]] = no_scores
    pretrained: Callable[[str, Tensor], Features | None] = no_network
    profiles: Callable[[Codec[Any], Tensor, Tensor], Sequence[Histogram]] = no_profiles
    protocol: Callable[[Codec[Any]], Sequence[str]] = nothing_to_say
    measures: Callable[[PairMeasure], Sequence[PairMeasure]] = by_features
    preserved: Sequence[PairMeasure] = ()
    whole: Callable[[WholeEvaluation], Report] | None = None
    rows: Callable[[Codec[Any] | None], Mapping[str, Rows]] = flat_rows
    corruptions: Mapping[str, Corruption] = field(default_factory=lambda: NUMBERS)


def described(raw: Any) -> tuple[str, ...]:
    """A raw sample in words: a text as it is, of anything else its shape."""
    return (raw if isinstance(raw, str) else " x ".join(map(str, np.shape(raw))) or str(raw),)


def text_exhibit(raw: Any) -> Exhibit:
    """A raw sample in words."""
    return Exhibit("text", "\n".join(described(raw)).encode())


def text_sheet(raws: Sequence[Any], _columns: int) -> Sheet | None:
    """Texts one below the other; of anything else nothing."""
    if not raws or not all(isinstance(raw, str) for raw in raws):
        return None
    return Sheet(".txt", "".join(f"{raw}\n" for raw in raws).encode())


def no_sheet(_raws: Sequence[Any], _columns: int) -> Sheet | None:
    """No file shows several samples at once."""
    return None


def no_comparison(_given: Batch, _outputs: Sequence[Tensor], _across: int) -> Sheet | None:
    """No file shows inputs beside outputs."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How samples are shown to people.

    Attributes:
        exhibit: A raw sample as a page shows it.
        describe: A raw sample as cells of text.
        sheet: Raw samples, and how many stand side by side, in one file; ``None`` for no such file.
        compared: From what was given (targets, with it as their condition's grid) and outputs, each
            ``(n, *shape)``, to exhibits in rows: given, outputs, target. ``None`` shows the raw
            samples.
        comparison: The same in one file; with how many inputs share a row.
        contents: What a codec's samples are, as a model card says it; empty for their size.
        notes: Lines of Markdown about a codec for the model card.
        tags: Of the model card.
        pipeline: Task of the model card as the hub names it; empty for none.
    """

    exhibit: Callable[[Any], Exhibit] = text_exhibit
    describe: Callable[[Any], tuple[str, ...]] = described
    sheet: Callable[[Sequence[Any], int], Sheet | None] = text_sheet
    compared: Callable[[Batch, Sequence[Tensor]], Sequence[tuple[Exhibit, ...]]] | None = None
    comparison: Callable[[Batch, Sequence[Tensor], int], Sheet | None] = no_comparison
    contents: Callable[[Codec[Any]], str] = lambda _: ""
    notes: Callable[[Codec[Any]], Sequence[str]] = nothing_to_say
    tags: tuple[str, ...] = ()
    pipeline: str = ""
