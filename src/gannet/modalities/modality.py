"""A modality (kind of data) as one record: images, tables, vectors and so on.

A new kind is one file ``modalities/<kind>.py`` (or a package with a ``modality.py``) that ends in
``modality = Modality(...)``; nothing else changes. Another package registers it under the entry
point group ``gannet.modalities``. Every field but the first block has a default that works for any
kind of numbers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import DataError
from gannet.core.io.regular import check_regular
from gannet.core.io.writers import write_npz
from gannet.core.sampling import NoOptions, WriteRequest
from gannet.core.source import FileContent, Source
from gannet.core.types import Spec
from gannet.modalities import DEFAULT_RECIPE
from gannet.modalities.findings import Examination
from gannet.modalities.hooks import EvaluationHooks, Presentation
from gannet.modalities.inference import InferenceHooks
from gannet.modalities.judging import JudgingHooks
from gannet.modalities.reading import (
    ITEM_BY_ITEM,
    Budget,
    Claim,
    ColumnView,
    Reading,
    codec_errors,
    reader_errors,
)
from gannet.networks.classifier import BuildClassifier, RowNet
from gannet.networks.features import FeatureMap, Features, RandomFeatures
from gannet.networks.robust_features import RobustFeatures, RobustScale

__all__ = ["Budget", "Claim", "ColumnView", "Modality", "Reading", "Writer"]

Reader = Callable[[Path], Any]
"""Reads one raw sample from a file."""


@dataclass(frozen=True, slots=True)
class MonitorDefaults:
    """Defaults for monitoring a training run.

    Attributes:
        samples: Number of reals, and of fakes, of an evaluation during training.
        evaluations: Approximate number of evaluations in a run.
        validation_samples: Samples that the validation loss is averaged over.
        near_copies: Whether a near copy of a training sample means memorization; for rows of few
            numbers it does not.
        max_epochs_between_evaluations: Infinite where very small data sets are not the rule.
        rough_below: Samples seen in training below which only rough results are to be expected; 0
            where this was not measured.
    """

    samples: int = 1_000
    evaluations: int = 32
    validation_samples: int = 2_000
    near_copies: bool = False
    max_epochs_between_evaluations: float = float("inf")
    rough_below: int = 0


@dataclass(frozen=True, slots=True)
class TwoSampleDefaults:
    """Defaults of the classifier two-sample test (C2ST).

    Attributes:
        samples: Maximum number of reals, and of fakes.
        steps: Training steps of the network among its classifiers.
    """

    samples: int = 1_000
    steps: int = 120


Writer = Callable[[Iterable[Any], WriteRequest], Sequence[str] | None]
"""Writes raw samples atomically and returns notes for the user.

Its input is what the modality's ``sample`` yields: single raw samples; for tables, frames of rows.
"""

MAX_RAWS = 2_000
"""Maximum number of raw samples that a codec is fitted to."""


# -- defaults -----------------------------------------------------------------------------------


DEFAULT_INFERENCE = InferenceHooks()
"""Inference hooks that suit any modality."""

DEFAULT_EVALUATION = EvaluationHooks()
"""Evaluation hooks that suit any modality."""

DEFAULT_JUDGING = JudgingHooks()
"""Hooks of the judge that suit any modality."""

DEFAULT_EXAMINATION = Examination()
"""Examination before training that suits any modality."""

DEFAULT_PRESENTATION = Presentation()
"""Presentation hooks that suit any modality."""


def no_claim(_cells: ColumnView) -> Claim | None:
    """Claim no column, except by the suffixes of the readers."""
    return None


def encoded(codec: Codec[Any], raws: Sequence[Any]) -> NDArray[Any]:
    """Raw samples as they are stored for training: encoded ``(n, *shape)``, float32."""
    if not len(raws):
        return np.zeros((0, *codec.shape), np.float32)
    return codec.encode(raws).numpy()


def as_tensor(_codec: Codec[Any], packed: NDArray[Any]) -> Tensor:
    """Unpack what ``encoded`` packed, ``(n, *shape)``."""
    return torch.from_numpy(np.ascontiguousarray(packed))


def flattened(samples: Tensor) -> Tensor:
    """Samples ``(n, *shape)`` as rows of numbers ``(n, F)``."""
    return samples.flatten(1).float()


def random_features(reference: Tensor, seed: int) -> Features:
    """Random features, fixed by the seed."""
    return RandomFeatures(reference, seed=seed)


def robust_features(reference: Tensor, seed: int) -> Features:
    """Random features of numbers with any tails, fixed by the seed."""
    return RobustFeatures(reference, seed=seed)


def robust_scale(reference: Tensor, _seed: int) -> FeatureMap:
    """Numbers on their robust scale."""
    return RobustScale(reference)


def jittered(samples: Tensor, p: float, rng: torch.Generator | None = None) -> Tensor:
    """Add Gaussian noise of deviation ``0.1 * p``; 0 returns the samples themselves."""
    if p <= 0:
        return samples
    noise = torch.randn(samples.shape, generator=rng, device=samples.device)
    return samples + 0.1 * p * noise


def one(_shape: tuple[int, ...]) -> float:
    """All samples cost the same."""
    return 1.0


def no_statistics(*_args: Any) -> Mapping[str, Tensor]:
    """No statistics of the training data are stored."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Modality:
    """One modality (kind of data).

    Attributes:
        name: Name in plans and cards.
        noun: Singular and plural, for messages: ``("image", "images")``.
        axes: Names of the axes of an encoded sample: ``("channel", "height", "width")``.
        values: Range of encoded numbers: ``signed`` in [-1, 1], ``standardized`` with mean 0 and
            deviation 1, ``tokens`` integers from 0 (and positions in [0, 1]), ``probabilities``.
        codec: Class of its codecs; the JSON in a card rebuilds one.

        readers: File suffix -> function that reads one raw sample.
        default_recipe: Recipe that is trained by default.
        options: Its own flags of ``inspect`` and ``train``.
        claim: Whether a column is of this modality, beyond the suffixes of ``readers``.
        pack: Raw samples as they are stored for training ``(n, ...)``, all of one shape and dtype;
            for no samples, ``(0, ...)`` of that shape and dtype.
        unpack: Packed samples ``(n, ...)`` to tensors ``(n, *shape)``.
        reading: Optional hooks for reading data from disk.
        examples: Some raw samples, from their number and random numbers, by which tests and tools
            try the kind with every recipe that takes it; a kind within gannet must have it.
        examination: Hooks for finding what is wrong with data.
        collection: What a whole data set is called; by default the plural noun.

        thumbnail: Samples ``(n, *shape)`` as few numbers ``(n, F)`` with cheap distances, for
            diversity, memorization and clusters.
        features: From reference samples and a seed to features for scores, without training.
        monitor_features: The same for linear probes during training.
        monitor_distance: The same for distances during training: smooth, so that a sample that
            comes nearer to reals is nearer.
        classifier: From training samples and a number of classes to an untrained classifier.
        augment: Differentiable augmentation; each change with probability ``p``.
        channels_last: Whether networks and batches use the channels-last memory format.
        bfloat16: Whether samples keep enough precision in bfloat16.
        monitor: Defaults for monitoring a training run.
        two_sample: Defaults of the classifier two-sample test (C2ST).
        cost: Training cost of a sample of some shape, relative to an image of 32 x 32.
        statistics: From training rows to tensors that are stored beside the networks.

        writers: Suffix of ``--out`` -> writer of many raw samples into one file; an empty suffix
            for a folder.
        item_suffix: Suffix of the files in a folder of samples; empty if a folder holds one file.
        inference: Hooks for sampling, reading and transforming.
        evaluation: Hooks for evaluation.
        judging: Hooks for the judge of a run.
        presentation: Hooks for showing samples to people.
    """

    name: str
    noun: tuple[str, str]
    axes: tuple[str, ...]
    values: Literal["signed", "standardized", "tokens", "probabilities"]
    codec: type[Any]

    readers: Mapping[str, Reader] = field(default_factory=dict[str, Reader])
    default_recipe: str = DEFAULT_RECIPE
    options: type[BaseModel] = NoOptions
    claim: Callable[[ColumnView], Claim | None] = no_claim
    pack: Callable[[Any, Sequence[Any]], NDArray[Any]] = encoded
    unpack: Callable[[Any, NDArray[Any]], Tensor] = as_tensor
    reading: Reading = ITEM_BY_ITEM
    examples: Callable[[int, np.random.Generator], Sequence[Any]] | None = None
    examination: Examination = DEFAULT_EXAMINATION
    collection: str = ""

    thumbnail: Callable[[Tensor], Tensor] = flattened
    features: Callable[[Tensor, int], Features] = random_features
    monitor_features: Callable[[Tensor, int], Features] = robust_features
    monitor_distance: Callable[[Tensor, int], FeatureMap] = robust_scale
    classifier: BuildClassifier = RowNet
    augment: Callable[[Tensor, float, torch.Generator | None], Tensor] = jittered
    channels_last: bool = False
    bfloat16: bool = True
    monitor: MonitorDefaults = MonitorDefaults()
    two_sample: TwoSampleDefaults = TwoSampleDefaults()
    cost: Callable[[tuple[int, ...]], float] = one
    statistics: Callable[[Iterable[Tensor], Spec], Mapping[str, Tensor]] = no_statistics

    writers: Mapping[str, Writer] = field(default_factory=lambda: {".npz": write_npz})
    item_suffix: str = ""
    inference: InferenceHooks = DEFAULT_INFERENCE
    evaluation: EvaluationHooks = DEFAULT_EVALUATION
    judging: JudgingHooks = DEFAULT_JUDGING
    presentation: Presentation = DEFAULT_PRESENTATION

    @property
    def data(self) -> str:
        """What a whole data set is called."""
        return self.collection or self.noun[1]

    def claims(self, column: ColumnView) -> Claim | None:
        """Whether a column is of this modality, by file suffixes or by ``claim``."""
        claim = self.claim(column)
        readable = sum(count for suffix, count in column.suffixes.items() if suffix in self.readers)
        if readable:
            fraction = readable / sum(column.suffixes.values())
            suffixes = ", ".join(each for each in column.suffixes if each in self.readers)
            by_name = Claim(0.5 + 0.4 * fraction, f"{readable:,} files end in {suffixes}")
            return max((claim or by_name, by_name), key=lambda each: each.confidence)
        return claim

    def load(self, cell: Any, name: str, codec: Codec[Any] | None = None) -> Any:
        """A cell of data as a raw sample.

        Args:
            cell: A path, the content of a file, or an array or value, which is a raw sample.
            name: Name in errors; its suffix selects the reader of a content.
            codec: Target codec, if known; reading may save work with it.

        Raises:
            DataError: if it cannot be read.
        """
        if self.reading.load is not None:
            return self.reading.load(cell, name, codec)
        return read_cell(self, cell, name)

    def raws(self, source: Source, max_count: int = MAX_RAWS) -> Iterator[Any]:
        """Raw samples of a source, evenly chosen if there are many; broken ones are skipped."""
        for index in evenly(source.count, max_count):
            with suppress(DataError):  # decoding reports them
                yield self.load(source.raw(index), source.names[index])

    def codec_for(
        self, source: Source, options: BaseModel, budget: Budget
    ) -> tuple[Codec[Any], str]:
        """The codec for a source, and the reason for its choice.

        Raises:
            DataError: if nothing of it can be read, or it does not suit the budget.
        """
        where = str(source.path)
        if self.reading.codec is not None:
            with codec_errors(f"a codec for {self.data}", "fitted", where):
                return self.reading.codec(source, options, budget)
        raws = list(self.raws(source))
        if not raws:
            raise DataError(
                f"none of its {self.noun[1]} can be read",
                where=str(source.path),
                remedy="Replace them, or give other data.",
            )
        try:
            return self.codec.fit(raws), ""
        except Exception:  # noqa: BLE001  # codecs of other packages may raise anything
            fine = [raw for raw in raws if self._fits(raw)]
        with codec_errors(f"a codec for {self.data}", "fitted", where):
            return self.codec.fit(fine or raws), ""

    def _fits(self, raw: Any) -> bool:
        """Whether a codec can be fitted to one raw sample; decoding reports the others."""
        with suppress(Exception):
            return self.codec.fit([raw]) is not None
        return False

    def packed(self, codec: Codec[Any], raw: Any, name: str) -> NDArray[Any]:
        """One raw sample as it is stored for training ``(1, ...)``.

        Raises:
            DataError: if it cannot be encoded, whatever the codec raises.
        """
        with codec_errors(self.noun[0], "encoded", name):
            return self.pack(codec, [raw])


def modality_of_embedded(modality: Modality, samples: Tensor, embedded: Tensor) -> Modality:
    """The modality of embedded samples: their own, unless embedding changed their shape.

    Defaults of monitoring and of the two-sample test stay.
    """
    if embedded.shape == samples.shape:
        return modality
    return replace(NUMBERS, monitor=modality.monitor, two_sample=modality.two_sample)


NUMBERS = Modality(
    name="",
    noun=("sample", "samples"),
    axes=("number",),
    values="standardized",
    codec=type(None),
)
"""Samples of unknown modality: numbers without further assumptions."""


def read_cell(modality: Modality, cell: Any, name: str) -> Any:
    """Read a raw sample by its suffix; arrays and values are returned as they are.

    Raises:
        DataError: if there is no reader for the suffix, or the file is broken.
    """
    if not isinstance(cell, bytes | Path):
        return cell
    within = cell.name or name if isinstance(cell, FileContent) else name
    suffix = Path(str(cell) if isinstance(cell, Path) else within).suffix.lower()
    if suffix not in modality.readers and len(modality.readers) == 1:
        [suffix] = modality.readers  # content without a name, and only one reader
    if suffix not in modality.readers:
        raise DataError(
            f"no {modality.noun[0]}: nothing reads {suffix or 'a file without suffix'}",
            where=name,
            remedy=f"Use {', '.join(sorted(modality.readers)) or 'another kind of data'}.",
        )

    def broken(error: Exception) -> str:
        return f"broken {modality.noun[0]} ({str(error).strip() or type(error).__name__})"

    with reader_errors(broken, where=name, remedy="Remove it or fetch it again."):
        if isinstance(cell, Path):
            check_regular(cell)
            return modality.readers[suffix](cell)
        with tempfile.TemporaryDirectory(prefix="gannet-") as folder:
            path = Path(folder) / f"content{suffix}"
            path.write_bytes(cell)
            return modality.readers[suffix](path)


def evenly(count: int, max_count: int) -> list[int]:
    """At most ``max_count`` indices out of ``count``, evenly spaced.

    >>> evenly(10, 3)
    [0, 3, 6]
    """
    chosen = min(count, max_count)
    return [index * count // chosen for index in range(chosen)]
