"""A kind of data as one record: all that gannet knows of pictures, of tables, of sounds.

A new kind is one file ``modalities/<kind>.py`` (or a package with a ``modality.py``) that ends in
``modality = Modality(...)``; nothing else changes. A package of its own names it under the entry
point group ``gannet.modalities``. Every field but the first block has a default that works for any
kind of numbers, so that a new kind need define none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.io.writers import write_npz
from gannet.core.sampling import NoOptions, WriteRequest
from gannet.core.types import Spec
from gannet.modalities.hooks import EvaluationHooks, Presentation
from gannet.modalities.inference import InferenceHooks
from gannet.networks.classifier import BuildClassifier, RowNet
from gannet.networks.features import Features, RandomFeatures

Reader = Callable[[Path], Any]
"""A file to one raw sample."""


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column as a container shows it to the kinds of data, before anything is decoded.

    Attributes:
        name: Of the column; empty where there is only one.
        form: ``files`` (paths, or contents with names), ``arrays`` (one array, a sample per row),
            or ``values`` (what a table holds: numbers, words, dates).
        suffixes: Of files: how many end in what, the most frequent first.
        shape: Of arrays: of one sample.
        dtype: Of arrays.
        first: Of files, the first bytes of some, where a suffix says nothing.
    """

    name: str
    form: Literal["files", "arrays", "values"]
    suffixes: Mapping[str, int] = field(default_factory=dict[str, int])
    shape: tuple[int, ...] = ()
    dtype: str = ""
    first: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """That a column is of this kind.

    Attributes:
        confidence: In 0..1; the highest takes the column.
        reason: In words, for ``gannet inspect``.
    """

    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What limits the size of samples: the machine, the time, the recipe.

    Attributes:
        largest: Largest side, length or number of points that this machine trains on.
        crop: Side of the crops that the recipe trains on, at the size that they have; 0 for none.
        smallest: Least side, length or number that the recipe's networks can see.
        steps: Shape of an encoded sample to the steps there is time for; infinite if nobody asked.
    """

    largest: int = 1 << 30
    crop: int = 0
    smallest: int = 1
    steps: Callable[[tuple[int, ...]], float] = lambda _: float("inf")


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


def encoded(codec: Codec[Any], raw: Any) -> NDArray[Any]:
    """A raw sample as it waits for training: encoded, in 32 bit."""
    return codec.encode([raw])[0].numpy()


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
        pack: A raw sample as it waits for training, always of one shape and type of number.
        unpack: Packed samples ``(n, ...)`` to tensors ``(n, *shape)``.

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
    pack: Callable[[Codec[Any], Any], NDArray[Any]] = encoded
    unpack: Callable[[Codec[Any], NDArray[Any]], Tensor] = as_tensor

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
