"""A kind of data as one record: all that gannet knows of pictures, of tables, of sounds.

A new kind is one file ``modalities/<kind>.py`` (or a package with a ``modality.py``) that ends in
``modality = Modality(...)``; nothing else changes. A package of its own names it under the entry
point group ``gannet.modalities``. Every field but the first block has a default that works for any
kind of numbers, so that a new kind need define none of them.
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
from gannet.core.io.writers import write_npz
from gannet.core.sampling import NoOptions, WriteRequest
from gannet.core.source import FileContent, Source
from gannet.core.types import Spec
from gannet.modalities.hooks import EvaluationHooks, Presentation
from gannet.modalities.inference import InferenceHooks
from gannet.modalities.reading import ITEM_BY_ITEM, Budget, Claim, ColumnView, Reading
from gannet.networks.classifier import BuildClassifier, RowNet
from gannet.networks.features import Features, RandomFeatures

__all__ = ["Budget", "Claim", "ColumnView", "Modality", "Reading", "Writer"]

Reader = Callable[[Path], Any]
"""A file to one raw sample."""


@dataclass(frozen=True, slots=True)
class MonitorDefaults:
    """How a run of this kind is watched.

    Attributes:
        samples: On each side of an evaluation during training.
        evaluations: About how many in a run.
        validation_samples: Problems that the validation loss is the mean of.
        near_copies: Whether a near copy of a training sample means memorization; of rows of few
            numbers it does not.
        rounds: Times that all training samples are seen between two evaluations at most; infinite
            where very small data sets are not the rule.
        rough_below: Samples shown in training below which nothing but rough results are to be
            expected; 0 where nobody measured.
    """

    samples: int = 1_000
    evaluations: int = 32
    validation_samples: int = 2_000
    near_copies: bool = False
    rounds: float = float("inf")
    rough_below: int = 0


@dataclass(frozen=True, slots=True)
class TwoSampleDefaults:
    """How the classifier two-sample test at the end of training looks at this kind.

    Attributes:
        samples: Most on each side.
        steps: Batches that the classifier learns from.
        raw: Whether it sees the embedded samples as they are, without features: pictures, through
            convolutions of its own, or rows of zeros and ones.
    """

    samples: int = 1_000
    steps: int = 120
    raw: bool = False


Writer = Callable[[Iterable[Any], WriteRequest], Sequence[str] | None]
"""Writes raw samples, whole or not at all, and says what a user should know.

What it is given is what the kind's ``sample`` draws: one raw sample after the other, of tables one
frame of many rows after the other.
"""

MOST_RAWS = 2_000
"""Most raw samples that a codec is fitted to."""


# -- defaults -----------------------------------------------------------------------------------


PLAIN_INFERENCE, PLAIN_EVALUATION, PLAIN_PRESENTATION = (
    InferenceHooks(),
    EvaluationHooks(),
    Presentation(),
)
"""What suits any kind of data."""


def no_claim(_cells: ColumnView) -> Claim | None:
    """Nothing but the suffixes of its readers says that a column is of this kind."""
    return None


def encoded(codec: Codec[Any], raws: Sequence[Any]) -> NDArray[Any]:
    """Raw samples as they wait for training: encoded ``(n, *shape)``, in 32 bit."""
    if not len(raws):
        return np.zeros((0, *codec.shape), np.float32)
    return codec.encode(raws).numpy()


def as_tensor(_codec: Codec[Any], packed: NDArray[Any]) -> Tensor:
    """What ``encoded`` packed, ``(n, *shape)``."""
    return torch.from_numpy(np.ascontiguousarray(packed))


def flattened(samples: Tensor) -> Tensor:
    """Samples ``(n, *shape)`` as rows of numbers ``(n, F)``."""
    return samples.flatten(1).float()


def random_features(reference: Tensor, seed: int) -> Features:
    """Seeded features that need no training."""
    return RandomFeatures(reference, seed=seed)


def jittered(samples: Tensor, p: float, rng: torch.Generator | None = None) -> Tensor:
    """A little noise, more with a higher ``p``; 0 returns the samples themselves."""
    if p <= 0:
        return samples
    noise = torch.randn(samples.shape, generator=rng, device=samples.device)
    return samples + 0.1 * p * noise


def one(_shape: tuple[int, ...]) -> float:
    """A sample costs as much as any other."""
    return 1.0


def nothing_known(*_args: Any) -> Mapping[str, Tensor]:
    """Nothing of the training data is kept beside the networks."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Modality:
    """All that gannet knows of one kind of data.

    Attributes:
        name: Stands in plans and cards.
        noun: One and many, for every sentence to people: ``("image", "images")``.
        axes: Names of the axes of an encoded sample: ``("channel", "height", "width")``.
        values: What encoded numbers are: ``signed`` in [-1, 1], ``standardized`` with mean 0 and
            deviation 1,
            ``tokens`` whole numbers from 0 (and positions in [0, 1]), ``probabilities``.
        codec: Class of its codecs; its JSON in a card rebuilds one.

        readers: Suffix of a file to what reads one raw sample from it.
        default_recipe: What is trained if nobody says.
        options: Its own flags of ``inspect`` and ``train``.
        claim: Whether a column is of this kind, beyond the suffixes of ``readers``.
        pack: Raw samples as they wait for training ``(n, ...)``, each of one shape and type of
            number; of none, ``(0, ...)`` says which.
        unpack: Packed samples ``(n, ...)`` to tensors ``(n, *shape)``.
        reading: What few kinds need to say about the way from the disk to tensors.
        collection: What data of this kind are called as a whole; by default by its noun.

        thumbnail: Samples ``(n, *shape)`` as few numbers ``(n, F)`` in which likeness is cheap to
            measure: diversity, copies and clusters are looked for there.
        features: From reference samples and a seed to features for scores, without training.
        classifier: From samples that it will learn from and a number of classes to a classifier.
        augment: Differentiable random changes of samples; each with probability ``p``.
        channels_last: Whether networks and batches are laid out with channels last.
        bfloat16: Whether 16 bit keep what counts in samples.
        monitor: How a run is watched.
        two_sample: How the two-sample test at the end looks at samples.
        cost: Of a sample of some shape in training, relative to an image of 32 x 32.
        statistics: From training rows to tensors that are kept beside the networks.

        writers: Suffix of ``--out`` to what writes many raw samples into one file; an empty suffix
            to what writes them into a folder.
        item_suffix: Of single files in a folder of samples; empty if a folder holds one file.
        inference: How samples are drawn, read and transformed.
        evaluation: What it adds to an evaluation.
        presentation: How samples are shown to people.
    """

    name: str
    noun: tuple[str, str]
    axes: tuple[str, ...]
    values: Literal["signed", "standardized", "tokens", "probabilities"]
    codec: type[Any]

    readers: Mapping[str, Reader] = field(default_factory=dict[str, Reader])
    default_recipe: str = "generate"
    options: type[BaseModel] = NoOptions
    claim: Callable[[ColumnView], Claim | None] = no_claim
    pack: Callable[[Any, Sequence[Any]], NDArray[Any]] = encoded
    unpack: Callable[[Any, NDArray[Any]], Tensor] = as_tensor
    reading: Reading = ITEM_BY_ITEM
    collection: str = ""

    thumbnail: Callable[[Tensor], Tensor] = flattened
    features: Callable[[Tensor, int], Features] = random_features
    classifier: BuildClassifier = RowNet
    augment: Callable[[Tensor, float, torch.Generator | None], Tensor] = jittered
    channels_last: bool = False
    bfloat16: bool = True
    monitor: MonitorDefaults = MonitorDefaults()
    two_sample: TwoSampleDefaults = TwoSampleDefaults()
    cost: Callable[[tuple[int, ...]], float] = one
    statistics: Callable[[Iterable[Tensor], Spec], Mapping[str, Tensor]] = nothing_known

    writers: Mapping[str, Writer] = field(default_factory=lambda: {".npz": write_npz})
    item_suffix: str = ""
    inference: InferenceHooks = PLAIN_INFERENCE
    evaluation: EvaluationHooks = PLAIN_EVALUATION
    presentation: Presentation = PLAIN_PRESENTATION

    @property
    def data(self) -> str:
        """What data of this kind are called as a whole."""
        return self.collection or self.noun[1]

    def claims(self, column: ColumnView) -> Claim | None:
        """Whether a column is of this kind, by suffixes of files or by its own judgement."""
        claim = self.claim(column)
        known = sum(count for suffix, count in column.suffixes.items() if suffix in self.readers)
        if known:
            share = known / sum(column.suffixes.values())
            suffixes = ", ".join(each for each in column.suffixes if each in self.readers)
            by_name = Claim(0.5 + 0.4 * share, f"{known:,} files end in {suffixes}")
            return max((claim or by_name, by_name), key=lambda each: each.confidence)
        return claim

    def load(self, cell: Any, name: str, codec: Codec[Any] | None = None) -> Any:
        """A cell of data as a raw sample.

        Args:
            cell: A path, the content of a file, or an array or value, which is a sample already.
            name: What errors call it; its suffix tells how a content is read.
            codec: That it is read for, where reading can save work by knowing.

        Raises:
            DataError: if it cannot be read.
        """
        if self.reading.load is not None:
            return self.reading.load(cell, name, codec)
        return read_cell(self, cell, name)

    def raws(self, source: Source, most: int = MOST_RAWS) -> Iterator[Any]:
        """Raw samples of a source, evenly chosen if there are many; broken ones are left out."""
        for index in evenly(source.count, most):
            with suppress(DataError):  # decoding counts them
                yield self.load(source.raw(index), source.names[index])

    def codec_for(
        self, source: Source, options: BaseModel, budget: Budget
    ) -> tuple[Codec[Any], str]:
        """The codec that suits a source, and why.

        Raises:
            DataError: if nothing of it can be read, or it does not suit the budget.
        """
        if self.reading.codec is not None:
            return self.reading.codec(source, options, budget)
        raws = list(self.raws(source))
        if not raws:
            raise DataError(
                f"none of its {self.noun[1]} can be read",
                where=str(source.path),
                remedy="Replace them, or give other data.",
            )
        fitted: Codec[Any] = self.codec.fit(raws)
        return fitted, ""


def as_seen(modality: Modality, samples: Tensor, seen: Tensor) -> Modality:
    """The kind that embedded samples are of: their own, unless embedding changed their shape.

    What is said of the kind as a whole stays: how it is watched and tested.
    """
    if seen.shape == samples.shape:
        return modality
    return replace(NUMBERS, monitor=modality.monitor, two_sample=modality.two_sample)


NUMBERS = Modality(
    name="",
    noun=("sample", "samples"),
    axes=("number",),
    values="standardized",
    codec=type(None),
)
"""Samples of which nobody said what they are: numbers, of which nothing is taken for granted."""


def read_cell(modality: Modality, cell: Any, name: str) -> Any:
    """A raw sample through the reader of its suffix; arrays and values are samples already.

    Raises:
        DataError: if no reader knows the suffix, or the file is broken.
    """
    if not isinstance(cell, bytes | Path):
        return cell
    within = cell.name or name if isinstance(cell, FileContent) else name
    suffix = Path(str(cell) if isinstance(cell, Path) else within).suffix.lower()
    if suffix not in modality.readers and len(modality.readers) == 1:
        [suffix] = modality.readers  # contents without a name, of which one reader knows
    if suffix not in modality.readers:
        raise DataError(
            f"no {modality.noun[0]}: nothing reads {suffix or 'a file without suffix'}",
            where=name,
            remedy=f"Use {', '.join(sorted(modality.readers)) or 'another kind of data'}.",
        )
    try:
        if isinstance(cell, Path):
            return modality.readers[suffix](cell)
        with tempfile.TemporaryDirectory(prefix="gannet-") as folder:
            path = Path(folder) / f"content{suffix}"
            path.write_bytes(cell)
            return modality.readers[suffix](path)
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001  # a reader may come from any package
        raise DataError(
            f"broken {modality.noun[0]} ({str(error).strip() or type(error).__name__})",
            where=name,
            remedy="Remove it or fetch it again.",
        ) from None


def evenly(count: int, most: int) -> list[int]:
    """At most ``most`` places out of ``count``, evenly spread.

    >>> evenly(10, 3)
    [0, 3, 6]
    """
    return [index * count // most for index in range(most)] if count > most else list(range(count))
